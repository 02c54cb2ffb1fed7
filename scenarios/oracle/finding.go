package oracle

import "time"

// Finding is one thing that is not as the rules ask for.
type Finding struct {
	Rule    string    // id in rules.yaml
	Default bool      // the point is a default of ours, and the documentation is silent
	Reading string    // the key of the reading that decides the point; with Default it is not chosen
	Profile string    // whose export it is about
	Export  string    // its id, where one is known
	At      time.Time // when it was, or should have been; zero where nobody knows
	What    string    // a few words
	Want    string
	Got     string
}

// report collects what was looked at and what was wrong.
type report struct {
	looked   map[string]int
	findings []Finding
}

func newReport() *report { return &report{looked: map[string]int{}} }

// look counts a point that a rule decided.
func (r *report) look(rule string) { r.looked[rule]++ }

func (r *report) add(f Finding) { r.findings = append(r.findings, f) }

// merge takes in what another report saw.
func (r *report) merge(other *report) {
	for rule, n := range other.looked {
		r.looked[rule] += n
	}
	r.findings = append(r.findings, other.findings...)
}
