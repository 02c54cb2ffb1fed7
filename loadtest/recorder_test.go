package loadtest

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/httpdest/httpdest/reports"
)

// Two requests a second, due at 0, 0.5, …; each takes 300 ms, the third waits a
// second for a worker and fails, the last two are never begun.
func TestRecorder(t *testing.T) {
	p := Constant(2, 3*time.Second)
	r := NewRecorder(p)
	for n := range uint64(4) {
		due := p.Due(n)
		began := due
		if n == 2 {
			began += time.Second
		}
		ended := began + 300*time.Millisecond
		ok := n != 2
		r.Begin(due, began)
		r.Open(began)
		r.Attempt(began, ended, map[bool]string{true: "200", false: "503"}[ok], ok)
		r.End(due, ended, ok)
	}
	l := &reports.Load{Mode: Receiver}
	r.Fill(l, p.Duration())
	r.judge(l, nil, generator{})
	want := &reports.Load{
		Mode: Receiver, Pace: "constant 2/s for 3s", Seconds: 3, Machines: 1,
		Offered: reports.Amount{Count: 6, Rate: 2, Target: 2}, Achieved: reports.Amount{Count: 4, Rate: 4. / 3},
		Delivered: reports.Amount{Count: 3, Rate: 1}, Failed: reports.Amount{Count: 1, Rate: 1. / 3},
		Outcomes: []reports.OutcomeCount{{Outcome: "200", Count: 3, OK: true}, {Outcome: "503", Count: 1}},
		Doubts:   []string{"the generator fell behind: 4 of 6 were begun; this machine could not send more"},
		Late:     &reports.Lateness{Generator: reports.LateStarts{Count: 1, TotalMs: 1000, MaxMs: 1000}},
		Series: &reports.Series{StepSeconds: 1, Points: []reports.Point{
			{AtSeconds: 0, Offered: 2, Achieved: 2, Ended: 2, InFlight: 1, P50Ms: 300, P95Ms: 300, P99Ms: 300},
			{AtSeconds: 1, Offered: 2, Achieved: 1, Ended: 1, Backlog: 1, InFlight: 1, P50Ms: 300, P95Ms: 300, P99Ms: 300},
			{AtSeconds: 2, Offered: 2, Achieved: 1, Errors: 1, Backlog: 2, InFlight: 1},
		}},
		Objectives: []reports.Objective{},
	}
	if diff := cmp.Diff(want, l, cmpopts.IgnoreFields(reports.Point{}, "Histogram"), cmpopts.IgnoreFields(reports.Load{}, "ServiceTime", "ResponseTime", "AllServiceTime", "AllResponseTime", "EffectiveAttempts", "EffectiveExports"), cmpopts.EquateApprox(0.01, 0)); diff != "" {
		t.Error(diff)
	}
	for _, d := range []struct {
		name       string
		d          *reports.Distribution
		count      int64
		least, max float64
	}{{"service", l.ServiceTime, 3, 300, 300}, {"response", l.ResponseTime, 3, 300, 300}, {"service of all", l.AllServiceTime, 4, 300, 300}, {"response of all", l.AllResponseTime, 4, 300, 1300}} {
		if d.d.Count != d.count || !near(d.d.MinMs, d.least, 1) || !near(d.d.MaxMs, d.max, 2) {
			t.Errorf("%s: %+v", d.name, d.d)
		}
	}
	if v := Verdict(l); v != reports.Inconclusive {
		t.Errorf("the verdict is %s", v)
	}
}

// A queue that grows by a twentieth grows; one that wanders does not, and noise
// that comes and goes hides neither.
func TestGrowing(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	grown := func(slope, noise float64) float64 {
		b := newBatches()
		for i := range 4000 {
			at := float64(i) / 20
			b.add(seconds(at), seconds(0.04+slope*at+noise*rng.ExpFloat64()))
		}
		return b.growing()
	}
	if got := grown(0.05, 0); !near(got, 0.05, 0.001) {
		t.Errorf("a twentieth: %v", got)
	}
	if got := grown(0.05, 0.5); !near(got, 0.05, 0.005) {
		t.Errorf("a twentieth in noise: %v", got)
	}
	if a, b := grown(0, 0), grown(0, 0.5); a != 0 || b != 0 {
		t.Errorf("nothing: %v, %v", a, b)
	}
	cries := 0
	for seed := range uint64(100) {
		b := newBatches()
		queues[0].play(seed, 0.96, 300, func(due, took float64) { b.add(seconds(due), seconds(took)) })
		cries += int(count(b.growing() > 0))
	}
	if cries > 1 {
		t.Errorf("%d of 100 queues that are stable grow", cries)
	}
	over := newBatches()
	queues[0].play(1, 1.3, 300, func(due, took float64) { over.add(seconds(due), seconds(took)) })
	if got := over.growing(); !near(got, 0.3, 0.1) {
		t.Errorf("a third too much: %v", got)
	}
}

// A run of an hour has points of twelve seconds, one of a minute of one.
func TestStepOf(t *testing.T) {
	for length, want := range map[time.Duration]time.Duration{time.Second: time.Second, 5 * time.Minute: time.Second, 301 * time.Second: 2 * time.Second, time.Hour: 12 * time.Second} {
		if got := StepOf(length); got != want {
			t.Errorf("StepOf(%s) = %s; want %s", length, got, want)
		}
	}
}
