package engine

import (
	"fmt"
	"slices"
	"time"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
)

// Budget is what an attempt may take, from asking for it to the last byte of
// the response (R81, A5). A whole mTLS decision has as much.
const Budget = 2 * time.Second

// CertificateUse says how the dispatcher settles whether the client
// certificate is presented.
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
	Grant       Grant // by which access tokens are got; NoGrant: attempts need none
}

// Dispatcher is the queue of one dataflow: which message is sent when. It is
// not safe for concurrent use; every method returns the effects to perform.
type Dispatcher struct {
	settings Settings
	queues   map[profile.ID]*queue
	ready    []*queue // whose head may be sent now, first come first served
	retries  retryHeap
	underWay int
	paused   bool
	lastID   OperationID
	attempts map[OperationID]*queue
	mtls     mtlsState
	token    tokenState
	past     backfills
}

// queue is the messages of one profile, in the order of their decisions. Only
// the head is ever sent; the next starts when it is settled (design §4).
type queue struct {
	messages []*Message
	number   int             // attempts charged for the head
	token    dataflow.Secret // that the attempt under way carries
}

func (q *queue) head() *Message { return q.messages[0] }

// NewDispatcher returns an empty dispatcher that is not paused.
func NewDispatcher(s Settings) *Dispatcher {
	return &Dispatcher{settings: s, queues: map[profile.ID]*queue{}, attempts: map[OperationID]*queue{}}
}

// Enqueue accepts exports for delivery; those that are excluded are not sent. A
// live export cancels the profile's pending backfill: it carries all that the
// backfill would.
func (d *Dispatcher) Enqueue(now time.Time, exports ...*Export) Effects {
	var e Effects
	for _, x := range exports {
		if x.Excluded != "" {
			continue
		}
		m := &Message{ID: x.ID, Exports: []Export{*x}, Body: x.Body}
		e.Persist = append(e.Persist, Record{Kind: Accepted, Message: m})
		d.past.cancel(x.Profile)
		q := d.queues[x.Profile]
		if q == nil {
			q = &queue{}
			d.queues[x.Profile] = q
			d.ready = append(d.ready, q)
		}
		q.messages = append(q.messages, m)
	}
	return d.pump(now, e)
}

// Backfill spreads the export of members evenly over the hour after a mapping
// (R112–R114). Members come in a fixed order.
func (d *Dispatcher) Backfill(now time.Time, audiences []profile.AudienceRef, members []profile.ID) Effects {
	d.past.add(now, audiences, members)
	return d.Wake(now)
}

// Wake takes up what is due now: retries and turns of a backfill.
func (d *Dispatcher) Wake(now time.Time) Effects {
	var e Effects
	for d.retries.due(now) {
		d.ready = append(d.ready, d.retries.pop())
	}
	if !d.paused {
		e.Backfill = d.past.turns(now)
	}
	return d.pump(now, e)
}

// SetEnabled pauses or resumes sending (R117). What is queued, waiting for a
// retry or to be backfilled stays; what is on the wire ends on its own.
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
	if d.mtls.asks(c.Operation) {
		return d.decisionCompleted(now, c)
	}
	if d.token.fetches(c.Operation) {
		return d.tokenCompleted(now, c)
	}
	q, ok := d.attempts[c.Operation]
	if !ok {
		panic(fmt.Sprintf("engine: operation %d completed, but was never asked for", c.Operation))
	}
	delete(d.attempts, c.Operation)
	var e Effects
	if c.Outcome.Kind == retry.TLS {
		d.mtls.forget()
	}
	if c.Outcome.Kind == retry.Answered && c.Outcome.Status == 401 {
		d.token.refused(q.token)
	}
	e.Retried = d.ended(now, q, c.Outcome, &e)
	return d.pump(now, e)
}

// ended takes the end of the head's attempt: settled, or scheduled again.
func (d *Dispatcher) ended(now time.Time, q *queue, o retry.Outcome, e *Effects) (again bool) {
	d.underWay--
	if due, ok := d.settings.Policy.Next(q.number, o, now); ok {
		d.retries.push(due, q)
		return true
	}
	kind := Dropped
	if o.Delivered() {
		kind = Delivered
	}
	m := q.head()
	settlement := Record{Kind: kind, Message: m}
	if kind == Dropped {
		settlement.Number, settlement.Outcome, settlement.At = q.number, o, now
	}
	e.Persist = append(e.Persist, settlement)
	e.Settled = append(e.Settled, Settled{Message: m, Outcome: o})
	q.messages, q.number = q.messages[1:], 0
	if len(q.messages) == 0 {
		delete(d.queues, m.Profile())
		return false
	}
	d.ready = append(d.ready, q)
	return false
}

// pump starts what may start, and says when to wake up next.
func (d *Dispatcher) pump(now time.Time, e Effects) Effects {
	if !d.paused {
		d.release(now, &e)
		for len(d.ready) > 0 && d.underWay < d.settings.MaxInFlight {
			q := d.ready[0]
			d.ready = d.ready[1:]
			d.underWay++
			q.number++
			e.Persist = append(e.Persist, Record{Kind: Charged, Message: q.head(), Number: q.number})
			d.dispatch(now, q, &e)
		}
	}
	e.WakeAt = earliest(d.retries.next(), d.nextTurn())
	return e
}

func (d *Dispatcher) nextTurn() time.Time {
	if d.paused {
		return time.Time{}
	}
	return d.past.next()
}

// dispatch sends the head of q, or has it wait: first for the mTLS decision,
// then for a token, so that no token is fetched for an endpoint that cannot be
// had, and none grows old while the endpoint is asked.
func (d *Dispatcher) dispatch(now time.Time, q *queue, e *Effects) {
	certificate, known := d.certificate(now)
	if !known {
		d.mtls.waiting = append(d.mtls.waiting, q)
		d.startDecision(now, e)
		return
	}
	token, known := d.accessToken(now)
	if !known {
		d.token.waiting = append(d.token.waiting, q)
		d.startToken(now, e)
		return
	}
	op := Operation{ID: d.nextID(), Kind: Attempt, Message: q.head(), Number: q.number, Certificate: certificate, Token: token, Budget: Budget}
	d.attempts[op.ID], q.token = q, token
	e.Send = append(e.Send, op)
}

// release takes up again what waited for a decision or a token that is known
// now. Either may have run out while the other was waited for, so that each
// attempt goes through dispatch once more; what still waits has a request under
// way.
func (d *Dispatcher) release(now time.Time, e *Effects) {
	waiting := slices.Concat(d.token.waiting, d.mtls.waiting)
	d.mtls.waiting, d.token.waiting = nil, nil
	for _, q := range waiting {
		d.dispatch(now, q, e)
	}
}

func (d *Dispatcher) nextID() OperationID {
	d.lastID++
	return d.lastID
}

// Pending lists the messages neither delivered nor dropped, in no particular
// order.
func (d *Dispatcher) Pending() []*Message {
	var pending []*Message
	for _, q := range d.queues {
		pending = append(pending, q.messages...)
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
