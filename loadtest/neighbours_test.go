package loadtest

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

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
	if c := l.Cost; !strings.Contains(c.Note, "of the process") || !near(c.CPUPerExport, c.CPUSeconds*1e6/200, 1) {
		t.Errorf("%+v", c)
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

// besideSlow are two dataflows of a hundred updates a second for two seconds,
// and a third whose receiver takes so long. How they hang together is said by
// perform, which has what is under way at the slow one, and one socket for all.
type besideSlow struct {
	takes  time.Duration
	open   atomic.Int64
	socket chan struct{}
	good   func(b *besideSlow) (status int)
	shared bool
}

func (b *besideSlow) make(t *testing.T, noisy bool) Through {
	x := through100(t, nil)
	x.Pace = Constant(100, 2*time.Second)
	x.Perform = func(ctx context.Context, op engine.Operation) engine.Completion {
		if b.shared {
			b.socket <- struct{}{}
			defer func() { <-b.socket }()
		}
		if !noisy {
			time.Sleep(time.Millisecond) // of the bubble
			return engine.Completion{Operation: op.ID, Outcome: retry.Outcome{Kind: retry.Answered, Status: b.good(b)}}
		}
		b.open.Add(1)
		defer b.open.Add(-1)
		select {
		case <-ctx.Done():
		case <-time.After(b.takes):
		}
		return engine.Completion{Operation: op.ID, Outcome: retry.Outcome{Kind: retry.Answered, Status: 200}}
	}
	return x
}

// Next to a slow receiver, neighbours with sockets of their own are as fast as
// without it, and pass; those that wait for its socket fail by their p95, and
// those that it keeps from delivering by their throughput. A receiver that is
// not slow at all proves nothing.
func TestNeighboursOfASlowReceiver(t *testing.T) {
	ok := func(*besideSlow) int { return 200 }
	for _, tt := range []struct {
		name    string
		b       *besideSlow
		verdict reports.Verdict
		reason  string // of each neighbour
	}{
		{"isolated", &besideSlow{takes: 1900 * time.Millisecond, good: ok}, reports.Pass, ""},
		{"one socket for all", &besideSlow{takes: 1900 * time.Millisecond, good: ok, shared: true}, reports.Fail, "p95 is "},
		{"kept from delivering", &besideSlow{takes: 1900 * time.Millisecond, good: func(b *besideSlow) int {
			if b.open.Load() > 0 {
				return 503
			}
			return 200
		}}, reports.Fail, " of 200 were delivered"},
		{"not slow", &besideSlow{good: ok}, reports.Inconclusive, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tt.b.socket = make(chan struct{}, 1)
				l, err := Neighbours{Count: 3, Objectives: []Objective{Documented()}, Make: func(_ int, noisy bool) (Through, func() error, error) {
					return tt.b.make(t, noisy), func() error { return nil }, nil
				}}.Run(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if l.Pace != "2 × constant 100/s for 2s" {
					t.Errorf("pace %q", l.Pace)
				}
				if got := Verdict(l); got != tt.verdict {
					t.Errorf("%s; want %s: %v, %+v", got, tt.verdict, l.Doubts, l.Flows)
				}
				for _, f := range l.Flows[:2] {
					if (f.Verdict == reports.Fail) != (tt.reason != "") || !strings.Contains(f.Reason, tt.reason) || f.Alone.Count != 200 || f.Alone.P95Ms > 5 {
						t.Errorf("%+v, alone %+v", f, f.Alone)
					}
				}
				if f := l.Flows[2]; !f.Noisy || f.Verdict != reports.Skip {
					t.Errorf("%+v", f)
				}
			})
		})
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
		{"slowed down", p95(1100), p95(500), 1000, nil, reports.Fail, "p95 is 1.1s with the noisy dataflow, and 500ms without it"},
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
