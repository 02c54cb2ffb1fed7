package loadtest

import (
	"fmt"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
)

// Settle makes cases of objectives, with the rule they are from, so that every
// format shows them, and gives the report its verdict.
func Settle(r *reports.Report, objectives []reports.Objective) {
	for _, o := range objectives {
		c := reports.Case{ID: r.Kind + "/" + o.Text, Title: o.Text, Rules: []string{}, Verdict: o.Verdict, Reason: o.Reason,
			Checks: []reports.Check{{Rule: o.Rule, Verdict: o.Verdict, Title: o.Text, Expected: o.Text, Actual: actual(o)}}}
		if o.Verdict == reports.Skip {
			c.Checks = nil
		}
		if o.Rule != "" {
			c.Rules = append(c.Rules, o.Rule)
			r.Rules = append(r.Rules, ruleOf(o, c.ID))
		}
		r.Cases = append(r.Cases, c)
	}
	if r.Load != nil {
		if a := r.Load.Aborted; a != "" {
			r.Cases = append(r.Cases, reports.Case{ID: "load/abort-on", Title: "abort-on", Rules: []string{}, Verdict: reports.Fail, Reason: "the load was ended: " + a})
		}
		if b := r.Load.Backfill; b != nil {
			r.Cases = append(r.Cases, reports.Case{ID: "load/backfill", Title: "backfill", Rules: []string{}, Verdict: b.Verdict, Reason: b.Reason})
		}
		for _, f := range r.Load.Flows {
			r.Cases = append(r.Cases, reports.Case{ID: "load/dataflow/" + f.Name, Title: "dataflow " + f.Name, Rules: []string{}, Verdict: f.Verdict, Reason: f.Reason})
		}
	}
	var all []reports.Verdict
	for _, c := range r.Cases {
		all = append(all, c.Verdict)
		r.Summary.Cases++
		switch c.Verdict {
		case reports.Pass:
			r.Summary.Pass++
		case reports.Fail:
			r.Summary.Fail++
		case reports.Skip:
			r.Summary.Skip++
		case reports.Inconclusive:
			r.Summary.Inconclusive++
		case reports.Unspecified:
			r.Summary.Unspecified++
		}
	}
	r.Verdict = reports.Worst(all...)
	if r.Load != nil {
		r.Verdict = reports.Worst(r.Verdict, doubted(r.Load))
	}
}

// doubted is the verdict of a run that was stopped, or is in doubt: it cannot
// pass.
func doubted(l *reports.Load) reports.Verdict {
	if len(l.Doubts) > 0 || l.Interrupted {
		return reports.Inconclusive
	}
	return reports.Skip
}

// actual is what was measured, with its interval.
func actual(o reports.Objective) string {
	if o.Samples == 0 && o.Measured == 0 {
		return ""
	}
	text := valueText(o.Measured, o.Unit)
	if o.Low != o.High {
		text += fmt.Sprintf(" (%s to %s)", valueText(o.Low, o.Unit), valueText(o.High, o.Unit))
	}
	return text
}

// ruleOf is the entry of the rule an objective is from.
func ruleOf(o reports.Objective, id string) reports.Rule {
	rules, err := scenarios.Rules()
	if err != nil {
		panic("loadtest: the rules that come with httpdest: " + err.Error()) // they are embedded
	}
	for _, x := range rules {
		if x.ID == o.Rule {
			return reports.Rule{ID: x.ID, Ref: x.Ref, Level: x.Level, Title: x.Title, Text: x.Text, Source: x.Source, Verdict: o.Verdict, Reason: o.Reason, Cases: []string{id}}
		}
	}
	panic("loadtest: no rule " + o.Rule)
}
