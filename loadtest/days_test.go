package loadtest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/loadtest"
	"github.com/httpdest/httpdest/reports"
)

// Near full utilisation p95 of one day is not that of the next: nine of ten days of
// the second simulation are within the interval of plan, which is not much wider
// than these, and days with sockets to spare have no interval.
func TestRangeOfDaysNearFullUtilisation(t *testing.T) {
	loadtest.Volume(t)
	for _, tt := range []struct {
		name   string
		perDay float64
		errors float64
	}{
		{"99 of a hundred busy", 61_097, 0},
		{"99 of a hundred busy, one in fourteen fails", 56_840, 0.07},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p95 := dayByDay(situation{
				rates:   []float64{tt.perDay / 86400},
				sockets: 1,
				answer:  uniform(1, 1.8),
				errors:  tt.errors,
			}, 2, 12)
			plan := busyPlan(t, tt.perDay, tt.errors)
			f := p95Of(t, plan)
			within := 0
			for _, v := range p95 {
				if v >= f.Low && v <= f.High {
					within++
				}
			}
			nine := p95[len(p95)*95/100] / p95[len(p95)*5/100]
			t.Logf("p95 %.4g s, %.4g to %.4g; days from %.4g to %.4g, %d of %d within, nine of ten by a factor of %.3g",
				f.Value/1000, f.Low/1000, f.High/1000, p95[0]/1000, p95[len(p95)-1]/1000, within, len(p95), nine)
			if within*100 < 80*len(p95) || f.High/f.Low > 1.5*nine {
				t.Errorf("%d of %d days are within %.4g to %.4g s", within, len(p95), f.Low/1000, f.High/1000)
			}
			if !strings.Contains(strings.Join(plan.Warnings, "\n"), "near full utilisation one day is not like another") {
				t.Errorf("%q", plan.Warnings)
			}
		})
	}
	if f := p95Of(t, busyPlan(t, 40_000, 0)); f.Low != f.Value || f.High != f.Value {
		t.Errorf("two thirds busy: %+v; want one value", f)
	}
}

// dayByDay are the p95 of single days of several runs, sorted, in milliseconds. The
// first days of a run, until its queue is like any other day's, are left out.
func dayByDay(s situation, runs, days int) (p95 []float64) {
	const first = 3
	s.length = float64(first+days) * 86400
	for seed := range runs {
		all := s.play(uint64(seed) + 1)
		for d := range days {
			from := float64(first+d) * 86400
			p95 = append(p95, 1000*quantile(all.latencies(from, from+86400), 0.95))
		}
	}
	slices.Sort(p95)
	return p95
}

// busyPlan is a plan of one socket with answers from 1 to 1.8 s.
func busyPlan(t *testing.T, perDay, errors float64) *reports.Plan {
	t.Helper()
	latency, err := loadtest.ParseLatency("min=1s max=1.8s")
	if err != nil {
		t.Fatal(err)
	}
	return loadtest.Planning{
		PerDay:  loadtest.Exactly(perDay),
		Curve:   loadtest.Flat(),
		Latency: latency,
		Errors:  loadtest.Exactly(errors),
		Sockets: 1,
	}.Plan()
}

func p95Of(t *testing.T, p *reports.Plan) reports.Figure {
	t.Helper()
	for _, f := range p.Results {
		if f.Name == "delivery latency, p95" {
			return f
		}
	}
	t.Fatal("no p95")
	return reports.Figure{}
}
