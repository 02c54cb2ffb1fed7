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
	// must find broken in exactly what its description says.
	Receivers []string
}

// Cover tells for every rule, in the order of the catalogue, which cases cite
// it and which mutants prove it. A mutant counts where it was measured as it
// is now, and by a case that can exercise the rule; what a mutant's file hopes
// for does not. receivers are the names of
// wrong receivers by the rules they break: those alone prove a rule that binds
// receivers alone, of which no case of the library shows anything.
func Cover(rules scenarios.Catalogue, cases []*scenarios.Scenario, all []Mutant, measured Matrix, receivers map[string][]string) []Coverage {
	out := make([]Coverage, len(rules))
	for i, r := range rules {
		c := Coverage{Rule: r, State: NotCited, Receivers: receivers[r.ID]}
		var exercising []string
		for _, s := range cases {
			if !slices.Contains(s.Rules, r.ID) {
				continue
			}
			c.Cases = append(c.Cases, s.ID)
			if s.CanExercise(r) {
				exercising = append(exercising, s.ID)
			}
		}
		for _, m := range all {
			if played, ok := measured.Find(m); ok && m.Rule == r.ID && slices.ContainsFunc(exercising, played.Red) {
				c.Mutants = append(c.Mutants, m.ID)
			}
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
