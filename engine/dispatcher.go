package engine

import (
	"cmp"
	"fmt"
	"time"

	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
)

// Budget is what an attempt may take, from asking for it to the last byte of
// the response (R81, A5). A whole mTLS decision has as much.
const Budget = 2 * time.Second

// CertificateUse is how the dispatcher decides whether to present the client
// certificate.
type CertificateUse int

// AskEndpoint makes the mTLS decision; the other two know without asking.
const (
	AskEndpoint CertificateUse = iota
	AlwaysPresent
	NeverPresent
)

// Settings are the fixed parameters of a dispatcher.
type Settings struct {
	Policy      retry.Policy
	MaxInFlight int // attempts under way at once, those waiting for the mTLS decision or a token included
	Certificate CertificateUse
	Grant       Grant // how access tokens are obtained; NoGrant: attempts need no token
	Batching    Batching
	// Bodies is how many bytes of bodies are kept of exports that wait; the bodies of
	// others are loaded from the store when they are sent. 0: all are kept, and
	// nothing is loaded.
	Bodies int
	Window time.Duration // of a backfill, from its mapping to its last turn; 0: BackfillWindow
	Keeps  bool          // the driver keeps backfills, and asks for Over
}

// Dispatcher is the queue of one dataflow: which message is sent when. It is
// not safe for concurrent use; every method returns the effects to perform.
type Dispatcher struct {
	settings Settings
	queues   map[profile.ID]*queue
	ready    readyQueue
	retries  retryHeap
	underWay int
	paused   bool
	lastID   OperationID
	attempts map[OperationID]*messageState
	gates    []gate
	past     backfills
	bodies   bodies
	recalled recalled

	lastBackfill uint64
}

// queue is the exports of one profile, in the order of their decisions. Only
// the head is ever sent; the next starts when it is settled (design §4).
type queue struct {
	exports []*Export
	carrier *messageState // that carries the head; nil while it waits for one
}

// NewDispatcher returns an empty dispatcher that is not paused.
func NewDispatcher(s Settings) *Dispatcher {
	return &Dispatcher{settings: s, gates: newGates(s), queues: map[profile.ID]*queue{}, attempts: map[OperationID]*messageState{},
		bodies: bodies{most: s.Bodies}, past: backfills{window: cmp.Or(s.Window, BackfillWindow)}}
}

// Enqueue accepts exports for delivery, each durable on its own: which of them
// share a message is decided when it is charged, and is part of that record.
// Those that are excluded are not sent. A live export cancels the profile's
// pending backfill: it carries all that the backfill would.
func (d *Dispatcher) Enqueue(now time.Time, exports ...*Export) Effects {
	e := Effects{Persist: make([]Record, 0, len(exports)+1)}
	for _, x := range exports {
		if x.Excluded != "" {
			continue
		}
		e.Persist = append(e.Persist, Record{Kind: Accepted, Message: x.alone()})
		d.turned(x.Profile, x.MergePolicy)
		d.past.cancel(x.Profile, x.MergePolicy)
		d.queue(d.bodies.keep(x))
	}
	return d.pump(now, e)
}

// queue puts an export at the end of its profile's queue.
func (d *Dispatcher) queue(x *Export) {
	q := d.queues[x.Profile]
	if q == nil {
		q = &queue{}
		d.queues[x.Profile] = q
		d.ready.add(q)
	}
	q.exports = append(q.exports, x)
}

// Backfill spreads the export of members evenly over the hour after a mapping
// (R112–R114). Members come in a fixed order. policy is the merge policy of the
// audiences where a reading has one export for each (A50), "" otherwise.
func (d *Dispatcher) Backfill(now time.Time, audiences []profile.AudienceRef, policy string, members []profile.ID) Effects {
	if len(members) > 0 {
		d.lastBackfill++
		all := func(profile.ID) bool { return true }
		d.past.add(Backfill{Number: d.lastBackfill, Audiences: audiences, MergePolicy: policy, Members: members, Start: now}, all)
	}
	return d.Wake(now)
}

// Wake takes up what is due now: retries and turns of a backfill.
func (d *Dispatcher) Wake(now time.Time) Effects {
	var e Effects
	for d.retries.due(now) {
		d.ready.retry(d.retries.pop())
	}
	if !d.paused {
		e.Backfill = d.past.turns(now)
	}
	return d.pump(now, e)
}

// SetEnabled pauses or resumes sending (R117). Exports that are queued, wait
// for a retry or are to be backfilled stay; attempts on the wire end on their
// own.
func (d *Dispatcher) SetEnabled(now time.Time, enabled bool) Effects {
	if d.paused == !enabled {
		return d.pump(now, Effects{})
	}
	d.paused = !enabled
	if d.paused {
		d.past.pause(now)
		return d.pump(now, Effects{})
	}
	d.past.resume(now)
	return d.Wake(now)
}

// Completed takes the end of an operation. It panics on an operation the
// dispatcher did not ask for: a driver invents none.
func (d *Dispatcher) Completed(now time.Time, c Completion) Effects {
	for _, g := range d.gates {
		if g.owns(c.Operation) {
			var e Effects
			g.completed(d, now, c, &e)
			return d.pump(now, e)
		}
	}
	if d.bodies.loading[c.Operation] != nil {
		return d.loaded(now, c)
	}
	p, ok := d.attempts[c.Operation]
	if !ok {
		panic(fmt.Sprintf("engine: operation %d completed, but was never asked for", c.Operation))
	}
	delete(d.attempts, c.Operation)
	e := Effects{Persist: make([]Record, 0, 2)} // a settlement, and the charge of what comes next
	for _, g := range d.gates {
		g.attempted(p.token, c.Outcome)
	}
	e.Retried = d.ended(now, p, c.Outcome, &e)
	return d.pump(now, e)
}

// ended takes the end of an attempt: the message is settled, or scheduled
// again.
func (d *Dispatcher) ended(now time.Time, p *messageState, o retry.Outcome, e *Effects) (again bool) {
	d.underWay--
	p.onWire, p.last = false, o
	due, ok := d.settings.Policy.Next(p.number, o, now)
	if ok && !p.deleted {
		d.leave(p)
		d.retries.push(due, p)
		return true
	}
	if ok {
		o.Reason = string(retry.Deleted)
	}
	d.settle(now, p, o, e)
	return false
}

// settle takes a message off the queues it came from, and lets their next
// exports in.
func (d *Dispatcher) settle(now time.Time, p *messageState, o retry.Outcome, e *Effects) {
	settlement := Record{Kind: Delivered, Message: p.message}
	if !o.Delivered() {
		settlement = Record{Kind: Dropped, Message: p.message, Number: p.number, Outcome: o, At: now}
	}
	e.Persist = append(e.Persist, settlement)
	e.Settled = append(e.Settled, Settled{Message: p.message, Outcome: o})
	d.takeOff(p)
}

// takeOff takes a message off the queues it came from.
func (d *Dispatcher) takeOff(p *messageState) {
	d.bodies.count(p, 0)
	for i, q := range p.queues {
		q.exports[0] = nil // the rest of the slice outlives it
		q.exports, q.carrier = q.exports[1:], nil
		if len(q.exports) == 0 {
			delete(d.queues, p.message.Exports[i].Profile)
			continue
		}
		d.ready.add(q)
	}
}

// pump starts what may start, and returns when to wake up next.
func (d *Dispatcher) pump(now time.Time, e Effects) Effects {
	if !d.paused {
		d.release(now, &e)
		for d.ready.len() > 0 && d.underWay < d.settings.MaxInFlight {
			p := d.ready.take(d.settings.Batching)
			if p.number == 0 && p.held == 0 {
				d.packed(p)
			}
			d.underWay++
			if p.message.Stored() {
				d.bodies.wanting.Add(p)
				continue
			}
			d.charge(now, p, &e)
		}
		d.load(&e)
	}
	e.WakeAt = earliest(d.retries.next(), d.nextTurn())
	return e
}

// charge starts an attempt of a message that has its bodies.
func (d *Dispatcher) charge(now time.Time, p *messageState, e *Effects) {
	p.number++
	e.Persist = append(e.Persist, Record{Kind: Charged, Message: p.message, Number: p.number})
	d.dispatch(now, p, e)
}

func (d *Dispatcher) nextTurn() time.Time {
	if d.paused {
		return time.Time{}
	}
	return d.past.next()
}

func (d *Dispatcher) nextID() OperationID {
	d.lastID++
	return d.lastID
}

// Pending lists the messages neither delivered nor dropped, in no particular
// order. An export that no message carries yet is one of its own.
func (d *Dispatcher) Pending() []*Message {
	var pending []*Message
	for _, q := range d.queues {
		waiting := q.exports
		if q.carrier != nil {
			waiting = waiting[1:]
			if q.carrier.queues[0] == q {
				pending = append(pending, q.carrier.message)
			}
		}
		for _, x := range waiting {
			pending = append(pending, x.alone())
		}
	}
	return pending
}

// earliest is the earlier of two times, of which zero means never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
