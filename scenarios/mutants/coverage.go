package mutants

import (
	"slices"

	"github.com/httpdest/httpdest/scenarios"
)

// State is how far a rule is shown to hold.
type State string

// The states of a rule, best first.
const (
	Proved   State = "proved"                   // a case that cites it turned red under a mutant of it, or the probe found a receiver that breaks it
	Cited    State = "cited, not proved"        // cases cite it, and nothing shows that they would notice
	NotCited State = "neither cited nor proved" // no case cites it, and no receiver breaks it
)

// Coverage is what shows one rule.
type Coverage struct {
	Rule    scenarios.Rule
	State   State
	Cases   []string // ids of the cases that cite the rule
	Mutants []string // ids of the mutants of the rule that one of these cases found
	// Receivers are the wrong receivers that break it, each of which the probe
	// must find broken in exactly the described way.
	Receivers []string
	Clauses   []ClauseCoverage // of the rule's clauses, in their order
}

// ClauseCoverage is what shows one clause.
type ClauseCoverage struct {
	Clause  scenarios.Clause
	State   State
	Cases   []string // ids of the cases that cite the rule and can exercise the clause
	Mutants []string // ids of the mutants of the clause that one of these cases found
	Judging []string // ids of the mutants of the judge that name the clause, each of which a test must find
}

// Cover lists for every rule, in the order of the catalogue, the cases that
// cite it and the mutants that prove it. A mutant counts where it was measured
// as it is now, and by a case that can exercise the rule; what a mutant's file
// hopes for does not. receivers are the names of wrong receivers by the rules
// they break: those alone prove a rule that binds receivers alone, of which no
// case of the library shows anything.
func Cover(rules scenarios.Catalogue, cases []*scenarios.Scenario, all []Mutant, measured Matrix, receivers map[string][]string, judging []Judging) []Coverage {
	out := make([]Coverage, len(rules))
	for i, r := range rules {
		c := Coverage{Rule: r, State: NotCited, Receivers: receivers[r.ID]}
		for _, s := range cases {
			if slices.Contains(s.Rules, r.ID) {
				c.Cases = append(c.Cases, s.ID)
			}
		}
		c.Mutants = killed(r.ID, exercising(r, cases), all, measured)
		for _, clause := range r.Clauses {
			c.Clauses = append(c.Clauses, coverClause(r, clause, cases, all, measured, judging))
		}
		switch {
		case r.Side == "receiver" && len(c.Receivers) > 0:
			c.State = Proved
		case r.Side == "receiver":
		case len(c.Mutants) > 0:
			c.State = Proved
		case len(c.Cases) > 0:
			c.State = Cited
		}
		out[i] = c
	}
	return out
}

// coverClause is Cover for one clause of a rule.
func coverClause(r scenarios.Rule, clause scenarios.Clause, cases []*scenarios.Scenario, all []Mutant, measured Matrix, judging []Judging) ClauseCoverage {
	r.Premise = clause.Premise
	c := ClauseCoverage{Clause: clause, State: NotCited}
	if r.Side != "receiver" {
		c.Cases = exercising(r, cases)
	}
	c.Mutants = killed(clause.ID, c.Cases, all, measured)
	for _, m := range judging {
		if m.Clause == clause.ID {
			c.Judging = append(c.Judging, m.ID)
		}
	}
	switch {
	case len(c.Mutants)+len(c.Judging) > 0:
		c.State = Proved
	case len(c.Cases) > 0:
		c.State = Cited
	}
	return c
}

// exercising are the ids of the cases that cite a rule and can exercise it.
func exercising(r scenarios.Rule, cases []*scenarios.Scenario) (ids []string) {
	for _, s := range cases {
		if slices.Contains(s.Rules, r.ID) && s.CanExercise(r) {
			ids = append(ids, s.ID)
		}
	}
	return ids
}

// killed are the ids of the mutants of a rule or a clause that one of some cases
// found.
func killed(clause string, by []string, all []Mutant, measured Matrix) (ids []string) {
	for _, m := range all {
		if played, ok := measured.Find(m); ok && m.Rule == clause && slices.ContainsFunc(by, played.Red) {
			ids = append(ids, m.ID)
		}
	}
	return ids
}
