package loadtest

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/httpdest/httpdest/loadtest/model"
	"github.com/httpdest/httpdest/reports"
)

// The day has no end at midnight: with the same rate all day, an outage at 23:20
// has the percentiles of one at noon.
func TestPlanWrapsAtMidnight(t *testing.T) {
	volume(t)
	var plans []*reports.Plan
	for _, at := range []time.Duration{12 * time.Hour, 23*time.Hour + 20*time.Minute} {
		p := known()
		p.Errors, p.Outage = Exactly(0), &Outage{at, 90 * time.Minute, Stalled}
		plans = append(plans, p.Plan())
	}
	names := []string{"delivery latency, p50", "delivery latency, p95", "delivery latency, p99",
		"requests a day at the receiver", "highest backlog"}
	for _, name := range names {
		noon, late := figure(t, plans[0], name).Value, figure(t, plans[1], name).Value
		if off(late, noon) > 0.02 {
			t.Errorf("%s: %v at noon, %v late in the evening", name, noon, late)
		}
	}
	if p95 := figure(t, plans[1], "delivery latency, p95").Value; p95 < 600_000 ||
		plans[1].Objectives[0].Verdict != reports.Fail {
		t.Errorf("p95 is %v ms, %+v; want one above ten minutes, and a failure", p95, plans[1].Objectives[0])
	}
}

// Little's law holds in every table: what is in a system on average is the rate at
// which it comes times the time that each is in it.
func TestPlanHoldsLittlesLaw(t *testing.T) {
	volume(t)
	day, err := ParseCurve("day")
	if err != nil {
		t.Fatal(err)
	}
	calm, failing, evening, outage, two, paced := known(), known(), known(), known(), known(), known()
	calm.Errors = Exactly(0)
	failing.Sockets = 7
	evening.Curve, evening.Errors = day, Exactly(0)
	outage.Outage = &Outage{20 * time.Hour, 30 * time.Minute, Unavailable}
	paced.Latency, paced.Errors, paced.Sockets, paced.Arrivals = model.Exponential(0.5), Exactly(0), 6, Paced
	two.Others = []Dataflow{{"b", Exactly(86_400), day, 3, 0}}
	plans := map[string]Planning{"calm": calm, "failing, sockets scarce": failing, "an evening that saturates": evening,
		"an outage": outage, "two dataflows": two, "paced": paced}
	for name, p := range plans {
		plan, busy := p.Plan(), 1000*model.Receiver{Latency: p.Latency, Policy: model.Documented()}.Busy()
		law := func(table string, in, rate, ms float64) {
			if want := rate * ms / 1000; off(in, want) > 0.03 {
				t.Errorf("%s, %s: %.4g in it; %.4g/s for %.4g ms each are %.4g", name, table, in, rate, ms, want)
			}
		}
		total := 0.0
		for _, h := range plan.Hours {
			total += h.Rate * 3600 * h.SpentMs / 1000
			if name == "calm" || name == "failing, sockets scarce" || name == "two dataflows" || name == "paced" {
				law("hours", h.Backlog, h.Rate, h.SpentMs)
			}
			if !h.Outage { // in which attempts take another time
				law("sockets of an hour", h.Utilisation*float64(p.Sockets), h.Requests, busy)
			}
		}
		for _, d := range plan.Days {
			law("days", d.Backlog, d.Exports/86400, d.SpentMs)
		}
		if d := plan.Days[0]; off(d.Backlog*86400, total) > 0.03 {
			t.Errorf(
				"%s: the backlog of the day is %.4g export seconds, and those of its hours took %.4g",
				name,
				d.Backlog*86400,
				total,
			)
		}
		peak := figure(t, plan, "rate in the busiest hour").Value
		for _, s := range plan.Sensitivity {
			r := model.Receiver{Latency: p.Latency.Shift(s.AddedMs / 1000), Policy: model.Documented()}
			law("sensitivity", s.Sockets, peak*s.AttemptsPerExport, 1000*r.Busy())
			if off(s.Utilisation*float64(p.Sockets), s.Sockets) > 1e-9 || off(s.MaxRate*s.Utilisation, peak) > 1e-9 {
				t.Errorf("%s: %+v", name, s)
			}
		}
		for _, f := range plan.Flows {
			law("dataflows", f.Utilisation*float64(f.Sockets), f.Requests, busy)
		}
		law(
			"results",
			figure(t, plan, "sockets busy in the busiest hour").Value,
			figure(t, plan, "requests a second at the receiver").Value,
			busy,
		)
	}
}

// Days follow where one leaves a backlog: until it has drained, or a week where it
// grows.
func TestPlanOfSeveralDays(t *testing.T) {
	volume(t)
	p := known()
	p.Errors = Exactly(0)
	if plan := p.Plan(); len(plan.Days) != 1 || plan.Days[0].Begins < 4.5 || plan.Days[0].Begins > 5.5 ||
		math.Abs(plan.Days[0].Ends-plan.Days[0].Begins) > 0.1 {
		t.Errorf("a calm day: %+v; want one that ends as it begins", plan.Days)
	}
	// Six sockets carry twelve exports a second: the hundred thousand that eight hours
	// leave over take most of a day.
	p.Sockets, p.Outage = 6, &Outage{18 * time.Hour, 8 * time.Hour, Stalled}
	plan := p.Plan()
	if d := plan.Days; len(d) < 2 || !d[0].Outage || d[1].Outage || d[0].Ends <= d[1].Ends ||
		d[1].Begins != d[0].Ends ||
		d[0].FromHour != 18 {
		t.Errorf("an outage of eight hours: %+v; want days until it has drained", d)
	}
	p.Outage, p.Sockets = nil, 4 // eight exports a second, of ten
	plan = p.Plan()
	if d := plan.Days; len(d) != 7 || off(d[0].Ends, 2*86400) > 0.02 || off(d[6].Ends, 14*86400) > 0.02 ||
		d[6].P95Ms <= d[0].P95Ms ||
		d[0].Begins != 0 {
		t.Errorf("more than the sockets carry: %+v; want a week in which two a second are left", d)
	}
	if o := plan.Objectives[0]; o.Verdict != reports.Fail || off(o.Measured, plan.Days[6].P95Ms) > 1e-9 {
		t.Errorf("%+v; want a failure by the worst day", o)
	}
	// p95 of a backlog that grows slowly is below every limit at first, and fails all the same.
	p.Sockets, p.PerDay = 600, Exactly(1200.5*86400)
	if o := p.Plan().Objectives[0]; o.Verdict != reports.Fail || o.Measured > 600_000 {
		t.Errorf("%+v; want a failure, as the backlog grows from day to day", o)
	}
}

// A target picks the fewest sockets that hold it.
func TestPlanPicksSockets(t *testing.T) {
	volume(t)
	o, err := ParseTarget("p99<20m")
	if err != nil {
		t.Fatal(err)
	}
	p := known()
	p.Errors, p.Outage, p.Target = Exactly(0.02), &Outage{20 * time.Hour, 40 * time.Minute, Stalled}, &o
	n, err := p.Pick(o)
	if err != nil || n < 7 {
		t.Fatalf("%d sockets, %v", n, err)
	}
	for sockets, want := range map[int]reports.Verdict{n: reports.Pass, n - 1: reports.Fail} {
		p.Sockets = sockets
		if got := p.Plan().Objectives; len(got) != 2 || got[1].Verdict != want {
			t.Errorf("with %d sockets: %+v; want %s", sockets, got, want)
		}
	}
	p = known() // one in ten is repeated after 15 s, however many sockets there are
	if o, err = ParseTarget("p95<10s"); err != nil {
		t.Fatal(err)
	}
	var none *unreachable
	if _, err := p.Pick(o); !errors.As(err, &none) {
		t.Errorf("%v; want that no number of sockets holds it", err)
	}
}
