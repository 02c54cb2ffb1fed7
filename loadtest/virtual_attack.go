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
	// Progress is called now and then; nil: nobody asks.
	Progress func(at time.Duration, c Counts)
}

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
		warm.Pace, warm.Progress = Constant(rate, warmUp), nil
		if warm.Pace.Total() > 0 {
			warm.run(ctx)
		}
		a.Pace = Constant(rate, length)
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
	interrupted := x.play(ctx)
	a.Target.now = x.began + int64(x.now)
	l := &reports.Load{Mode: Receiver, Clock: "virtual", To: "model"}
	x.recorder.Fill(l, min(x.now, a.Pace.Duration()))
	l.Cost = &reports.Cost{Note: "virtual time costs the receiver and the generator nothing"}
	x.recorder.judge(l, a.Objectives, generator{interrupted: interrupted})
	return l, x.recorder
}

// play takes one event after the other.
func (x *virtualAttack) play(ctx context.Context) (interrupted bool) {
	for n := uint64(0); ; {
		if n%4096 == 0 && ctx.Err() != nil {
			return true
		}
		end := x.endings.Next()
		switch {
		case n < x.Pace.Total() && (end.IsZero() || x.Pace.Due(n) < end.Sub(base)):
			x.begin(x.Pace.Due(n))
			n++
			if n%betweenProgress == 0 && x.Progress != nil {
				x.Progress(x.now, x.recorder.Counts(x.now))
			}
		case !end.IsZero():
			x.end(end.Sub(base), x.endings.Take())
		default:
			x.now = max(x.now, x.Pace.Duration())
			return false
		}
	}
}

func (x *virtualAttack) begin(due time.Duration) {
	x.now = due
	took, outcome := x.Target.receiver.answer(x.began+int64(due), engine.Budget)
	x.recorder.Begin(due, due)
	x.recorder.Open(due)
	x.endings.Add(base.Add(due+took), 0, virtualRequest{due, due, outcome})
}

func (x *virtualAttack) end(now time.Duration, r virtualRequest) {
	x.now = now
	ok := r.outcome.Delivered()
	x.recorder.Attempt(r.began, now, r.outcome.String(), ok)
	x.recorder.End(r.due, now, ok)
}
