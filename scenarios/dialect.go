package scenarios

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"unicode/utf16"
)

// version is the directive that names the version of YAML. It stands before the
// first "---", with other directives, comments and empty lines at most.
var version = regexp.MustCompile(`\A(?:\x{FEFF}?(?:[ \t]*(?:#[^\n]*)?|%[^\n]*)\n)*?\x{FEFF}?%YAML[ \t]+([0-9]+\.[0-9]+)[ \t]*(?:#[^\n]*)?\r?\n`)

// dialect makes a file with the directive of YAML 1.2 acceptable to the parser,
// which knows the directive of 1.1 alone and reads both alike. No byte moves,
// so that places stay those of the file.
func dialect(content []byte) []byte {
	at := version.FindSubmatchIndex(content)
	if at == nil || string(content[at[2]:at[3]]) != "1.2" {
		return content
	}
	out := bytes.Clone(content)
	copy(out[at[2]:], "1.1")
	return out
}

// foreignVersion is the version of YAML that a file names and nobody reads here;
// "" if it names none, 1.1 or 1.2.
func foreignVersion(content []byte) (number string, line int) {
	at := version.FindSubmatchIndex(content)
	if at == nil {
		return "", 0
	}
	number = string(content[at[2]:at[3]])
	if number == "1.1" || number == "1.2" {
		return "", 0
	}
	return number, 1 + bytes.Count(content[:at[2]], []byte("\n"))
}

var (
	escapedPair = regexp.MustCompile(`\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})`)
	escapedHalf = regexp.MustCompile(`\\u([dD][89a-fA-F][0-9a-fA-F]{2})`)
)

// surrogates returns what is wrong with the escapes of a quoted text in a line:
// in JSON two of them may be one character, in YAML never. column is where the
// first stands; "" if none follows in the line.
func surrogates(line string, from int) (message, hint string, column int) {
	runes := []rune(line)
	if from < 1 || from > len(runes) {
		return "", "", 0
	}
	// The parser points behind the backslash, or at a digit of the escape.
	start := max(0, from-1-len(`\u`))
	rest := string(runes[start:])
	if m := escapedPair.FindStringSubmatchIndex(rest); m != nil && escapedHalf.FindStringIndex(rest)[0] == m[0] {
		high, _ := strconv.ParseUint(rest[m[2]:m[3]], 16, 16)
		low, _ := strconv.ParseUint(rest[m[4]:m[5]], 16, 16)
		character := utf16.DecodeRune(rune(high), rune(low))
		return fmt.Sprintf("%s is a surrogate pair, and YAML has no surrogate pairs", rest[m[0]:m[1]]),
			fmt.Sprintf(`write %c or \U%08X`, character, character), start + 1 + len([]rune(rest[:m[0]]))
	}
	if m := escapedHalf.FindStringIndex(rest); m != nil {
		return fmt.Sprintf("%s is half of a surrogate pair, not a character", rest[m[0]:m[1]]),
			`write the character itself, or \U and its eight digits`, start + 1 + len([]rune(rest[:m[0]]))
	}
	return "", "", 0
}
