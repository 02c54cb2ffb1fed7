package loadtest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/reports"
)

// Two good dataflows are run without and with a dead one; the report has all
// three, and judges the two.
func TestNeighbours(t *testing.T) {
	made := []int{}
	n := Neighbours{Count: 3, Objectives: []Objective{Documented(), objective(t, "lost<50%")}, Make: func(i int, noisy bool) (Through, func() error, error) {
		made = append(made, i)
		x := through100(t, func(int) int { return 0 })
		if noisy {
			x.Perform = func(ctx context.Context, op engine.Operation) engine.Completion {
				<-ctx.Done()
				return engine.Completion{Operation: op.ID, Outcome: retry.Outcome{Kind: retry.Timeout}}
			}
		}
		return x, func() error { return nil }, nil
	}}
	l, err := n.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if len(made) != 5 || len(l.Flows) != 3 || l.Offered.Count != 200 || l.Offered.Target != 1000 || l.Delivered.Count != 200 {
		t.Errorf("%v, %+v", made, l)
	}
	for i, f := range l.Flows {
		if f.Noisy != (i == 2) || f.Noisy && f.Verdict != reports.Skip || !f.Noisy && (f.Latency.Count != 100 || f.Alone.Count != 100) {
			t.Errorf("%+v", f)
		}
	}
	gone := errors.New("no port is free")
	n.Make = func(i int, _ bool) (Through, func() error, error) {
		x := through100(t, func(int) int { return 0 })
		if i == 1 {
			return x, nil, gone
		}
		return x, func() error { return nil }, nil
	}
	if _, err := n.Run(context.Background()); !errors.Is(err, gone) || !strings.Contains(err.Error(), "dataflow b") {
		t.Errorf("%v", err)
	}
}

func TestNeighbourly(t *testing.T) {
	p95 := func(ms float64) *reports.Distribution { return &reports.Distribution{P95Ms: ms} }
	all := reports.Amount{Count: 1000}
	for _, tt := range []struct {
		name        string
		with, alone *reports.Distribution
		delivered   int64
		doubts      []string
		want        reports.Verdict
		reason      string
	}{
		{"as fast", p95(10), p95(9), 1000, nil, reports.Pass, ""},
		{"the machine", p95(90), p95(5), 1000, nil, reports.Pass, ""},
		{"twice a long time", p95(900), p95(500), 1000, nil, reports.Pass, ""},
		{"slowed down", p95(1100), p95(500), 1000, nil, reports.Fail, "p95 is 1.1s beside the noisy one, and 500ms without it"},
		{"held up", p95(10), p95(9), 900, nil, reports.Fail, "900 of 1000"},
		{"in doubt", p95(10), p95(9), 1000, []string{"late"}, reports.Inconclusive, "late"},
		{"nothing", nil, p95(9), 1000, nil, reports.Inconclusive, "nothing was delivered"},
	} {
		v, reason := neighbourly(reports.Flow{Latency: tt.with, Alone: tt.alone, Offered: all, Delivered: reports.Amount{Count: tt.delivered}}, tt.doubts)
		if v != tt.want || reason != tt.reason && !strings.HasPrefix(reason, tt.reason+" ") {
			t.Errorf("%s: %s (%s)", tt.name, v, reason)
		}
	}
}
