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

// observe begins to look at this machine: its CPU time, and how late timers
// are.
func observe() *machine {
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
				h.Record(time.Since(asked) - everyTimer)
			}
		}
	}()
	return m
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
	if n := r.delivered + r.lost; n > 0 {
		c.CPUPerExport = float64(g.cpuTime.Microseconds()) / float64(n)
		c.AttemptsPerExport = float64(r.attempts) / float64(n)
	}
	return c
}
