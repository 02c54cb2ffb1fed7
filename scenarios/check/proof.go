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
//
// uncited are the checks of citations that are not earned. Where there are several
// dataflows, one of them that proves a rule is enough.
func proof(
	sc *scenarios.Scenario, rules scenarios.Catalogue, parts []*flowPart, lines []recording.Line,
) (checks, uncited []reports.Check) {
	across := acrossFlows(sc, lines)
	if !playedToItsEnd(lines) {
		return append(together(sc, parts), across...), nil // which is inconclusive by itself
	}
	words := exercise.Words(rules, sc.Rules)
	facts := make([]exercise.Facts, len(parts))
	for i, p := range parts {
		facts[i], p.checks = exercise.Recording(p.scenario, p.lines, words), slices.Clone(p.checks)
	}
	for _, id := range sc.Rules {
		if r, known := rules.Find(id); known {
			uncited = append(uncited, cited(sc, r, parts, facts)...)
		}
	}
	return append(together(sc, parts), across...), uncited
}

// cited holds the citation of one rule against the parts: a check where it is not
// earned.
func cited(sc *scenarios.Scenario, r scenarios.Rule, parts []*flowPart, facts []exercise.Facts) []reports.Check {
	looked := func(c reports.Check) bool {
		return c.Rule == r.ID && (c.Verdict == reports.Pass || c.Verdict == reports.Fail)
	}
	var lacking scenarios.Fact
	exercised, seen := false, false
	for i, p := range parts {
		fact, missing := facts[i].Missing(r)
		if !missing {
			exercised, seen = true, seen || slices.ContainsFunc(p.checks, looked)
			continue
		}
		if lacking.Word == "" {
			lacking = fact
		}
		for n := range p.checks {
			if p.checks[n].Rule == r.ID && p.checks[n].Verdict == reports.Pass {
				p.checks[n].Verdict = reports.Skip
			}
		}
	}
	switch {
	case !exercised:
		return []reports.Check{unproved(sc, r, fmt.Sprintf("cites %s, but %s", r.ID, lacking.Missing), lacking.Add+", or take "+r.ID+" out of rules", true)}
	case !seen:
		return []reports.Check{unproved(sc, r, fmt.Sprintf("cites %s, which is exercised, but no check judges it", r.ID),
			"add `rule: "+r.ID+"` to the line of expect that shows it, or remove it from rules", false)}
	}
	return nil
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
