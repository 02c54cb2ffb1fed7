package check

import (
	"fmt"
	"maps"
	"slices"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/oracle"
)

// ReadBack is what a receiver held of a profile when the history was over.
type ReadBack struct {
	Held  oracle.Held
	ECID  string // by which it was asked for; "": it was not
	State any    // decoded JSON; nil: the receiver has no such profile
	Err   error  // the read-back failed
}

// holds is the title of checks of a state.
const holds = "hold the state that the history leads to"

// readBackFix is what to do where a state cannot be compared.
const readBackFix = "see that --read-back answers GET URL/ECID with 200 and the profile in the form of a message, " +
	"or 404 for an unknown profile; leave out what it does not show with --read-back-ignore"

// Stored judges what a receiver holds, by the rules of receivers. Paths in ignore are not
// compared.
func Stored(sc *scenarios.Scenario, all []ReadBack, ignore []string) []reports.Check {
	s := storing{at: sc.Pos, wrong: map[string][]storedDifference{}, open: map[string][]storedDifference{}}
	for _, r := range all {
		s.take(r, ignore)
	}
	return s.checks()
}

// storedDifference is one with the profile that has it.
type storedDifference struct {
	oracle.Difference
	profile string
}

// storing collects the differences of all profiles.
type storing struct {
	at          scenarios.Position
	compared    int
	wrong, open map[string][]storedDifference // by clause
	unclear     []string
	silent      []string // profiles about which the documentation is
}

func (s *storing) take(r ReadBack, ignore []string) {
	name := r.Held.Profile
	switch {
	case r.Err != nil:
		if text := r.Err.Error(); !slices.Contains(s.unclear, text) { // once for all profiles
			s.unclear = append(s.unclear, text)
		}
		return
	case r.Held.Open != "":
		s.silent = append(s.silent, name+": "+r.Held.Open)
		return
	case r.ECID == "":
		s.unclear = append(s.unclear, name+": its messages have no ECID by which to ask for it")
		return
	}
	s.compared++
	for _, d := range r.Held.Differences(r.State, ignore) {
		switch {
		case d.Unknown():
			s.unclear = append(s.unclear, fmt.Sprintf("%s: the state shows no %s", name, d.Path))
		case d.Open:
			s.open[d.Clause] = append(s.open[d.Clause], storedDifference{d, name})
		default:
			s.wrong[d.Clause] = append(s.wrong[d.Clause], storedDifference{d, name})
		}
	}
}

func (s *storing) checks() []reports.Check {
	var out []reports.Check
	for _, clause := range slices.Sorted(maps.Keys(s.wrong)) {
		k := s.check(scenarios.RuleOf(clause), reports.Fail)
		k.Expected, k.Actual = told(s.wrong[clause])
		if clause == "rcv-2xx" { // that of the rule is about refusals
			k.Fix = "Answer with 2xx after the whole message is stored, and let nothing that began before it overwrite it. " +
				"If every profile is absent, --read-back may look elsewhere."
		}
		out = append(out, k)
	}
	for _, clause := range slices.Sorted(maps.Keys(s.open)) {
		k := s.check(scenarios.RuleOf(clause), reports.Unspecified)
		k.Title = "no page says what a receiver holds here"
		k.Expected, k.Actual = told(s.open[clause])
		out = append(out, k)
	}
	if len(s.silent) > 0 {
		k := s.check("", reports.Unspecified)
		k.Title, k.Actual = "not compared: "+some(s.silent), "not read back"
		out = append(out, k)
	}
	switch {
	case len(s.unclear) > 0:
		k := s.check("rcv-2xx", reports.Inconclusive)
		k.Title, k.Fix = "the stored state cannot be compared: "+some(s.unclear), readBackFix
		out = append(out, k)
	case s.compared == 0 && len(s.silent) == 0:
		k := s.check("rcv-2xx", reports.Inconclusive)
		k.Title = "no message reached the receiver, so that nothing is stored"
		k.Fix = "let the faults of the case pass a message"
		out = append(out, k)
	case len(s.wrong) == 0 && s.compared > 0:
		k := s.check("rcv-2xx", reports.Pass)
		k.Title = fmt.Sprintf("%s (%d read back)", holds, s.compared)
		out = append(out, k)
	}
	return out
}

// check is one about the case.
func (s *storing) check(rule string, v reports.Verdict) reports.Check {
	return reports.Check{Rule: rule, Verdict: v, Title: holds, File: s.at.File, Line: s.at.Line, Column: s.at.Column}
}

// told is the first few differences: the allowed and the held values.
func told(all []storedDifference) (want, got string) {
	var wanted, there []string
	for _, d := range all {
		wanted = append(wanted, fmt.Sprintf("%s: %s: %s", d.profile, d.Path, d.Want))
		there = append(there, d.Got)
	}
	return some(wanted), some(there)
}

// Fits reports whether a state has no difference that another read-back could show to be
// over.
func (r ReadBack) Fits(ignore []string) bool {
	matters := func(d oracle.Difference) bool { return !d.Open }
	return r.Err == nil && !slices.ContainsFunc(r.Held.Differences(r.State, ignore), matters)
}
