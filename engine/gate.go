package engine

import (
	"time"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/retry"
)

// gate is something that an attempt needs before it is sent, and that may have to
// be asked for: whether to present the client certificate, an access token. An
// attempt goes through the gates of its dispatcher in order, and waits at the
// first that is shut. A further one is a file with its implementation, and a line
// in newGates.
type gate interface {
	// pass completes an attempt that starts now; ok is false when what it needs must
	// be asked for first.
	pass(now time.Time, op Operation) (_ Operation, ok bool)
	// ask is the request for it; asks is false while one is under way, however many
	// attempts wait. (It returns the request, so that the effects of each attempt need
	// no memory of their own.)
	ask(d *Dispatcher, now time.Time) (request Operation, asks bool)
	// owns reports whether the gate has a request under way.
	owns(request OperationID) bool
	// completed takes the end of this request.
	completed(d *Dispatcher, now time.Time, c Completion, e *Effects)
	// attempted learns how an attempt ended that carried a token, "" for none.
	attempted(token dataflow.Secret, o retry.Outcome)
	// room is where attempts wait that found it shut.
	room() *waitingRoom
}

// newGates are the gates of a dispatcher in the order in which an attempt goes
// through them: no token is fetched for an endpoint that cannot be had, and none
// grows old while the endpoint is asked.
func newGates(s Settings) []gate {
	return []gate{
		&mtlsState{use: s.Certificate},
		&tokenState{own: s.Grant},
	}
}

// waitingRoom is the attempts that wait at a gate, already charged.
type waitingRoom struct{ waiting []*messageState }

func (w *waitingRoom) room() *waitingRoom { return w }

// leave empties the room.
func (w *waitingRoom) leave() []*messageState {
	waiting := w.waiting
	w.waiting = nil
	return waiting
}

// fail ends every attempt that waits at a gate that stays shut.
func (d *Dispatcher) fail(now time.Time, at *waitingRoom, o retry.Outcome, e *Effects) {
	for _, p := range at.leave() {
		u := Unsent{Message: p.message, Number: p.number, Outcome: o}
		u.Retry = d.ended(now, p, o, e)
		e.Unsent = append(e.Unsent, u)
	}
}

// dispatch sends a message, or has it wait at the first gate that is shut.
func (d *Dispatcher) dispatch(now time.Time, p *messageState, e *Effects) {
	op := Operation{Kind: Attempt, Message: p.message, Number: p.number, Budget: Budget}
	for _, g := range d.gates {
		next, open := g.pass(now, op)
		if op = next; !open {
			room := g.room()
			room.waiting = append(room.waiting, p)
			if request, asks := g.ask(d, now); asks {
				e.Send = append(e.Send, request)
			}
			return
		}
	}
	op.ID = d.nextID()
	d.attempts[op.ID], p.token, p.onWire = p, op.Token, true
	e.Send = append(e.Send, op)
}

// release takes up again what waited at a gate that is open now. Another may have
// shut meanwhile, so that each attempt goes through all of them once more, those
// that had come furthest first; what still waits has a request under way.
func (d *Dispatcher) release(now time.Time, e *Effects) {
	var waiting []*messageState
	for i := len(d.gates) - 1; i >= 0; i-- {
		waiting = append(waiting, d.gates[i].room().leave()...)
	}
	for _, p := range waiting {
		d.dispatch(now, p, e)
	}
}
