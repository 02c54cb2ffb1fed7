package check

import (
	"fmt"
	"slices"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/exercise"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// proof holds the citations of a scenario against what happened. A cited rule
// is proved when all facts of its premise happened and a check that names it
// looked at something; anything less leaves the case inconclusive. Checks of a
// rule that was not exercised are not counted for it: they found nothing that
// could have broken it.
func proof(sc *scenarios.Scenario, rules scenarios.Catalogue, lines []recording.Line, checks []reports.Check) []reports.Check {
	if !playedToItsEnd(lines) {
		return checks // which is inconclusive by itself
	}
	facts := exercise.Recording(sc, lines, exercise.Words(rules, sc.Rules))
	checks = slices.Clone(checks)
	for _, id := range sc.Rules {
		r, known := rules.Find(id)
		if !known {
			continue
		}
		if fact, missing := facts.Missing(r); missing {
			for i := range checks {
				if checks[i].Rule == id && checks[i].Verdict == reports.Pass {
					checks[i].Verdict = reports.Skip
				}
			}
			checks = append(checks, unproved(sc, r, fmt.Sprintf("cites %s, but %s", id, fact.Missing), fact.Add+", or take "+id+" out of rules", true))
			continue
		}
		looked := func(c reports.Check) bool {
			return c.Rule == id && (c.Verdict == reports.Pass || c.Verdict == reports.Fail)
		}
		if !slices.ContainsFunc(checks, looked) {
			checks = append(checks, unproved(sc, r, fmt.Sprintf("cites %s, which is exercised, but no check judges it", id),
				"add `rule: "+id+"` to the line of expect that shows it, or remove it from rules", false))
		}
	}
	return checks
}

// unproved is the check of a citation that is not earned, at its place.
func unproved(sc *scenarios.Scenario, r scenarios.Rule, title, fix string, notExercised bool) reports.Check {
	at := sc.CitedAt(r.ID)
	return reports.Check{Rule: r.ID, Verdict: reports.Inconclusive, Title: title, Fix: fix, NotExercised: notExercised,
		File: at.File, Line: at.Line, Column: at.Column}
}

// playedToItsEnd reports whether the recording is whole, and its run came to
// the end of its history.
func playedToItsEnd(lines []recording.Line) bool {
	return slices.ContainsFunc(lines, func(l recording.Line) bool { return l.Run != nil }) &&
		slices.ContainsFunc(lines, func(l recording.Line) bool { return l.End != nil && l.End.Inconclusive == "" })
}
