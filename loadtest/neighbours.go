package loadtest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/httpdest/httpdest/reports"
)

// Neighbours are dataflows with engines, stores and receivers of their own in
// one process, of which one has a receiver that is dead or slow. The others
// are judged: against their objectives, and against themselves without it.
type Neighbours struct {
	// Make makes dataflow n for one run; noisy is whether its receiver is the bad
	// one. The end closes what it made.
	Make       func(n int, noisy bool) (t Through, end func() error, err error)
	Count      int // of all dataflows, the noisy one is the last
	Objectives []Objective
}

// How much a neighbour may cost: p95 by a factor, or by a time where it is
// short, since a few milliseconds more are the machine; and a share of what
// was offered.
const (
	mostSlower     = 2.0
	mostSlowerMs   = 100.0
	leastDelivered = 0.99
)

// Run has the good ones alone first, then all of them.
func (n Neighbours) Run(ctx context.Context) (*reports.Load, error) {
	alone, err := n.together(ctx, n.Count-1)
	if err != nil {
		return nil, err
	}
	all, err := n.together(ctx, n.Count)
	if err != nil {
		return nil, err
	}
	good := all[:n.Count-1]
	m := &merging{out: &reports.Load{Mode: Pipeline, Clock: "wall", To: good[0].To, Store: good[0].Store}}
	for i, l := range good {
		if err := m.add(Part{flowName(i), l}, 0); err != nil {
			return nil, fmt.Errorf("dataflow %s: %w", flowName(i), err)
		}
	}
	// The premise of the documented objective is about one dataflow.
	m.out.Offered.Target = good[0].Offered.Target
	m.out.Machines = 1
	l, err := m.result()
	if err != nil {
		return nil, err
	}
	l.Parts = nil
	if c := l.Cost; c != nil {
		// Each of them measured the one process that they all are.
		c.CPUSeconds, c.CPUPerExport = c.CPUSeconds/float64(len(good)), c.CPUPerExport/float64(len(good))
		c.Note = "the CPU time is that of the process, with its receivers and the noisy dataflow"
	}
	for i, with := range all {
		f := reports.Flow{Name: flowName(i), Noisy: i == n.Count-1, Offered: with.Offered, Delivered: with.Delivered, Latency: with.DeliveryLatency}
		if f.Noisy {
			f.Verdict, f.Reason = reports.Skip, "its receiver is the bad one"
		} else {
			f.Alone = alone[i].DeliveryLatency
			f.Verdict, f.Reason = neighbourly(f, append(alone[i].Doubts, with.Doubts...))
		}
		l.Flows = append(l.Flows, f)
	}
	if bad := all[n.Count-1]; bad.Delivered.Count == bad.Offered.Count && bad.ServiceTime != nil && bad.ServiceTime.P50Ms < 100 {
		l.Doubts = append(l.Doubts, "the receiver that should fail delivered everything")
	}
	return l, nil
}

func flowName(n int) string { return string(rune('a' + n)) }

// neighbourly judges one dataflow next to the noisy one.
func neighbourly(f reports.Flow, doubts []string) (reports.Verdict, string) {
	switch {
	case len(doubts) > 0:
		return reports.Inconclusive, doubts[0]
	case f.Latency == nil || f.Alone == nil:
		return reports.Inconclusive, "nothing was delivered"
	case float64(f.Delivered.Count) < leastDelivered*float64(f.Offered.Count):
		return reports.Fail, fmt.Sprintf("%d of %d were delivered", f.Delivered.Count, f.Offered.Count)
	case f.Latency.P95Ms > max(f.Alone.P95Ms*mostSlower, f.Alone.P95Ms+mostSlowerMs):
		return reports.Fail, fmt.Sprintf("p95 is %s with the noisy dataflow, and %s without it", valueText(f.Latency.P95Ms, "ms"), valueText(f.Alone.P95Ms, "ms"))
	}
	return reports.Pass, ""
}

// together runs the first count dataflows at the same time.
func (n Neighbours) together(ctx context.Context, count int) ([]*reports.Load, error) {
	loads, errs := make([]*reports.Load, count), make([]error, count)
	var wg sync.WaitGroup
	for i := range count {
		noisy := i == n.Count-1
		t, end, err := n.Make(i, noisy)
		if err != nil {
			errs[i] = err
			break
		}
		t.Objectives = n.Objectives
		if noisy {
			t.Drain = time.Millisecond // it would never
		}
		if i > 0 {
			t.Progress = nil // one line is enough
		}
		wg.Go(func() { // ends with the pace and the time to drain
			loads[i], errs[i] = t.Run(ctx)
			if err := end(); errs[i] == nil {
				errs[i] = err
			}
		})
	}
	wg.Wait()
	for i, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("dataflow %s: %w", flowName(i), err)
		}
	}
	return loads, nil
}
