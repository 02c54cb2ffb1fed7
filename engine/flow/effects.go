package flow

import (
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/monitor"
	"github.com/httpdest/httpdest/engine/profile"
)

// Effects is what a driver must do, in this order: make Persist durable; begin
// each Send; set and clear the alarms; then see to Turns, Backfill, Import and
// Expire, each of which ends in another event. The other fields only report
// what happened.
type Effects struct {
	Dataflow string // that the effects are of; "" for those of an upload

	Persist []engine.Record
	Send    []engine.Operation
	Clear   []AlarmID
	Set     []Alarm

	// Turns are profiles whose turn in a backfill has come: decide each with
	// View.Turn, commit the states, and hand the exports to Accept.
	Turns []engine.Due
	// Backfill are audiences that were just mapped together for the first time:
	// list their members and hand them to Runtime.Backfill, one call for each.
	Backfill [][]profile.AudienceRef
	// Import are uploaded audiences whose members streaming sees from now on:
	// read the files again, have each row enter (upload.Enter), and call Imported.
	Import []profile.AudienceRef
	// Expire are uploaded audiences whose term is over: have each member leave
	// (upload.Leave), and call Expired.
	Expire []profile.AudienceRef

	// Uploaded are audiences whose term began.
	Uploaded []profile.AudienceRef
	// Refused is true when an action did not happen, because of Problems. An
	// action that did happen may have warnings.
	Refused  bool
	Problems []dataflow.Problem

	Unsent    []engine.Unsent
	Retried   bool // the attempt just completed will be repeated
	Settled   []engine.Settled
	Left      []*engine.Message // stay in the store, which cannot read them
	Monitored []Monitored
	Decided   *engine.MTLSDecision
	Fetched   *engine.Fetched
}

// Monitored is what monitoring had to say after so many of Settled.
type Monitored struct {
	After  int
	Runs   []monitor.Run    // that were completed
	Alerts []monitor.Notice // that fired or became inactive
}

// observed takes over what the monitor said after so many settlements.
func (r *Runtime) observed(f *running, m monitor.Effects, after int, e *Effects) {
	if !m.WakeAt.IsZero() {
		r.set(Hour, m.WakeAt, ringing{dataflow: f}, e)
	}
	if len(m.Completed)+len(m.Alerts) > 0 {
		e.Monitored = append(e.Monitored, Monitored{after, m.Completed, m.Alerts})
	}
}

// Overview is what the monitoring page of a dataflow shows.
type Overview struct {
	Processing []monitor.Run // ascending
	Totals     monitor.Totals
	Waiting    int // members whose turn in a backfill has not come
}

// Overview looks at the counters of a dataflow. Runs that are over by now are
// completed first, which the effects tell.
func (r *Runtime) Overview(now time.Time, id string) (Overview, Effects) {
	f := r.of(id)
	e := Effects{Dataflow: id}
	r.observed(f, f.monitor.Wake(now), 0, &e)
	return Overview{f.monitor.Processing(now), f.monitor.Totals(now), f.dispatcher.Waiting()}, e
}

// Waiting is how many turns of backfills have not come.
func (r *Runtime) Waiting(id string) int { return r.of(id).dispatcher.Waiting() }

// Firing are the alerts of a dataflow that fire.
func (r *Runtime) Firing(id string) []dataflow.AlertKind { return r.of(id).monitor.Firing() }

// Totals sums the runs of a dataflow over the last ninety days (R125).
func (r *Runtime) Totals(now time.Time, id string) monitor.Totals {
	return r.of(id).monitor.Totals(now)
}
