package live

import (
	"context"
	"fmt"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/flow"
)

// ended is a wire operation and how it ended.
type ended struct {
	op         engine.Operation
	completion engine.Completion
}

// act is an action of a person, who waits: of a dataflow, or on profiles of which
// several shards know.
type act struct {
	action   flow.Action
	merge    *merging
	problems []dataflow.Problem
	done     chan error
}

// Refused is the error of an action that is not allowed.
type Refused struct {
	Action   flow.ActionKind
	Problems []dataflow.Problem
}

// Error names the first problem.
func (r *Refused) Error() string {
	return fmt.Sprintf("%s is refused: %s", r.Action, dataflow.Errors(r.Problems)[0].Message)
}

// Act does an action of a person. When it returns, the action is durable, and
// every update that was accepted before was decided without it. It returns the
// warnings; the errors are a *Refused and those of Submit.
func (d *Driver) Act(ctx context.Context, action flow.Action) (warnings []dataflow.Problem, err error) {
	a := &act{action: action, done: make(chan error, 1)} // nobody waits to tell
	ofAll := action.Kind == flow.Refresh || action.Dataflow == "" && (action.Kind == flow.Rename || action.Kind == flow.Relabel)
	if !ofAll && d.view.Load().Snapshot(action.Dataflow) == nil {
		return nil, fmt.Errorf("%w: %q", ErrNoDataflow, action.Dataflow)
	}
	err = d.perforce(ctx, a)
	return a.problems, err
}

// perforce has the loop take up what every shard must wait for.
func (d *Driver) perforce(ctx context.Context, a *act) error {
	if err := handOver(ctx, d, d.acts, a); err != nil {
		return err
	}
	return d.wait(ctx, a.done)
}

// handOver gives a goroutine of the engine something to do, unless the engine ends
// or ctx is done.
func handOver[T any](ctx context.Context, d *Driver, to chan<- T, x T) error {
	select {
	case <-d.ending:
		return ErrDraining
	default:
	}
	select {
	case to <- x:
		return nil
	case <-d.ending:
		return ErrDraining
	case <-d.dead:
		return d.ended()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// holding is an action that waits until no shard decides: a decision by the
// configuration before it must not be taken up after it.
type holding struct {
	act      *act
	missing  int // shards
	arrived  chan struct{}
	released chan struct{}
}

// hold is what a shard gets of it.
type hold struct {
	arrived  chan<- struct{}
	released <-chan struct{}
}

// wait has the shard decide nothing until it is released.
func (h hold) wait(dead <-chan struct{}) {
	h.arrived <- struct{}{} // there is room for each shard
	select {
	case <-h.released:
	case <-dead:
	}
}

// hold asks every shard to wait. Until they do, the loop takes every decision,
// however crowded it is, so that each of them can.
func (l *looping) hold(a *act) {
	shards := l.driver.shards
	l.held = &holding{act: a, missing: len(shards), arrived: make(chan struct{}, len(shards)), released: make(chan struct{})}
	for _, s := range shards {
		s.holding <- hold{l.held.arrived, l.held.released} // there is room: one action at a time
	}
}

// arrived is ready when a shard waits for an action.
func (l *looping) arrived() <-chan struct{} {
	if l.held == nil {
		return nil
	}
	return l.held.arrived
}

// shardArrived does the action once every shard waits.
func (l *looping) shardArrived() {
	h := l.held
	if h.missing--; h.missing > 0 {
		return
	}
	d, a := l.driver, h.act
	if a.merge != nil {
		l.merge(a)
		l.held = nil
		close(h.released)
		return
	}
	now := time.Now()
	e := d.runtime.Act(now, a.action)
	if a.action.Kind == flow.Refresh {
		for i := range e.Problems {
			e.Problems[i].Path = "audiences." + d.keyOf(a.action.Audiences[0]) + ".upload"
		}
	}
	a.problems = e.Problems
	d.publish()
	l.held = nil
	close(h.released)
	if d.config.Observe != nil {
		d.config.Observe(Event{At: now, Action: &a.action, Effects: e})
	}
	if e.Refused {
		a.done <- &Refused{a.action.Kind, e.Problems}
		return
	}
	l.group.acted = append(l.group.acted, a)
	l.take(e)
}

// Overview is what monitoring shows of a dataflow now.
func (d *Driver) Overview(ctx context.Context, id string) (o flow.Overview, err error) {
	err = d.ask(ctx, func(l *looping) {
		now := time.Now()
		var e flow.Effects
		o, e = d.runtime.Overview(now, id)
		l.happened(now, e)
	})
	return o, err
}

// Final is what monitoring shows of a dataflow once Run has returned, with what
// it had to say when it was asked.
func (d *Driver) Final(id string) (flow.Overview, flow.Effects) {
	return d.runtime.Overview(time.Now(), id)
}

// ask has the loop run a function between two events; it returns when that is
// done.
func (d *Driver) ask(ctx context.Context, f func(*looping)) error {
	done := make(chan struct{})
	select {
	case d.asked <- func(l *looping) { f(l); close(done) }:
		<-done
		return nil
	case <-d.dead:
		return d.ended()
	case <-ctx.Done():
		return ctx.Err()
	}
}
