package loadtest

import (
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/reports"
	"pgregory.net/rapid"
)

// times is a histogram of n times, the share slow of them long.
func times(n int, slow float64, long time.Duration) *Histogram {
	h := NewHistogram()
	for i := range n {
		if float64(i) < slow*float64(n) {
			h.Record(long)
		} else {
			h.Record(10 * time.Millisecond)
		}
	}
	return h
}

func objective(t *testing.T, text string) Objective {
	t.Helper()
	o, err := ParseObjective(text)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestJudge(t *testing.T) {
	pipeline := func(slow float64) Evidence {
		return Evidence{Pipeline: true, Delivery: times(10_000, slow, time.Hour), Attempts: 12_000, Failed: 2000, Exports: 10_000, Lost: 10, Rate: 99}
	}
	few := pipeline(0)
	few.Delivery = times(50, 0, time.Hour)
	none := pipeline(0)
	none.Delivery = NewHistogram()
	doubtful := pipeline(0)
	doubtful.Doubts = []string{"the generator fell behind"}
	missed := pipeline(0.5)
	missed.Doubts = doubtful.Doubts
	for _, tt := range []struct {
		name, text string
		e          Evidence
		want       reports.Verdict
		reason     string
	}{
		{"held", "p95<10m", pipeline(0.04), reports.Pass, ""},
		{"missed", "p95<10m", pipeline(0.06), reports.Fail, "measured 1h0m"},
		{"straddled", "p95<10m", pipeline(0.05), reports.Inconclusive, "measure longer"},
		{"too few", "p95<10m", few, reports.Inconclusive, "50 samples are too few"},
		{"none", "p95<10m", none, reports.Inconclusive, "nothing was delivered"},
		{"held in doubt", "p95<10m", doubtful, reports.Inconclusive, "fell behind"},
		{"missed in doubt", "p95<10m", missed, reports.Inconclusive, "fell behind"},
		{"the other span", "response.p95<10m", pipeline(0), reports.Inconclusive, "does not measure"},
		{"max", "max<=1h0m1s", pipeline(0.01), reports.Pass, ""},
		{"max", "max<59m", pipeline(0.01), reports.Fail, "1h0m"},
		{"errors", "errors<20%", pipeline(0), reports.Pass, ""},
		{"errors", "errors<16%", pipeline(0), reports.Fail, "measured 16.7%"},
		{"errors", "errors<16.5%", pipeline(0), reports.Inconclusive, "between 16%"},
		{"no errors among few", "errors<0.1%", Evidence{Pipeline: true, Attempts: 100}, reports.Inconclusive, "3.62%"},
		{"lost", "lost<1%", pipeline(0), reports.Pass, ""},
		{"lost", "lost<=0", pipeline(0), reports.Fail, "0.1%"},
		{"rate", "rate>=99/s", pipeline(0), reports.Pass, ""},
		{"rate", "rate>99", pipeline(0), reports.Fail, "measured 99/s"},
		{"nothing ended", "rate>=1", Evidence{}, reports.Inconclusive, "nothing ended"},
	} {
		got := Judge([]Objective{objective(t, tt.text)}, tt.e)[0]
		if got.Verdict != tt.want || !strings.Contains(got.Reason, tt.reason) {
			t.Errorf("%s, %s: %s (%s); want %s (%s)", tt.name, tt.text, got.Verdict, got.Reason, tt.want, tt.reason)
		}
	}
}

// The documented objective promises something below 10,000 a second, of
// deliveries; an objective of the user's is judged at any rate.
func TestJudgeThePremise(t *testing.T) {
	e := Evidence{Pipeline: true, Delivery: times(1000, 1, time.Hour), Peak: 9999}
	if got := Judge([]Objective{Documented()}, e)[0]; got.Verdict != reports.Fail {
		t.Errorf("at 9,999/s: %s (%s)", got.Verdict, got.Reason)
	}
	e.Peak = 10_000
	if got := Judge([]Objective{Documented()}, e)[0]; got.Verdict != reports.Skip || !strings.HasPrefix(got.Reason, "premise not met") {
		t.Errorf("at 10,000/s: %s (%s)", got.Verdict, got.Reason)
	}
	if got := Judge([]Objective{objective(t, "p95<10m")}, e)[0]; got.Verdict != reports.Fail {
		t.Errorf("asked for at 10,000/s: %s (%s)", got.Verdict, got.Reason)
	}
	e.Pipeline = false
	if got := Judge([]Objective{Documented()}, e)[0]; got.Verdict != reports.Skip || !strings.Contains(got.Reason, "--through-engine") {
		t.Errorf("of a receiver: %s (%s)", got.Verdict, got.Reason)
	}
}

// Unfinished requests leave a latency open, unless too many were late already
// for the others to help.
func TestUnfinished(t *testing.T) {
	for _, tt := range []struct {
		late, intime int
		unfinished   int64
		want         reports.Verdict
	}{
		{1000, 1000, 1000, reports.Fail},
		{60, 940, 1000, reports.Inconclusive},
		{0, 2000, 1, reports.Inconclusive},
		{200, 1800, 3000, reports.Inconclusive},
		{400, 1600, 3000, reports.Fail},
	} {
		h := NewHistogram()
		for range tt.late {
			h.Record(20 * time.Minute)
		}
		for range tt.intime {
			h.Record(time.Second)
		}
		e := Evidence{Pipeline: true, Peak: 800, Delivery: h, Unfinished: tt.unfinished, Doubts: []string{"some had not ended"}}
		if got := Judge([]Objective{Documented()}, e)[0]; got.Verdict != tt.want {
			t.Errorf("%d late, %d in time, %d unfinished: %s (%s)", tt.late, tt.intime, tt.unfinished, got.Verdict, got.Reason)
		}
		e.Doubts = append(e.Doubts, "the generator fell behind")
		if got := Judge([]Objective{Documented()}, e)[0]; got.Verdict != reports.Inconclusive {
			t.Errorf("with another doubt: %s (%s)", got.Verdict, got.Reason)
		}
	}
}

// A fault that was planned and met nobody, a generator that fell behind, and
// what had not ended are doubts.
func TestDoubts(t *testing.T) {
	whole := func() *reports.Load {
		return &reports.Load{Offered: reports.Amount{Count: 1000}, Achieved: reports.Amount{Count: 995}}
	}
	behind, left, calm := whole(), whole(), whole()
	behind.Achieved.Count, left.Unfinished = 980, 3
	calm.Outage = &reports.Outage{}
	for _, tt := range []struct {
		name string
		g    generator
		l    *reports.Load
		want string
	}{
		{"nothing", generator{workers: 3, mostWorkers: 10, cpu: 0.99, stretched: 0.001}, whole(), ""},
		{"behind", generator{}, behind, "980 of 1000 were begun; this machine"},
		{"behind with every worker busy", generator{workers: 1, mostWorkers: 1}, behind, "all 1 workers were busy"},
		{"every worker busy", generator{workers: 7, mostWorkers: 7}, whole(), "all 7 workers were busy at once"},
		{"starved", generator{cpu: 0.97, stretched: 0.05}, whole(), "CPUs of this machine were busy (97%), and timers 50ms late"},
		{"stopped for a while", generator{cpu: 0.1, late: 0.001, stood: 71}, whole(), "stood still for 1m11s"},
		{"starved by others", generator{cpu: 0.1, late: 0.08, stretched: 0.2}, whole(), "one in twenty timers of this machine was more than 80ms late"},
		{"unfinished", generator{}, left, "3 had not ended"},
		{"unfinished for want of time", generator{interrupted: true}, left, ""},
		{"no outage", generator{}, calm, "planned outage"},
	} {
		got := strings.Join(tt.g.doubts(tt.l), "; ")
		if (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q; want %q", tt.name, got, tt.want)
		}
	}
}

// Histograms of several machines add up as if one had measured all, and
// survive the report.
func TestHistogramsMergeWithoutLoss(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all, merged := NewHistogram(), NewHistogram()
		for _, part := range rapid.SliceOfN(rapid.SliceOf(rapid.Int64Range(0, int64(30*time.Hour))), 1, 4).Draw(t, "parts") {
			h := NewHistogram()
			for _, d := range part {
				h.Record(time.Duration(d))
				all.Record(time.Duration(d))
			}
			back, err := DecodeHistogram(h.encode())
			if err != nil {
				t.Fatal(err)
			}
			if err := merged.Merge(back); err != nil {
				t.Fatal(err)
			}
		}
		if all.encode() != merged.encode() {
			t.Errorf("%+v; want %+v", merged.Distribution(), all.Distribution())
		}
	})
}

// Nearest ranks, to three figures.
func TestQuantiles(t *testing.T) {
	h := NewHistogram()
	for i := range 1000 {
		h.Record(time.Duration(i+1) * time.Millisecond)
	}
	for q, want := range map[float64]float64{0.001: 1, 0.5: 500, 0.95: 950, 0.999: 999, 1: 1000} {
		if got := h.Quantile(q); !near(got, want, want/1000) {
			t.Errorf("quantile %v is %v ms; want %v", q, got, want)
		}
	}
	few := NewHistogram()
	for i := range 3 {
		few.Record(time.Duration(i+1) * time.Millisecond)
	}
	for q, want := range map[float64]float64{0.3: 1, 0.5: 2, 0.67: 3, 0.95: 3} {
		if got := few.Quantile(q); !near(got, want, want/1000) {
			t.Errorf("quantile %v of three is %v ms; want %v", q, got, want)
		}
	}
	if _, err := DecodeHistogram("bad"); err == nil {
		t.Error("bad is a histogram")
	}
}
