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
	after, delta := profile.Apply(s.Profile, u, now)
	reasons := export.Determine(s.Profile, after, delta, flow)
	s.Profile = after
	s.Version++
	return s.export(now, reasons, flow)
}

// DecideBackfill returns the export of a profile whose turn in a backfill has
// come, nil when it is no longer a member.
func DecideBackfill(now time.Time, s State, audiences []profile.AudienceRef, flow *dataflow.Snapshot) (State, *Export) {
	s.Version++
	return s.export(now, export.DetermineBackfill(s.Profile, audiences, flow), flow)
}

// export numbers and builds the export that reasons ask for.
func (s State) export(now time.Time, r export.Reasons, flow *dataflow.Snapshot) (State, *Export) {
	if len(r.Triggers) == 0 {
		return s, nil
	}
	s.Exports++
	return s, &Export{
		ID:         string(s.Profile.ID) + "#" + strconv.FormatUint(s.Exports, 10),
		Profile:    s.Profile.ID,
		At:         now,
		Because:    r.Triggers,
		Body:       export.Body(s.Profile, r, flow, now),
		Identities: s.Profile.CountIdentities(),
		Excluded:   flow.Flow.Excludes(s.Profile.ID),
	}
}
