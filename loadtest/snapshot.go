package loadtest

import (
	"time"

	"github.com/httpdest/httpdest/reports"
)

// Snapshot is a load at a moment of its run.
type Snapshot struct {
	Counts
	Lost       int64
	Target     float64 // requests a second that the pace asks for
	Outcomes   map[string]int64
	Late       reports.Lateness
	SumSeconds float64            // of all latencies
	Buckets    map[float64]uint64 // latencies up to a bound in seconds, for each bound
}

// bounds of the buckets of a snapshot, in seconds: around what a receiver takes, its
// budget, and retries.
var bounds = []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 30, 60, 300, 600}

// Snapshot is where the run is now.
func (r *Recorder) Snapshot() Snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Duration(0)
	if r.clock != nil {
		now = r.clock()
	}
	s := Snapshot{Counts: r.counts(now), Lost: r.lost, Target: r.pace.Rate(now), Outcomes: map[string]int64{}, Buckets: map[float64]uint64{}}
	if late := r.lateness.report(); late != nil {
		s.Late = *late
	}
	for name, o := range r.outcomes {
		s.Outcomes[name] = o.Count
	}
	whole := r.whole.ok
	s.SumSeconds = whole.h.Mean() / 1e6 * float64(whole.Count())
	bars, n, i := whole.h.Distribution(), uint64(0), 0
	for _, bound := range bounds {
		for ; i < len(bars) && time.Duration(bars[i].To)*time.Microsecond <= seconds(bound); i++ {
			n += uint64(bars[i].Count)
		}
		s.Buckets[bound] = n
	}
	return s
}
