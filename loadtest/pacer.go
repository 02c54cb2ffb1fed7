package loadtest

import (
	"sync/atomic"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// pacer is a Pace for Vegeta. Vegeta counts from its own beginning, which only
// its pacer knows.
type pacer struct {
	pace  Pace
	now   func() time.Time
	began atomic.Pointer[time.Time]
	begun func() // called once, at the beginning; nil: nobody asks
	// overdue is how long after its end a load is waited for.
	overdue time.Duration
}

// mostOverdue is more than any request has within its budget.
const mostOverdue = 30 * time.Second

var _ vegeta.Pacer = (*pacer)(nil)

func newPacer(p Pace) *pacer { return &pacer{pace: p, now: time.Now, overdue: mostOverdue} }

// grace is how long after the end what was due before may still be begun: a
// pause of the machine in the last moment is late, but no generator too weak.
const grace = 250 * time.Millisecond

// Pace implements vegeta.Pacer. A late request is sent at once; one that is not
// begun when the time is over never is, and is missing in the achieved rate.
func (p *pacer) Pace(elapsed time.Duration, hits uint64) (wait time.Duration, stop bool) {
	if p.began.Load() == nil {
		began := p.now().Add(-elapsed)
		p.began.Store(&began)
		if p.begun != nil {
			p.begun()
		}
	}
	if hits >= p.pace.Total() || elapsed > p.pace.Duration()+grace {
		return 0, true
	}
	return max(0, p.pace.Due(hits)-elapsed), false
}

// Rate implements vegeta.Pacer.
func (p *pacer) Rate(elapsed time.Duration) float64 { return p.pace.Rate(elapsed) }

// elapsed is the time since the beginning; 0 before it.
func (p *pacer) elapsed() time.Duration {
	if p.began.Load() == nil {
		return 0
	}
	return p.since(p.now())
}

// since is a moment after the beginning.
func (p *pacer) since(t time.Time) time.Duration { return t.Sub(*p.began.Load()) }

// start is the beginning as a report has it, "" where there was none.
func (p *pacer) start() string {
	began := p.began.Load()
	if began == nil {
		return ""
	}
	return began.UTC().Format("2006-01-02T15:04:05.000000000Z07:00") // of one width, so that they sort
}
