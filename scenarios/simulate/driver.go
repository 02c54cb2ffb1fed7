package simulate

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/scenarios"
)

// environment is what a driver stands on: the wire and its clock, virtual or not.
type environment interface {
	// begin sets an operation in motion.
	begin(op *operation)
	// host has the endpoint of a site stand on it.
	host(at *site, o *mockendpoint.Options) error
	// dial has a sender stand on it.
	dial(c *delivery.Config)
	// seen takes what the endpoints journalled since the last call.
	seen() sightings
	// play runs the events of a driver to their end.
	play(ctx context.Context, d *driver) error
	// abandon cancels what is under way and waits until it has ended.
	abandon()
}

// driver plays one scenario: it hands one event at a time to the engine's
// runtime, and performs the effects on the wire and the store. Only its own
// goroutine touches it; what both ends of the wire share with it is in its
// environment.
type driver struct {
	scenario    *scenarios.Scenario
	shards      int
	environment environment
	agenda      *events
	now         time.Time
	population  *population
	runtime     *flow.Runtime
	alarms      map[flow.AlarmID]*event // of the runtime
	outlets     []*outlet               // of the dataflows, in their order
	recorder    *recorder
	uploads     map[profile.AudienceRef]*scenarios.Audience // whose members come from a file
	platform    http.Handler                                // what lookups ask
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
	saw := d.environment.seen()
	saw.sort()
	for _, h := range saw.refused {
		d.recorder.handshake(h)
	}
	for _, r := range saw.requests {
		d.recorder.request(r)
	}
}

// outlet is what a dataflow sends with.
func (d *driver) outlet(id string) *outlet {
	for _, o := range d.outlets {
		if o.id == id {
			return o
		}
	}
	panic(fmt.Sprintf("simulate: the engine names a dataflow %q", id))
}

// completed hands the end of an operation to the runtime.
func (d *driver) completed(op *operation) error {
	sender := op.outlet.sender
	if k := sender.Finish(op.exchange); k != nil {
		uses := k.Uses()
		d.agenda.add(d.now.Add(delivery.IdleTimeout), idle, func() error {
			sender.CloseIdle(k, uses)
			return nil
		})
	}
	effects := d.runtime.Completed(d.now, op.op, engine.Completion{
		Operation: op.op.ID, Outcome: op.result.Outcome, Asked: op.result.Asked, Answering: op.result.Answering, Issued: op.result.Issued,
	})
	d.recorder.learn(op.result.Issued)
	if op.op.Kind == engine.Attempt {
		d.recorder.of(op.op.Dataflow).attempt(d.now, op, effects.Retried)
	}
	return d.perform(effects)
}

// perform does what the runtime asks for, in the order it asks for: durable
// first, then the wire, then whatever needs profiles.
func (d *driver) perform(e flow.Effects) error {
	if len(e.Persist) > 0 {
		if err := d.population.store.Commit(nil, e.Persist); err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
	d.tell(e)
	for _, op := range e.Send {
		d.agenda.add(d.now, start, func() error { return d.begin(op) })
	}
	for _, id := range e.Clear {
		d.agenda.disarm(d.alarms[id])
		delete(d.alarms, id)
	}
	for _, a := range e.Set {
		d.alarms[a.ID] = d.agenda.add(a.At, classOf[a.Kind], func() error {
			delete(d.alarms, a.ID)
			return d.perform(d.runtime.Ring(d.now, a.ID))
		})
	}
	return errors.Join(d.turns(e.Dataflow, e.Turns), d.backfill(e.Dataflow, e.Backfill),
		d.ingest(e.Import), d.expire(e.Expire))
}

// classOf orders the alarms of the runtime among the events of one instant.
var classOf = map[flow.AlarmKind]class{
	flow.Delivery: wakeUp, flow.Available: start, flow.Hour: idle, flow.Expiry: lapse,
}

// tell records what happened.
func (d *driver) tell(e flow.Effects) {
	d.recorder.tell(d.now, e, func(op engine.Operation) *delivery.Exchange { return d.outlet(op.Dataflow).sender.Describe(op) })
}

// begin starts an operation on the wire.
func (d *driver) begin(op engine.Operation) error {
	o := d.outlet(op.Dataflow)
	x := &operation{op: op, outlet: o, exchange: o.sender.Prepare(op)}
	x.encrypted = x.exchange.Encrypted()
	d.environment.begin(x)
	return nil
}

// turns decides the exports of the profiles whose turn in a backfill has come.
func (d *driver) turns(id string, due []engine.Due) error {
	if len(due) == 0 {
		return nil
	}
	var states []engine.State
	var exports []*engine.Export
	view, latest := d.runtime.View(), map[profile.ID]engine.State{}
	for _, turn := range due {
		s, twice := latest[turn.Profile] // of two merge policies
		if !twice {
			var err error
			if s, err = d.population.load(string(turn.Profile)); err != nil {
				return fmt.Errorf("store: %w", err)
			}
		}
		s, decided := view.Turn(nil, d.now, id, s, turn.Audiences)
		if len(decided) == 0 {
			continue
		}
		latest[turn.Profile] = s
		states, exports = append(states, s), append(exports, decided...)
		for _, x := range decided {
			d.recorder.of(id).export(x)
		}
	}
	if err := d.accept(states, exports); err != nil {
		return err
	}
	d.runtime.Turned(id, due...)
	return nil
}

// accept makes states durable and hands what was decided at one moment to the
// runtime, all at once for each dataflow: only then can exports share a message.
func (d *driver) accept(states []engine.State, exports []*engine.Export) error {
	if len(states) > 0 {
		if err := d.population.store.Commit(states, nil); err != nil {
			return fmt.Errorf("store: %w", err)
		}
	}
	for _, id := range d.runtime.Dataflows() {
		var own []*engine.Export
		for _, x := range exports {
			if x.Dataflow == id {
				own = append(own, x)
			}
		}
		if len(own) == 0 {
			continue
		}
		if err := d.perform(d.runtime.Accept(d.now, id, own...)); err != nil {
			return err
		}
	}
	return nil
}

// backfill hands over the members of newly mapped audiences.
func (d *driver) backfill(id string, mapped [][]profile.AudienceRef) error {
	for _, audiences := range mapped {
		members, err := d.population.backfilled(audiences, d.runtime.View().Snapshot(id), d.now)
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
		if err := d.perform(d.runtime.Backfill(d.now, id, audiences, members)); err != nil {
			return err
		}
	}
	return nil
}
