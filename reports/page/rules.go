package page

import (
	"fmt"
	"strings"

	"github.com/httpdest/httpdest/reports"
)

// matrix is every rule with its verdict.
type matrix struct {
	Groups        []ruleGroup
	Glance        []square
	Width, Height float64
	Summary       string
	Choices       []*reports.Rule // those that a case cites
}

// ruleGroup is the rules of one verdict.
type ruleGroup struct {
	Verdict reports.Verdict
	Title   string
	Open    bool
	Rules   []ruleRow
}

// ruleRow is a rule with the cases that cite it.
type ruleRow struct {
	*reports.Rule
	Cited []cited
	More  int // cases left out
}

// mostCited is how many cases are listed next to a rule; the filter finds all.
const mostCited = 25

// cited is a case that cites a rule.
type cited struct {
	Number int
	ID     string
	Fails  bool
}

// square is a rule in the picture of all.
type square struct {
	X, Y    float64
	Class   string
	Verdict reports.Verdict
	Title   string
}

// proved are what is said of rules with a verdict, the worst first.
var proved = []struct {
	verdict reports.Verdict
	words   string
}{
	{reports.Fail, "broken"}, {reports.Inconclusive, "not judged"}, {reports.Unspecified, "unspecified"}, {reports.Pass, "proved"}, {reports.Skip, "not exercised"},
}

func (p *printer) matrix() matrix {
	const perRow, step = 46, 13.0
	numbers := map[string]int{}
	for i, c := range p.report.Cases {
		if _, twice := numbers[c.ID]; !twice {
			numbers[c.ID] = i
		}
	}
	var m matrix
	var said []string
	for _, w := range proved {
		g := ruleGroup{Verdict: w.verdict, Title: w.words, Open: troubled(w.verdict)}
		for i := range p.report.Rules {
			r := &p.report.Rules[i]
			if r.Verdict != w.verdict || p.report.Kind == "probe" && r.Reason == reports.NotAboutReceivers {
				continue
			}
			row := ruleRow{Rule: r}
			for _, id := range r.Cases {
				if n, there := numbers[id]; there && len(row.Cited) == mostCited && p.report.Cases[n].Verdict != reports.Fail {
					row.More++
				} else if there {
					row.Cited = append(row.Cited, cited{n, id, p.report.Cases[n].Verdict == reports.Fail})
				}
			}
			if len(row.Cited) > 0 {
				m.Choices = append(m.Choices, r)
			}
			n := len(m.Glance)
			style := class(r.Verdict)
			if r.Verdict == reports.Skip {
				style = "plain"
			}
			m.Glance = append(m.Glance, square{float64(n%perRow) * step, float64(n/perRow) * step, style, r.Verdict,
				fmt.Sprintf("%s %s: %s", r.Ref, r.ID, w.words)})
			g.Rules = append(g.Rules, row)
		}
		if len(g.Rules) > 0 {
			m.Groups = append(m.Groups, g)
			said = append(said, fmt.Sprintf("%d %s", len(g.Rules), w.words))
		}
	}
	m.Width, m.Height = perRow*step, float64((len(m.Glance)+perRow-1)/perRow)*step
	m.Summary = strings.Join(said, ", ")
	return m
}
