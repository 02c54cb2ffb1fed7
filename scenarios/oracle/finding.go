package oracle

import (
	"time"

	"github.com/httpdest/httpdest/scenarios"
)

// Finding is one thing that is not as the rules ask for.
type Finding struct {
	Clause  string    // of rules.yaml, which has its level: "trig-enter", "all-identities/id-alone"
	Profile string    // whose export it is about
	Export  string    // its id, where one is known
	At      time.Time // when it was, or should have been; zero where nobody knows
	What    string    // a few words
	Want    string
	Got     string
}

// Rule is the id of the rule that the clause belongs to.
func (f Finding) Rule() string { return scenarios.RuleOf(f.Clause) }

// report collects what was looked at and what was wrong.
type report struct {
	looked   map[string]int
	findings []Finding
}

func newReport() *report { return &report{looked: map[string]int{}} }

// look counts a point that a clause decided, for its rule.
func (r *report) look(clause string) { r.looked[scenarios.RuleOf(clause)]++ }

func (r *report) add(f Finding) { r.findings = append(r.findings, f) }

// merge takes in what another report saw.
func (r *report) merge(other *report) {
	for rule, n := range other.looked {
		r.looked[rule] += n
	}
	r.findings = append(r.findings, other.findings...)
}
