package engine

import (
	"strconv"
	"time"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/export"
	"github.com/httpdest/httpdest/engine/profile"
)

// Decide applies an update to a profile and returns its new state and the
// export it leads to, nil for none. Updates of different profiles may be
// decided in parallel; those of one profile in order.
func Decide(now time.Time, s State, u profile.Update, flow *dataflow.Snapshot) (State, *Export) {
	before := s.Profile
	s, delta := s.apply(now, u, flow)
	return s.decide(now, before, delta, flow)
}

// DecideAll is Decide for several dataflows: it appends the exports that the
// update leads to, in the order of the dataflows, one for each at most.
func DecideAll(exports []*Export, now time.Time, s State, u profile.Update, flows ...*dataflow.Snapshot) (State, []*Export) {
	before := s.Profile
	s, delta := s.apply(now, u, flows...)
	for _, flow := range flows {
		var x *Export
		if s, x = s.decide(now, before, delta, flow); x != nil {
			exports = append(exports, x)
		}
	}
	return s, exports
}

// apply applies an update. The time of a membership is one for all dataflows, so
// that one which reads that it moves is enough (A41).
func (s State) apply(now time.Time, u profile.Update, flows ...*dataflow.Snapshot) (State, profile.Delta) {
	moves := false
	for _, flow := range flows {
		moves = moves || flow.Flow.Destination.Readings.Requalify
	}
	after, delta := profile.Apply(s.Profile, u, now, moves)
	s.Profile = after
	s.Version++
	return s, delta
}

// decide is the decision of one dataflow about a profile that changed.
func (s State) decide(now time.Time, before profile.Profile, delta profile.Delta, flow *dataflow.Snapshot) (State, *Export) {
	reasons := export.Determine(before, s.Profile, delta, flow)
	return s.export(now, reasons, flow)
}

// DecideBackfill returns the export of a profile whose turn in a backfill has
// come, nil when it is no longer part of it.
func DecideBackfill(now time.Time, s State, audiences []profile.AudienceRef, flow *dataflow.Snapshot) (State, *Export) {
	s.Version++
	return s.export(now, export.DetermineBackfill(s.Profile, audiences, flow, now), flow)
}

// export numbers and builds the export that reasons ask for.
func (s State) export(now time.Time, r export.Reasons, flow *dataflow.Snapshot) (State, *Export) {
	if len(r.Triggers) == 0 {
		return s, nil
	}
	s.Exports++
	return s, &Export{
		ID:         string(s.Profile.ID) + "#" + strconv.FormatUint(s.Exports, 10),
		Dataflow:   flow.Flow.ID,
		Profile:    s.Profile.ID,
		At:         now,
		Because:    r.Triggers,
		Body:       export.Body(s.Profile, r, flow, now),
		Identities: s.Profile.CountIdentities(),
		Excluded:   flow.Flow.Excludes(s.Profile.ID),
	}
}
