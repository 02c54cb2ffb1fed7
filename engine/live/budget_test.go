package live

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/httpdest/httpdest/engine/delivery"
)

// A budget ends when its time is spent, and what was to be called then is
// called; a part of package context that hangs on it ends with it.
func TestBudgetIsSpent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s budgets
		b := s.begin(t.Context(), 2*time.Second)
		if at, ok := b.Deadline(); !ok || time.Until(at) != 2*time.Second {
			t.Errorf("Deadline = %s from now, %t; want 2s", time.Until(at), ok)
		}
		began, called := time.Now(), make(chan time.Duration, 1)
		stop := b.AfterFunc(func() { called <- time.Since(began) })
		child, cancel := context.WithCancel(b)
		defer cancel()
		<-child.Done()
		if at := <-called; at != 2*time.Second {
			t.Errorf("called after %s; want 2s", at)
		}
		if stop() {
			t.Error("stop says that nothing was called")
		}
		if !errors.Is(context.Cause(b), delivery.ErrDeadline) || !errors.Is(context.Cause(child), delivery.ErrDeadline) {
			t.Errorf("causes %v and %v; want ErrDeadline", context.Cause(b), context.Cause(child))
		}
		late := make(chan bool)
		b.AfterFunc(func() { close(late) })
		<-late
		s.end(b)
		if s.begin(t.Context(), time.Second) == b {
			t.Error("a budget that is spent is used again")
		}
	})
}

// One that is not spent is used again, from its beginning.
func TestBudgetIsUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s budgets
		b := s.begin(t.Context(), 2*time.Second)
		stop := b.AfterFunc(func() { t.Error("called, and was taken back") })
		time.Sleep(1900 * time.Millisecond)
		if !stop() || stop() {
			t.Error("stop does not say that it stopped, or says so twice")
		}
		s.end(b)
		time.Sleep(time.Minute)
		again := s.begin(t.Context(), 2*time.Second)
		if again != b {
			t.Error("the budget was not used again")
		}
		time.Sleep(1900 * time.Millisecond)
		if again.Err() != nil {
			t.Errorf("done after 1.9 s of 2: %v", again.Err())
		}
		time.Sleep(200 * time.Millisecond)
		if !errors.Is(again.Err(), delivery.ErrDeadline) {
			t.Errorf("Err = %v; want ErrDeadline", again.Err())
		}
		s.end(again)
		s.close()
	})
}

// When the parent ends, so does what is under way, for the parent's reason; and
// what is not is not used again.
func TestBudgetEndsWithItsParent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s budgets
		parent, cancel := context.WithCancelCause(t.Context())
		busy, free := s.begin(parent, time.Hour), s.begin(parent, time.Hour)
		s.end(free)
		cancel(errEnded)
		<-busy.Done()
		if !errors.Is(busy.Err(), errEnded) {
			t.Errorf("Err = %v; want the parent's cause", busy.Err())
		}
		synctest.Wait()
		s.end(busy)
		if next := s.begin(t.Context(), time.Hour); next == busy || next == free {
			t.Error("a budget of a parent that ended is used again")
		}
		s.close()
	})
}
