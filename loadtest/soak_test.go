package loadtest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/loadtest/model"
	"github.com/httpdest/httpdest/reports"
)

// The trend of a queue that is stable is nothing in 95 of 100 runs.
func TestTrendIntervals(t *testing.T) {
	volume(t)
	for _, utilisation := range []float64{0.5, 0.92} {
		within := 0
		for seed := range uint64(100) {
			b := &batches{width: firstWidth, trend: true}
			queues[0].play(seed, utilisation, 600, func(due, took float64) { b.add(seconds(due), seconds(took)) })
			if s, ok := b.soak(); ok && s.Low <= 0 && s.High >= 0 {
				within++
			}
		}
		if within < 91 {
			t.Errorf("at %v of its capacity, %d of 100 intervals hold nothing", utilisation, within)
		}
	}
}

// A soak shows a leak that is too slow for a growing queue, with its size.
func TestSoak(t *testing.T) {
	soak := func(leak time.Duration, length time.Duration, slo string) *reports.Load {
		l, err := VirtualAttack{Pace: Constant(20, length), Objectives: []Objective{objective(t, slo)},
			Target: NewVirtualTarget(VirtualReceiver{Latency: model.Uniform(0.01, 0.03), Leak: leak}, 1)}.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	// 72,000 requests an hour, 100 ns each: 7.2 ms of 20, which is 36 %.
	l := soak(100*time.Nanosecond, 2*time.Hour, "trend<5%/h")
	if o := l.Objectives[0]; o.Verdict != reports.Fail || !near(o.Measured, 0.36, 0.02) || o.Low > 0.36 || o.High < 0.36 || o.Unit != "share/h" {
		t.Errorf("%+v", o)
	}
	if l.Trend == nil || !near(l.Trend.StartMs, 20, 0.3) || l.Growing != 0 {
		t.Errorf("%+v, growing %v", l.Trend, l.Growing)
	}
	if o := soak(0, 2*time.Hour, "trend<5%/h").Objectives[0]; o.Verdict != reports.Pass {
		t.Errorf("%+v", o)
	}
	if o := soak(0, time.Minute, "trend<5%/h").Objectives[0]; o.Verdict != reports.Inconclusive || !strings.Contains(o.Reason, "measure longer") {
		t.Errorf("%+v", o)
	}
	changing, err := VirtualAttack{Pace: Ramp(1, 20, time.Hour), Objectives: []Objective{objective(t, "trend<5%/h")}, Target: NewVirtualTarget(fixed(time.Millisecond), 1)}.Run(context.Background())
	if err != nil || changing.Trend != nil || changing.Objectives[0].Verdict != reports.Inconclusive || !strings.Contains(changing.Objectives[0].Reason, "a constant pace") {
		t.Errorf("%+v, %v", changing.Objectives, err)
	}
}
