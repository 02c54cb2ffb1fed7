package simulate

import (
	"cmp"
	"slices"
	"time"

	"github.com/httpdest/httpdest/scenarios"
)

// moment is one thing that is done to an engine from outside: a step of the
// history, or a file that is uploaded.
type moment struct {
	at     time.Duration
	step   *scenarios.Step
	upload *scenarios.Audience // whose file it is; nil for a step
}

// moments are all of a scenario in their order. At the same time steps come before
// files, as in the simulation.
func moments(sc *scenarios.Scenario) []moment {
	var all []moment
	for i := range sc.History {
		all = append(all, moment{at: sc.History[i].At, step: &sc.History[i]})
	}
	for i := range sc.Audiences {
		if u := sc.Audiences[i].Upload; u != nil {
			all = append(all, moment{at: u.At, upload: &sc.Audiences[i]})
		}
	}
	slices.SortStableFunc(all, func(a, b moment) int { return cmp.Compare(a.at, b.at) })
	return all
}
