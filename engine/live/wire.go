package live

import (
	"context"
	"sync"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/delivery"
)

// Wire performs operations on the sockets of a Sender, within their budgets,
// and closes sockets that are idle for long.
type Wire struct {
	mu     sync.Mutex // the Sender is called by one goroutine at a time
	sender *delivery.Sender
	timer  *time.Timer // runs out when the first socket has been idle for too long; nil when none is
	watch  Watch

	budgets budgets
}

// Watch is called with every exchange before it begins; the function that it
// returns is called with the result, before the engine gets it.
type Watch func(op engine.Operation, x *delivery.Exchange) (over func(delivery.Result))

// Wires are the wires of several dataflows, by their names. Each has sockets of its own.
type Wires map[string]*Wire

// Perform is a Perform.
func (w Wires) Perform(ctx context.Context, op engine.Operation) engine.Completion {
	return w[op.Dataflow].Perform(ctx, op)
}

// Observe has watch called with every exchange. It comes before the first Perform.
func (w Wires) Observe(watch Watch) {
	for _, one := range w {
		one.Observe(watch)
	}
}

// Describe is the exchange of an operation that does not reach the wire.
func (w Wires) Describe(op engine.Operation) *delivery.Exchange { return w[op.Dataflow].Describe(op) }

// Close closes the idle sockets. Nothing is under way any more.
func (w Wires) Close() {
	for _, one := range w {
		one.Close()
	}
}

// NewWire takes the sender over.
func NewWire(s *delivery.Sender) *Wire { return &Wire{sender: s} }

// Observe has watch told of every exchange. It comes before the first Perform.
func (w *Wire) Observe(watch Watch) { w.watch = watch }

// Describe is the exchange of an operation that does not reach the wire.
func (w *Wire) Describe(op engine.Operation) *delivery.Exchange {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sender.Describe(op)
}

// Perform is a Perform.
func (w *Wire) Perform(ctx context.Context, op engine.Operation) engine.Completion {
	// The budget runs from asking, dialling included (R81, A5).
	within := w.budgets.begin(ctx, op.Budget)
	x := w.take(op)
	var over func(delivery.Result)
	if w.watch != nil {
		over = w.watch(op, x)
	}
	r := x.Do(within)
	if over != nil {
		over(r)
	}
	w.finish(x)
	w.budgets.end(within)
	return engine.Completion{Operation: op.ID, Outcome: r.Outcome, Asked: r.Asked, Answering: r.Answering, Issued: r.Issued}
}

func (w *Wire) take(op engine.Operation) *delivery.Exchange {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sender.Prepare(op)
}

// finish returns the socket, and notes since when it is idle. One timer serves
// all sockets: under load each is back in use within a millisecond, and a timer
// of its own would be set anew for every message.
func (w *Wire) finish(x *delivery.Exchange) {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := w.sender.Finish(x)
	if k == nil {
		return
	}
	k.Rest(time.Now())
	if w.timer == nil {
		w.timer = time.AfterFunc(delivery.IdleTimeout, w.sweep)
	}
}

// sweep closes what has been idle for IdleTimeout, and sets the timer for the
// next.
func (w *Wire) sweep() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer == nil { // closed meanwhile
		return
	}
	now := time.Now()
	w.timer = nil
	if first := w.sender.CloseRested(now.Add(-delivery.IdleTimeout)); !first.IsZero() {
		w.timer = time.AfterFunc(first.Add(delivery.IdleTimeout).Sub(now), w.sweep)
	}
}

// Close closes the idle sockets. Nothing is under way any more.
func (w *Wire) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
	w.budgets.close()
	w.sender.Close()
}
