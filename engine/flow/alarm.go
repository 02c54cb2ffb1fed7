package flow

import (
	"time"
)

// AlarmID names an alarm of a runtime. No two have the same.
type AlarmID uint64

// AlarmKind is what an alarm is for. A driver that orders events of one instant
// needs to know it.
type AlarmKind string

// The alarms.
const (
	Delivery  AlarmKind = "delivery"  // a retry is due, or a turn of a backfill
	Hour      AlarmKind = "hour"      // the hour of a run is over
	Available AlarmKind = "available" // streaming sees the members of an upload
	Expiry    AlarmKind = "expiry"    // the term of an upload is over
)

// Alarm is a time at which a driver calls Ring.
type Alarm struct {
	ID   AlarmID
	Kind AlarmKind
	At   time.Time
}

// ringing is whom an alarm is for.
type ringing struct {
	kind     AlarmKind
	dataflow *running
	upload   *uploaded
}

// set has the driver set an alarm.
func (r *Runtime) set(kind AlarmKind, at time.Time, who ringing, e *Effects) AlarmID {
	r.last++
	who.kind = kind
	r.alarms[r.last] = who
	e.Set = append(e.Set, Alarm{r.last, kind, at})
	return r.last
}

// clear has the driver forget an alarm that was set, if any.
func (r *Runtime) clear(id AlarmID, e *Effects) {
	if id == 0 {
		return
	}
	delete(r.alarms, id)
	e.Clear = append(e.Clear, id)
}

// Ring is the time of an alarm. One that was cleared does nothing.
func (r *Runtime) Ring(now time.Time, id AlarmID) Effects {
	who, set := r.alarms[id]
	if !set {
		return Effects{}
	}
	delete(r.alarms, id)
	f, u := who.dataflow, who.upload
	switch who.kind {
	case Delivery:
		f.wake, f.wakeAt = 0, time.Time{}
		return r.take(now, f, f.dispatcher.Wake(now), Effects{})
	case Hour:
		e := Effects{Dataflow: f.id}
		r.observed(f, f.monitor.Wake(now), 0, &e)
		return e
	case Available:
		return u.available()
	default:
		return u.expired()
	}
}
