package page

import (
	"testing"

	"github.com/httpdest/httpdest/reports"
)

// The headline of a plan is its answer.
func TestPlanHeadline(t *testing.T) {
	documented := reports.Objective{
		Text:     "p95<10m",
		Verdict:  reports.Pass,
		Measured: 544_000,
		Low:      544_000,
		High:     544_000,
		Limit:    600_000,
		Unit:     "ms",
	}
	with := func(change func(*reports.Objective)) reports.Objective {
		o := documented
		change(&o)
		return o
	}
	lost := reports.Objective{
		Text:     "lost <= 0.5%",
		Verdict:  reports.Pass,
		Measured: 0.003,
		Low:      0.003,
		High:     0.003,
		Limit:    0.005,
		Unit:     "share",
	}
	for _, tt := range []struct {
		name string
		plan reports.Plan
		want string
	}{
		{"holds with a range", reports.Plan{Objectives: []reports.Objective{
			{Text: "p95<10m", Limit: 600_000, Unit: "ms", Verdict: reports.Pass, Measured: 544_000, Low: 300_000, High: 590_000}}},
			"p95 9m4s (5m to 9m50s) of 10m: holds"},
		{"does not hold with a range", reports.Plan{Objectives: []reports.Objective{
			{Text: "p95<10m", Limit: 600_000, Unit: "ms", Verdict: reports.Fail, Measured: 900_000, Low: 660_000, High: 1_200_000}}},
			"p95 15m (11m to 20m) of 10m: does not hold"},
		{"holds", reports.Plan{Objectives: []reports.Objective{documented}}, "p95 9m4s of 10m: holds"},
		{"fails", reports.Plan{Objectives: []reports.Objective{with(func(o *reports.Objective) { o.Verdict, o.Measured = reports.Fail, 8_000_000 })}},
			"p95 2h13m20s of 10m: does not hold"},
		{"uncertain", reports.Plan{Objectives: []reports.Objective{with(func(o *reports.Objective) {
			o.Verdict, o.Low, o.High = reports.Inconclusive, 500_000, 700_000
		})}}, "p95 8m20s to 11m40s of 10m: uncertain"},
		{"not promised", reports.Plan{Objectives: []reports.Objective{with(func(o *reports.Objective) { o.Verdict, o.Reason = reports.Skip, "premise not met" })}},
			"p95: not judged, premise not met"},
		{"a target", reports.Plan{Objectives: []reports.Objective{documented, lost}, Inputs: []reports.Figure{{Value: 14, Unit: "sockets", From: "picked: the fewest"}}},
			"lost 0.3 % of 0.5 %: holds, with 14 sockets"},
		{"a week that grows", reports.Plan{Objectives: []reports.Objective{with(func(o *reports.Objective) { o.Verdict = reports.Fail })}, Days: []reports.PlanDay{{Ends: 5}, {Ends: 10}}},
			"p95 9m4s of 10m: does not hold; the backlog grows from day to day"},
		{"of a version without objectives", reports.Plan{Warnings: []string{"saturated"}}, "saturated"},
	} {
		if got := headline(&reports.Report{Plan: &tt.plan}); got != tt.want {
			t.Errorf("%s: %q; want %q", tt.name, got, tt.want)
		}
	}
}

// Times above a second are in seconds, minutes and hours, and numbers have no
// exponent.
func TestValuesInWords(t *testing.T) {
	for _, tt := range []struct {
		v    float64
		unit string
		want string
	}{
		{120, "ms", "120 ms"}, {1500, "ms", "1.5 s"}, {61_234.5, "ms", "1m1.2s"}, {5_643_609.7, "ms", "1h34m4s"}, {90, "s", "1m30s"},
		{12_800, "/s", "12,800 per second"}, {65.38, "/s", "65.4 per second"}, {3e6, "exports", "3,000,000 exports"}, {8.45e-9, "share", "< 0.001 %"},
		{0.99999, "share", "100 %"}, {0, "exports", "0 exports"}, {-1234, "exports", "-1,234 exports"},
	} {
		if got := value(tt.v, tt.unit); got != tt.want {
			t.Errorf("value(%v, %q) = %q; want %q", tt.v, tt.unit, got, tt.want)
		}
	}
}
