package scenarios

import (
	"slices"
	"time"
)

// Paced is the scenario with no time between two of its moments that is longer than
// a bound: for a history that is told on the wall clock. The moments are those of its
// steps and the beginnings and ends of its faults; their order, and which of them are
// the same, stay.
func (s *Scenario) Paced(longest time.Duration) *Scenario {
	moments := []time.Duration{0, s.Until}
	for _, step := range s.History {
		moments = append(moments, step.At)
	}
	for _, f := range s.Endpoint.Faults {
		moments = append(moments, f.From, f.Until)
	}
	slices.Sort(moments)
	moved := map[time.Duration]time.Duration{}
	last, at := time.Duration(0), time.Duration(0)
	for _, m := range moments {
		at += min(m-last, longest)
		last, moved[m] = m, at
	}
	paced := *s
	paced.Until = moved[s.Until]
	paced.History = slices.Clone(s.History)
	for i := range paced.History {
		paced.History[i].At = moved[s.History[i].At]
	}
	paced.Endpoint.Faults = slices.Clone(s.Endpoint.Faults)
	for i := range paced.Endpoint.Faults {
		f := &paced.Endpoint.Faults[i]
		f.From, f.Until = moved[f.From], moved[f.Until]
	}
	return &paced
}
