package probe

import (
	"sync"
	"time"
)

// machine notices when this machine, and not the receiver, was slow: a clock
// that should tick every few milliseconds and did not.
type machine struct {
	mu   sync.Mutex
	gaps []gap
}

// gap is a time in which nothing here ran.
type gap struct{ from, to time.Time }

// tick is how often the clock should tick; less than tolerated of delay is
// usual.
const (
	tick      = 10 * time.Millisecond
	tolerated = 50 * time.Millisecond
)

// watch begins, and ends when stop is called.
func (m *machine) watch() (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	go func() { // ends with stop
		defer close(done)
		t := time.NewTicker(tick)
		defer t.Stop()
		last := time.Now()
		for {
			select {
			case <-quit:
				return
			case <-t.C:
				now := time.Now()
				m.note(last, now)
				last = now
			}
		}
	}()
	return func() { close(quit); <-done }
}

func (m *machine) note(from, to time.Time) {
	if to.Sub(from) < tick+tolerated {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gaps = append(m.gaps, gap{from.Add(tick), to})
}

// lag is how long nothing ran here between two times.
func (m *machine) lag(from, to time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	var sum time.Duration
	for _, g := range m.gaps {
		a, b := g.from, g.to
		if a.Before(from) {
			a = from
		}
		if b.After(to) {
			b = to
		}
		if b.After(a) {
			sum += b.Sub(a)
		}
	}
	return sum
}
