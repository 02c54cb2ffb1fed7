package mutants

import (
	"slices"

	"github.com/httpdest/httpdest/scenarios"
)

// State is how far a rule is shown to hold.
type State string

// The states of a rule, best first.
const (
	Proved   State = "proved"                      // a case that cites it turned red under a mutant of it
	Cited    State = "cited, not proved"           // cases cite it, and nothing shows that they would notice
	NotCited State = "neither cited nor proved"    // no case cites it
	Probe    State = "shown by the receiver probe" // binds receivers alone: no case of the library can show it
)

// Coverage is what shows one rule.
type Coverage struct {
	Rule    scenarios.Rule
	State   State
	Cases   []string // ids of the cases that cite the rule
	Mutants []string // ids of the mutants of the rule that one of these cases found
}

// Cover tells for every rule, in the order of the catalogue, which cases cite
// it and which mutants prove it. A mutant counts where it was measured as it
// is now; what a mutant's file hopes for does not.
func Cover(rules scenarios.Catalogue, cases []*scenarios.Scenario, all []Mutant, measured Matrix) []Coverage {
	out := make([]Coverage, len(rules))
	for i, r := range rules {
		c := Coverage{Rule: r, State: NotCited}
		for _, s := range cases {
			if slices.Contains(s.Rules, r.ID) {
				c.Cases = append(c.Cases, s.ID)
			}
		}
		for _, m := range all {
			if played, ok := measured.Find(m); ok && m.Rule == r.ID && slices.ContainsFunc(c.Cases, played.Red) {
				c.Mutants = append(c.Mutants, m.ID)
			}
		}
		switch {
		case r.Side == "receiver":
			c.State = Probe
		case len(c.Mutants) > 0:
			c.State = Proved
		case len(c.Cases) > 0:
			c.State = Cited
		}
		out[i] = c
	}
	return out
}
