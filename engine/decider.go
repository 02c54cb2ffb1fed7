package engine

import (
	"strconv"
	"time"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/export"
	"github.com/httpdest/httpdest/engine/profile"
)

// DecideAll applies an update to a profile and returns its new state. It appends
// the exports that the update leads to, in the order of the dataflows: one for
// each, or by a reading one for each merge policy that the change concerns (A50).
// Updates of different profiles may be decided in parallel; those of one profile
// in order.
func DecideAll(exports []*Export, now time.Time, s State, u profile.Update, flows ...*dataflow.Snapshot) (State, []*Export) {
	before := s.Profile
	s, delta := s.apply(now, u, flows...)
	for _, flow := range flows {
		reasons := export.Determine(before, s.Profile, delta, flow)
		s, exports = s.export(exports, now, reasons, flow)
	}
	return s, exports
}

// Merge makes a profile part of another one. It returns the state of the one that
// stays, of the one that does not, and appends the exports that the first leads
// to, as DecideAll does.
func Merge(exports []*Export, now time.Time, s, other State, flows ...*dataflow.Snapshot) (stays, gone State, all []*Export) {
	into := s.Profile.ID
	s, exports = DecideAll(exports, now, s, profile.Update{Profile: into, Changes: []profile.Change{{Op: profile.Merge, Other: &other.Profile}}}, flows...)
	other.Profile, other.MergedInto = profile.Profile{ID: other.Profile.ID}, into
	other.Version++
	return s, other, exports
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

// DecideBackfill appends the exports of a profile whose turn in a backfill has
// come: none when it is no longer part of it, and several only where a reading
// has one for each merge policy.
func DecideBackfill(exports []*Export, now time.Time, s State, audiences []profile.AudienceRef, flow *dataflow.Snapshot) (State, []*Export) {
	s.Version++
	return s.export(exports, now, export.DetermineBackfill(s.Profile, audiences, flow, now), flow)
}

// export numbers, builds and appends the exports that reasons ask for.
func (s State) export(exports []*Export, now time.Time, r export.Reasons, flow *dataflow.Snapshot) (State, []*Export) {
	if len(r.Triggers) == 0 {
		return s, exports
	}
	if !flow.Flow.Destination.Readings.BodyPerPolicy {
		s.Exports++
		return s, append(exports, s.exported(now, r, flow))
	}
	for _, part := range export.PerPolicy(s.Profile, r, flow) {
		s.Exports++
		exports = append(exports, s.exported(now, part, flow))
	}
	return s, exports
}

// exported is the latest export of the profile.
func (s State) exported(now time.Time, r export.Reasons, flow *dataflow.Snapshot) *Export {
	return &Export{
		ID:          string(s.Profile.ID) + "#" + strconv.FormatUint(s.Exports, 10),
		Dataflow:    flow.Flow.ID,
		Profile:     s.Profile.ID,
		At:          now,
		Because:     r.Triggers,
		MergePolicy: r.Policy,
		Body:        export.Body(s.Profile, r, flow, now),
		Identities:  s.Profile.CountIdentities(),
		Excluded:    flow.Flow.Excludes(s.Profile.ID),
	}
}
