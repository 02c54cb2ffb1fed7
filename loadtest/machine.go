package loadtest

import (
	"runtime"
	"time"

	"github.com/httpdest/httpdest/reports"
)

// machine is this one while it offers load.
type machine struct {
	began  time.Time
	cpu    time.Duration
	quit   chan struct{}
	timers chan *Histogram
}

// everyTimer is how often a timer is asked how late it is.
const everyTimer = 10 * time.Millisecond

// observe begins to look at this machine: its CPU time, and how late timers are. A
// timer that is late counts by how long it was: this process may have stood still
// for as long. beat is called when a timer has ended, with the time since which
// that may be so, or with the moment itself.
func observe(beat func(since, now time.Time)) *machine {
	m := &machine{began: time.Now(), cpu: cpuTime(), quit: make(chan struct{}), timers: make(chan *Histogram)}
	go func() { // ends with done
		h := NewHistogram()
		for {
			asked := time.Now()
			select {
			case <-m.quit:
				m.timers <- h
				return
			case <-time.After(everyTimer):
				now := time.Now()
				late := now.Sub(asked) - everyTimer
				h.RecordCorrected(late, everyTimer)
				if late < leastStall {
					asked = now
				}
				beat(asked, now)
			}
		}
	}()
	return m
}

// watch hands the beats of the watchdog to the recorder, once there is a run.
func (r *Recorder) watch(p *pacer) func(since, now time.Time) {
	r.lateness.watched = true
	return func(since, now time.Time) {
		if p.began.Load() != nil {
			r.Beat(p.since(since), p.since(now))
		}
	}
}

// done is what was seen.
func (m *machine) done() generator {
	close(m.quit)
	h := <-m.timers
	g := generator{stood: h.Rank(h.Count()) / 1000, late: h.Quantile(0.95) / 1000, stretched: h.Quantile(0.99) / 1000, cpuTime: cpuTime() - m.cpu}
	if took := time.Since(m.began); took > 0 {
		g.cpu = g.cpuTime.Seconds() / took.Seconds() / float64(runtime.GOMAXPROCS(0))
	}
	return g
}

// cost is what a run took.
func (g generator) cost(r *Recorder, note string) *reports.Cost {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := &reports.Cost{CPUSeconds: g.cpuTime.Seconds(), CPUShare: min(1, g.cpu), MaxWorkers: g.workers, LateMs: r.late.Quantile(0.99), Note: note}
	n := r.delivered + r.lost
	all := n // exports that this process had to do with
	if b := r.backfill; b != nil {
		all += b.delivered + b.lost
	}
	if all > 0 {
		c.CPUPerExport = float64(g.cpuTime.Microseconds()) / float64(all)
	}
	if n > 0 {
		c.AttemptsPerExport = float64(r.attempts) / float64(n)
	}
	return c
}
