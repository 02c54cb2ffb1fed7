package loadtest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/reports"
)

// several are an engine's first dataflow and others like it: the first count of
// them, of which the last of all is the noisy one.
func several(x Through, count, all int, noisy live.Perform) Through {
	flowOf := func(n int) *dataflow.Snapshot {
		own := *x.Population.Flow
		own.Flow.ID = FlowName(n)
		return &own
	}
	for n := 1; n < count; n++ {
		b := Further{Flow: flowOf(n), Settings: x.Settings, Perform: x.Perform, To: x.To}
		if n == all-1 {
			b.Perform, b.Hopeless = noisy, true
		}
		x.Further = append(x.Further, b)
	}
	first := *x.Population
	first.Flow = flowOf(0)
	x.Population = &first
	return x
}

func nothingToEnd() error { return nil }

// Two good dataflows are run without and with a dead one, in one engine: each
// update is exported by every dataflow. The report has all three, and judges the
// two.
func TestNeighbours(t *testing.T) {
	dead := func(ctx context.Context, op engine.Operation) engine.Completion {
		<-ctx.Done()
		return engine.Completion{Operation: op.ID, Outcome: retry.Outcome{Kind: retry.Timeout}}
	}
	made := []int{}
	n := Neighbours{Names: []string{"a", "b", "c"}, Noisy: true, Objectives: []Objective{Documented(), objective(t, "lost<50%")}, Make: func(count int) (Through, func() error, error) {
		made = append(made, count)
		return several(through100(t, func(int) int { return 0 }), count, 3, dead), nothingToEnd, nil
	}}
	l, err := n.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(made, []int{2, 3}) || len(l.Flows) != 3 || l.Offered.Count != 200 || l.Offered.Target != 1000 || l.Delivered.Count != 200 {
		t.Errorf("%v, %+v", made, l)
	}
	if c := l.Cost; !strings.Contains(c.Note, "of the process") || !near(c.CPUPerExport, c.CPUSeconds*1e6/200, 1) {
		t.Errorf("%+v", c)
	}
	for i, f := range l.Flows {
		if f.Noisy != (i == 2) || f.Noisy && (f.Verdict != reports.Skip || f.Delivered.Count != 0) || !f.Noisy && (f.Latency.Count != 100 || f.Alone.Count != 100) {
			t.Errorf("%+v", f)
		}
	}
	gone := errors.New("no port is free")
	n.Make = func(int) (Through, func() error, error) { return Through{}, nil, gone }
	if _, err := n.Run(context.Background()); !errors.Is(err, gone) {
		t.Errorf("%v", err)
	}
	n.Make = func(count int) (Through, func() error, error) {
		return several(through100(t, func(int) int { return 0 }), count, 3, dead), func() error { return gone }, nil
	}
	if _, err := n.Run(context.Background()); !errors.Is(err, gone) {
		t.Errorf("what could not be closed: %v", err)
	}
}

// An update that only some dataflows export is over for the others.
func TestSeveralDataflowsExportWhatTheyMap(t *testing.T) {
	x := several(through100(t, func(int) int { return 0 }), 2, 9, nil)
	other := *x.Further[0].Flow
	other.Mapped = map[profile.AudienceRef]dataflow.Mapping{}
	x.Further[0].Flow = &other
	loads, err := x.RunAll(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if a, b := loads[0], loads[1]; a.Delivered.Count != 100 || b.Delivered.Count != 0 || b.Unfinished != 0 || b.Achieved.Count != 100 || a.ServiceTime.Count != 100 || b.ServiceTime != nil {
		t.Errorf("%+v\n%+v", a, b)
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

func (b *besideSlow) make(t *testing.T, count, all int) Through {
	x := through100(t, nil)
	x.Pace, x.Drain = Constant(100, 2*time.Second), time.Hour
	perform := func(noisy bool) live.Perform {
		return func(ctx context.Context, op engine.Operation) engine.Completion {
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
	}
	x.Perform = perform(false)
	return several(x, count, all, perform(true))
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
				l, err := Neighbours{Names: []string{"a", "b", "c"}, Noisy: true, Objectives: []Objective{objective(t, "lost<50%")}, Make: func(count int) (Through, func() error, error) {
					return tt.b.make(t, count, 3), nothingToEnd, nil
				}}.Run(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if l.Pace != "2 × constant 100/s for 2s" {
					t.Errorf("pace %q", l.Pace)
				}
				if got := Verdict(l); got != tt.verdict {
					t.Errorf("%s; want %s: %v, %+v, %+v", got, tt.verdict, l.Doubts, l.Objectives, l.Flows)
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

// Without a noisy one, a dataflow has the worst verdict of its objectives, with the
// reason, and no more than a doubt allows.
func TestADataflowByItself(t *testing.T) {
	passed := reports.Objective{Text: "lost<1%", Verdict: reports.Pass}
	open := reports.Objective{Text: "p95<10m", Verdict: reports.Inconclusive, Reason: "run for at least 1m"}
	failed := reports.Objective{Text: "p95<1s", Verdict: reports.Fail}
	for _, tt := range []struct {
		objectives []reports.Objective
		doubts     []string
		want       string
	}{
		{[]reports.Objective{passed}, nil, "pass "},
		{[]reports.Objective{passed, open}, nil, "inconclusive p95<10m: run for at least 1m"},
		{[]reports.Objective{failed, open, passed}, []string{"late"}, "fail p95<1s"},
		{[]reports.Objective{passed}, []string{"late"}, "inconclusive late"},
	} {
		verdict, reason := byItself(&reports.Load{Objectives: tt.objectives, Doubts: tt.doubts})
		if got := string(verdict) + " " + reason; got != tt.want {
			t.Errorf("%q; want %q", got, tt.want)
		}
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
		{"nothing", nil, p95(9), 0, nil, reports.Fail, "0 of 1000"},
		{"nothing alone", p95(10), nil, 1000, nil, reports.Inconclusive, "nothing was delivered without the noisy dataflow"},
	} {
		v, reason := neighbourly(reports.Flow{Latency: tt.with, Alone: tt.alone, Offered: all, Delivered: reports.Amount{Count: tt.delivered}}, tt.doubts)
		if v != tt.want || reason != tt.reason && !strings.HasPrefix(reason, tt.reason+" ") {
			t.Errorf("%s: %s (%s)", tt.name, v, reason)
		}
	}
}
