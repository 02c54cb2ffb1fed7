package secret

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// mostJoins is how often a text is joined between two rounds of decoding.
const mostJoins = 2

// longestTag is how long a tag of HTML may be, in bytes, to be taken for one.
const longestTag = 512

// wrapping is what else than white space, control characters and invisible
// characters is taken out of a text to join what was wrapped.
type wrapping int

const (
	spaced wrapping = iota // nothing else
	marked                 // tags of HTML, and the marks of quoted-printable and of a shell at the end of a line
	formed                 // the signs that stand for spaces in a form
)

// wrappings are all of them.
var wrappings = []wrapping{spaced, marked, formed}

// signs are what a text has that is wrapped so, one of them; none: any text may be.
var signs = [][]string{marked: {"<", "=\n", "=\r\n", "= ", "\\\n", "\\\r\n", "\\ "}, formed: {"+"}}

// shown reports whether a text may be wrapped so.
func (how wrapping) shown(s string) bool {
	return len(signs[how]) == 0 || slices.ContainsFunc(signs[how], func(sign string) bool { return strings.Contains(s, sign) })
}

// joined is the view without what wraps a text, as a terminal, a page or a mail
// does; false when there is nothing of the kind.
func (v view) joined(how wrapping) (view, bool) {
	if v.joins == mostJoins || !how.shown(v.text) {
		return v, false
	}
	at := firstGap(v.text, how)
	if at < 0 {
		return v, false
	}
	out := v
	out.joins, out.origin = v.joins+1, nil
	var b strings.Builder
	b.Grow(len(v.text))
	for from := 0; from < len(v.text); {
		b.WriteString(v.text[from:at])
		if !v.blind {
			for i := from; i < at; i++ {
				out.origin = append(out.origin, v.place(i, i+1))
			}
		}
		for from = at; from < len(v.text); {
			n := gap(v.text[from:], how)
			if n == 0 {
				break
			}
			from += n
		}
		if at = firstGap(v.text[from:], how); at < 0 {
			at = len(v.text)
		} else {
			at += from
		}
	}
	out.text = b.String()
	return out, true
}

// firstGap is where the first gap of a text is; -1 without one.
func firstGap(s string, how wrapping) int {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c > ' ' && c < 0x7f && c != '<' && c != '=' && c != '\\' && c != '+' {
			continue
		}
		if utf8.RuneStart(s[i]) && gap(s[i:], how) > 0 {
			return i
		}
	}
	return -1
}

// gap is the length of what wraps at the beginning of a text; 0: nothing does.
func gap(s string, how wrapping) int {
	switch c := s[0]; {
	case c == 0x1b && len(s) > 1 && s[1] == '[': // a colour of a terminal
		if end := strings.IndexFunc(s[2:], func(r rune) bool { return r >= '@' && r <= '~' }); end >= 0 {
			return end + 3
		}
		return 1
	case c <= ' ', c == 0x7f:
		return 1
	case c >= utf8.RuneSelf:
		if r, n := utf8.DecodeRuneInString(s); unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) {
			return n
		}
	case how == formed && c == '+':
		return 1
	case how != marked:
	case c == '<':
		return tag(s)
	case c == '=' || c == '\\':
		return continuation(s[1:])
	}
	return 0
}

// tag is the length of a tag or a comment of HTML at the beginning of a text. A
// quoted value may hold any character.
func tag(s string) int {
	if len(s) < 3 || s[1] != '/' && s[1] != '!' && s[1] != '?' && !letter(s[1]) {
		return 0
	}
	quote := byte(0)
	for i := 2; i < min(len(s), longestTag); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case (c == '"' || c == '\'') && s[i-1] == '=':
			quote = c
		case c == '<':
			return 0
		case c == '>':
			return i + 1
		}
	}
	return 0
}

func letter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// continuation is the length of a mark at the end of a line and of the line
// break, which follows it in s. In a header a space stands for the line break.
func continuation(s string) int {
	switch {
	case strings.HasPrefix(s, "\n"), strings.HasPrefix(s, " "):
		return 2
	case strings.HasPrefix(s, "\r\n"):
		return 3
	}
	return 0
}

// bare is a secret as it stands in a view that was joined.
func bare(s string, how wrapping) string {
	v, _ := view{text: s, blind: true}.joined(how)
	return v.text
}

// apart reports whether white space of one line alone, as it stands between any two
// words, separates parts of a stretch of the view.
func (v view) apart(from, to int) bool {
	for i := from; i+1 < to; i++ {
		if between := v.between(i); between != "" && strings.Trim(between, " \t") == "" {
			return true
		}
	}
	return false
}

// together reports whether a byte of the view and the next one are neighbours in the
// original too.
func (v view) together(at int) bool { return v.origin == nil || v.between(at) == "" }

// between is what stands in the original between a byte of the view and the next.
func (v view) between(at int) string {
	end := v.origin[at].to
	return v.whole[end:max(end, v.origin[at+1].from)]
}
