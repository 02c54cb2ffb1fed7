package loadtest

import (
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/reports"
)

// At exactly the limit "<" is missed and "<=" is met, for every quantity and
// in both directions.
func TestJudgeAtTheLimit(t *testing.T) {
	e := Evidence{Pipeline: true, Delivery: times(10_000, 1, 2*time.Second), Attempts: 1000, Exports: 1000, Rate: 99}
	at := milliseconds(2 * time.Second)
	for _, o := range []Objective{
		{Text: "p50", Quantity: Latency, Over: Delivery, Quantile: 0.5, Limit: at},
		{Text: "max", Quantity: Latency, Over: Delivery, Quantile: 1, Limit: at},
		{Text: "rate", Quantity: Rate, Limit: 99},
	} {
		// The histogram keeps three figures, so the limit is what it says.
		if o.Quantity == Latency {
			o.Limit = e.Delivery.Rank(1)
		}
		for op, want := range map[string]reports.Verdict{"<": reports.Fail, "<=": reports.Pass, ">": reports.Fail, ">=": reports.Pass} {
			if o.Op = op; (op[0] == '>') != (o.Quantity == Rate) {
				continue
			}
			if got := Judge([]Objective{o}, e)[0]; got.Verdict != want {
				t.Errorf("%s %s its limit: %s (%s); want %s", o.Text, op, got.Verdict, got.Reason, want)
			}
		}
	}
}

// A merge asks everything that any of the machines asked.
func TestMergeAsksForAll(t *testing.T) {
	part := func(objective string) *reports.Load {
		return &reports.Load{Mode: Receiver, Clock: "wall", Machines: 1, Seconds: 10, ResponseTime: times(1000, 1, time.Second).Distribution(),
			Outcomes:   []reports.OutcomeCount{{Outcome: "200", Count: 1000, OK: true}},
			Objectives: []reports.Objective{{Text: objective, Verdict: reports.Pass}}}
	}
	l, err := Merge([]Part{{"a.json", part("p50<2s")}, {"b.json", part("p50<500ms")}, {"c.json", part("p50<2s")}})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range l.Objectives {
		got = append(got, o.Text+" "+string(o.Verdict))
	}
	if want := "p50<2s pass, p50<500ms fail"; strings.Join(got, ", ") != want {
		t.Errorf("the merge judges %v; want %s", got, want)
	}
}

// A report names its percentiles by what they are.
func TestDistributionNamesItsPercentiles(t *testing.T) {
	h := NewHistogram()
	for i := 1; i <= 1000; i++ {
		h.Record(time.Duration(i) * time.Millisecond)
	}
	d := h.Distribution()
	for _, p := range []struct {
		name      string
		got, want float64
	}{{"p50", d.P50Ms, 500}, {"p90", d.P90Ms, 900}, {"p95", d.P95Ms, 950}, {"p99", d.P99Ms, 990}, {"p99.9", d.P999Ms, 999}, {"max", d.MaxMs, 1000}} {
		if p.got < p.want || p.got > p.want*1.002 {
			t.Errorf("%s = %g ms; want %g", p.name, p.got, p.want)
		}
	}
}

// Just over a second of standing still is a doubt, just under it is not.
func TestDoubtsAtTheirLimits(t *testing.T) {
	l := func(achieved int64) *reports.Load {
		return &reports.Load{Offered: reports.Amount{Count: 10_000}, Achieved: reports.Amount{Count: achieved}}
	}
	for _, tt := range []struct {
		name string
		g    generator
		l    *reports.Load
		want bool
	}{
		{"stood for a second", generator{stood: 1}, l(10_000), false},
		{"stood a little longer", generator{stood: 1.01}, l(10_000), true},
		{"timers as late as tolerated", generator{late: 0.05}, l(10_000), false},
		{"timers a little later", generator{late: 0.051}, l(10_000), true},
		{"sent 99 of 100", generator{}, l(9_900), false},
		{"sent one less", generator{}, l(9_899), true},
	} {
		if got := tt.g.doubts(tt.l); (len(got) > 0) != tt.want {
			t.Errorf("%s: doubts %v; want any: %t", tt.name, got, tt.want)
		}
	}
}

// One dataflow that fails makes a load fail, and a doubt keeps it from passing.
func TestVerdictOfALoad(t *testing.T) {
	pass := []reports.Objective{{Verdict: reports.Pass}}
	for _, tt := range []struct {
		name string
		l    reports.Load
		want reports.Verdict
	}{
		{"passed", reports.Load{Objectives: pass}, reports.Pass},
		{"one dataflow failed", reports.Load{Objectives: pass, Flows: []reports.Flow{{Verdict: reports.Pass}, {Verdict: reports.Fail}}}, reports.Fail},
		{"in doubt", reports.Load{Objectives: pass, Doubts: []string{"late"}}, reports.Inconclusive},
		{"failed in doubt", reports.Load{Objectives: []reports.Objective{{Verdict: reports.Fail}}, Doubts: []string{"late"}}, reports.Fail},
		{"nothing asked", reports.Load{}, reports.Skip},
	} {
		if got := Verdict(&tt.l); got != tt.want {
			t.Errorf("%s: %s; want %s", tt.name, got, tt.want)
		}
	}
}
