package loadtest

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/httpdest/httpdest/reports"
)

// recorded is a run in which request n takes what took says; numbers from
// first on in steps of every are this machine's.
func recorded(p Pace, took func(n uint64) time.Duration, objectives []Objective, mine func(n uint64) bool) *reports.Load {
	r := NewRecorder(p)
	for n := range p.Total() {
		if !mine(n) {
			continue
		}
		due, ok := p.Due(n), n%11 != 0
		r.Begin(due, due)
		r.Open(due)
		r.Attempt(due, due+took(n), map[bool]string{true: "200", false: "503"}[ok], ok)
		r.End(due, due+took(n), ok)
	}
	l := &reports.Load{Mode: Receiver, Clock: "wall", To: "http://127.0.0.1/"}
	r.Fill(l, p.Duration())
	r.judge(l, objectives, generator{})
	return l
}

// Two machines with half the load each measure the same as one machine: every
// percentile, also of every second, and every verdict.
func TestMergeLosesNothing(t *testing.T) {
	objectives := []Objective{Documented(), objective(t, "response.p95<80ms"), objective(t, "errors<12%"), objective(t, "service.max<1s")}
	for seed := range uint64(6) {
		took := func(n uint64) time.Duration {
			d := draw(seed + n)
			return time.Duration(d%200_000) * time.Microsecond
		}
		p := Constant(60+float64(seed)*37, 3*time.Second)
		all := func(uint64) bool { return true }
		even, odd := func(n uint64) bool { return n%2 == 0 }, func(n uint64) bool { return n%2 == 1 }
		whole := recorded(p, took, objectives, all)
		a, b := recorded(p, took, objectives, even), recorded(p, took, objectives, odd)
		a.Doubts, b.Doubts = nil, nil // each knows of the other's half only that it did not begin it
		got, err := Merge([]Part{{"a.json", a}, {"b.json", b}})
		if err != nil {
			t.Fatal(err)
		}
		// How far times depend on each other is an estimate.
		estimated := cmp.Options{cmpopts.IgnoreFields(reports.Distribution{}, "Effective"), cmpopts.IgnoreFields(reports.Objective{}, "Low", "High", "Reason")}
		ignore := cmpopts.IgnoreFields(reports.Load{}, "Pace", "Machines", "Offered", "Achieved", "Delivered", "Failed", "Parts", "DrainSeconds", "Cost", "EffectiveAttempts", "EffectiveExports")
		if diff := cmp.Diff(whole, got, ignore, cmpopts.IgnoreFields(reports.Point{}, "Offered", "Backlog", "InFlight"), estimated, cmpopts.EquateApprox(1e-9, 0)); diff != "" {
			t.Fatalf("(-one machine +two)\n%s", diff)
		}
		if got.Achieved.Count != whole.Achieved.Count || got.Delivered.Count != whole.Delivered.Count || got.Machines != 2 || len(got.Parts) != 2 {
			t.Errorf("%+v", got)
		}
	}
}

// draw is a number by chance.
func draw(n uint64) uint64 {
	n += 0x9e3779b97f4a7c15
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	return n ^ n>>27
}

// Two machines below the documented rate are together above it, and a doubt of
// one is one of all.
func TestMergeJudgesAnew(t *testing.T) {
	half := func(mode string, doubts ...string) *reports.Load {
		return &reports.Load{Mode: mode, Clock: "wall", Machines: 1, Offered: reports.Amount{Count: 1000, Rate: 6000, Target: 6000}, DeliveryLatency: times(1000, 0, 0).Distribution(),
			Delivered: reports.Amount{Count: 1000, Rate: 6000}, Doubts: doubts, Objectives: []reports.Objective{{Text: "p95<10m", Rule: "p95", Verdict: reports.Pass}, {Text: "delivery.p50<1s", Verdict: reports.Pass}},
			Outcomes: []reports.OutcomeCount{{Outcome: "200", Count: 1000, OK: true}}, Cost: &reports.Cost{CPUSeconds: 1}}
	}
	l, err := Merge([]Part{{"a.json", half(Pipeline)}, {"b.json", half(Pipeline)}, {"c.json", half(Pipeline)}})
	if err != nil || l.Objectives[0].Verdict != reports.Skip || l.Objectives[1].Verdict != reports.Pass || l.Offered.Target != 18_000 || l.Cost.CPUPerExport != 1000 || l.Pace != "3 × " {
		t.Errorf("%+v, %v", l, err)
	}
	l, err = Merge([]Part{{"a.json", half(Pipeline)}, {"b.json", half(Pipeline, "late")}})
	if err != nil || l.Objectives[1].Verdict != reports.Inconclusive || l.Doubts[0] != "b.json: late" {
		t.Errorf("%+v, %v", l, err)
	}
	search, broken, elsewhere := half(Pipeline), half(Pipeline), half(Pipeline)
	search.Search, broken.DeliveryLatency.Histogram, elsewhere.To = &reports.Search{}, "x", "http://other/"
	coarseSteps := half(Pipeline)
	coarseSteps.Series = &reports.Series{StepSeconds: 6}
	fine := half(Pipeline)
	fine.Series = &reports.Series{StepSeconds: 1}
	for part, parts := range map[string][]Part{
		"nothing to merge":        {{"a.json", half(Pipeline)}},
		"b.json: it is a load of": {{"a.json", half(Pipeline)}, {"b.json", half(Receiver)}},
		"another receiver":        {{"a.json", half(Pipeline)}, {"b.json", elsewhere}},
		"cannot be merged":        {{"a.json", half(Pipeline)}, {"b.json", search}},
		"b.json: histogram":       {{"a.json", half(Pipeline)}, {"b.json", broken}},
		"steps are of 6 s":        {{"a.json", fine}, {"b.json", coarseSteps}},
	} {
		if _, err := Merge(parts); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v; want %q", err, part)
		}
	}
}

// Only results of one load add up: of the same time and length, each once.
func TestMergeWhatBelongsTogether(t *testing.T) {
	of := func(began string, length float64) Part {
		return Part{"at " + began, &reports.Load{Mode: Receiver, Clock: "wall", Began: began, Seconds: length, Offered: reports.Amount{Count: 10}}}
	}
	stopped := of("2026-01-15T09:00:01.5Z", 3)
	stopped.Load.Interrupted = true
	first := of("2026-01-15T09:00:00.25Z", 30)
	for _, tt := range []struct {
		second Part
		want   string // "": they are merged
	}{
		{of("2026-01-15T09:00:02.75Z", 30), ""},
		{of("2026-01-15T08:59:59Z", 28), ""},
		{of("", 30), ""},
		{stopped, ""},
		{of("2026-01-15T09:00:04Z", 30), "were under way together for 26.3s of 30s only: begin them at one time, with --start-at"},
		{of("2026-01-15T09:01:30.25Z", 30), "it began 1m0s after at 2026-01-15T09:00:00.25Z had ended: rates add up only while both run"},
		{of("2026-01-15T09:00:30.25Z", 30), "it began 0s after at 2026-01-15T09:00:00.25Z had ended"},
		{first, "it is the same result as at 2026-01-15T09:00:00.25Z"},
		{of("2026-01-15T09:05:30.25Z", 30), "it began 5m0s after at"},
		{of("2026-01-15T08:50:00.25Z", 30), "it ended 9m30s before at"},
		{of("2026-01-15T09:00:03Z", 60), "it lasted 1m0s, and at 2026-01-15T09:00:00"},
		{of("soon", 30), "the time at which it began: parsing"},
	} {
		l, err := Merge([]Part{first, tt.second})
		if tt.want == "" && (err != nil || l.Began > first.Load.Began) || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v; want %q", tt.second.From, err, tt.want)
		}
		_, err = Merge([]Part{of("2026-01-15T09:00:00.5Z", 30), first, tt.second})
		if (err == nil) != (tt.want == "") {
			t.Errorf("%s, the third: %v; want %q", tt.second.From, err, tt.want)
		}
	}
}
