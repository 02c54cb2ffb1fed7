package reports

import "strings"

// Printable is a text that may leave for a terminal, a log or a file, whoever
// wrote it: a receiver, a sender, or the names of files. Control characters are
// shown by their pictures. Characters that reverse text or end a line unseen
// are replaced, and so are bytes that are not UTF-8. Tabs and line breaks stay,
// but a line that a CI runner would take for a command begins with a backslash.
func Printable(s string) string {
	s = strings.ReplaceAll(xmlText(s), "\r", "␍")
	if !strings.Contains(s, "::") && !strings.Contains(s, "##") {
		return s
	}
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = Harmless(line)
	}
	return strings.Join(lines, "\n")
}

// OneLine is Printable for a text that must stay in its line, such as the name of
// a file.
func OneLine(s string) string { return strings.ReplaceAll(Printable(s), "\n", "␊") }

// commands begin a line that a runner of GitHub, Azure or TeamCity executes.
var commands = []string{"::", "##[", "##vso[", "##teamcity["}

// Harmless is a line that no CI runner takes for a command. Runners pass over white
// space before one.
func Harmless(line string) string {
	text := strings.TrimLeft(line, " \t\u00a0\u3000")
	for _, c := range commands {
		if strings.HasPrefix(text, c) {
			return line[:len(line)-len(text)] + `\` + text
		}
	}
	return line
}

// xmlText replaces what no XML 1.0 document may contain, and what would steer a
// terminal or mislead a reader: control characters by their pictures, everything
// else by the replacement character.
func xmlText(s string) string {
	return strings.Map(func(c rune) rune {
		switch {
		case c == '\t' || c == '\n' || c == '\r':
			return c
		case c < 0x20:
			return 0x2400 + c
		case c == 0x7F:
			return '␡'
		case c > 0x7F && c < 0xA0: // a terminal takes U+009B for the start of an escape
			return '\uFFFD'
		case turns(c), c == 0x2028, c == 0x2029, c == 0xFFFE, c == 0xFFFF:
			return '\uFFFD'
		}
		return c // strings.Map itself replaces invalid UTF-8
	}, s)
}

// turns reports whether a character changes the direction of the text around
// it.
func turns(c rune) bool {
	return c >= 0x202A && c <= 0x202E || c >= 0x2066 && c <= 0x2069 || c == 0x200E || c == 0x200F || c == 0x061C
}

// visible is Printable, by the name of this package's own use.
func visible(s string) string { return Printable(s) }
