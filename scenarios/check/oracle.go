package check

import (
	"fmt"
	"maps"
	"slices"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/oracle"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// casesOf are rules of which others are cases: what the oracle finds under
// those, which say more, breaks these as well. A scenario has to cite them.
var casesOf = map[string][]string{
	"trig-attr-mapped": {"trig-attr-add", "trig-overwrite"},
}

// second judges the recording a second time, by the oracle: a check for every
// rule that it found broken, and for every one that the scenario cites and that
// it found kept.
func second(sc *scenarios.Scenario, rules scenarios.Catalogue, lines []recording.Line) []reports.Check {
	v := oracle.Recording(sc, lines)
	wrong := map[string][]oracle.Finding{}
	for _, f := range v.Findings {
		wrong[f.Rule()] = append(wrong[f.Rule()], f)
	}
	for general, cases := range casesOf {
		if slices.Contains(sc.Rules, general) {
			for _, id := range cases {
				wrong[general] = append(wrong[general], wrong[id]...)
				if v.Looked[id] > 0 {
					v.Looked[general] += v.Looked[id]
				}
			}
		}
	}
	var out []reports.Check
	for _, id := range slices.Sorted(maps.Keys(v.Looked)) {
		c := reports.Check{Rule: id, Verdict: reports.Pass, Title: "by the oracle: " + id, File: sc.Pos.File, Line: sc.Pos.Line, Column: sc.Pos.Column}
		if r, ok := rules.Find(id); ok {
			c.Title = "by the oracle: " + r.Title
		}
		if findings := wrong[id]; len(findings) > 0 {
			c.Verdict = reports.Fail
			c.Expected, c.Actual = wantedAndGot(findings)
		} else if !slices.Contains(sc.Rules, id) {
			continue
		}
		out = append(out, c)
	}
	return out
}

// wantedAndGot is the first few findings: the expected and the actual value.
func wantedAndGot(findings []oracle.Finding) (want, got string) {
	var wanted, there []string
	for _, f := range findings {
		whose := f.Export
		if whose == "" {
			whose = fmt.Sprintf("%s at %s", f.Profile, f.At.Format("2006-01-02T15:04:05.999Z07:00"))
		}
		wanted = append(wanted, fmt.Sprintf("%s: %s: %s", whose, f.What, f.Want))
		there = append(there, f.Got)
	}
	return some(wanted), some(there)
}
