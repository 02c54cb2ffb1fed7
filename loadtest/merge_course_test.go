package loadtest

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/httpdest/httpdest/reports"
)

// shardsOf are two halves of a load and the whole of it. took is by when a request
// is due.
func shardsOf(p Pace, took func(due time.Duration) time.Duration, asked []Objective) (whole, a, b *reports.Load) {
	run := func(s Shard) *reports.Load {
		part := s.Part(p)
		return recorded(part, func(n uint64) time.Duration { return took(part.Due(n)) }, asked, func(uint64) bool { return true })
	}
	return run(Shard{}), run(Shard{0, 2}), run(Shard{1, 2})
}

// A merge has the stages of the whole load, with its percentiles.
func TestMergeAddsStages(t *testing.T) {
	p, err := ParsePace("stages 2s:100 3s:100 1s:0", PaceSettings{})
	if err != nil {
		t.Fatal(err)
	}
	whole, a, b := shardsOf(p, func(due time.Duration) time.Duration {
		return time.Duration(draw(uint64(due))%100_000) * time.Microsecond
	}, nil)
	got, err := Merge([]Part{{"a.json", a}, {"b.json", b}})
	if err != nil {
		t.Fatal(err)
	}
	failures := cmpopts.IgnoreFields(reports.Stage{}, "Delivered", "Failed", "P50Ms", "P95Ms", "P99Ms", "Histogram")
	if diff := cmp.Diff(whole.Stages, got.Stages, failures, cmpopts.EquateApprox(1e-9, 0)); diff != "" || len(got.Stages) != 3 {
		t.Errorf("(-one machine +two)\n%s", diff)
	}
	for i, s := range got.Stages {
		if s.Delivered != a.Stages[i].Delivered+b.Stages[i].Delivered || s.Failed != a.Stages[i].Failed+b.Stages[i].Failed {
			t.Errorf("stage %d: %+v of %+v and %+v", i, s, a.Stages[i], b.Stages[i])
		}
		low, high := min(a.Stages[i].P95Ms, b.Stages[i].P95Ms), max(a.Stages[i].P95Ms, b.Stages[i].P95Ms)
		if s.P95Ms < low || s.P95Ms > high || low <= 0 {
			t.Errorf("stage %d: p95 %v ms of %v and %v", i, s.P95Ms, low, high)
		}
	}
	if len(got.LeftOut) > 0 {
		t.Errorf("%q", got.LeftOut)
	}

	b.Stages[1].Histogram = "" // as a version before wrote it
	if got, err = Merge([]Part{{"a.json", a}, {"b.json", b}}); err != nil || got.Stages[1].P95Ms != 0 ||
		!strings.Contains(strings.Join(got.LeftOut, "\n"), "the percentiles of stages: b.json") {
		t.Errorf("%v, %q, %+v", err, got.LeftOut, got.Stages)
	}
	b.Stages = b.Stages[1:]
	if got, err = Merge([]Part{{"a.json", a}, {"b.json", b}}); err != nil || len(got.Stages) > 0 ||
		!strings.Contains(strings.Join(got.LeftOut, "\n"), "the rows of stages: those of b.json") {
		t.Errorf("%v, %q, %+v", err, got.LeftOut, got.Stages)
	}
}

// A merge has the trend that its parts saw, and judges it.
func TestMergeKeepsTheTrend(t *testing.T) {
	leaks := func(due time.Duration) time.Duration { return 20*time.Millisecond + due/10_000 }
	whole, a, b := shardsOf(Constant(20, 10*time.Minute), leaks, []Objective{objective(t, "trend<5%/h")})
	got, err := Merge([]Part{{"a.json", a}, {"b.json", b}})
	if err != nil || got.Trend == nil {
		t.Fatalf("%v, %+v", err, got)
	}
	if x, y := got.Trend, whole.Trend; off(x.PerHour, y.PerHour) > 0.01 || off(x.StartMs, y.StartMs) > 0.01 ||
		x.Low > x.PerHour || x.High < x.PerHour {
		t.Errorf("%+v; want %+v", x, y)
	}
	if o := got.Objectives; len(o) != 1 || o[0].Verdict != reports.Fail || o[0].Measured != got.Trend.PerHour {
		t.Errorf("%+v; want a failure by the trend", o)
	}
	b.Trend = nil
	if got, err = Merge([]Part{{"a.json", a}, {"b.json", b}}); err != nil || got.Trend != nil ||
		!strings.Contains(strings.Join(got.LeftOut, "\n"), "the trend: b.json has no trend") {
		t.Errorf("%v, %q, %+v", err, got.LeftOut, got.Trend)
	}
}

// A merge has the late starts of all machines.
func TestMergeAddsLateStarts(t *testing.T) {
	_, a, b := shardsOf(Constant(20, time.Second), func(time.Duration) time.Duration { return time.Millisecond }, nil)
	a.Late = &reports.Lateness{Generator: reports.LateStarts{Count: 2, TotalMs: 30, MaxMs: 20}, StoodSeconds: 0.4}
	b.Late = &reports.Lateness{Generator: reports.LateStarts{Count: 1, TotalMs: 50, MaxMs: 50}, Receiver: reports.LateStarts{Count: 4, TotalMs: 90, MaxMs: 30}}
	got, err := Merge([]Part{{"a.json", a}, {"b.json", b}})
	want := &reports.Lateness{
		Generator:    reports.LateStarts{Count: 3, TotalMs: 80, MaxMs: 50},
		Receiver:     reports.LateStarts{Count: 4, TotalMs: 90, MaxMs: 30},
		StoodSeconds: 0.4,
	}
	if diff := cmp.Diff(want, got.Late); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}
