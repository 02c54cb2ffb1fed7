// Package flow is the runtime of the engine: every event of a destination's
// life in, effects out, for any number of dataflows. PURE.
//
// A dataflow is a snapshot of its configuration, which the decider reads; the
// Dispatcher that queues and sends; and the Monitor that counts. The Runtime
// joins them, and adds what none of them knows alone: actions of people and
// whether they are allowed, backfills, and the terms of uploaded audiences.
//
// A driver adds a clock, a wire and a store, and nothing else:
//
//	an update       View.Decide, parallel by profile; commit the state; Accept
//	an action       Act
//	a wire operation that ended  Completed
//	an alarm        Ring, at the time it was set for
//	an upload       Upload; members come and go by the effects of its alarms
//	a start         Restore the notes of the store, Recall each unsettled message, Recover
//
// Each returns Effects. The driver owns time: the runtime names alarms, and
// learns the time with every event. Profiles stay outside, because they may
// outnumber memory: where the runtime needs them, an effect says so (Turns,
// Backfill, Import, Expire).
package flow

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/monitor"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
)

// Dataflow is one dataflow as a Runtime takes it over.
type Dataflow struct {
	// Snapshot is the dataflow as it stands, activated or not. Its Flow.ID is
	// its name among the others.
	Snapshot *dataflow.Snapshot
	Settings engine.Settings
	// Configuration is what actions are judged by: the organisation, its users
	// and policies.
	Configuration dataflow.Configuration
}

// Runtime is dataflows at work. It is not safe for concurrent use; View is.
type Runtime struct {
	dataflows []*running
	ids       []string
	uploads   map[profile.AudienceRef]*uploaded
	alarms    map[AlarmID]ringing
	last      AlarmID
}

// running is one dataflow at work.
type running struct {
	id         string
	configured dataflow.Configuration // but for the mapping, which is in the snapshot
	// configuredRefs are the audiences that the configuration maps.
	configuredRefs []profile.AudienceRef
	snapshot       *dataflow.Snapshot
	dispatcher     *engine.Dispatcher
	monitor        *monitor.Monitor
	wake           AlarmID // of the dispatcher; 0: none is set
	wakeAt         time.Time

	listings []*listing
	added    []profile.AudienceRef // by the configuration, since the last start
	renamed  map[profile.AudienceRef]bool
	labelled bool // labels were changed by an action
	switched bool // and so were the switches
	pausedAt time.Time
	keeping  keeping
}

// listing is a backfill whose members are being listed. Profiles that are
// exported meanwhile need no backfill.
type listing struct {
	audiences []profile.AudienceRef
	policy    string // merge policy of the audiences; see policyOf
	exported  map[profile.ID]bool
}

// New takes dataflows over.
func New(dataflows ...Dataflow) *Runtime {
	r := &Runtime{uploads: map[profile.AudienceRef]*uploaded{}, alarms: map[AlarmID]ringing{}}
	for _, f := range dataflows {
		run := &running{
			id: f.Snapshot.Flow.ID, configured: f.Configuration, snapshot: f.Snapshot,
			dispatcher: engine.NewDispatcher(f.Settings), monitor: monitor.New(f.Snapshot.Flow.Destination.Alerts),
		}
		run.monitor.Map(run.snapshot.MappedRefs())
		run.configuredRefs = run.snapshot.MappedRefs()
		run.renamed, run.keeping = map[profile.AudienceRef]bool{}, newKeeping()
		r.dataflows, r.ids = append(r.dataflows, run), append(r.ids, run.id)
	}
	return r
}

// Dataflows are the names of the dataflows, in the order they were given.
// The slice is the runtime's own.
func (r *Runtime) Dataflows() []string { return r.ids }

// of is the dataflow of a name. It panics for an unknown name, which is a
// defect of the driver.
func (r *Runtime) of(id string) *running {
	for _, f := range r.dataflows {
		if f.id == id {
			return f
		}
	}
	panic(fmt.Sprintf("flow: there is no dataflow %q", id))
}

// Accept takes exports over that were decided at one moment for one dataflow,
// once the states they came from are durable. Only exports that are accepted
// together can share a message.
func (r *Runtime) Accept(now time.Time, id string, exports ...*engine.Export) Effects {
	f := r.of(id)
	e := Effects{Dataflow: id}
	for _, x := range exports {
		r.observed(f, f.monitor.Received(x), 0, &e)
		for _, l := range f.listings {
			if l.policy == x.MergePolicy {
				l.exported[x.Profile] = true
			}
		}
	}
	return r.take(now, f, f.dispatcher.Enqueue(now, exports...), e)
}

// Completed takes the end of a wire operation.
func (r *Runtime) Completed(now time.Time, op engine.Operation, c engine.Completion) Effects {
	f := r.of(op.Dataflow)
	e := f.dispatcher.Completed(now, c)
	return r.take(now, f, e, Effects{})
}

// Recall takes up a message that a store held unsettled when the engine ended,
// in the order of acceptance, after Restore and before Recover.
func (r *Runtime) Recall(u engine.Unsettled) error {
	// An earlier version had one dataflow, and did not write its name.
	id := cmp.Or(u.Message.Exports[0].Dataflow, r.ids[0])
	if !slices.Contains(r.ids, id) {
		return fmt.Errorf("%w: %s is of %q", ErrForeign, u.Message.ID, id)
	}
	f := r.of(id)
	for i := range u.Message.Exports {
		f.monitor.Recovered(&u.Message.Exports[i])
	}
	f.dispatcher.Recall(u)
	return nil
}

// Resend takes a dead letter back into the queues of its profiles, after what
// waits there, as a person wishes; failed is the outcome for which it was given
// up.
func (r *Runtime) Resend(now time.Time, m *engine.Message, failed retry.Outcome) Effects {
	f := r.of(cmp.Or(m.Exports[0].Dataflow, r.ids[0]))
	exports := make([]*engine.Export, len(m.Exports))
	for i := range m.Exports {
		exports[i] = &m.Exports[i]
		f.monitor.Again(exports[i], failed)
	}
	return r.take(now, f, f.dispatcher.Enqueue(now, exports...), Effects{})
}

// Hold stops sending, because the process ends: no dataflow is disabled by it.
func (r *Runtime) Hold(now time.Time) []Effects {
	all := make([]Effects, 0, len(r.dataflows))
	for _, f := range r.dataflows {
		all = append(all, r.take(now, f, f.dispatcher.SetEnabled(now, false), Effects{}))
	}
	return all
}

// InMemory is how many bytes of the bodies of unsettled exports are in memory.
func (r *Runtime) InMemory() (bytes int) {
	for _, f := range r.dataflows {
		bytes += f.dispatcher.InMemory()
	}
	return bytes
}

// Turned takes in that turns are decided, and that their exports, if any, were
// accepted.
func (r *Runtime) Turned(id string, turns ...engine.Due) { r.of(id).dispatcher.Turned(turns...) }

// Backfill takes the members of the audiences that Effects.Backfill asked for,
// in ascending order. Who was exported since it asked is left out. One whose
// dataflow was deleted meanwhile does nothing.
func (r *Runtime) Backfill(now time.Time, id string, audiences []profile.AudienceRef, members []profile.ID) Effects {
	f := r.of(id)
	at := slices.IndexFunc(f.listings, func(l *listing) bool { return slices.Equal(l.audiences, audiences) })
	if at < 0 {
		return Effects{Dataflow: id}
	}
	exported, policy := f.listings[at].exported, f.listings[at].policy
	f.listings = slices.Delete(f.listings, at, at+1)
	f.keeping.changed = true
	members = slices.DeleteFunc(members, func(p profile.ID) bool { return exported[p] })
	return r.take(now, f, f.dispatcher.Backfill(now, audiences, policy, members), Effects{})
}

// Pending lists the messages of a dataflow that are neither delivered nor
// dropped, in no particular order.
func (r *Runtime) Pending(id string) []*engine.Message { return r.of(id).dispatcher.Pending() }

// take turns the effects of a dispatcher into those of the runtime: the monitor
// counts what was settled, and the dispatcher's wake-up becomes an alarm.
func (r *Runtime) take(now time.Time, f *running, d engine.Effects, e Effects) Effects {
	e.Dataflow = f.id
	e.Persist, e.Send, e.Turns = d.Persist, d.Send, d.Backfill
	e.Unsent, e.Retried, e.Settled, e.Left = d.Unsent, d.Retried, d.Settled, d.Left
	e.Decided, e.Fetched = d.MTLSDecision, d.Fetched
	for i := range e.Send {
		e.Send[i].Dataflow = f.id
	}
	for i := range e.Settled {
		r.observed(f, f.monitor.Settled(now, e.Settled[i]), i+1, &e)
	}
	if !d.WakeAt.Equal(f.wakeAt) {
		r.clear(f.wake, &e)
		f.wake, f.wakeAt = 0, d.WakeAt
		if !d.WakeAt.IsZero() {
			f.wake = r.set(Delivery, d.WakeAt, ringing{dataflow: f}, &e)
		}
	}
	return e
}
