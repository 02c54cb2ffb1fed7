package loadtest

import (
	"testing"
	"time"
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
