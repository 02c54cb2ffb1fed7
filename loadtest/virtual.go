package loadtest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/agenda"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/reports"
)

// Virtual is a pipeline in virtual time: the engine's own runtime, and a
// receiver that is a function. An hour of it takes seconds, and its numbers
// have nothing of this machine in them.
type Virtual struct {
	Pace     Pace
	Chance   bool // updates come by chance at the rate of Pace (Poisson), not evenly
	Seed     uint64
	Settings engine.Settings
	Receiver VirtualReceiver
	Profiles int // updated in turn; 0: each once
	Outage   *Outage
	Backfill *Backfill // an audience that is mapped during the load; nil: no audience
	Offer    Offer     // of a trial
	Abort    []Abort
	Drain    time.Duration // at most so long after the load; 0: as long as it takes
	// Progress is called now and then; nil: nobody asks.
	Progress func(at time.Duration, c Counts)
}

// betweenProgress is how many events are between two calls of Progress: about a
// second's worth.
const betweenProgress = 1 << 19

// Outage is a time in which the receiver is dead.
type Outage struct {
	At, Length time.Duration
	Kind       OutageKind
}

// OutageKind is how a dead receiver shows itself.
type OutageKind string

// The kinds: nothing answers, connections are refused, or everything is
// answered 503.
const (
	Stalled     OutageKind = "stall"
	Refusing    OutageKind = "refuse"
	Unavailable OutageKind = "503"
)

// virtual is a run of it.
type virtual struct {
	Virtual
	runtime  *flow.Runtime
	recorder *Recorder
	receiver *virtualReceiver
	now      int64 // nanoseconds from the beginning
	endings  agenda.Agenda[engine.Operation]
	wake     flow.Alarm // of the next retry; At is zero for none
	begun    map[engine.OperationID]underWay
	dueByID  map[string]time.Duration
	fired    int64
	mapped   bool // the audience of the backfill
	next     uint64
	asked    int64   // when it looks at thresholds again
	chanceAt float64 // of the next update that comes by chance, in updates due
}

// underWay is an attempt on the wire.
type underWay struct {
	began   int64
	outcome retry.Outcome
}

// virtualFlow names the only dataflow of a virtual run.
const virtualFlow = "load"

// base is when every virtual run begins.
var base = time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)

// Run plays it to its end, or until ctx is done.
func (v Virtual) Run(ctx context.Context, objectives []Objective) (*reports.Load, error) {
	l, _, err := v.run(ctx, objectives)
	return l, err
}

func (v Virtual) run(ctx context.Context, objectives []Objective) (*reports.Load, *Recorder, error) {
	v.Settings.Certificate, v.Settings.Grant = engine.NeverPresent, engine.NoGrant // there is nothing to ask
	r := &virtual{Virtual: v, runtime: newVirtualRuntime(v.Settings, v.Backfill), recorder: NewRecorder(v.Pace),
		receiver: v.Receiver.begin(v.Seed), begun: map[engine.OperationID]underWay{}, dueByID: map[string]time.Duration{}}
	r.recorder.byChance = v.Chance
	r.recorder.AbortOn(v.Abort)
	if v.Outage != nil {
		r.recorder.unsteady()
	}
	if v.Backfill != nil {
		r.recorder.expect(v.Backfill, v.Settings.Window)
	}
	interrupted := r.play(ctx)
	l := &reports.Load{Mode: Pipeline, Clock: "virtual", To: "model"}
	offered := min(v.Pace.Duration(), time.Duration(r.now))
	r.recorder.Fill(l, offered)
	if v.Outage != nil {
		l.Outage = r.recorder.outage(*v.Outage, l.Series, r.fired, objectives)
	}
	l.Cost = &reports.Cost{Note: "virtual time costs the receiver and the engine nothing"}
	if n := r.recorder.delivered + r.recorder.lost; n > 0 {
		l.Cost.AttemptsPerExport = float64(r.recorder.attempts) / float64(n)
	}
	r.recorder.judge(l, objectives, generator{interrupted: interrupted})
	if interrupted && l.Aborted == "" {
		return l, r.recorder, fmt.Errorf("virtual load: %w", ctx.Err())
	}
	return l, r.recorder, nil
}

// play takes one event after the other.
func (v *virtual) play(ctx context.Context) (interrupted bool) {
	arrival := v.arrival()
	for n := 0; ; n++ {
		if n%4096 == 0 && ctx.Err() != nil || v.aborts() {
			return true
		}
		if n%betweenProgress == betweenProgress-1 && v.Progress != nil {
			v.Progress(time.Duration(v.now), v.recorder.Counts(time.Duration(v.now)))
		}
		next, what := int64(math.MaxInt64), 0
		if !v.wake.At.IsZero() {
			next, what = max(1, int64(v.wake.At.Sub(base))), 1
		}
		if arrival >= 0 && arrival < next {
			next, what = arrival, 2
		}
		if end := v.endings.Next(); !end.IsZero() && int64(end.Sub(base)) < next {
			next, what = int64(end.Sub(base)), 3
		}
		if at := v.mappingAt(); at < next {
			next, what = at, 4
		}
		if what == 0 || v.Drain > 0 && next > int64(v.Pace.Duration()+v.Drain) || arrival < 0 && v.idle(next) {
			return false
		}
		v.now = next
		switch what {
		case 1:
			id := v.wake.ID
			v.wake = flow.Alarm{}
			v.perform(v.runtime.Ring(v.time(), id))
		case 2:
			v.update(arrival)
			arrival = v.arrival()
		case 3:
			v.completed(v.endings.Take())
		case 4:
			v.mapAudience()
		}
	}
}

// aborts asks each second whether a threshold is reached.
func (v *virtual) aborts() bool {
	if v.now < v.asked {
		return false
	}
	v.asked = v.now - v.now%int64(time.Second) + int64(time.Second)
	return v.recorder.Aborts(time.Duration(v.now))
}

func (v *virtual) time() time.Time { return base.Add(time.Duration(v.now)) }

// arrival is when the next update is due, -1 after the last.
func (v *virtual) arrival() int64 {
	if !v.Chance {
		if v.next >= v.Pace.Total() {
			return -1
		}
		v.next++
		return int64(v.Pace.Due(v.next - 1))
	}
	v.chanceAt += v.receiver.random.ExpFloat64()
	n := math.Floor(v.chanceAt)
	if n >= float64(v.Pace.Total())-1 {
		return -1
	}
	a, b := v.Pace.Due(uint64(n)), v.Pace.Due(uint64(n)+1)
	v.next++
	return int64(a) + int64(float64(b-a)*(v.chanceAt-n))
}

// update decides an export at once: an update that leads to none costs no
// receiver anything.
func (v *virtual) update(at int64) {
	n := v.next - 1
	if v.Profiles > 0 {
		n %= uint64(v.Profiles)
	}
	id := strconv.FormatUint(n, 36)
	x := &engine.Export{ID: id + "#" + strconv.FormatUint(v.next, 36), Dataflow: virtualFlow, Profile: profile.ID(id), At: v.time()}
	v.dueByID[x.ID] = time.Duration(at)
	v.recorder.Begin(time.Duration(at), time.Duration(at))
	v.perform(v.runtime.Accept(v.time(), virtualFlow, x))
}

func (v *virtual) perform(e flow.Effects) {
	now := time.Duration(v.now)
	for _, s := range e.Settled {
		for i := range s.Message.Exports {
			id := s.Message.Exports[i].ID
			ok := s.Outcome.Delivered()
			if x := &s.Message.Exports[i]; ofBackfill(x) {
				v.recorder.backfilled(x.At.Sub(base), now, ok)
				continue
			}
			v.recorder.End(v.dueByID[id], now, ok)
			delete(v.dueByID, id)
		}
	}
	for _, op := range e.Send {
		v.begin(op)
	}
	if slices.Contains(e.Clear, v.wake.ID) {
		v.wake = flow.Alarm{}
	}
	for _, a := range e.Set {
		if a.Kind == flow.Delivery { // nobody looks at the runs of a load
			v.wake = a
		}
	}
	v.turns(e.Turns)
}

// begin has the receiver answer.
func (v *virtual) begin(op engine.Operation) {
	v.recorder.Open(time.Duration(v.now))
	took, o := v.answer(op.Budget)
	v.begun[op.ID] = underWay{v.now, o}
	v.endings.Add(v.time().Add(took), 0, op)
}

// answer is what comes of a request that arrives now, and after how long.
func (v *virtual) answer(budget time.Duration) (time.Duration, retry.Outcome) {
	took, status := v.receiver.draw()
	if o := v.Outage; o != nil && v.now >= int64(o.At) && v.now < int64(o.At+o.Length) {
		v.fired++
		switch o.Kind {
		case Refusing:
			return 0, retry.Outcome{Kind: retry.Refused, Reason: "connection-refused"}
		case Unavailable:
			status = 503
		default:
			return budget, retry.Outcome{Kind: retry.Timeout, Reason: "no-answer-in-time"}
		}
	}
	return v.receiver.serve(v.now, budget, took, status)
}

func (v *virtual) completed(op engine.Operation) {
	a := v.begun[op.ID]
	delete(v.begun, op.ID)
	began, now := time.Duration(a.began), time.Duration(v.now)
	if allOfBackfill(op.Message) {
		v.recorder.backfillAttempt(began, now, a.outcome.String(), a.outcome.Delivered())
	} else {
		v.recorder.Attempt(began, now, a.outcome.String(), a.outcome.Delivered())
	}
	v.perform(v.runtime.Completed(v.time(), op, engine.Completion{Operation: op.ID, Outcome: a.outcome}))
}
