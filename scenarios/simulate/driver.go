package simulate

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/flow"
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

// driver plays one scenario: it hands one event at a time to the engine's
// runtime, and performs the effects on the wire and the store. Only its own
// goroutine touches it; what both ends of the wire share with it is in its
// ground.
type driver struct {
	scenario   *scenarios.Scenario
	shards     int
	ground     ground
	agenda     *events
	now        time.Time
	population *population
	triggers   scenarios.Triggers // as the history left them
	runtime    *flow.Runtime
	alarms     map[flow.AlarmID]*event // of the runtime
	sender     *delivery.Sender
	recorder   *recorder
	tokens     *token.Issuer                               // of the endpoint; nil where no tokens are fetched
	uploads    map[profile.AudienceRef]*scenarios.Audience // whose members come from a file
	platform   http.Handler                                // what lookups ask
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

// completed hands the end of an operation to the runtime.
func (d *driver) completed(op *operation) error {
	if k := d.sender.Finish(op.exchange); k != nil {
		uses := k.Uses()
		d.agenda.add(d.now.Add(delivery.IdleTimeout), idle, func() error {
			d.sender.CloseIdle(k, uses)
			return nil
		})
	}
	effects := d.runtime.Completed(d.now, op.op, engine.Completion{
		Operation: op.op.ID, Outcome: op.result.Outcome, Asked: op.result.Asked, Answering: op.result.Answering, Issued: op.result.Issued,
	})
	d.recorder.learn(op.result.Issued)
	if op.op.Kind == engine.Attempt {
		d.recorder.attempt(d.now, op, effects.Retried)
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
func (d *driver) tell(e flow.Effects) { d.recorder.tell(d.now, e, d.sender.Describe) }

// begin starts an operation on the wire.
func (d *driver) begin(op engine.Operation) error {
	x := &operation{op: op, exchange: d.sender.Prepare(op)}
	x.encrypted = x.exchange.Encrypted()
	d.ground.begin(x)
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
			d.recorder.export(x)
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
