package loadtest

import (
	"testing"

	"github.com/httpdest/httpdest/reports"
)

// A report has a case for each objective, the rule of the documented one, and
// the worst verdict; doubts and an interruption keep it from passing.
func TestSettle(t *testing.T) {
	passed := reports.Objective{Text: "errors<1%", Verdict: reports.Pass, Measured: 0.001, High: 0.002, Unit: "share", Samples: 1000}
	skipped := reports.Objective{Text: "p95<10m", Rule: "p95", Verdict: reports.Skip, Reason: "premise not met", Unit: "ms"}
	for _, tt := range []struct {
		name string
		l    *reports.Load
		all  []reports.Objective
		want reports.Verdict
	}{
		{"held", &reports.Load{}, []reports.Objective{passed, skipped}, reports.Pass},
		{"skipped", &reports.Load{}, []reports.Objective{skipped}, reports.Skip},
		{"doubted", &reports.Load{Doubts: []string{"late"}}, []reports.Objective{passed}, reports.Inconclusive},
		{"interrupted", &reports.Load{Interrupted: true}, []reports.Objective{passed}, reports.Inconclusive},
		{"a neighbour suffered", &reports.Load{Flows: []reports.Flow{{Name: "b", Verdict: reports.Fail}}}, []reports.Objective{passed}, reports.Fail},
	} {
		r := &reports.Report{Kind: "load", Load: tt.l}
		Settle(r, tt.all)
		if r.Verdict != tt.want || r.Summary.Cases != len(tt.all)+len(tt.l.Flows) || r.Summary.Pass+r.Summary.Skip+r.Summary.Fail != r.Summary.Cases {
			t.Errorf("%s: %s, %+v", tt.name, r.Verdict, r.Summary)
		}
		for _, x := range r.Rules {
			if x.ID != "p95" || x.Ref != "R119" || x.Level != "should" || x.Verdict != reports.Skip || x.Cases[0] != "load/p95<10m" {
				t.Errorf("%s: %+v", tt.name, x)
			}
		}
		if c := r.Cases[0]; tt.name == "held" && (c.ID != "load/errors<1%" || c.Checks[0].Actual != "0.1% (0% to 0.2%)") {
			t.Errorf("%s: %+v", tt.name, c)
		}
	}
}
