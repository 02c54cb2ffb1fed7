package loadtest

import (
	"math"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/audience"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/export"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/profile"
)

// newVirtualRuntime has one dataflow, whose exports are made without a decision. Where
// there is a backfill it is active, and can map the audience.
func newVirtualRuntime(s engine.Settings, b *Backfill) *flow.Runtime {
	var known audience.Directory
	if b != nil {
		known = audience.Directory{b.Audience: {}}
	}
	snapshot := dataflow.NewSnapshot(dataflow.Dataflow{ID: virtualFlow}, known)
	if b != nil {
		snapshot, _ = snapshot.Activate(base)
	}
	return flow.New(flow.Dataflow{Snapshot: snapshot, Settings: s,
		Configuration: dataflow.Configuration{Audiences: known}})
}

// mappingAt is when the audience is mapped: after every event, where it is mapped
// already or the load has no backfill.
func (v *virtual) mappingAt() int64 {
	if v.Backfill == nil || v.mapped {
		return math.MaxInt64
	}
	return int64(v.Backfill.At)
}

// mapAudience maps the audience, and lists its members.
func (v *virtual) mapAudience() {
	v.mapped = true
	e := v.runtime.Act(v.time(), v.Backfill.mapping(virtualFlow))
	if e.Refused {
		panic("loadtest: the mapping of a virtual load: " + e.Problems[0].Message) // it has no policies
	}
	v.recorder.mapped(func() time.Duration { return time.Duration(v.now) })
	v.perform(e)
	for _, audiences := range e.Backfill {
		members := make([]profile.ID, v.Backfill.Members)
		for n := range members {
			members[n] = memberID(n)
		}
		v.perform(v.runtime.Backfill(v.time(), virtualFlow, audiences, members))
	}
}

// idle reports whether only a backfill is left, later than the load, that the load does not
// wait for.
func (v *virtual) idle(next int64) bool {
	load := v.Pace.Duration()
	return v.Backfill != nil && next > int64(load) && !v.Backfill.within(load, v.Settings.Window) && v.recorder.open() == 0
}

// turns makes the exports of members whose turn has come.
func (v *virtual) turns(all []engine.Due) {
	for _, due := range all {
		x := &engine.Export{ID: string(due.Profile) + "#1", Dataflow: virtualFlow, Profile: due.Profile, At: v.time(),
			Because: []export.Trigger{export.Backfill}}
		v.perform(v.runtime.Accept(v.time(), virtualFlow, x))
		v.runtime.Turned(virtualFlow, due)
	}
}
