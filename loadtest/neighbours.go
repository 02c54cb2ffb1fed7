package loadtest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/httpdest/httpdest/reports"
)

// Neighbours are the dataflows of one engine, each with a receiver of its own.
// Where one receiver is dead or slow, the others are judged against their
// objectives, and against themselves without it.
type Neighbours struct {
	// Make makes an engine with the first count of the dataflows for one run: all but
	// the noisy one, or all. The end closes what it made.
	Make       func(count int) (t Through, end func() error, err error)
	Names      []string // of all dataflows
	Noisy      bool     // the receiver of the last is the bad one
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

// Run has the good ones alone first where there is a noisy one, then all of them.
func (n Neighbours) Run(ctx context.Context) (*reports.Load, error) {
	good := len(n.Names)
	var alone []*reports.Load
	if n.Noisy {
		var err error
		good--
		if alone, err = n.together(ctx, good); err != nil {
			return nil, err
		}
	}
	all, err := n.together(ctx, len(n.Names))
	if err != nil {
		return nil, err
	}
	l, err := n.merged(all[:good])
	if err != nil {
		return nil, err
	}
	for i, with := range all {
		f := reports.Flow{Name: n.Names[i], Noisy: i >= good, Offered: with.Offered, Delivered: with.Delivered, Latency: with.DeliveryLatency}
		switch {
		case f.Noisy:
			f.Verdict, f.Reason = reports.Skip, "its receiver is the bad one"
		case n.Noisy:
			f.Alone = alone[i].DeliveryLatency
			f.Verdict, f.Reason = neighbourly(f, append(alone[i].Doubts, with.Doubts...))
		default:
			f.Verdict, f.Reason = byItself(with)
		}
		l.Flows = append(l.Flows, f)
	}
	if bad := all[len(all)-1]; n.Noisy && bad.Delivered.Count == bad.Offered.Count && bad.ServiceTime != nil && bad.ServiceTime.P50Ms < 100 {
		l.Doubts = append(l.Doubts, "the receiver that should fail delivered everything")
	}
	return l, nil
}

// merged is one report of the dataflows that are judged.
func (n Neighbours) merged(good []*reports.Load) (*reports.Load, error) {
	m := &merging{out: &reports.Load{Mode: Pipeline, Clock: "wall", To: good[0].To, Store: good[0].Store}}
	for i, l := range good {
		if err := m.add(Part{n.Names[i], l}, 0); err != nil {
			return nil, fmt.Errorf("dataflow %s: %w", n.Names[i], err)
		}
		m.out.Offered.Target = good[0].Offered.Target // the premise of the documented objective is about one dataflow
	}
	m.out.Machines = 1
	l, err := m.result()
	if err != nil {
		return nil, err
	}
	l.Parts = nil
	if c := l.Cost; c != nil {
		// Each of them measured the one process that they all are.
		c.CPUSeconds, c.CPUPerExport = c.CPUSeconds/float64(len(good)), c.CPUPerExport/float64(len(good))
		c.Note = "the CPU time is that of the process, with the receivers of all dataflows in it"
	}
	return l, nil
}

// byItself is the verdict of a dataflow's own objectives.
func byItself(l *reports.Load) (reports.Verdict, string) {
	verdict, reason := reports.Pass, ""
	for _, o := range l.Objectives {
		if worst := reports.Worst(verdict, o.Verdict); worst != verdict {
			verdict, reason = worst, strings.TrimSuffix(o.Text+": "+o.Reason, ": ")
		}
	}
	if len(l.Doubts) > 0 && verdict == reports.Pass {
		return reports.Inconclusive, l.Doubts[0]
	}
	return verdict, reason
}

// FlowName is what the dataflow of a number is called where the configuration has no name for it.
func FlowName(n int) string { return string(rune('a' + n)) }

// neighbourly judges one dataflow next to the noisy one.
func neighbourly(f reports.Flow, doubts []string) (reports.Verdict, string) {
	switch {
	case len(doubts) > 0:
		return reports.Inconclusive, doubts[0]
	case f.Alone == nil:
		return reports.Inconclusive, "nothing was delivered without the noisy dataflow"
	case float64(f.Delivered.Count) < leastDelivered*float64(f.Offered.Count):
		return reports.Fail, fmt.Sprintf("%d of %d were delivered", f.Delivered.Count, f.Offered.Count)
	case f.Latency.P95Ms > max(f.Alone.P95Ms*mostSlower, f.Alone.P95Ms+mostSlowerMs):
		return reports.Fail, fmt.Sprintf("p95 is %s with the noisy dataflow, and %s without it", valueText(f.Latency.P95Ms, "ms"), valueText(f.Alone.P95Ms, "ms"))
	}
	return reports.Pass, ""
}

// together runs the first count dataflows in one engine.
func (n Neighbours) together(ctx context.Context, count int) (loads []*reports.Load, err error) {
	t, end, err := n.Make(count)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	t.Objectives = n.Objectives
	return t.RunAll(ctx)
}
