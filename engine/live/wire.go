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
	timers map[*delivery.Socket]*time.Timer
}

// NewWire takes the sender over.
func NewWire(s *delivery.Sender) *Wire {
	return &Wire{sender: s, timers: map[*delivery.Socket]*time.Timer{}}
}

// Perform is a Perform.
func (w *Wire) Perform(ctx context.Context, op engine.Operation) engine.Completion {
	// The budget runs from asking, dialling included (R81, A5).
	within, cancel := context.WithTimeoutCause(ctx, op.Budget, delivery.ErrDeadline)
	defer cancel()
	x := w.take(op)
	r := x.Do(within)
	w.finish(x)
	return engine.Completion{Operation: op.ID, Outcome: r.Outcome, Asked: r.Asked, Answering: r.Answering, Issued: r.Issued}
}

func (w *Wire) take(op engine.Operation) *delivery.Exchange {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sender.Prepare(op)
}

// finish returns the socket, and sets the timer of its idleness.
func (w *Wire) finish(x *delivery.Exchange) {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := w.sender.Finish(x)
	if k == nil {
		return
	}
	uses := k.Uses()
	if before := w.timers[k]; before != nil {
		before.Stop()
	}
	var t *time.Timer
	t = time.AfterFunc(delivery.IdleTimeout, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.timers[k] == t { // not used since
			w.sender.CloseIdle(k, uses)
			delete(w.timers, k)
		}
	})
	w.timers[k] = t
}

// Close closes the idle sockets. Nothing is under way any more.
func (w *Wire) Close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, t := range w.timers {
		t.Stop()
	}
	clear(w.timers)
	w.sender.Close()
}
