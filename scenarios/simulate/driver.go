package simulate

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/monitor"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/mockendpoint/journal"
	"github.com/httpdest/httpdest/mockendpoint/token"
	"github.com/httpdest/httpdest/scenarios"
)

// ground is what a driver stands on: the wire and its clock, virtual or not.
type ground interface {
	// begin sets an operation in motion.
	begin(op *operation)
	// seen takes what the endpoint journalled since the last call.
	seen() ([]journal.Request, []journal.Handshake)
	// play runs the events of a driver to their end.
	play(ctx context.Context, d *driver) error
	// abandon cancels what is under way and waits until it has ended.
	abandon()
}

// driver plays one scenario: it takes one event at a time and performs the
// engine's effects on the wire. Only its own goroutine touches it; what both
// ends of the wire share with it is in its ground.
type driver struct {
	scenario   *scenarios.Scenario
	shards     int
	ground     ground
	agenda     *events
	now        time.Time
	population *population
	configured dataflow.Configuration // but for the mapping, which is in flow
	flow       *dataflow.Snapshot
	triggers   scenarios.Triggers // as the history left them
	dispatcher *engine.Dispatcher
	sender     *delivery.Sender
	recorder   *recorder
	monitor    *monitor.Monitor
	tokens     *token.Issuer        // of the endpoint; nil where no tokens are fetched
	uploads    map[string]*uploaded // by audience key
	platform   http.Handler         // what lookups ask
	wake       *event               // the dispatcher's next wake-up
	wakeAt     time.Time            // when that is
}

// arm puts the history on the agenda.
func (d *driver) arm() {
	for i := range d.scenario.History {
		step := &d.scenario.History[i]
		d.agenda.add(d.scenario.Start.Add(step.At), start, func() error { return d.step(step) })
	}
	d.armUploads()
	d.agenda.add(d.scenario.Start.Add(d.scenario.Until), start, func() error { return nil })
}

// play takes one event after the other, each when the one before has settled.
func (w *wire) play(ctx context.Context, d *driver) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		e := d.agenda.next()
		if e == nil {
			return nil
		}
		d.now = e.at
		w.advance(e.at)
		if err := e.run(); err != nil {
			return err
		}
		op, err := w.settle()
		if err != nil {
			return err
		}
		d.recordJournal()
		if op != nil {
			if err := d.completed(op); err != nil {
				return err
			}
		}
	}
}

// advance moves the driver's time on, never back: on the wall clock an event
// may be planned for a moment before the last one ended.
func (d *driver) advance(to time.Time) {
	if to.After(d.now) {
		d.now = to
	}
}

// recordJournal takes over what the endpoint saw in this step, in an order
// that does not depend on which goroutine wrote first.
func (d *driver) recordJournal() {
	requests, refused := d.ground.seen()
	slices.SortFunc(requests, func(a, b journal.Request) int {
		return cmp.Or(cmp.Compare(a.Socket, b.Socket), cmp.Compare(a.Number, b.Number))
	})
	slices.SortFunc(refused, func(a, b journal.Handshake) int { return cmp.Compare(a.Socket, b.Socket) })
	for _, h := range refused {
		d.recorder.handshake(h)
	}
	for _, r := range requests {
		d.recorder.request(r)
	}
}

// completed hands the end of an operation to the dispatcher.
func (d *driver) completed(op *operation) error {
	if k := d.sender.Finish(op.exchange); k != nil {
		uses := k.Uses()
		d.agenda.add(d.now.Add(delivery.IdleTimeout), idle, func() error {
			d.sender.CloseIdle(k, uses)
			return nil
		})
	}
	effects := d.dispatcher.Completed(d.now, engine.Completion{
		Operation: op.op.ID, Outcome: op.result.Outcome, Asked: op.result.Asked, Answering: op.result.Answering, Issued: op.result.Issued,
	})
	d.recorder.learn(op.result.Issued)
	if op.op.Kind == engine.Attempt {
		d.recorder.attempt(d.now, op, effects.Retried)
	}
	return d.perform(effects)
}

// perform does what the engine asks for, in the order it asks for: durable
// first, then decisions of a backfill, then the wire.
func (d *driver) perform(e engine.Effects) error {
	now := d.now
	if err := d.population.store.Commit(nil, e.Persist); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if e.Decided != nil {
		d.recorder.decision(now, e.Decided)
	}
	if e.Fetched != nil {
		d.recorder.token(now, e.Fetched)
	}
	for _, u := range e.Unsent {
		d.recorder.unsent(now, u, d.sender.Describe(engine.Operation{Message: u.Message}))
	}
	for _, s := range e.Settled {
		if !s.Outcome.Delivered() {
			d.recorder.drop(now, s)
		}
		d.monitored(d.monitor.Settled(now, s))
	}
	for _, op := range e.Send {
		d.agenda.add(now, start, func() error { return d.begin(op) })
	}
	if !e.WakeAt.Equal(d.wakeAt) {
		d.schedule(e.WakeAt)
	}
	return d.backfill(e.Backfill)
}

// schedule replaces the dispatcher's wake-up.
func (d *driver) schedule(at time.Time) {
	if d.wake != nil {
		d.agenda.disarm(d.wake)
	}
	d.wake, d.wakeAt = nil, at
	if at.IsZero() {
		return
	}
	d.wake = d.agenda.add(at, wakeUp, func() error {
		d.wake, d.wakeAt = nil, time.Time{}
		return d.perform(d.dispatcher.Wake(d.now))
	})
}

// begin starts an operation on the wire.
func (d *driver) begin(op engine.Operation) error {
	x := &operation{op: op, exchange: d.sender.Prepare(op)}
	x.encrypted = x.exchange.Encrypted()
	d.ground.begin(x)
	return nil
}

// backfill decides the exports of the profiles whose turn has come.
func (d *driver) backfill(turns []engine.Due) error {
	var states []engine.State
	var exports []*engine.Export
	for _, due := range turns {
		s, err := d.population.load(string(due.Profile))
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
		if s, x := engine.DecideBackfill(d.now, s, due.Audiences, d.flow); x != nil {
			states, exports = append(states, s), append(exports, x)
			d.decided(x)
		}
	}
	return d.accept(states, exports)
}

// decided records an export.
func (d *driver) decided(x *engine.Export) {
	d.recorder.export(x)
	d.monitored(d.monitor.Decided(x))
}

// accept makes states durable and hands what was decided at one moment to the
// dispatcher, all at once: only then can exports share a message.
func (d *driver) accept(states []engine.State, exports []*engine.Export) error {
	if err := d.population.store.Commit(states, nil); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	if len(exports) == 0 {
		return nil
	}
	return d.perform(d.dispatcher.Enqueue(d.now, exports...))
}

// startBackfill spreads the members of newly mapped audiences over the hour.
func (d *driver) startBackfill(audiences []profile.AudienceRef) error {
	if len(audiences) == 0 {
		return nil
	}
	members, err := d.population.members(audiences)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	return d.perform(d.dispatcher.Backfill(d.now, audiences, members))
}
