package reports

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strings"
)

// WriteComparisonJSON writes a comparison for tools.
func WriteComparisonJSON(w io.Writer, c *Comparison) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(c)
}

// section is a list of changed cases with its heading.
type section struct {
	title string
	cases []CaseChange
}

// sections are those to look at, the worst last, so that they are on the screen.
func (c *Comparison) sections() []section {
	var out []section
	for _, s := range []section{{"removed", c.Removed}, {"added", c.Added}, {"failing as before", c.Failing}, {"changed otherwise", c.Changed}, {"fixed", c.Fixed},
		{"passed before, and not judged now", c.Unjudged}, {"new failures", c.NewFailures}} {
		if len(s.cases) > 0 {
			out = append(out, s)
		}
	}
	return out
}

// gist is the comparison in a line.
func (c *Comparison) gist() string {
	said := []string{count(len(c.NewFailures), "new failure"), fmt.Sprintf("%d fixed", len(c.Fixed))}
	for _, p := range []struct {
		n    int
		word string
	}{{len(c.Unjudged), "no longer judged"}, {len(c.Changed), "changed otherwise"}, {len(c.Added), "added"}, {len(c.Removed), "removed"}, {len(c.Failing), "failing as before"},
		{c.Count(Slower), "slower"}, {c.Count(Faster), "faster"}} {
		if p.n > 0 {
			said = append(said, fmt.Sprintf("%d %s", p.n, p.word))
		}
	}
	return fmt.Sprintf("%d and %s: %s", c.Before.Summary.Cases, count(c.After.Summary.Cases, "case"), strings.Join(said, ", "))
}

// WriteComparisonText writes a comparison for people, the new failures last.
func WriteComparisonText(w io.Writer, c *Comparison, o TextOptions) error {
	t := &printer{TextOptions: o}
	for _, n := range c.Notes {
		t.hang("", "note: ", 6, visible(n))
	}
	t.metrics(c)
	for _, r := range c.Rules {
		if r.After == Fail || o.Verbose {
			t.line("%s  rule %s %s, was %s", t.mark(r.After), r.Ref, visible(r.ID), was(r.Before))
		}
	}
	const few = 20
	for _, s := range c.sections() {
		brief := s.title != "new failures" && !o.Verbose
		if o.Quiet && brief {
			continue
		}
		t.line("%s: %d", s.title, len(s.cases))
		for i, k := range s.cases {
			if i == few && brief {
				t.line("  and %d more; -v shows all", len(s.cases)-i)
				break
			}
			t.change(k)
		}
	}
	t.hang("", "", 0, c.gist())
	return t.to(w)
}

func was(v Verdict) string { return or(string(v), "not there") }

func (t *printer) change(k CaseChange) {
	mark := t.mark(k.After)
	if k.After == "" {
		mark = "gone"
	}
	note := ""
	if k.Note != "" {
		note = ": " + visible(k.Note)
	}
	t.hang("  ", mark+"  ", 8, fmt.Sprintf("%s, was %s%s", visible(k.ID), was(k.Before), note))
}

// metrics prints the numbers, those that are slower last.
func (t *printer) metrics(c *Comparison) {
	longest := 0
	for _, m := range c.Metrics {
		longest = max(longest, columns(visible(m.Name)))
	}
	for _, j := range []Judgement{Shown, Same, Faster, Unclear, Slower} {
		for _, m := range c.Metrics {
			if m.Judgement != j || t.Quiet && j != Slower {
				continue
			}
			color := map[Judgement]string{Slower: "31", Faster: "32", Unclear: "33"}[j]
			word := fmt.Sprintf("%-7s", j)
			if color != "" {
				word = t.paint(color, word)
			}
			name := visible(m.Name)
			t.line("%s  %s%s  %10s → %-10s %s", word, name, strings.Repeat(" ", longest-columns(name)), m.value(m.Before), m.value(m.After), m.interval())
		}
	}
}

// value is a number with its unit.
func (m MetricChange) value(v float64) string {
	switch m.Unit {
	case "ms":
		return milli(v)
	case "/s":
		return quantity(v, "/s")
	}
	if math.Abs(v) >= 10_000 {
		return thousands(v) + " " + m.Unit
	}
	return fmt.Sprintf("%.4g %s", v, m.Unit)
}

// interval is the change with what chance allows.
func (m MetricChange) interval() string {
	if m.Judgement == Shown {
		return signed(m.Change)
	}
	return fmt.Sprintf("%s (%s to %s)", signed(m.Change), signed(m.Low), signed(m.High))
}

// signed is a share as percents with a sign.
func signed(share float64) string {
	if math.Abs(share) > 1e6 {
		return "from nothing"
	}
	return fmt.Sprintf("%+.1f %%", 100*share)
}

// WriteComparisonMarkdown writes a comparison for a pull request.
func WriteComparisonMarkdown(w io.Writer, c *Comparison) error {
	m := &markdown{}
	m.line("# httpdest compare: %s\n", inline(c.gist()))
	for _, n := range c.Notes {
		m.line("Note: %s\n", inline(n))
	}
	all := c.sections()
	for i := range all {
		s := all[len(all)-1-i] // here the worst come first
		open := s.title == "new failures" || s.title == "fixed" || s.title == "passed before, and not judged now"
		if open {
			m.line("## %s: %d\n", strings.ToUpper(s.title[:1])+s.title[1:], len(s.cases))
		} else {
			m.line("<details>\n<summary>%s: %d</summary>\n", s.title, len(s.cases))
		}
		m.row("case", "before", "after", "note")
		m.line("| --- | --- | --- | --- |")
		for _, k := range s.cases {
			m.row(k.ID, was(k.Before), or(string(k.After), "not there"), k.Note)
		}
		m.line("")
		if !open {
			m.line("</details>\n")
		}
	}
	if len(c.Rules) > 0 {
		m.line("## Rules with another verdict: %d\n", len(c.Rules))
		m.row("rule", "before", "after")
		m.line("| --- | --- | --- |")
		for _, r := range c.Rules {
			m.row(r.Ref+" "+r.ID, was(r.Before), string(r.After))
		}
		m.line("")
	}
	if len(c.Metrics) > 0 {
		m.line("## Numbers\n")
		m.line("A change counts when its whole interval is beyond %.3g %%. The interval holds the true change in 95 of 100 repetitions.\n", 100*c.MinEffect)
		m.row("number", "before", "after", "change", "judgement")
		m.line("| --- | ---: | ---: | ---: | --- |")
		for _, k := range c.Metrics {
			m.row(k.Name, k.value(k.Before), k.value(k.After), k.interval(), string(k.Judgement))
		}
	}
	_, err := io.WriteString(w, strings.TrimRight(m.b.String(), "\n")+"\n")
	return err
}
