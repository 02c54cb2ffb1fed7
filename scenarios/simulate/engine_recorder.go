package simulate

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// EngineRecorder writes a recording of the engine's side as it happens, a line at a
// time: what was decided, sent and given up, and not what the endpoint saw. Watch
// is for the wire, Observe for the driver.
type EngineRecorder struct {
	out      io.Writer
	describe func(engine.Operation) *delivery.Exchange

	mu       sync.Mutex
	recorder *recorder
	underWay map[operationOf]*operation
	err      error
}

// operationOf names an operation among those of all dataflows.
type operationOf struct {
	dataflow string
	id       engine.OperationID
}

// NewEngineRecorder opens a recording of an engine with a configuration. Its
// credentials are not in the recording, nor are the tokens it will be issued.
func NewEngineRecorder(out io.Writer, sc *scenarios.Scenario, now time.Time) *EngineRecorder {
	t := &EngineRecorder{out: out, recorder: newRecorder(sc), underWay: map[operationOf]*operation{}}
	first := configure(sc).run(Setting{Clock: Wall})
	first.Run.Scenario, first.Run.Title, first.Run.Seed = "serve", "Decisions and requests of the engine", 0
	first.Run.Start, first.Run.Side = now.UTC(), "sender"
	t.recorder.add(first)
	t.flush()
	return t
}

// Describe returns the exchange of an attempt that never reaches the wire.
func (t *EngineRecorder) Describe(describe func(engine.Operation) *delivery.Exchange) {
	t.describe = describe
}

// Problems records what the engine says about its configuration.
func (t *EngineRecorder) Problems(now time.Time, problems []Problem) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.recorder.problems(now.UTC(), problems)
	t.flush()
}

// Watch is a live.Watch.
func (t *EngineRecorder) Watch(op engine.Operation, x *delivery.Exchange) (over func(delivery.Result)) {
	o := &operation{op: op, exchange: x, started: time.Now().UTC()}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.underWay[operationOf{op.Dataflow, op.ID}] = o
	return func(r delivery.Result) { // the engine learns of it after this
		o.result, o.ended = r, time.Now().UTC()
	}
}

// Observe is a live.Config.Observe.
func (t *EngineRecorder) Observe(e live.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := e.At.UTC()
	if e.Update != nil {
		t.recorder.update(now, *e.Update)
	}
	for _, x := range e.Exports {
		t.recorder.of(x.Dataflow).export(x)
	}
	if e.Operation != nil {
		t.completed(now, e)
	}
	if e.Action != nil {
		t.recorder.judged(now, stepOf(e.Action), *e.Action, e.Effects)
	}
	t.recorder.tell(now, e.Effects, t.describe)
	t.flush()
}

// completed records the end of an operation. The messages that a driver loads
// from its store are not exchanges.
func (t *EngineRecorder) completed(now time.Time, e live.Event) {
	key := operationOf{e.Operation.Dataflow, e.Operation.ID}
	op := t.underWay[key]
	delete(t.underWay, key)
	t.recorder.learn(e.Completion.Issued)
	if op == nil || e.Operation.Kind != engine.Attempt {
		return
	}
	t.recorder.of(key.dataflow).attempt(now, op, e.Effects.Retried)
	line := t.recorder.lines[len(t.recorder.lines)-1].Attempt
	line.EndedAt = op.ended // the loop takes it up a little later
	if at := op.exchange.Local(); at != nil && line.Socket > 0 {
		line.Local = at.String()
	}
}

// stepOf is an action as a step of a history.
func stepOf(a *flow.Action) *scenarios.Step {
	s := &scenarios.Step{Names: a.Names}
	for name, kind := range actionKinds {
		if kind == a.Kind {
			s.Action = name
		}
	}
	if a.Kind == flow.Switch {
		off := a.Suppressed
		s.Triggers = scenarios.Triggers{"attributeChanges": !off.Attribute, "segmentationChanges": !off.Audience,
			"externalSegmentationChanges": !off.External, "identityChanges": !off.Identity}
	}
	return s
}

// Overview records what monitoring shows of a dataflow at the end, and what it
// had to say when it was asked.
func (t *EngineRecorder) Overview(now time.Time, id string, o flow.Overview, e flow.Effects) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.recorder.tell(now.UTC(), e, t.describe)
	r := t.recorder.of(id)
	for _, run := range o.Processing {
		r.flowRun(run)
	}
	r.totals(now.UTC(), o.Totals)
	t.flush()
}

// End closes the recording: until then it counts as cut off. pending are the
// exports that are left for the next start.
func (t *EngineRecorder) End(now time.Time, pending []string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.recorder.end(now.UTC(), nil, slices.Sorted(slices.Values(pending)), nil)
	t.flush()
	err := t.err
	t.err = cmp.Or(t.err, errEnded)
	return err
}

// flush writes what was recorded. Nothing is written after an error, so that the
// recording is one that was cut off.
func (t *EngineRecorder) flush() {
	for _, l := range t.recorder.lines {
		if t.err != nil {
			break
		}
		if err := recording.WriteLine(t.out, l); err != nil {
			t.err = fmt.Errorf("recording: %w", err)
		}
	}
	clear(t.recorder.lines)
	t.recorder.lines = t.recorder.lines[:0]
}
