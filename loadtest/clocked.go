package loadtest

import (
	"context"
	"time"
)

// clocked is a load on the wall clock: its pace, and what is counted of it.
type clocked struct {
	pacer    *pacer
	recorder *Recorder
	progress func(at time.Duration, c Counts) // nil: nobody asks
	check    func(now time.Duration)
}

func newClocked(p Pace, progress func(at time.Duration, c Counts)) *clocked {
	return &clocked{pacer: newPacer(p), recorder: NewRecorder(p), progress: progress}
}

// begin is a context that ends when one of the thresholds is reached. watch is
// shown the record before anything is counted, nil where nobody asks.
func (m *clocked) begin(ctx context.Context, thresholds []Abort, watch func(*Recorder)) (aborted context.Context, end func()) {
	m.recorder.AbortOn(thresholds)
	m.recorder.clock = m.pacer.elapsed
	if watch != nil {
		watch(m.recorder)
	}
	aborted, m.check, end = m.recorder.abortable(ctx)
	return aborted, end
}

// tick looks at the thresholds and reports how far the load is; it is for every
// second.
func (m *clocked) tick() {
	if m.pacer.began.Load() == nil {
		return
	}
	at := m.pacer.since(time.Now())
	m.check(at)
	if m.progress != nil {
		m.progress(at, m.recorder.Counts(at))
	}
}
