package reports

import (
	"fmt"
	"html"
	"io"
	"slices"
	"strings"
)

// WriteMarkdown writes summary.md: the verdict and the counts, what failed, and
// below, collapsed, all rules and all cases.
func WriteMarkdown(w io.Writer, r *Report) error {
	m := &markdown{}
	m.head(r)
	m.failures(r)
	m.untested(r)
	m.rules(r)
	m.cases(r)
	e := r.Environment
	if e.CPUs > 0 {
		m.line("httpdest %s, %s, %s, %d CPUs, seed %d", inline(e.Version), inline(e.Go), inline(e.OS), e.CPUs, e.Seed)
	}
	_, err := io.WriteString(w, strings.TrimRight(m.b.String(), "\n")+"\n")
	return err
}

// markdown collects the text; only the last write can fail.
type markdown struct{ b strings.Builder }

func (m *markdown) line(format string, args ...any) { fmt.Fprintf(&m.b, format+"\n", args...) }

// row writes cells of a table; they are escaped.
func (m *markdown) row(cells ...string) {
	for _, cell := range cells {
		m.b.WriteString("| " + inline(cell) + " ")
	}
	m.b.WriteString("|\n")
}

func (m *markdown) head(r *Report) {
	s := r.Summary
	m.line("# httpdest %s: %s\n", inline(r.Kind), inline(string(r.Verdict)))
	m.row("cases", "pass", "fail", "inconclusive", "skip", "unspecified")
	m.line("| ---: | ---: | ---: | ---: | ---: | ---: |")
	m.line("| %d | %d | %d | %d | %d | %d |\n", s.Cases, s.Pass, s.Fail, s.Inconclusive, s.Skip, s.Unspecified)
	if seconds, ok := r.Metrics["wallSeconds"]; ok {
		m.line("Took %.2f s.\n", seconds)
	}
}

// detailed bounds the cases that are shown in full: a summary of a job may have
// a mebibyte, and a reader has half a minute.
const detailed = 50

func (m *markdown) failures(r *Report) {
	heading, n := "## Failures\n", 0
	for _, c := range r.Cases {
		if !troubled(c.Verdict) {
			continue
		}
		if n++; n > detailed {
			continue
		}
		if heading != "" {
			m.line("%s", heading)
			heading = ""
		}
		m.line("### %s: %s\n", inline(string(c.Verdict)), inline(c.ID))
		if c.Title != "" {
			m.line("Case: %s\n", inline(c.Title))
		}
		if c.Reason != "" {
			m.line("Reason: %s\n", inline(c.Reason))
		}
		found := false
		for _, k := range c.Checks {
			if troubled(k.Verdict) {
				m.check(r, c, k)
				found = true
			}
		}
		if place := placeOf(c, Check{}); !found && place != "" {
			m.line("At %s\n", inline(place))
		}
		m.block("Play it again:", Again(r, &c))
	}
	if n > detailed {
		m.line("And %s that failed or could not be judged; all are in the table of cases.\n", count(n-detailed, "more case"))
	}
}

func (m *markdown) check(r *Report, c Case, k Check) {
	m.line("#### %s: %s\n", inline(string(k.Verdict)), inline(k.Title))
	if place := placeOf(c, k); place != "" {
		m.line("At %s\n", inline(place))
	}
	if rule := ruleOf(r, k); rule != nil {
		m.line("Rule %s %s (%s): %s\n", inline(rule.Ref), inline(rule.ID), inline(rule.Level), inline(rule.Title))
	}
	m.block("Expected:", k.Expected)
	m.block("Actual:", k.Actual)
	m.block("Response text:", k.Said)
	if k.Class != "" {
		m.line("Class: %s\n", inline(k.class()))
	}
	if k.Fix != "" {
		m.line("Fix: %s\n", inline(k.Fix))
	}
	if len(k.Causes) > 0 {
		m.row("likely on", "cause", "fix")
		m.line("| --- | --- | --- |")
		for _, cause := range k.Causes {
			m.row(cause.Server, cause.Cause, cause.Fix)
		}
		m.line("")
	}
	m.block("Send it again:", k.Reproduce)
	if x := k.Exchange; x != nil {
		m.line("<details>\n<summary>%s</summary>\n", summary(x.gist()))
		m.block("Request:", x.request())
		m.block("Answer:", x.answer())
		m.line("</details>\n")
	}
}

// summary is a text within HTML, in which Markdown means nothing.
func summary(s string) string {
	return html.EscapeString(strings.Join(strings.Fields(xmlText(s)), " "))
}

// longestBlock is how much of a value is shown, in bytes.
const longestBlock = 8 << 10

// block writes a value as it is, in a fence that nothing in it can close.
func (m *markdown) block(label, value string) {
	if value == "" {
		return
	}
	if len(value) > longestBlock {
		value = fmt.Sprintf("%s\n… and %d more bytes", value[:longestBlock], len(value)-longestBlock)
	}
	value = visible(value)
	fence := fenceFor(value)
	m.line("%s\n\n%stext\n%s\n%s\n", label, fence, strings.TrimSuffix(value, "\n"), fence)
}

// fenceFor is a fence longer than any run of backticks in the text.
func fenceFor(s string) string {
	longest, n := 2, 0
	for i := range len(s) {
		if s[i] != '`' {
			n = 0
			continue
		}
		n++
		longest = max(longest, n)
	}
	return strings.Repeat("`", longest+1)
}

func (m *markdown) rules(r *Report) {
	if len(r.Rules) == 0 {
		return
	}
	rules := slices.DeleteFunc(slices.Clone(r.Rules), func(rule Rule) bool { return r.Kind == probeKind && rule.Reason == NotAboutReceivers })
	m.line("<details>\n<summary>%s</summary>\n", count(len(rules), "rule"))
	m.row("verdict", "ref", "rule", "level", "cases", "title", "reason")
	m.line("| --- | --- | --- | --- | ---: | --- | --- |")
	for _, rule := range rules {
		m.row(string(rule.Verdict), rule.Ref, rule.ID, rule.Level, fmt.Sprint(len(rule.Cases)), rule.Title, rule.Reason)
	}
	m.line("\n</details>\n")
}

func (m *markdown) cases(r *Report) {
	if len(r.Cases) == 0 {
		return
	}
	m.line("<details>\n<summary>%s</summary>\n", count(len(r.Cases), "case"))
	m.row("verdict", "case", "title", "rules", "checks", "ms", "place", "reason")
	m.line("| --- | --- | --- | --- | ---: | ---: | --- | --- |")
	for _, c := range r.Cases {
		place := c.File
		if place != "" && c.Line > 0 {
			place = fmt.Sprintf("%s:%d", c.File, c.Line)
		}
		m.row(string(c.Verdict), c.ID, c.Title, strings.Join(c.Rules, ", "), fmt.Sprint(len(c.Checks)),
			fmt.Sprintf("%.1f", c.DurationMs), place,
			strings.Join(slices.DeleteFunc(append([]string{c.Reason}, c.Evidence...), func(s string) bool { return s == "" }), "; "))
	}
	m.line("\n</details>\n")
}

// inline is a text in one line in which nothing is markup.
func inline(s string) string {
	return markup.Replace(strings.Join(strings.Fields(xmlText(s)), " "))
}

// markup are the characters that mean something within a line, in GitHub's
// Markdown and in the HTML that it lets through.
var markup = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", `|`, `\|`, `*`, `\*`, `_`, `\_`, `[`, `\[`, `]`, `\]`, `#`, `\#`, `~`, `\~`,
	`<`, `&lt;`, `>`, `&gt;`, `&`, `&amp;`,
)
