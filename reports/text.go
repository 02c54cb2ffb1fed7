package reports

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// TextOptions shape the text for a terminal.
type TextOptions struct {
	Color   bool
	Verbose bool // every check of every case, and the table of rules
	Quiet   bool // only cases that did not pass, and the summary
	Width   int  // of the terminal; 0: no terminal, so titles are not cut
}

// WriteText writes the report for people: cases, rules, the summary, and
// failures last, so that they are what is on the screen.
func WriteText(w io.Writer, r *Report, o TextOptions) error {
	t := &printer{TextOptions: o}
	if !o.Verbose {
		t.alike = alike(r)
	}
	if !o.Quiet {
		t.cases(r)
		t.rules(r)
	}
	t.unjudged()
	t.failures(r)
	t.untested(r)
	t.summary(r)
	return t.to(w)
}

// printer collects the text; only the last write can fail.
type printer struct {
	TextOptions
	b     bytes.Buffer
	alike *tally // why several cases each were not judged at all; nil: each is printed
}

// colors are the escapes that a printer writes.
var colors = regexp.MustCompile(`\x1b\[[0-9;]*m`)

// to writes what was collected. Whatever a report repeats, nothing of it steers a
// terminal or is taken for a command by a CI runner.
func (t *printer) to(w io.Writer) error {
	text := t.b.String()
	var b strings.Builder
	at := 0
	for _, place := range colors.FindAllStringIndex(text, -1) {
		if !t.Color {
			break // none is this program's own
		}
		b.WriteString(Printable(text[at:place[0]]))
		b.WriteString(text[place[0]:place[1]])
		at = place[1]
	}
	b.WriteString(Printable(text[at:]))
	_, err := io.WriteString(w, b.String())
	return err
}

func (t *printer) line(format string, args ...any) { fmt.Fprintf(&t.b, format+"\n", args...) }

// marks are the words of verdicts, equally wide, and their colours.
var marks = map[Verdict]struct{ word, color string }{
	Pass:         {"pass", "32"},
	Fail:         {"FAIL", "31"},
	Inconclusive: {"????", "33"},
	Skip:         {"skip", "36"},
	Unspecified:  {"free", "36"},
}

func (t *printer) mark(v Verdict) string { return t.paint(marks[v].color, marks[v].word) }

func (t *printer) paint(color, text string) string {
	if !t.Color {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// cases prints one line for each case, its title cut to the width.
func (t *printer) cases(r *Report) {
	longest := 0
	for _, c := range r.Cases {
		longest = max(longest, columns(visible(c.ID)))
	}
	untried := newTally()
	for _, c := range r.Cases {
		if c.Verdict == Skip && r.Kind == probeKind && !t.Verbose {
			untried.add(c.Reason)
			continue
		}
		if t.isAlike(&c) {
			continue
		}
		title := visible(c.Title)
		if c.Verdict == Skip && c.Reason != "" {
			title += " (" + visible(c.Reason) + ")"
		}
		id := visible(c.ID)
		if t.Width > 0 && columns(id) > longest {
			id, _ = split(id, longest-1)
			id += "…"
		}
		level := levelOf(r, c)
		if level != "" {
			level = fmt.Sprintf("%-6s  ", level)
		}
		t.line("%s  %s%s  %s%s", t.mark(c.Verdict), id, strings.Repeat(" ", max(0, longest-columns(id))), level, t.cut(title, max(longest, columns(id))+8+len(level)))
		for _, e := range c.Evidence {
			t.hang("      ", "", 6, visible(e))
		}
		if t.Verbose {
			t.checks(c)
		}
	}
	for _, reason := range untried.words {
		t.line("%s  %s not tried: %s", t.mark(Skip), count(untried.n[reason], "case"), visible(reason))
	}
}

// probeKind is the kind of a report about a receiver, of which much may be left
// out by the configuration.
const probeKind = "probe"

// tally counts texts, in the order they came.
type tally struct {
	words []string
	n     map[string]int
}

func newTally() *tally { return &tally{n: map[string]int{}} }

func (t *tally) add(word string) {
	if t.n[word]++; t.n[word] == 1 {
		t.words = append(t.words, word)
	}
}

func (t *printer) checks(c Case) {
	for _, k := range c.Checks {
		rule := k.Rule
		if rule == "" {
			rule = "every rule of the case"
		}
		measured := ""
		if k.Verdict == Pass && k.Actual != "" && !strings.Contains(k.Actual, "\n") {
			measured = ": " + visible(k.Actual)
		}
		t.hang("      ", t.mark(k.Verdict)+"  ", 12, fmt.Sprintf("%s%s (%s)", visible(k.Title), measured, visible(rule)))
		if strings.Contains(k.Actual, "\n") && k.Verdict == Pass {
			t.field("actual", k.Actual)
		}
	}
	if n := c.Metrics[Deliveries]; n > 0 {
		t.line("      %s, 95 of 100 within %s", count(int(n), "delivered export"), latency(c.Metrics[LatencyP95Seconds]))
	}
	t.line("      %s in %.1f ms", count(len(c.Checks), "check"), c.DurationMs)
}

// latency prints a time by the millisecond.
func latency(s float64) string {
	return time.Duration(s * float64(time.Second)).Round(time.Millisecond).String()
}

// latency prints the worst case of the objective of the destination.
func (t *printer) latency(r *Report) {
	n := r.Metrics[Deliveries]
	if n == 0 {
		return
	}
	worst := r.Metrics[LatencyP95Seconds]
	at := slices.IndexFunc(r.Cases, func(c Case) bool { return c.Metrics[Deliveries] > 0 && c.Metrics[LatencyP95Seconds] >= worst })
	most, where := "", ""
	if at >= 0 && len(r.Cases) > 1 {
		most, where = "at most ", ", in "+visible(r.Cases[at].ID)
	}
	t.hang("", "", 0, fmt.Sprintf("%s; p95 of the delivery latency %s%s%s", count(int(n), "delivered export"), most, latency(worst), where))
}

// cut shortens a text so that it and what stands before it fit the terminal.
func (t *printer) cut(s string, before int) string {
	n := max(8, t.Width-before)
	if t.Width == 0 || columns(s) <= n {
		return s
	}
	head, _ := split(s, n-1)
	return head + "…"
}

// rules prints which rules this run proved.
func (t *printer) rules(r *Report) {
	by := map[Verdict][]string{}
	for _, rule := range r.Rules {
		if r.Kind == probeKind && rule.Reason == NotAboutReceivers {
			continue
		}
		by[rule.Verdict] = append(by[rule.Verdict], rule.Ref)
	}
	t.line("")
	if t.Verbose {
		for _, rule := range r.Rules {
			title := rule.Title
			if r.Kind == probeKind && rule.Reason == NotAboutReceivers {
				continue
			}
			if (r.Kind == "judge" || r.Kind == probeKind) && rule.Verdict == Skip {
				title = rule.Reason // one judges a sender to learn what it does not show, too
			}
			t.line("%s  %-5s %-26s %-6s  %s", t.mark(rule.Verdict), rule.Ref, rule.ID, rule.Level, t.cut(visible(title), 48))
		}
		t.line("")
	}
	words := []struct {
		v    Verdict
		word string
	}{{Pass, "proved"}, {Fail, "failed"}, {Inconclusive, "not judged"}, {Unspecified, "unspecified"}}
	for _, w := range words {
		if len(by[w.v]) > 0 {
			t.wrap(fmt.Sprintf("%s %s:", count(len(by[w.v]), "rule"), w.word), by[w.v])
		}
	}
	switch n := len(by[Skip]); {
	case n == 0:
	case r.Kind == probeKind:
		t.wrap(count(n, "rule")+" not tried (-v says why):", by[Skip])
	case r.Kind == "judge":
		t.line("%s skipped; -v says why", count(n, "rule"))
	default:
		t.line("%s not exercised by these cases", count(n, "rule"))
	}
}

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// wrap prints words after a label, indented below it where they do not fit.
func (t *printer) wrap(label string, words []string) {
	width := t.Width
	if width == 0 {
		width = 100
	}
	line := label
	for _, word := range words {
		if columns(line)+1+columns(word) > width {
			t.line("%s", line)
			line = "   "
		}
		line += " " + word
	}
	t.line("%s", line)
}

// summary prints the last line: what is counted, and the verdict.
func (t *printer) summary(r *Report) {
	s := r.Summary
	parts := []string{fmt.Sprintf("%d passed", s.Pass)}
	for _, p := range []struct {
		n    int
		word string
	}{{s.Fail, "failed"}, {s.Inconclusive, "inconclusive"}, {s.Skip, "skipped"}, {s.Unspecified, "unspecified"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.word))
		}
	}
	if slices.ContainsFunc(r.Cases, func(c Case) bool { return slices.Contains(c.Evidence, ByItself) }) {
		parts = append(parts, "each request judged by itself")
	}
	if !t.Quiet {
		t.line("")
		t.latency(r)
	}
	took := ""
	if seconds, ok := r.Metrics["wallSeconds"]; ok {
		took = fmt.Sprintf(" in %.2f s", seconds)
	}
	said := []string{fmt.Sprintf("%s%s: %s; verdict: %s", count(s.Cases, "case"), took, strings.Join(parts, ", "), r.Verdict)}
	if t.Width > 0 {
		said = broken(said[0], t.Width)
	}
	last := len(said) - 1
	said[last] = strings.TrimSuffix(said[last], string(r.Verdict)) + t.paint(marks[r.Verdict].color, string(r.Verdict))
	t.line("%s", strings.Join(said, "\n"))
}
