package check

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// Judge returns the verdict about one recording: its scenario's expectations,
// the rules that hold for every recording, the oracle's findings about exports
// and missing exports, and whether it can be judged at all.
//
// Of several dataflows each is judged by itself, as if there were no other, and then
// what they have in common.
func Judge(sc *scenarios.Scenario, rules scenarios.Catalogue, lines []recording.Line) reports.Case {
	return judge(sc, rules, lines, func(uncited []reports.Check) []reports.Check { return uncited })
}

// judge judges a recording. further takes the checks of citations that are not earned, and
// returns what counts of them and of anything else.
func judge(
	sc *scenarios.Scenario, rules scenarios.Catalogue, lines []recording.Line, further func([]reports.Check) []reports.Check,
) reports.Case {
	parts := partsOf(sc, lines)
	for _, p := range parts {
		p.checks = slices.Concat(p.view.first(rules), second(p.scenario, rules, p.lines))
	}
	checks, uncited := proof(sc, rules, parts, lines)
	c := conclude(sc, rules, append(checks, further(uncited)...))
	c.Metrics, c.Timeline = metrics(parts), timeline(parts, c.Checks)
	return c
}

// first judges the recording by its scenario's expectations and by the rules
// that hold for every recording.
func (v *view) first(rules scenarios.Catalogue) []reports.Check {
	return slices.Concat(v.complete(), v.expectations(), v.invariants(rules))
}

// conclude makes the verdict about a recording out of its checks.
func conclude(sc *scenarios.Scenario, rules scenarios.Catalogue, checks []reports.Check) reports.Case {
	c := reports.Case{ID: sc.ID, Title: sc.Title, File: sc.Pos.File, Line: sc.Pos.Line, Rules: sc.Rules, Checks: checks}
	if len(c.Checks) == 0 {
		c.Checks = []reports.Check{{Verdict: reports.Inconclusive, Title: "nothing was checked",
			Fix: "add an expectation", File: sc.Pos.File, Line: sc.Pos.Line, Column: sc.Pos.Column}}
	}
	verdicts := make([]reports.Verdict, len(c.Checks))
	for i := range c.Checks {
		verdicts[i] = c.Checks[i].Verdict
		if c.Checks[i].Verdict == reports.Inconclusive && c.Reason == "" {
			c.Reason = c.Checks[i].Title
		}
		if r, ok := rules.Find(c.Checks[i].Rule); ok && c.Checks[i].Fix == "" && c.Checks[i].Verdict == reports.Fail {
			c.Checks[i].Fix = r.Fix
		}
	}
	if c.Verdict = reports.Worst(verdicts...); c.Verdict != reports.Inconclusive {
		c.Reason = ""
	}
	return c
}

// Unplayed is the case of a scenario that left no recording, and why.
func Unplayed(sc *scenarios.Scenario, why error) reports.Case {
	reason := why.Error()
	return reports.Case{ID: sc.ID, Title: sc.Title, File: sc.Pos.File, Line: sc.Pos.Line, Rules: sc.Rules,
		Verdict: reports.Inconclusive, Reason: reason,
		Checks: []reports.Check{{Verdict: reports.Inconclusive, Title: reason, File: sc.Pos.File, Line: sc.Pos.Line, Column: sc.Pos.Column}}}
}

// complete says what keeps a recording from being judged: it was cut off, the
// run came to a standstill, or a planned fault did not fire.
func (v *view) complete() []reports.Check {
	pos := v.scenario.Pos
	inconclusive := func(line int, title, fix string) reports.Check {
		return reports.Check{Verdict: reports.Inconclusive, Title: title, Fix: fix, File: pos.File, Line: line, Column: 1}
	}
	switch {
	case v.run == nil || v.end == nil:
		return []reports.Check{inconclusive(pos.Line, "the recording is cut off", "record it again")}
	case v.end.Inconclusive != "":
		return []reports.Check{inconclusive(pos.Line, v.end.Inconclusive, "run the case again alone; report the defect if it repeats")}
	}
	var out []reports.Check
	for _, f := range v.end.Faults {
		switch {
		case f.Planned == 0 && f.Fired == 0:
			out = append(out, inconclusive(f.Line, fmt.Sprintf("fault %s never fired", f.ID), "check what it selects, or remove it"))
		case f.Fired < f.Planned:
			out = append(out, inconclusive(f.Line, fmt.Sprintf("fault %s fired %d of %d times", f.ID, f.Fired, f.Planned), "plan only as many as the history reaches"))
		}
	}
	if len(v.end.Unfinished) > 0 && !v.disabledAtEnd() {
		out = append(out, inconclusive(pos.Line, "neither delivered nor dropped at the end: "+some(v.end.Unfinished), "let the history go on longer with `until:`"))
	}
	return out
}

// some is the first few of a list.
func some(all []string) string {
	const few = 5
	if len(all) <= few {
		return strings.Join(all, "; ")
	}
	return fmt.Sprintf("%s; and %d more", strings.Join(all[:few], "; "), len(all)-few)
}

// Rules gives every rule of the catalogue its verdict over the cases. It passes
// where a case that cites it exercised it and a check that names it passed; a
// failed check that names it counts wherever it is. A check without a rule that
// did not pass counts against every rule of its case, and one that passed for
// none.
func Rules(catalogue scenarios.Catalogue, cases []reports.Case) []reports.Rule {
	out := make([]reports.Rule, 0, len(catalogue))
	for _, r := range catalogue {
		rule := reports.Rule{ID: r.ID, Ref: r.Ref, Level: r.Level, Title: r.Title, Text: r.Text, Source: r.Source}
		var verdicts []reports.Verdict
		unclear, unexercised := "", ""
		for _, c := range cases {
			cited := slices.Contains(c.Rules, r.ID)
			if cited {
				rule.Cases = append(rule.Cases, c.ID)
			}
			for _, check := range c.Checks {
				if cited && check.Rule == r.ID && check.NotExercised {
					unexercised = cmp.Or(unexercised, c.ID+": "+check.Title)
				} else if counts(check, r.ID, cited) {
					verdicts = append(verdicts, check.Verdict)
					if check.Verdict == reports.Inconclusive {
						unclear = cmp.Or(unclear, c.ID+": "+check.Title)
					}
				}
			}
		}
		switch rule.Verdict = reports.Worst(verdicts...); {
		case rule.Verdict == reports.Inconclusive:
			rule.Reason = unclear
		case rule.Verdict == reports.Skip && r.Side == "receiver":
			rule.Reason = "use probe"
		case rule.Verdict == reports.Skip && unexercised != "":
			rule.Reason = unexercised
		case rule.Verdict == reports.Skip && len(rule.Cases) > 0:
			rule.Reason = "no check of the cases that cite it judges it"
		case rule.Verdict == reports.Skip:
			rule.Reason = "no case of this run exercises it"
		}
		out = append(out, rule)
	}
	return out
}

// counts reports whether a check is part of a rule's verdict.
func counts(check reports.Check, rule string, cited bool) bool {
	switch check.Rule {
	case rule:
		return cited || check.Verdict == reports.Fail
	case "":
		return cited && check.Verdict != reports.Pass
	}
	return false
}

// Summarise makes the report of cases. Without a case there is nothing to pass.
func Summarise(kind string, catalogue scenarios.Catalogue, cases []reports.Case) *reports.Report {
	r := &reports.Report{Schema: reports.Schema, Kind: kind, Cases: cases, Rules: Rules(catalogue, cases), Metrics: reports.Measured(cases)}
	verdicts := make([]reports.Verdict, len(cases))
	for i, c := range cases {
		verdicts[i] = c.Verdict
		switch c.Verdict {
		case reports.Pass:
			r.Summary.Pass++
		case reports.Fail:
			r.Summary.Fail++
		case reports.Inconclusive:
			r.Summary.Inconclusive++
		case reports.Skip:
			r.Summary.Skip++
		case reports.Unspecified:
			r.Summary.Unspecified++
		}
	}
	r.Summary.Cases = len(cases)
	if r.Verdict = reports.Worst(verdicts...); len(cases) == 0 {
		r.Verdict = reports.Inconclusive
	}
	return r
}
