package loadtest

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/reports"
)

// A run that shows nothing of its own memory has no interval, and reports how
// long it must be.
func TestJudgeTooShort(t *testing.T) {
	h := newCourse()
	queues[0].play(1, 0.96, 300, func(due, took float64) { h.RecordAt(seconds(due), seconds(took)) })
	o := objective(t, "p95<10s").judge(Evidence{Response: h, Attempts: 30_000})
	if o.Verdict != reports.Inconclusive || !strings.Contains(o.Reason, "run for at least") {
		t.Errorf("%+v", o)
	}
}

// A few hundred times far below the limit that depend on each other do not pass, and the
// reason has the cause and the length of a longer run; as many independent ones pass.
func TestJudgeFarBelowTheLimit(t *testing.T) {
	for together, want := range map[int]reports.Verdict{60: reports.Inconclusive, 1: reports.Pass} {
		h := newCourse()
		rng := rand.New(rand.NewPCG(3, 1))
		took := time.Millisecond
		for i := range 300 {
			if i%together == 0 {
				took = time.Millisecond + time.Duration(rng.IntN(1000))*time.Microsecond
			}
			h.RecordAt(time.Duration(i)*100*time.Millisecond, took)
		}
		o := objective(t, "p95<10m").judge(Evidence{Response: h, Attempts: 300})
		if o.Verdict != want {
			t.Errorf("%d together: %+v; want %s", together, o, want)
		}
		if want == reports.Pass {
			continue
		}
		for _, part := range []string{"run for at least ", "; all 300 took ", "ms or less, but say no more than ", "p95<10m needs 72 of these"} {
			if !strings.Contains(o.Reason, part) {
				t.Errorf("%q; want %q in it", o.Reason, part)
			}
		}
	}
}

// A growing latency fails once it is over the limit, and does not pass before.
func TestJudgeGrowth(t *testing.T) {
	h := newCourse()
	for i := range 6000 {
		h.RecordAt(time.Duration(i)*10*time.Millisecond, time.Duration(i)*time.Millisecond)
	}
	e := Evidence{Response: h, Attempts: 6000, Growing: h.course.growing()}
	if !near(e.Growing, 0.1, 0.001) {
		t.Errorf("it grows by %v", e.Growing)
	}
	for text, want := range map[string]reports.Verdict{"p95<1s": reports.Fail, "p95<1m": reports.Inconclusive, "errors<1%": reports.Pass} {
		if o := objective(t, text).judge(e); o.Verdict != want || want != reports.Pass && !strings.Contains(o.Reason, "more is offered than is served") {
			t.Errorf("%s: %+v", text, o)
		}
	}
}

// One late retry does not make a period without deliveries.
func TestRateOfTheLoad(t *testing.T) {
	p := Constant(50, time.Minute)
	r := NewRecorder(p)
	rng := rand.New(rand.NewPCG(1, 1))
	for n := range p.Total() {
		due := p.Due(n)
		end := due + time.Duration(rng.IntN(10))*time.Millisecond
		if n == 2999 {
			end += 30 * time.Second
		}
		r.Begin(due, due)
		r.Open(due)
		r.Attempt(due, end, "200", true)
		r.End(due, end, true)
	}
	l := &reports.Load{Mode: Receiver}
	r.Fill(l, p.Duration())
	r.judge(l, []Objective{objective(t, "rate>=49.9")}, generator{})
	if !near(l.Delivered.Rate, 50, 0.05) || l.Delivered.Count != 3000 || l.Objectives[0].Verdict != reports.Pass {
		t.Errorf("%+v, %+v", l.Delivered, l.Objectives)
	}
}
