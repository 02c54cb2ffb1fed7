// Package monitor counts what became of the exports of one dataflow, the way
// the monitoring pages of the destination show it: hourly runs with their
// counters and errors, totals over ninety days, and alerts. PURE.
//
// The unit is the identity, not the profile: an export counts as many as its
// identityMap has entries (dataflows/ui/monitor-destinations; A79). Every export
// belongs to the run of the hour in which it was decided, however late its
// last attempt is (R126, A84).
package monitor

import (
	"slices"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/profile"
)

// TTL is how long a run counts in the totals, from the end of its hour (R125).
const TTL = 90 * 24 * time.Hour

// Monitor keeps the runs of one dataflow. It holds ninety days of them, each
// of a bounded size, whatever the number of profiles. It is not safe for
// concurrent use.
type Monitor struct {
	runs   []*run // ascending by start; those that can still change or still count
	open   []*run // those of runs that are not completed
	alerts []*alert
	mapped []profile.AudienceRef
	// mapping counts the changes of mapped, so that a run takes over each once.
	mapping int

	dirty []*run      // changed since Changed was called
	gone  []time.Time // beginnings of forgotten runs
}

// Effects is what came of telling the monitor something. WakeAt is the end of
// the hour of a run that was just begun; zero without one.
type Effects struct {
	Completed []Run
	Alerts    []Notice
	WakeAt    time.Time
}

// New returns a monitor without runs, subscribed to alerts.
func New(subscribed []dataflow.Alert) *Monitor {
	m := &Monitor{}
	for _, a := range subscribed {
		m.alerts = append(m.alerts, &alert{Alert: a})
	}
	return m
}

// Map sets the mapped audiences from now on: only they count.
func (m *Monitor) Map(audiences []profile.AudienceRef) {
	m.mapped = audiences
	m.mapping++
}

// Received counts an export as received, and as excluded when it was (R121).
// Calls come in the order of the decisions.
func (m *Monitor) Received(x *engine.Export) Effects {
	var e Effects
	r := m.at(x.At)
	if r == nil {
		m.expire(x.At)
		r = newRun(x.At)
		m.runs, m.open = append(m.runs, r), append(m.open, r)
		e.WakeAt = r.end()
	}
	r.reach(m.mapped, m.mapping)
	m.changed(r)
	r.received++
	if x.Excluded != "" {
		r.exclude(x.Excluded, x.Identities)
		return e
	}
	r.pending++
	return e
}

// Settled counts the exports of a message that was delivered or given up, each
// in the run of its decision. Of a message that was tried several times only
// the last attempt counts (R122).
func (m *Monitor) Settled(now time.Time, s engine.Settled) Effects {
	for i := range s.Message.Exports {
		x := &s.Message.Exports[i]
		r := m.at(x.At)
		if r == nil || r.completed {
			continue // it was sent again by hand, long after
		}
		m.changed(r)
		r.pending--
		if s.Outcome.Delivered() {
			r.Activated += x.Identities // created, updated and removed alike (R123)
			continue
		}
		r.fail(s.Outcome, x.Identities)
	}
	return m.Wake(now)
}

// Wake completes the runs whose hour is over and whose exports are settled
// (R126), and looks at the alerts of each.
func (m *Monitor) Wake(now time.Time) Effects {
	var e Effects
	for _, r := range m.open {
		if r.pending > 0 || r.end().After(now) {
			continue
		}
		done := r.complete(now)
		m.changed(r)
		e.Completed = append(e.Completed, done)
		for _, a := range m.alerts {
			if n := a.look(now, done); n != nil {
				e.Alerts = append(e.Alerts, *n)
			}
		}
	}
	if len(e.Completed) > 0 {
		m.open = slices.DeleteFunc(m.open, func(r *run) bool { return r.completed })
	}
	return e
}

// Processing lists the runs that are not completed: their hour is not over, or
// an export of it is not settled.
func (m *Monitor) Processing(now time.Time) []Run {
	var out []Run
	for _, r := range m.open {
		out = append(out, r.report(now))
	}
	return out
}

// Totals sums the runs of the last ninety days; it shrinks when a run leaves
// them (R125).
func (m *Monitor) Totals(now time.Time) Totals {
	var t Totals
	for _, r := range m.runs {
		if r.expired(now) {
			continue
		}
		t.Runs++
		t.Received += r.received
		t.Activated += r.Activated
		t.Excluded += r.Excluded
		t.Failed += r.Failed
	}
	return t
}

// at is the run of the hour of a moment, nil when it has not begun. Recent
// hours are asked for most.
func (m *Monitor) at(moment time.Time) *run {
	for _, r := range slices.Backward(m.runs) {
		if !r.start.After(moment) {
			if moment.Before(r.end()) {
				return r
			}
			return nil
		}
	}
	return nil
}

// expire forgets what no longer counts and can no longer change.
func (m *Monitor) expire(now time.Time) {
	m.runs = slices.DeleteFunc(m.runs, func(r *run) bool {
		over := r.completed && r.expired(now)
		if over {
			m.gone = append(m.gone, r.start)
		}
		return over
	})
}
