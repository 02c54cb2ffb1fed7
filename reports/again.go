package reports

import (
	"regexp"
	"strings"
)

// Again is the command that makes a report of this kind again, or plays one
// case of it; "" where the report does not have the arguments.
func Again(r *Report, c *Case) string {
	if r.Kind != "run" {
		return ""
	}
	words := []string{"httpdest", "run"}
	for _, a := range r.Environment.Arguments {
		words = append(words, shell(a))
	}
	if c != nil {
		words = append(words, "--run", shell("^"+regexp.QuoteMeta(c.ID)+"$"), "-v")
	}
	return strings.Join(words, " ")
}

// plain are the words that a shell takes as they are.
var plain = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-]+$`)

// shell quotes a word.
func shell(s string) string {
	if plain.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
