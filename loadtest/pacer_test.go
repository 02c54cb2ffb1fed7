package loadtest

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/httpdest/httpdest/engine/retry"
)

// Vegeta's loop in virtual time: as many hits as are due, each when it is due,
// the late ones at once, and none when the time is over.
func TestPacer(t *testing.T) {
	base := time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name  string
		busy  time.Duration // that a hit takes of the generator
		total int
		last  time.Duration // when the last begins
	}{{"in time", 0, 20, 1900 * time.Millisecond}, {"behind", 300 * time.Millisecond, 8, 2100 * time.Millisecond}} {
		p := newPacer(Constant(10, 2*time.Second))
		elapsed, hits, last := time.Duration(0), uint64(0), time.Duration(0)
		p.now = func() time.Time { return base.Add(elapsed) }
		for {
			wait, stop := p.Pace(elapsed, hits)
			if stop {
				break
			}
			elapsed += wait
			last = elapsed
			if due := p.pace.Due(hits); elapsed < due || tt.busy == 0 && elapsed > due {
				t.Errorf("%s: hit %d at %s; it is due at %s", tt.name, hits, elapsed, due)
			}
			hits++
			elapsed += tt.busy
		}
		if int(hits) != tt.total || last != tt.last {
			t.Errorf("%s: %d hits, the last at %s; want %d and %s", tt.name, hits, last, tt.total, tt.last)
		}
		if got := p.since(base.Add(time.Second)); got != time.Second {
			t.Errorf("%s: a second after the beginning is %s", tt.name, got)
		}
		if p.Rate(time.Second) != 10 {
			t.Errorf("%s: the rate is %v", tt.name, p.Rate(time.Second))
		}
	}
}

// A ramp from nothing begins at once: a first moment that is not a number made
// Vegeta wait for ever.
func TestRampFromNothing(t *testing.T) {
	p := newPacer(Ramp(0, 10, 4*time.Second))
	if due := p.pace.Due(0); due != 0 {
		t.Errorf("the first is due after %s", due)
	}
	if wait, stop := p.Pace(0, 0); wait != 0 || stop {
		t.Errorf("it waits for %s, %v", wait, stop)
	}
}

// A load whose requests never end is left alone, and says what is unfinished.
func TestWatchdog(t *testing.T) {
	p := newPacer(Constant(100, 50*time.Millisecond))
	p.overdue = 0
	hangs := make(chan struct{})
	defer close(hangs)
	begun := make(chan struct{}, 10)
	vegetate(t.Context(), p, 10, hits{tick: func() {}, hit: func(context.Context, uint64) retry.Outcome {
		begun <- struct{}{}
		<-hangs
		return answered(http.StatusOK)
	}})
	if len(begun) == 0 {
		t.Error("nothing was begun")
	}
}
