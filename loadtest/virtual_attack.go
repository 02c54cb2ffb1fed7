package loadtest

import (
	"context"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/agenda"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/reports"
)

// VirtualTarget is a receiver in virtual time, which goes on from one load to the
// next: what one leaves behind is in the way of the next.
type VirtualTarget struct {
	receiver *virtualReceiver
	now      int64
}

// NewVirtualTarget begins its time.
func NewVirtualTarget(r VirtualReceiver, seed uint64) *VirtualTarget {
	return &VirtualTarget{receiver: r.begin(seed)}
}

// Resting sends single requests to it.
func (t *VirtualTarget) Resting(most time.Duration) *Resting {
	return &Resting{
		Most: most,
		Stored: func(ctx context.Context, most time.Duration) (bool, error) {
			late := max(0, t.receiver.stored-t.now)
			t.now += min(late, int64(most))
			return late <= int64(most), ctx.Err()
		},
		Wait: func(ctx context.Context, d time.Duration) error {
			t.now += int64(d)
			return ctx.Err()
		},
		Ask: func(ctx context.Context) (Answer, error) {
			took, outcome := t.receiver.answer(t.now, engine.Budget)
			t.now += int64(took)
			return Answer{took, outcome.String(), outcome.Delivered()}, ctx.Err()
		},
	}
}

// VirtualAttack drives a receiver as Attack does, one attempt each, in virtual
// time.
type VirtualAttack struct {
	Pace       Pace
	Target     *VirtualTarget
	Objectives []Objective
	Workers    int     // requests under way at once, at most; 0: any number
	Pauses     []Pause // of the generator, in order
	Offer      Offer   // of a trial
	Abort      []Abort
	ReadBack   bool // some messages are followed to the storage
	// Progress is called now and then; nil: nobody asks.
	Progress func(at time.Duration, c Counts)
}

// Pause is a time in which a generator stands still: it sends nothing, and reads
// no answer.
type Pause struct{ At, Length time.Duration }

// Run plays it until everything has ended, or ctx is done.
func (a VirtualAttack) Run(ctx context.Context) (*reports.Load, error) {
	l, _ := a.run(ctx)
	return l, nil
}

// Trial is one by an attack in virtual time, after a warm-up. The target goes on
// where the trial before left it.
func (a VirtualAttack) Trial(warmUp time.Duration) Trial {
	return func(ctx context.Context, rate float64, length time.Duration) (*Trialled, error) {
		warm := a
		warm.Pace, warm.Progress = a.Offer.pace(rate, warmUp), nil
		if warm.Pace.Total() > 0 {
			warm.run(ctx)
		}
		a.Pace = a.Offer.pace(rate, length)
		l, r := a.run(ctx)
		return trialled(l, r, 0), nil
	}
}

// virtualAttack is one on its way.
type virtualAttack struct {
	VirtualAttack
	recorder *Recorder
	began    int64 // in the target's time
	now      time.Duration
	next     uint64
	asking   time.Duration // when a message is followed again
	asked    time.Duration // when it looks at thresholds again
	endings  agenda.Agenda[virtualRequest]
}

// virtualRequest is one on the wire.
type virtualRequest struct {
	due, began time.Duration
	outcome    retry.Outcome
}

func (a VirtualAttack) run(ctx context.Context) (*reports.Load, *Recorder) {
	x := &virtualAttack{VirtualAttack: a, recorder: NewRecorder(a.Pace), began: a.Target.now}
	x.recorder.failuresWait = true
	if a.ReadBack {
		x.recorder.storing = &storing{}
	}
	x.recorder.AbortOn(a.Abort)
	x.recorder.lateness.sockets, x.recorder.lateness.alone = int64(a.Workers), true
	interrupted := x.play(ctx)
	a.Target.now = x.began + int64(x.now)
	l := &reports.Load{Mode: Receiver, Clock: "virtual", To: "model"}
	x.recorder.Fill(l, min(x.now, a.Pace.Duration()))
	l.Cost = &reports.Cost{Note: "virtual time costs the receiver and the generator nothing"}
	x.recorder.judge(l, a.Objectives, generator{workers: x.recorder.mostOpen, mostWorkers: int64(a.Workers), interrupted: interrupted})
	return l, x.recorder
}

// play takes one event after the other.
func (x *virtualAttack) play(ctx context.Context) (interrupted bool) {
	for {
		if x.next%4096 == 0 && ctx.Err() != nil || x.aborts() {
			return true
		}
		start, starts := x.start()
		end := x.endings.Next()
		switch {
		case starts && (end.IsZero() || start < x.awake(end.Sub(base))):
			x.begin(start)
		case !end.IsZero():
			x.end(x.awake(end.Sub(base)), x.endings.Take())
		default:
			x.now = max(x.now, x.Pace.Duration())
			return false
		}
	}
}

// aborts asks each second whether a threshold is reached.
func (x *virtualAttack) aborts() bool {
	if x.now < x.asked {
		return false
	}
	x.asked = x.now.Truncate(time.Second) + time.Second
	return x.recorder.Aborts(x.now)
}

// start is when the next request can begin; ok is false where none can before
// another ends.
func (x *virtualAttack) start() (at time.Duration, ok bool) {
	if x.next >= x.Pace.Total() || x.Workers > 0 && x.endings.Len() >= x.Workers {
		return 0, false
	}
	at = x.awake(max(x.now, x.Pace.Due(x.next)))
	return at, at <= x.Pace.Duration()+grace
}

// awake is when a generator does what it would at a moment: after the pause that
// this is in.
func (x *virtualAttack) awake(at time.Duration) time.Duration {
	for _, p := range x.Pauses {
		if at >= p.At && at < p.At+p.Length {
			return p.At + p.Length
		}
	}
	return at
}

// advance goes to a moment, and takes in the pauses until then.
func (x *virtualAttack) advance(to time.Duration) {
	for len(x.Pauses) > 0 && x.Pauses[0].At+x.Pauses[0].Length <= to {
		x.recorder.Beat(x.Pauses[0].At, x.Pauses[0].At+x.Pauses[0].Length)
		x.Pauses = x.Pauses[1:]
	}
	x.now = to
}

func (x *virtualAttack) begin(at time.Duration) {
	x.advance(at)
	due := x.Pace.Due(x.next)
	x.next++
	took, outcome := x.Target.receiver.answer(x.began+int64(at), engine.Budget)
	x.recorder.Begin(due, at)
	x.recorder.Open(at)
	x.endings.Add(base.Add(at+took), 0, virtualRequest{due, at, outcome})
	x.follow(due, at+took, outcome)
	if x.next%betweenProgress == 0 && x.Progress != nil {
		x.Progress(x.now, x.recorder.Counts(x.now))
	}
}

// follow asks for some of the messages: when one is stored is known at once.
func (x *virtualAttack) follow(due, answered time.Duration, o retry.Outcome) {
	if x.recorder.storing == nil || due < x.asking || !o.Delivered() {
		return
	}
	x.asking = due + max(sampledEvery, x.Pace.Duration()/mostSamples)
	late := max(0, time.Duration(x.Target.receiver.stored-x.began)-answered)
	x.recorder.storing.found(due, min(late, DefaultReadBack), late <= DefaultReadBack)
}

func (x *virtualAttack) end(now time.Duration, r virtualRequest) {
	x.advance(now)
	ok := r.outcome.Delivered()
	x.recorder.Attempt(r.began, now, r.outcome.String(), ok)
	x.recorder.Over(r.due, r.began, now, ok)
}
