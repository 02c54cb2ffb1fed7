package live

import (
	"time"

	"github.com/httpdest/httpdest/engine/agenda"
	"github.com/httpdest/httpdest/engine/flow"
)

// alarms are those of the runtime, on one timer.
type alarms struct {
	agenda agenda.Agenda[flow.AlarmID]
	set    map[flow.AlarmID]bool // neither rung nor cleared
	timer  *time.Timer
	at     time.Time // when the timer runs out; zero: it is not set
}

func newAlarms() *alarms {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	return &alarms{set: map[flow.AlarmID]bool{}, timer: timer}
}

// change sets and clears alarms.
func (a *alarms) change(e flow.Effects) {
	if len(e.Clear)+len(e.Set) == 0 {
		return
	}
	for _, id := range e.Clear {
		delete(a.set, id)
	}
	for _, x := range e.Set {
		a.set[x.ID] = true
		a.agenda.Add(x.At, order[x.Kind], x.ID)
	}
	a.arm()
}

// order is that of alarms at one time: what is due is sent before an hour ends.
var order = map[flow.AlarmKind]int{flow.Delivery: 0, flow.Available: 1, flow.Hour: 2, flow.Expiry: 3}

// arm sets the timer for the first alarm.
func (a *alarms) arm() {
	for a.agenda.Len() > 0 {
		if _, id := a.agenda.First(); a.set[id] {
			break
		}
		a.agenda.Take()
	}
	if next := a.agenda.Next(); !next.IsZero() && !next.Equal(a.at) {
		a.at = next
		a.timer.Reset(time.Until(next))
	}
}

// due takes off the alarm that is due, if one is.
func (a *alarms) due(now time.Time) (id flow.AlarmID, ok bool) {
	for a.agenda.Due(now) {
		if id := a.agenda.Take(); a.set[id] {
			delete(a.set, id)
			return id, true
		}
	}
	return 0, false
}

// ring rings every alarm that is due.
func (l *looping) ring(now time.Time) {
	l.alarms.at = time.Time{}
	for id, ok := l.alarms.due(now); ok; id, ok = l.alarms.due(now) {
		l.happened(now, l.driver.runtime.Ring(now, id))
	}
	l.alarms.arm()
}
