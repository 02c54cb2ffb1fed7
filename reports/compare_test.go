package reports

import (
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func compared(t testing.TB, before, after *Report, minEffect float64) *Comparison {
	t.Helper()
	c, err := Compare(before, after, minEffect)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Every way in which a case can be different is told once.
func TestCompareCases(t *testing.T) {
	of := func(verdicts map[string]Verdict, order ...string) *Report {
		r := &Report{Kind: "run"}
		for _, id := range order {
			r.Cases = append(r.Cases, Case{ID: id, Verdict: verdicts[id], Checks: []Check{{Verdict: verdicts[id], Title: "a check of " + id}}})
		}
		return r
	}
	before := of(map[string]Verdict{"a": Pass, "b": Fail, "c": Pass, "d": Fail, "e": Skip, "f": Pass, "gone": Fail}, "a", "b", "c", "d", "e", "f", "gone", "f")
	after := of(map[string]Verdict{"a": Fail, "b": Pass, "c": Inconclusive, "d": Fail, "e": Inconclusive, "f": Pass, "new": Pass, "bad": Fail}, "f", "f", "bad", "new", "e", "d", "c", "b", "a")
	before.Rules = []Rule{{ID: "x", Ref: "R1", Verdict: Pass}, {ID: "y", Ref: "R2", Verdict: Skip}}
	after.Rules = []Rule{{ID: "x", Ref: "R1", Verdict: Fail}, {ID: "y", Ref: "R2", Verdict: Skip}, {ID: "z", Ref: "R3", Verdict: Pass}}
	c := compared(t, before, after, 0.1)
	got := map[string]string{}
	for _, s := range c.sections() {
		for _, k := range s.cases {
			got[s.title] += fmt.Sprintf("%s %s→%s ", k.ID, k.Before, k.After)
		}
	}
	want := map[string]string{"new failures": "bad →fail a pass→fail ", "fixed": "b fail→pass ", "failing as before": "d fail→fail ", "passed before, and not judged now": "c pass→inconclusive ",
		"changed otherwise": "e skip→inconclusive ", "added": "bad →fail new →pass ", "removed": "gone fail→ "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if c.NewFailures[1].Note != "a check of a" || c.Unjudged[0].Note != "a check of c" {
		t.Errorf("it does not say what failed: %+v %+v", c.NewFailures, c.Unjudged)
	}
	if diff := cmp.Diff([]RuleChange{{"x", "R1", Pass, Fail}}, c.Rules); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	if _, err := Compare(before, &Report{Kind: "load"}, 0.1); err == nil {
		t.Error("a run was compared with a load test")
	}
}

// lognormal is a load report whose times have a median, by a seeded generator.
func lognormal(t testing.TB, seed uint64, n int, median float64) *Report {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 7))
	ms := make([]float64, n)
	for i := range ms {
		ms[i] = median * math.Exp(rng.NormFloat64()/2)
	}
	return &Report{Kind: "load", Load: &Load{Mode: "receiver", ServiceTime: measured(t, ms...)}}
}

func judgements(c *Comparison) (out []Judgement) {
	for _, m := range c.Metrics {
		if m.Judgement != Shown {
			out = append(out, m.Judgement)
		}
	}
	return out
}

// A change is one from the minimum effect on, with all of its interval.
func TestCompareTimes(t *testing.T) {
	for _, c := range []struct {
		name      string
		n         int
		was, is   float64
		minEffect float64
		want      []Judgement // p50, p95, p99
	}{
		{"the same", 20_000, 10, 10, 0.1, []Judgement{Same, Same, Same}},
		{"much slower", 20_000, 10, 15, 0.1, []Judgement{Slower, Slower, Slower}},
		{"much faster", 20_000, 15, 10, 0.1, []Judgement{Faster, Faster, Faster}},
		{"slower, but less than counts", 20_000, 10, 10.5, 0.2, []Judgement{Same, Same, Same}},
		{"few samples", 200, 10, 11.5, 0.1, []Judgement{Unclear, Unclear}}, // too few for a p99
	} {
		a, b := lognormal(t, 1, c.n, c.was), lognormal(t, 2, c.n, c.is)
		first := compared(t, a, b, c.minEffect)
		if diff := cmp.Diff(c.want, judgements(first)); diff != "" {
			t.Errorf("%s (-want +got):\n%s%+v", c.name, diff, first.Metrics)
		}
		if diff := cmp.Diff(first, compared(t, a, b, c.minEffect)); diff != "" {
			t.Errorf("%s: the same reports compare otherwise the second time:\n%s", c.name, diff)
		}
	}
}

// The interval holds the true change about as often as it says, and equal
// machines are hardly ever called slower.
func TestCompareDoesNotCryWolf(t *testing.T) {
	const runs = 20
	held, slower := 0, 0
	for i := range uint64(runs) {
		c := compared(t, lognormal(t, 100+i, 1000, 10), lognormal(t, 900+i, 1000, 11), 0)
		for _, m := range c.Metrics {
			if m.Name == "serviceTime p95" && m.Low <= 0.1 && m.High >= 0.1 {
				held++
			}
		}
		c = compared(t, lognormal(t, 2000+i, 1000, 10), lognormal(t, 3000+i, 1000, 10), 0.1)
		slower += c.Count(Slower)
	}
	if held < runs*85/100 {
		t.Errorf("the interval held the true change %d of %d times; want 95 of 100", held, runs)
	}
	if slower > 0 {
		t.Errorf("%d of %d equal runs are called slower", slower, runs)
	}
}

func TestCompareHighestRates(t *testing.T) {
	of := func(held, not float64) *Report {
		return &Report{Kind: "load", Load: &Load{Search: &Search{Rate: held, Above: not}}}
	}
	for _, c := range []struct {
		a, b *Report
		want []Judgement
	}{
		{of(1000, 1050), of(1000, 1050), []Judgement{Same}},
		{of(1000, 1050), of(600, 650), []Judgement{Slower}},
		{of(600, 650), of(1000, 1050), []Judgement{Faster}},
		{of(1000, 1050), of(880, 930), []Judgement{Unclear}},
		{of(1000, 0), of(500, 600), nil}, // nobody knows how high the first would go
	} {
		if got := judgements(compared(t, c.a, c.b, 0.1)); !cmp.Equal(c.want, got) {
			t.Errorf("%+v to %+v: %v; want %v", c.a.Load.Search, c.b.Load.Search, got, c.want)
		}
	}
}

func TestComparisonGolden(t *testing.T) {
	before, after := mixedReport(), mixedReport()
	before.Cases[0].Verdict, before.Cases[1].Verdict, before.Cases[2].Verdict = Pass, Fail, Pass
	before.Rules[0].Verdict = Pass
	before.Cases = append(before.Cases, Case{ID: "gone | <b>", Verdict: Pass})
	before.Environment.CPUs, before.Environment.OS = 8, "darwin/arm64"
	after.Cases[1].Metrics = map[string]float64{Deliveries: 20, LatencyP95Seconds: 62}
	before.Load, after.Load = lognormal(t, 1, 5000, 10).Load, lognormal(t, 2, 5000, 14).Load
	before.Load.Pace, after.Load.Achieved.Rate = "constant 100/s", 99.5
	c := compared(t, before, after, 0.1)
	for name, write := range map[string]func(io.Writer) error{
		"compare-text": func(w io.Writer) error { return WriteComparisonText(w, c, TextOptions{}) },
		"compare-narrow": func(w io.Writer) error {
			return WriteComparisonText(w, c, TextOptions{Width: 60, Color: true, Verbose: true})
		},
		"compare-md":   func(w io.Writer) error { return WriteComparisonMarkdown(w, c) },
		"compare-json": func(w io.Writer) error { return WriteComparisonJSON(w, c) },
	} {
		var b strings.Builder
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.String())
		if err := write(brokenWriter{}); err != errBroken {
			t.Errorf("%s: %v, want the writer's error", name, err)
		}
	}
}

func BenchmarkCompare(b *testing.B) {
	x, y := lognormal(b, 1, 100_000, 10), lognormal(b, 2, 100_000, 11)
	for b.Loop() {
		compared(b, x, y, 0.1)
	}
}
