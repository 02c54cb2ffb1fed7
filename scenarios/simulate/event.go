package simulate

import (
	"container/heap"
	"time"
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

// prolongs says whether a run goes on until an event of the class has come.
func (c class) prolongs() bool { return c < idle }

// event is one thing that is set in motion at one instant.
type event struct {
	at    time.Time
	class class
	seq   uint64
	run   func() error
	dead  bool // fired or disarmed: neither fires nor advances now
}

// agenda is the events to come, ordered by (time, class, sequence).
type agenda struct {
	events []*event
	seq    uint64
	lively int // armed events that prolong the run
}

// add arms an event.
func (a *agenda) add(at time.Time, c class, run func() error) *event {
	a.seq++
	e := &event{at: at, class: c, seq: a.seq, run: run}
	if c.prolongs() {
		a.lively++
	}
	heap.Push((*byTime)(a), e)
	return e
}

// next takes the next armed event; nil when none is left that prolongs the run.
func (a *agenda) next() *event {
	for a.lively > 0 {
		e := heap.Pop((*byTime)(a)).(*event)
		if !e.dead {
			a.disarm(e)
			return e
		}
	}
	return nil
}

// peek is the event that next would return; nil when none is left that prolongs
// the run.
func (a *agenda) peek() *event {
	for a.lively > 0 {
		if e := a.events[0]; !e.dead {
			return e
		}
		heap.Pop((*byTime)(a))
	}
	return nil
}

// disarm takes an event off; one that fired or was disarmed stays so.
func (a *agenda) disarm(e *event) {
	if !e.dead && e.class.prolongs() {
		a.lively--
	}
	e.dead = true
}

// byTime is the heap.Interface of an agenda, kept off its own method set.
type byTime agenda

func (b *byTime) Len() int { return len(b.events) }

func (b *byTime) Less(i, j int) bool {
	x, y := b.events[i], b.events[j]
	switch {
	case !x.at.Equal(y.at):
		return x.at.Before(y.at)
	case x.class != y.class:
		return x.class < y.class
	}
	return x.seq < y.seq
}

func (b *byTime) Swap(i, j int) { b.events[i], b.events[j] = b.events[j], b.events[i] }
func (b *byTime) Push(e any)    { b.events = append(b.events, e.(*event)) }

func (b *byTime) Pop() any {
	last := b.events[len(b.events)-1]
	b.events = b.events[:len(b.events)-1]
	return last
}
