package loadtest

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/reports"
)

// Through drives updates into the live engine, and follows each export to its
// end.
type Through struct {
	Pace       Pace
	Workers    int // updates that wait to be durable at once, at most; 0: enough
	Population *Population
	First      uint64 // number of the first update: those before it were driven in already
	Settings   engine.Settings
	// Configuration is what actions on the dataflow are judged by.
	Configuration dataflow.Configuration
	Store         store.Store
	StoreName     string
	Perform       live.Perform
	To            string
	Backlog       int           // 0: that of live
	Drain         time.Duration // at most so long after the load
	Objectives    []Objective
	Progress      func(at time.Duration, c Counts)
	Outage        *Outage
	// Break begins the outage's clock; Broken is how many attempts met it.
	Break   func(Outage) error
	Broken  func() int64
	Note    string
	Offer   Offer // of a trial
	Abort   []Abort
	Start   Start
	Watch   func(*Recorder) // called with the record of the load before it begins; nil: nobody asks
	Further []Further       // further dataflows of the engine
	// Backfill is an audience that is mapped during the load; nil: no audience.
	Backfill *Backfill
}

// Run drives until the pace ends or ctx is done, and waits until everything
// has ended or the time to drain is spent. The error is that of the engine.
func (t Through) Run(ctx context.Context) (*reports.Load, error) {
	loads, err := t.RunAll(ctx)
	if err != nil {
		return nil, err
	}
	return loads[0], nil
}

func (t Through) run(ctx context.Context) ([]*reports.Load, *Recorder, error) {
	x := &through{Through: t, clocked: newClocked(t.Pace, t.Progress)}
	x.flows = t.flowsOf(x.recorder, t.Pace)
	if t.Outage != nil {
		x.recorder.unsteady()
	}
	mapped, err := x.prepareBackfill(ctx)
	if err != nil {
		return nil, nil, err
	}
	x.driver, err = live.New(live.Config{Dataflows: x.dataflows(), Store: t.Store, Perform: x.perform, Initial: t.Population.Initial,
		Backlog: t.Backlog, FinishQueue: true, Decided: x.exported, Settled: x.settled,
		Ahead: live.DefaultAhead, Linger: live.DefaultLinger}) // as serve has them
	if err != nil {
		return nil, nil, err
	}
	ctx, stop := x.begin(ctx, t.Abort, t.Watch)
	defer stop()
	running, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	ended := make(chan error, 1)
	if err := t.Start.wait(ctx); err != nil {
		return nil, nil, err
	}
	machine := observe(x.watch())
	go func() { ended <- x.driver.Run(running) }()
	elapsed := x.drive(ctx)
	mapped()
	if err := x.drain(ctx, ended); err != nil {
		machine.done()
		return nil, nil, fmt.Errorf("the engine: %w", err)
	}
	g := machine.done()
	left := x.unfinished() || x.recorder.backfilling()
	if left {
		x.driver.Abort() // the report has the rest
	}
	end()
	if err := <-ended; err != nil && !left {
		return nil, nil, fmt.Errorf("the engine: %w", err)
	}
	loads := []*reports.Load{x.report(ctx, x.flows[0], g, elapsed)}
	for _, l := range x.flows[1:] {
		loads = append(loads, x.report(ctx, l, g, elapsed))
	}
	return loads, x.recorder, nil
}

// through is a run of it.
type through struct {
	Through
	*clocked
	driver   *live.Driver
	flows    []*loadedFlow // one for each dataflow, that of clocked's recorder first
	updates  sync.Map      // *profile.Change, the first of an update, to its *driven
	broken   error
	unmapped error        // why the audience of the backfill could not be mapped
	waiting  atomic.Int64 // updates that are not durable yet
	most     atomic.Int64 // at once
}

func (x *through) workers() int {
	if x.Workers > 0 {
		return x.Workers
	}
	return mostWorkers
}

// drive runs Vegeta, whose hits are updates.
func (x *through) drive(ctx context.Context) time.Duration {
	return vegetate(ctx, x.pacer, x.workers(), hits{hit: x.update, tick: x.tick})
}

// update submits one, and returns when it is durable.
func (x *through) update(ctx context.Context, n uint64) retry.Outcome {
	if n == 0 && x.Outage != nil {
		x.broken = x.Break(*x.Outage)
	}
	due := x.Pace.Due(n)
	u := x.Population.Update(x.First + n)
	d := &driven{due: due, begun: x.pacer.since(time.Now())}
	x.updates.Store(&u.Changes[0], d)
	for _, l := range x.flows {
		l.recorder.Begin(due, d.begun)
	}
	for now := x.waiting.Add(1); ; {
		if most := x.most.Load(); now <= most || x.most.CompareAndSwap(most, now) {
			break
		}
	}
	err := x.driver.Submit(ctx, u)
	x.waiting.Add(-1)
	x.updates.Delete(&u.Changes[0])
	now := x.pacer.since(time.Now())
	for _, l := range x.flows {
		l.recorder.Accepted(due, d.begun, now, err)
		if err == nil && d.exported&l.bit == 0 {
			l.recorder.NoExport(now)
		}
	}
	return retry.Outcome{Kind: retry.Answered, Status: http.StatusOK}
}

// exported learns which export of a dataflow an update led to.
func (x *through) exported(u profile.Update, export *engine.Export) {
	if export == nil || export.Excluded != "" {
		return
	}
	if update, ours := x.updates.Load(&u.Changes[0]); ours {
		l, d := x.flowOf(export.Dataflow), update.(*driven)
		d.exported |= l.bit
		l.exports.Store(export.ID, d)
	}
}

// perform sends an attempt, and measures it. A delivery is over when the answer
// is complete.
func (x *through) perform(ctx context.Context, op engine.Operation) engine.Completion {
	l := x.flowOf(op.Dataflow)
	if op.Kind != engine.Attempt {
		return l.recorder.counting(l.Perform)(ctx, op)
	}
	began := x.pacer.since(time.Now())
	l.waited(op, began)
	l.recorder.Open(began)
	end := l.Perform(ctx, op)
	now := x.pacer.since(time.Now())
	ok := end.Outcome.Delivered()
	if allOfBackfill(op.Message) {
		l.recorder.backfillAttempt(began, now, end.Outcome.String(), ok)
	} else {
		l.recorder.Attempt(began, now, end.Outcome.String(), ok)
	}
	if ok {
		x.over(l, op.Message, now, true)
	}
	return end
}

// waited attributes the time from an update to the first attempt of its export.
func (l *loadedFlow) waited(op engine.Operation, began time.Duration) {
	if op.Number != 1 || len(op.Message.Exports) == 0 {
		return
	}
	if update, ours := l.exports.Load(op.Message.Exports[0].ID); ours {
		l.recorder.Waited(update.(*driven).begun, began)
	}
}

// settled learns what was given up.
func (x *through) settled(s engine.Settled) {
	if !s.Outcome.Delivered() {
		x.over(x.flowOf(s.Message.Exports[0].Dataflow), s.Message, x.pacer.since(time.Now()), false)
	}
}

func (x *through) over(l *loadedFlow, m *engine.Message, now time.Duration, ok bool) {
	for i := range m.Exports {
		if ofBackfill(&m.Exports[i]) {
			l.recorder.backfilled(x.pacer.since(m.Exports[i].At), now, ok)
			continue
		}
		if update, ours := l.exports.LoadAndDelete(m.Exports[i].ID); ours {
			d := update.(*driven)
			l.recorder.Over(d.due, d.begun, now, ok)
		}
	}
}

// drain waits until everything has ended, the time for it is spent, or ctx is
// done. The error is that by which the engine failed.
func (x *through) drain(ctx context.Context, ended chan error) error {
	deadline := time.NewTimer(x.Drain)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for n := 0; x.open() > 0 || x.awaited(); n++ {
		select {
		case <-ctx.Done():
			return nil
		case <-deadline.C:
			return nil
		case err := <-ended:
			return err
		case <-tick.C:
			if n%50 == 49 {
				x.tick()
			}
		}
	}
	return nil
}

// report is that of one dataflow.
func (x *through) report(ctx context.Context, of *loadedFlow, g generator, elapsed time.Duration) *reports.Load {
	g.workers, g.mostWorkers, g.interrupted = x.most.Load(), int64(x.workers()), ctx.Err() != nil
	l := &reports.Load{Mode: Pipeline, Clock: "wall", To: of.To, Store: x.StoreName, Began: x.pacer.start()}
	of.recorder.Fill(l, min(elapsed, x.Pace.Duration()))
	l.Cost = g.cost(of.recorder, x.Note)
	identify(l, x.Pace, x.Start)
	l.Doubts = append(l.Doubts, x.Start.doubts(x.pacer)...)
	if x.Outage != nil {
		l.Outage = of.recorder.outage(*x.Outage, l.Series, x.Broken(), x.Objectives)
		if x.broken != nil {
			l.Doubts = append(l.Doubts, "the outage could not be planned: "+x.broken.Error())
		}
	}
	if x.unmapped != nil {
		l.Doubts = append(l.Doubts, "the audience could not be mapped: "+x.unmapped.Error())
	}
	of.recorder.judge(l, x.Objectives, g)
	return l
}
