package live

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/httpdest/httpdest/engine/delivery"
)

// budget is the context of one operation after the other. It is done when the
// time of the operation is spent, for the reason delivery.ErrDeadline, or when
// its parent is done.
//
// Decision: our own context, used again. Reason: one of package context, with
// its timer, its place at the parent and what is called when it ends, costs an
// operation ten allocations and a twentieth of its time. Cost: it is not valid
// beyond the operation.
type budget struct {
	parent context.Context
	timer  *time.Timer
	detach func() bool // from the parent

	mu       sync.Mutex
	deadline time.Time
	done     chan struct{}
	err      error
	after    []*func() // to be called at the end
}

func newBudget(parent context.Context) *budget {
	b := &budget{parent: parent, done: make(chan struct{})}
	b.detach = context.AfterFunc(parent, func() { b.finish(context.Cause(parent)) })
	return b
}

// Deadline implements context.Context.
func (b *budget) Deadline() (time.Time, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.deadline, true
}

// Done implements context.Context.
func (b *budget) Done() <-chan struct{} { return b.done }

// Err implements context.Context. It is the cause, as package context asks a
// context that is not its own.
func (b *budget) Err() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// Value implements context.Context: it carries nothing of its parent, whose
// place in package context is not this one's.
func (b *budget) Value(any) any { return nil }

// AfterFunc has f called on a goroutine of its own when the budget is done.
// stop takes that back; it reports whether f will not be called. Package
// context asks for it.
func (b *budget) AfterFunc(f func()) (stop func() bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		go f()
		return func() bool { return false }
	}
	at := &f
	b.after = append(b.after, at)
	return func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		i := slices.Index(b.after, at)
		if i < 0 {
			return false
		}
		b.after = slices.Delete(b.after, i, i+1)
		return true
	}
}

// finish ends it, once.
func (b *budget) finish(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return
	}
	b.err = err
	close(b.done)
	for _, f := range b.after {
		go (*f)()
	}
	b.after = nil
}

// budgets are those that no operation uses.
type budgets struct {
	mu   sync.Mutex
	free []*budget
}

// begin is a budget that runs from now on.
func (s *budgets) begin(parent context.Context, d time.Duration) *budget {
	b := s.take(parent)
	b.mu.Lock()
	b.deadline = time.Now().Add(d)
	b.mu.Unlock()
	if b.timer == nil {
		b.timer = time.AfterFunc(d, func() { b.finish(delivery.ErrDeadline) })
	} else {
		b.timer.Reset(d)
	}
	return b
}

func (s *budgets) take(parent context.Context) *budget {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.free) > 0 {
		last := len(s.free) - 1
		b := s.free[last]
		s.free = s.free[:last]
		if b.parent == parent && b.Err() == nil {
			return b
		}
		b.detach()
	}
	return newBudget(parent)
}

// end takes a budget back, unless it is spent or about to be.
func (s *budgets) end(b *budget) {
	if !b.timer.Stop() || b.Err() != nil {
		b.detach()
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.free = append(s.free, b)
}

// close lets go of the parents.
func (s *budgets) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, b := range s.free {
		b.detach()
	}
	s.free = nil
}
