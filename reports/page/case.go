package page

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/reports"
)

// functions are those of the templates.
var functions = template.FuncMap{
	"class":    class,
	"duration": duration,
	"seconds":  func(s float64) string { return duration(s * 1000) },
	"clock":    clock,
	"number":   number,
	"visible":  visible,
	"meaning":  reports.Meaning,
	"minus":    func(a, b float64) float64 { return a - b },
	"short":    short,
	"value":    value,
	"times100": func(a float64) float64 { return 100 * a },
	"noisy": func(all []reports.Flow) bool {
		return slices.ContainsFunc(all, func(f reports.Flow) bool { return f.Noisy })
	},
	"half": func(a float64) float64 { return a / 2 },
}

// class is the style of a verdict.
func class(v reports.Verdict) string {
	switch v {
	case reports.Pass:
		return "good"
	case reports.Fail:
		return "bad"
	case reports.Inconclusive:
		return "warn"
	}
	return "odd"
}

// duration prints milliseconds with three figures or so.
func duration(ms float64) string {
	switch {
	case math.IsNaN(ms) || math.IsInf(ms, 0):
		return "?"
	case math.Abs(ms) < 1:
		return fmt.Sprintf("%.3g ms", ms)
	case math.Abs(ms) < 1000:
		return fmt.Sprintf("%.4g ms", ms)
	case math.Abs(ms) < 60_000:
		return fmt.Sprintf("%.4g s", ms/1000)
	case math.Abs(ms) < 600_000:
		return clock(math.Round(ms/100) * 100)
	}
	return clock(math.Round(ms/1000) * 1000)
}

// value prints a number with its unit.
func value(v float64, unit string) string {
	switch unit {
	case "ms":
		return duration(v)
	case "share":
		return percent(v)
	case "/s":
		return counted(v) + " per second"
	case "share/h":
		return percent(v) + " per hour"
	case "":
		return short(v)
	case "s":
		return duration(v * 1000)
	}
	return counted(v) + " " + unit
}

// clock prints milliseconds as hours, minutes and seconds, without those that
// are nothing.
func clock(ms float64) string {
	d := time.Duration(ms * 1e6).Round(time.Microsecond)
	text := d.String()
	if days := d / (24 * time.Hour); days > 0 {
		rest := d % (24 * time.Hour)
		if text = fmt.Sprintf("%dd", days); rest > 0 {
			text += rest.String()
		}
	}
	text = strings.TrimSuffix(text, "m0s") + map[bool]string{true: "m"}[strings.HasSuffix(text, "m0s")]
	return strings.TrimSuffix(text, "h0m") + map[bool]string{true: "h"}[strings.HasSuffix(text, "h0m")]
}

// visible is a text that cannot mislead the reader of a page.
func visible(s string) string { return reports.Printable(s) }

// line is the row of a case in the list.
func (p *printer) line(c *reports.Case, number int) *line {
	const few = 3
	l := &line{Case: c, Number: number, Level: p.report.Level(*c)}
	for _, k := range c.Checks {
		if !troubled(k.Verdict) {
			continue
		}
		if len(l.Notes) == few {
			l.More++
			continue
		}
		l.Notes = append(l.Notes, shortened(k.Title, 160))
	}
	if len(l.Notes) == 0 && c.Reason != "" {
		l.Notes = []string{shortened(c.Reason, 160)}
	}
	var said []string
	for _, id := range c.Rules {
		said = append(said, id)
		if rule := p.rules[id]; rule != nil {
			said = append(said, rule.Ref)
		}
	}
	l.Rules = strings.Join(said, " ")
	return l
}

// shortened is a text in one line of at most n characters.
func shortened(s string, n int) string {
	all := []rune(strings.Join(strings.Fields(visible(s)), " "))
	if len(all) <= n {
		return string(all)
	}
	return string(all[:n-1]) + "…"
}

// detail is all there is about a case.
type detail struct {
	*reports.Case
	Number   int
	Cited    []*reports.Rule
	Troubles []*trouble
	Rest     []reports.Check
	Again    string
	Timeline *drawing
	Figures  []figure
	Open     bool
}

// trouble is a check to look at.
type trouble struct {
	reports.Check
	ID        string // of its heading
	Place     string
	Rule      *reports.Rule
	Diff      *difference
	Exchange  *exchange
	Reproduce string
}

// figure is a number with its name.
type figure struct{ Name, Value string }

// body renders what a case opens to.
func (p *printer) body(c *reports.Case, n int) (string, error) {
	d := detail{Case: c, Number: n, Again: reports.Again(p.report, c), Timeline: drawn(c, n)}
	for _, id := range c.Rules {
		if rule := p.rules[id]; rule != nil {
			d.Cited = append(d.Cited, rule)
		}
	}
	for _, v := range []reports.Verdict{reports.Fail, reports.Inconclusive, reports.Unspecified} {
		for i, k := range c.Checks {
			if k.Verdict == v {
				d.Troubles = append(d.Troubles, p.trouble(c, k, fmt.Sprintf("c%d-%d", n, i)))
			}
		}
	}
	for _, k := range c.Checks {
		if k.Verdict == reports.Pass || k.Verdict == reports.Skip {
			d.Rest = append(d.Rest, k)
		}
	}
	if deliveries := c.Metrics[reports.Deliveries]; deliveries > 0 {
		d.Figures = append(d.Figures, figure{"delivered exports", fmt.Sprint(deliveries)},
			figure{"95 of 100 delivered within", duration(c.Metrics[reports.LatencyP95Seconds] * 1000)})
	}
	var b strings.Builder
	err := p.templates.ExecuteTemplate(&b, "case.html", d)
	return b.String(), err
}

func (p *printer) trouble(c *reports.Case, k reports.Check, id string) *trouble {
	t := &trouble{Check: k, ID: id, Rule: p.rules[k.Rule], Reproduce: k.Reproduce}
	file, at := c.File, c.Line
	if k.File != "" {
		file, at = k.File, k.Line
	}
	if t.Place = file; file != "" && at > 0 {
		t.Place = fmt.Sprintf("%s:%d", file, at)
	}
	if k.Expected != "" || k.Actual != "" {
		t.Diff = compared(k.Expected, k.Actual)
	}
	if k.Exchange != nil {
		t.Exchange = exchanged(k.Exchange, id)
	}
	return t
}

// first is what to look at before anything else.
type first struct {
	Number int // of the case
	Case   string
	Place  string
	Title  string
	Rule   *reports.Rule
	Fix    string
	// Class, Cause and Said are what a probe found behind a refusal.
	Class, Cause, Said string
	// Expected and Actual are short; where a part of a document differs, only it.
	Expected, Actual string
	Others           int // more cases that break the same rule
	Verdict          reports.Verdict
}

// first picks the rule that the most cases break; without one, the first check
// that failed, or could not be judged.
func (p *printer) first() *first {
	if p.report.Load != nil {
		return firstOf(p.report.Load)
	}
	for _, v := range []reports.Verdict{reports.Fail, reports.Inconclusive} {
		var best *first
		by := map[string]*first{}
		for i := range p.report.Cases {
			c := &p.report.Cases[i]
			if c.Verdict != v {
				continue
			}
			seen := map[string]bool{}
			for _, k := range c.Checks {
				if k.Verdict != v || seen[k.Rule] && k.Rule != "" {
					continue
				}
				seen[k.Rule] = true
				f := by[k.Rule]
				if f != nil && k.Rule != "" {
					f.Others++
				} else if f == nil {
					t := p.trouble(c, k, "")
					f = &first{Number: i, Case: c.ID, Place: t.Place, Title: k.Title, Rule: t.Rule, Fix: k.Fix, Verdict: v}
					f.Expected, f.Actual = t.Diff.brief(k)
					f.explain(k)
					by[k.Rule] = f
				}
				if best == nil || f.Others > best.Others {
					best = f
				}
			}
			if len(c.Checks) == 0 && best == nil {
				best = &first{Number: i, Case: c.ID, Place: c.File, Title: c.Reason, Verdict: v}
			}
		}
		if best != nil {
			return best
		}
	}
	return nil
}

// explain adds what a probe found behind a failure.
func (f *first) explain(k reports.Check) {
	f.Class, f.Said = k.Class, shortened(k.Said, 200)
	if f.Cause = reports.Meaning(k.Class); len(k.Causes) > 0 {
		c := k.Causes[0]
		if c.Recognised {
			f.Cause = c.Server + ": " + c.Cause
		}
		if f.Fix == "" {
			f.Fix = c.Fix
		}
	}
}
