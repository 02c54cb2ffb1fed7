package simulate

import (
	"fmt"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/scenarios"
)

// ofWhole is what a step does to whole profiles: merge, forget, or "" for changes.
func ofWhole(s *scenarios.Step) profile.Op {
	if s.Action != "" || len(s.Changes) == 0 {
		return ""
	}
	if op := profile.Op(s.Changes[0].Op); op == profile.Merge || op == profile.Forget {
		return op
	}
	return ""
}

// merge plays the merges of a step. They are decided one after the other, and
// handed on together, as a step of updates is.
func (d *driver) merge(s *scenarios.Step) error {
	var states []engine.State
	var exports []*engine.Export
	for name := range s.Profiles.All() {
		from := s.Other(name)
		stays, err := d.population.load(name)
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
		other, err := d.population.load(from)
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
		stays, gone, decided := d.runtime.View().Merge(nil, d.now, stays, other)
		states, exports = append(states, stays, gone), append(exports, decided...)
		for _, u := range mergeUpdates(name, from) {
			d.recorder.update(d.now, u)
		}
		for _, x := range decided {
			d.recorder.of(x.Dataflow).export(x)
		}
	}
	return d.accept(states, exports)
}

// mergeUpdates are the updates of both profiles of a merge, as they are recorded.
func mergeUpdates(into, from string) [2]profile.Update {
	of := func(name string, op profile.Op, other string) profile.Update {
		return profile.Update{Profile: profile.ID(name), Changes: []profile.Change{{Op: op, Other: &profile.Profile{ID: profile.ID(other)}}}}
	}
	return [2]profile.Update{of(into, profile.Merge, from), of(from, profile.Merged, into)}
}
