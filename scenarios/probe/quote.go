package probe

import (
	"html"
	"regexp"
	"strings"
	"unicode"

	"github.com/httpdest/httpdest/engine/retry"
)

// longestQuote is how much of a receiver's words is quoted, in characters.
const longestQuote = 300

// quote is what the receiver says about a refusal: the text of its answer in one
// line, without markup and without secrets; "" when it says nothing.
func (a answer) quote() string {
	if a.Outcome.Kind != retry.Answered || a.ok() || a.Issued != nil {
		return ""
	}
	text := a.sender.redact.responseBody(a)
	if markup(text) {
		text = withoutMarkup(text)
	}
	// Redacted again: what was apart in the markup may now stand together.
	text = a.sender.redact.text(inOneLine(text))
	return cut(text, longestQuote)
}

// markup reports whether a text is HTML or XML.
func markup(text string) bool {
	start := strings.TrimSpace(text)
	return strings.HasPrefix(start, "<") && strings.Contains(start, ">")
}

var (
	silent = regexp.MustCompile(`(?is)<(script|style|svg|head)\b.*?(</(script|style|svg|head)\s*>|$)|<!--.*?(-->|$)`)
	title  = regexp.MustCompile(`(?is)<title[^>]*>(.*?)</title\s*>`)
	tags   = regexp.MustCompile(`(?s)<[^<>]*>?`)
)

// withoutMarkup is the text that a reader of a page would see, its title first.
// Nothing is parsed: a page that is malformed gives some text as well.
func withoutMarkup(page string) string {
	heading := ""
	if m := title.FindStringSubmatch(page); m != nil {
		heading = html.UnescapeString(tags.ReplaceAllString(m[1], " "))
	}
	text := html.UnescapeString(tags.ReplaceAllString(silent.ReplaceAllString(page, " "), " "))
	heading, text = inOneLine(heading), inOneLine(text)
	if strings.HasPrefix(text, heading) || heading == "" {
		return text
	}
	return strings.TrimSpace(heading + ": " + text)
}

// inOneLine is a text of printable characters with single spaces.
func inOneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r):
			return ' '
		case unicode.Is(unicode.Cf, r):
			return -1 // marks that turn a text around, or are not seen
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
	return strings.Join(strings.Fields(s), " ")
}
