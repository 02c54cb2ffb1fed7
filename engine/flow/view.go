package flow

import (
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/profile"
)

// View is the configuration of every dataflow at one moment, by which decisions
// are made. It never changes, so decisions may run in parallel while the
// runtime goes on; an action makes a new one.
type View struct{ snapshots []*dataflow.Snapshot }

// View is the configuration as it stands.
func (r *Runtime) View() View {
	v := View{make([]*dataflow.Snapshot, len(r.dataflows))}
	for i, f := range r.dataflows {
		v.snapshots[i] = f.snapshot
	}
	return v
}

// Snapshot is the configuration of one dataflow.
func (v View) Snapshot(id string) *dataflow.Snapshot {
	for _, s := range v.snapshots {
		if s.Flow.ID == id {
			return s
		}
	}
	return nil
}

// Decide applies an update to a profile, and appends the exports it leads to
// (see engine.DecideAll).
func (v View) Decide(into []*engine.Export, now time.Time, s engine.State, u profile.Update) (
	after engine.State, exports []*engine.Export) {
	return engine.DecideAll(into, now, s, u, v.snapshots...)
}

// Merge makes a profile part of another one (see engine.Merge).
func (v View) Merge(into []*engine.Export, now time.Time, s, other engine.State) (stays, gone engine.State, exports []*engine.Export) {
	return engine.Merge(into, now, s, other, v.snapshots...)
}

// Turn appends the exports of a profile whose turn in a backfill of a dataflow
// has come, none when it is no longer a member (see engine.DecideBackfill).
func (v View) Turn(into []*engine.Export, now time.Time, id string, s engine.State, audiences []profile.AudienceRef) (
	after engine.State, exports []*engine.Export) {
	return engine.DecideBackfill(into, now, s, audiences, v.Snapshot(id))
}
