package loadtest

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/loadtest/model"
	"github.com/httpdest/httpdest/reports"
)

// known is a plan whose arithmetic can be done on paper: 864,000 exports a
// day, ten a second; half a second each; one in ten fails.
func known() Planning {
	return Planning{PerDay: Exactly(864_000), Curve: Flat(), Latency: model.Fixed(0.5), Errors: Exactly(0.1), Sockets: 10}
}

func figure(t *testing.T, p *reports.Plan, name string) reports.Figure {
	t.Helper()
	for _, f := range p.Results {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no %q among %+v", name, p.Results)
	return reports.Figure{}
}

func TestPlanOnPaper(t *testing.T) {
	volume(t)
	plan := known().Plan()
	for name, want := range map[string]float64{
		"exports a day":                      864_000,
		"rate in the busiest hour":           10,
		"attempts without an answer in time": 0,
		"attempts per export":                1.11,
		"exports lost after the last retry":  0.001,
		"requests a second at the receiver":  11.1,
		"sockets busy in the busiest hour":   5.55,
		"sockets needed":                     7,
		"highest rate the sockets carry":     10 / 0.555,
		"utilisation in the busiest hour":    0.555,
		"delivery latency, p50":              500,
		"delivery latency, p95":              16_000, // 0.5 s, 15 s, 0.5 s
	} {
		if f := figure(t, plan, name); off(f.Value, want) > 0.02 && f.Value != want || f.Low != f.Value || f.High != f.Value {
			t.Errorf("%s: %+v; want %v", name, f, want)
		}
	}
	if o := plan.Objectives[0]; o.Verdict != reports.Pass {
		t.Errorf("%+v", o)
	}
}

// Paced exports wait less than those that come by chance: with answers that all take
// as long they do not wait at all, and with exponential ones on one socket they wait
// as the root of x = exp(-(1-x)/utilisation) says.
func TestPlanOfPacedArrivals(t *testing.T) {
	volume(t)
	p := known()
	p.Errors, p.Sockets = Exactly(0), 6
	chance := p.Plan()
	p.Arrivals = Paced
	paced := p.Plan()
	for _, name := range []string{"delivery latency, p50", "delivery latency, p95", "delivery latency, p99"} {
		if v := figure(t, paced, name).Value; !near(v, 500, 1e-6) {
			t.Errorf("%s: %v ms, paced, where all answers take 500 ms", name, v)
		}
	}
	if a, b := figure(t, chance, "delivery latency, p95").Value, chance.Sensitivity[0].P95Ms; a < 550 || b < 550 {
		t.Errorf("p95 %v and %v ms by chance; want more than an answer takes", a, b)
	}
	if v := paced.Sensitivity[0].P95Ms; !near(v, 500, 1e-6) {
		t.Errorf("sensitivity: p95 %v ms, paced", v)
	}
	p = known()
	p.Errors, p.Sockets, p.Latency, p.PerDay = Exactly(0), 1, model.Exponential(0.2), Exactly(345_600)
	p.Arrivals = Paced
	root := 0.8
	for range 100 {
		root = math.Exp(-(1 - root) / 0.8)
	}
	if got, want := p.Plan().Days[0].SpentMs, 200/(1-root); off(got, want) > 0.02 {
		t.Errorf("%v ms from due to the end, on average; want %v", got, want)
	}
}

// Each 100 ms cost what they cost: at one second 1.11 seconds of a socket for
// each export, at 1.6 s above the budget nothing more.
func TestSensitivity(t *testing.T) {
	volume(t)
	p := known()
	p.Sockets = 6
	plan := p.Plan()
	for _, s := range plan.Sensitivity {
		latency := min(2, 0.5+s.AddedMs/1000)
		if want := 6 / (1.11 * latency); s.AddedMs < 1500 && off(s.MaxRate, want) > 0.01 {
			t.Errorf("%+v; want %v", s, want)
		}
		if s.Stable != (s.Utilisation < 1) || s.Stable != (s.P95Ms > 0) {
			t.Errorf("%+v", s)
		}
	}
	if first, last := plan.Sensitivity[0], plan.Sensitivity[8]; !first.Stable || last.Stable || last.TimeoutShare != 0 {
		t.Errorf("%+v, %+v", first, last)
	}
}

// A row of the table is the plan of a receiver that is as much slower: the same day with
// its curve and its outage, and a queue as long as it gets there.
func TestSensitivityIsAPlanOfItsOwn(t *testing.T) {
	volume(t)
	day, err := ParseCurve("day")
	if err != nil {
		t.Fatal(err)
	}
	evening, full := known(), known()
	evening.Curve, evening.Sockets, evening.Errors = day, 12, Exactly(0)
	evening.Outage = &Outage{20 * time.Hour, 15 * time.Minute, Stalled}
	full.Latency, full.Errors, full.Sockets, full.PerDay = model.Uniform(1, 1.8), Exactly(0), 1, Exactly(61_097)
	for name, p := range map[string]Planning{"an evening with an outage": evening, "99 of a hundred busy": full} {
		for _, ms := range []float64{0, 100, 500} {
			slower := p
			slower.Latency = p.Latency.Shift(ms / 1000)
			row := p.sensitivity(ms, slower.receiver(0))
			grows := slower.begun(0, slower.receiver(0)).overloaded(0)
			if row.Stable == grows {
				t.Errorf("%s, %v ms: stable is %v", name, row.AddedMs, row.Stable)
			}
			if grows {
				continue
			}
			if want := slower.side(0).flows[0].windows[0].latencies.P95 * 1000; row.P95Ms != want {
				t.Errorf("%s, %v ms: p95 %v ms; the plan of such a receiver has %v", name, row.AddedMs, row.P95Ms, want)
			}
		}
	}
	// One socket: the wait of a queue this full is exponential (heavy traffic).
	if got, want := full.sensitivity(0, full.receiver(0)).P95Ms, -math.Log(0.05)*1.0272/2*1400*99; off(got, want) > 0.05 {
		t.Errorf("p95 %v ms; want %v", got, want)
	}
}

// Unknown inputs make intervals, and a verdict that depends on them is
// inconclusive.
func TestPlanIntervals(t *testing.T) {
	volume(t)
	p := known()
	p.Errors, p.PerDay, p.Sockets = Between{0, 0.1, 0.2}, Between{432_000, 864_000, 1_728_000}, 11
	plan := p.Plan()
	for _, f := range plan.Results {
		if f.Low > f.Value || f.Value > f.High {
			t.Errorf("%+v", f)
		}
	}
	if f := figure(t, plan, "attempts per export"); !near(f.Low, 1, 1e-9) || !near(f.High, 1.24, 1e-9) {
		t.Errorf("%+v", f)
	}
	if o := plan.Objectives[0]; o.Verdict != reports.Inconclusive || !strings.Contains(o.Reason, "narrow the inputs") {
		t.Errorf("%+v", o)
	}
	p.PerDay = Exactly(1_728_000)
	p.Errors = Exactly(0.1)
	if o := p.Plan().Objectives[0]; o.Verdict != reports.Fail {
		t.Errorf("twice what the sockets carry: %+v", o)
	}
	p.PerDay = Exactly(864_000_000)
	if o := p.Plan().Objectives[0]; o.Verdict != reports.Skip || !strings.Contains(o.Reason, "premise not met") {
		t.Errorf("ten thousand a second: %+v", o)
	}
	p = known()
	p.Errors = Exactly(1)
	if o := p.Plan().Objectives[0]; o.Verdict != reports.Inconclusive {
		t.Errorf("nothing is delivered: %+v", o)
	}
}

func TestPlanWarns(t *testing.T) {
	volume(t)
	for _, tt := range []struct {
		name   string
		change func(*Planning)
		want   string
	}{
		{"saturated", func(p *Planning) { p.Sockets = 5 }, "the backlog grows by"},
		{"nearly", func(p *Planning) { p.Sockets = 6 }, "93% busy"},
		{"retries", func(p *Planning) {}, "1.11 times the exports; if every attempt failed it would be 3 times, 30 requests a second"},
		{"lost", func(p *Planning) {}, "0.1% of the exports are given up"},
		{"premise", func(p *Planning) { p.PerDay = Exactly(1e9); p.Sockets = 10_000 }, "R119"},
		{"outage", func(p *Planning) { p.Outage = &Outage{time.Hour, 15 * time.Minute, Stalled} }, "lost, and is never sent again"},
		{"falls behind", func(p *Planning) { p.Capacity = Exactly(11) }, "it falls behind"},
		{"collapse", func(p *Planning) { p.Capacity = Exactly(20); p.Sockets = 50 }, "does not recover by itself"},
	} {
		p := known()
		tt.change(&p)
		if got := strings.Join(p.warnings([3]*side{1: p.side(0), 2: p.side(1)}), "\n"); !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q is not in\n%s", tt.name, tt.want, got)
		}
	}
	p := known()
	p.Errors, p.Capacity = Exactly(0), Exactly(100)
	if w := p.Plan().Warnings; len(w) > 0 {
		t.Errorf("nothing is wrong: %v", w)
	}
	p.Doubts = []string{"the generator fell behind"}
	if w := p.Plan().Warnings; len(w) != 1 || w[0] != "the measurement is in doubt: the generator fell behind" {
		t.Errorf("%v", w)
	}
}

// A quarter of an hour at ten a second without an answer, ten sockets: five
// attempts a second fail, the rest waits, and drains at 8 a second.
func TestPlanOutage(t *testing.T) {
	volume(t)
	p := known()
	p.Errors, p.Outage = Exactly(0), &Outage{10 * time.Hour, 15 * time.Minute, Stalled}
	plan := p.Plan()
	backlog, drain := figure(t, plan, "backlog after the outage, at most").Value, figure(t, plan, "time until the backlog has drained").Value
	if !near(backlog, 9000, 400) || !near(drain, backlog*0.95/10, 30) {
		t.Errorf("a backlog of %.0f, drained in %.0f s", backlog, drain)
	}
	// The day begins with the hour of the outage.
	if h := plan.Hours; len(h) != 24 || h[0].Hour != 10 || h[23].Hour != 9 || !near(h[0].Backlog, 2200, 400) || !near(h[23].Rate, 10, 1e-9) || !h[0].Outage || h[1].Outage || h[23].Outage {
		t.Errorf("%+v", h)
	}
}

// The day does not end at midnight: an outage late in the evening costs what the
// same costs at noon.
func TestPlanGoesOnAfterMidnight(t *testing.T) {
	volume(t)
	late, noon := known(), known()
	late.Errors, noon.Errors = Exactly(0), Exactly(0)
	late.Outage, noon.Outage = &Outage{23*time.Hour + 50*time.Minute, 30 * time.Minute, Stalled}, &Outage{12 * time.Hour, 30 * time.Minute, Stalled}
	a, b := late.Plan(), noon.Plan()
	for _, name := range []string{"backlog after the outage, at most", "exports lost by the outage", "time until the backlog has drained"} {
		x, y := figure(t, a, name).Value, figure(t, b, name).Value
		if off(x, y) > 0.02 && !near(x, y, 10) {
			t.Errorf("%s: %v late in the evening, %v at noon", name, x, y)
		}
	}
	if h := a.Hours; h[0].Hour != 23 || h[1].Hour != 0 || !h[0].Outage || !h[1].Outage || h[2].Outage || h[12].Outage {
		t.Errorf("%+v", h)
	}
}

func TestStatedFigures(t *testing.T) {
	for text, want := range map[string]float64{"40ms": 0.04, "mean=40ms": 0.04, "min=20ms max=60ms": 0.04, "p50=40ms p95=40ms": 0.04} {
		if l, err := ParseLatency(text); err != nil || !near(l.Mean(2), want, 1e-4) {
			t.Errorf("%s: %v, %v", text, l.Mean(2), err)
		}
	}
	if l, err := ParseLatency("p50=100ms p95=500ms"); err != nil || !near(l.Quantile(0.95), 0.5, 0.005) || !near(l.Quantile(0.5), 0.1, 0.001) {
		t.Errorf("%v, %v, %v", l.Quantile(0.5), l.Quantile(0.95), err)
	}
	for text, want := range map[string]Between{"2": {2, 2, 2}, "1%..3%": {0.01, 0.02, 0.03}, "0.5..1.5": {0.5, 1, 1.5}} {
		if b, err := ParseBetween(text); err != nil || !near(b.Low, want.Low, 1e-9) || !near(b.Likely, want.Likely, 1e-9) || !near(b.High, want.High, 1e-9) {
			t.Errorf("%s: %+v, %v", text, b, err)
		}
	}
	c, err := ParseCurve("day")
	total := 0.0
	for _, h := range c {
		total += h
	}
	if err != nil || !near(total, 1, 1e-9) || c[20] <= c[3] {
		t.Errorf("%v, %v", c, err)
	}
	if o, err := ParseOutage("15m@20h", Stalled); err != nil || *o != (Outage{20 * time.Hour, 15 * time.Minute, Stalled}) {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestStatedFiguresSayWhere(t *testing.T) {
	parse := map[string]func(string) error{
		"latency": func(s string) error { _, err := ParseLatency(s); return err },
		"between": func(s string) error { _, err := ParseBetween(s); return err },
		"curve":   func(s string) error { _, err := ParseCurve(s); return err },
		"outage":  func(s string) error { _, err := ParseOutage(s, Stalled); return err },
		"kind":    func(s string) error { _, err := ParseOutage("1m@1m", OutageKind(s)); return err },
	}
	for _, tt := range []struct {
		what, text string
		column     int
		part       string
	}{
		{"latency", "", 1, "is not a latency"},
		{"latency", "fast", 1, `"fast" is not a time`},
		{"latency", "p50=40ms p99=1s", 10, "does not belong"},
		{"latency", "p50=40ms", 1, "is not a latency"},
		{"latency", "p50=2s p95=1s", 1, "is not a latency"},
		{"latency", "mean=1s mean=2s", 9, "does not belong"},
		{"latency", "40ms 50ms", 6, "does not belong"},
		{"between", "x", 1, "is not a number"},
		{"between", "1..y", 4, "is not a number"},
		{"between", "2..1", 4, "smaller"},
		{"between", "-1", 1, "is not a number"},
		{"curve", "1,2", 1, "24 hours"},
		{"curve", strings.Repeat("1,", 23) + "x", 47, "is not a number"},
		{"curve", strings.Repeat("0,", 23) + "0", 1, "every hour is 0"},
		{"outage", "15m", 4, "@ is missing"},
		{"outage", "x@5m", 1, "is not a time"},
		{"outage", "0s@5m", 1, "is not a time"},
		{"outage", "15m@-5m", 5, "is not a time"},
		{"kind", "tired", 1, "unknown kind of outage"},
	} {
		var e *SyntaxError
		if err := parse[tt.what](tt.text); !errors.As(err, &e) || e.Column != tt.column || !strings.Contains(e.Message, tt.part) {
			t.Errorf("%s %q: %v (%+v)", tt.what, tt.text, err, e)
		}
	}
}

// A load test's report says what its receiver is like; timeouts are latency,
// not errors.
func TestMeasuredBy(t *testing.T) {
	h := times(1000, 0.1, 2*time.Second)
	l := &reports.Load{ServiceTime: h.Distribution(), Outcomes: []reports.OutcomeCount{{Outcome: "200", Count: 810, OK: true}, {Outcome: "timeout", Count: 100}, {Outcome: "503", Count: 90}}, Doubts: []string{"late"}}
	m, err := MeasuredBy(l)
	if err != nil || len(m.Doubts) != 1 || !near(m.Errors.Likely, 0.1, 1e-9) || m.Errors.Low > 0.09 || m.Errors.High < 0.11 {
		t.Errorf("%+v, %v", m, err)
	}
	if !near(m.Latency.Quantile(0.5), 0.01, 0.001) || !near(m.Latency.Quantile(0.95), 2, 0.01) || m.Spread < 0.1 || m.Spread > 0.3 {
		t.Errorf("%v, %v, ±%v", m.Latency.Quantile(0.5), m.Latency.Quantile(0.95), m.Spread)
	}
	if _, err := MeasuredBy(&reports.Load{}); err == nil {
		t.Error("nothing was measured")
	}
}

// Erlang's tables: two servers busy to one have a third waiting; ten to eight,
// 0.409.
func TestErlangC(t *testing.T) {
	for _, tt := range []struct {
		servers    int
		load, want float64
	}{{1, 0.5, 0.5}, {2, 1, 1. / 3}, {10, 8, 0.4092}, {100, 90, 0.2168}, {5, 5, 1}} {
		if got := model.ErlangC(tt.servers, tt.load); !near(got, tt.want, 1e-3) {
			t.Errorf("ErlangC(%d, %v) = %v; want %v", tt.servers, tt.load, got, tt.want)
		}
	}
	if math.IsNaN(model.ErlangC(1, 0)) {
		t.Error("nothing to do is no number")
	}
}
