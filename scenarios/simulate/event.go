package simulate

import (
	"time"

	"github.com/httpdest/httpdest/engine/agenda"
)

// class orders events of one instant: an answer complete at exactly 2.000 s
// must find its deadline still ahead (virtual-time rule: wake-up before start
// before deadline).
type class int

const (
	wakeUp   class = iota // an endpoint's wait ends; the dispatcher wakes
	start                 // a step of the history; an operation begins
	deadline              // an operation's budget is spent
	idle                  // a socket has been idle for long
	lapse                 // an upload expires
)

// prolongs reports whether a run goes on until an event of the class has come.
func (c class) prolongs() bool { return c < idle }

// event is one thing that is set in motion at one instant.
type event struct {
	at    time.Time
	class class
	run   func() error
	dead  bool // fired or disarmed: neither fires nor advances now
}

// events are those to come, ordered by (time, class, sequence).
type events struct {
	queue  agenda.Agenda[*event]
	lively int // armed events that prolong the run
}

// add arms an event.
func (a *events) add(at time.Time, c class, run func() error) *event {
	e := &event{at: at, class: c, run: run}
	if c.prolongs() {
		a.lively++
	}
	a.queue.Add(at, int(c), e)
	return e
}

// next takes the next armed event; nil when none is left that prolongs the run.
func (a *events) next() *event {
	for a.lively > 0 {
		if e := a.queue.Take(); !e.dead {
			a.disarm(e)
			return e
		}
	}
	return nil
}

// peek is the event that next would return; nil when none is left that prolongs
// the run.
func (a *events) peek() *event {
	for a.lively > 0 {
		if _, e := a.queue.First(); !e.dead {
			return e
		}
		a.queue.Take()
	}
	return nil
}

// disarm takes an event off; one that fired or was disarmed stays so.
func (a *events) disarm(e *event) {
	if !e.dead && e.class.prolongs() {
		a.lively--
	}
	e.dead = true
}
