package loadtest

import (
	"context"
	"sync"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/reports"
)

// Further is a further dataflow of an engine under load. Each update is for all
// dataflows, and what becomes of the exports of each is recorded apart.
type Further struct {
	Flow     *dataflow.Snapshot // with an id that no other dataflow of the engine has
	Settings engine.Settings
	// Configuration is what actions on the dataflow are judged by.
	Configuration dataflow.Configuration
	Perform       live.Perform
	To            string
	Hopeless      bool // its receiver is a bad one: nobody waits for its exports at the end
}

// loadedFlow is one dataflow of an engine under load, and the record of it.
type loadedFlow struct {
	Further
	bit      uint64 // of driven.exported
	recorder *Recorder
	exports  sync.Map // id of an export, to the *driven of its update
}

// driven is when an update was due, and when it was begun.
type driven struct {
	due, begun time.Duration
	exported   uint64 // a bit for each dataflow with an export of it, set before the update is durable
}

// flowsOf are the dataflow of the load and the further ones.
func (t Through) flowsOf(recorder *Recorder, p Pace) []*loadedFlow {
	flows := []*loadedFlow{{Further: Further{Flow: t.Population.Flow, Settings: t.Settings, Configuration: t.Configuration, Perform: t.Perform, To: t.To}, bit: 1, recorder: recorder}}
	for i, b := range t.Further {
		r := NewRecorder(p)
		r.byChance = recorder.byChance
		flows = append(flows, &loadedFlow{Further: b, bit: 2 << i, recorder: r})
	}
	for _, l := range flows {
		l.recorder.lateness.sockets = int64(l.Settings.MaxInFlight)
	}
	return flows
}

// dataflows are what the engine takes over.
func (x *through) dataflows() (all []flow.Dataflow) {
	for _, l := range x.flows {
		all = append(all, flow.Dataflow{Snapshot: l.Flow, Settings: l.Settings, Configuration: l.Configuration})
	}
	return all
}

// flowOf is the dataflow of a dataflow's id.
func (x *through) flowOf(id string) *loadedFlow {
	for _, l := range x.flows[1:] {
		if l.Flow.Flow.ID == id {
			return l
		}
	}
	return x.flows[0]
}

// open is how many updates are on their way in the flows that are waited for.
func (x *through) open() (n int64) {
	for _, l := range x.flows {
		if !l.Hopeless {
			n += l.recorder.open()
		}
	}
	return n
}

// unfinished reports whether any export is on its way.
func (x *through) unfinished() bool {
	for _, l := range x.flows {
		if l.recorder.open() > 0 {
			return true
		}
	}
	return false
}

// watch has the watchdog of this machine tell every record.
func (x *through) watch() func(since, now time.Time) {
	beats := make([]func(since, now time.Time), len(x.flows))
	for i, l := range x.flows {
		beats[i] = l.recorder.watch(x.pacer)
	}
	return func(since, now time.Time) {
		for _, beat := range beats {
			beat(since, now)
		}
	}
}

// RunAll is Run with a report for each dataflow: that of the load first.
func (t Through) RunAll(ctx context.Context) ([]*reports.Load, error) {
	loads, _, err := t.run(ctx)
	return loads, err
}
