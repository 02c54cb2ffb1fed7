package reports

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// columns is how wide a text is on a terminal: ideographs and most emoji take
// two columns, marks that are put onto others none.
func columns(s string) int {
	n := 0
	for _, c := range s {
		n += columnsOf(c)
	}
	return n
}

func columnsOf(c rune) int {
	if unicode.In(c, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(c).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// split cuts a text after at most n columns, and never within a character and
// its marks.
func split(s string, n int) (head, rest string) {
	at := 0
	for i, c := range s {
		if at += columnsOf(c); at > n {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// broken is a line in lines of at most n columns: between words, or within one
// that is longer than a line.
func broken(s string, n int) []string {
	if n <= 0 || columns(s) <= n {
		return []string{s}
	}
	var out []string
	line := ""
	for _, word := range strings.Split(s, " ") {
		switch {
		case line == "" && len(out) == 0 && columns(word) <= n:
			line = word
		case columns(line)+1+columns(word) <= n:
			line += " " + word
		default:
			if line != "" {
				out = append(out, line)
			}
			for columns(word) > n {
				var head string
				head, word = split(word, max(2, n)) // a wide character fits at least
				out = append(out, head)
			}
			line = word
		}
	}
	return append(out, line)
}
