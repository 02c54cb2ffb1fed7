package loadtest

import (
	"context"
	"errors"
	"time"

	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/reports"
)

// RetriesTake is how long after its first attempt a message is tried for the
// last time, if each attempt fails at once (R88). A trial through the engine
// must be longer: a receiver that refuses half of what comes holds any rate
// until the retries come on top of it.
func RetriesTake() (sum time.Duration) {
	for _, d := range retry.Documented().Delays {
		sum += d
	}
	return sum
}

// Offer is the pace of a trial; nil: an even one.
type Offer func(rate float64, length time.Duration) Pace

func (o Offer) pace(rate float64, length time.Duration) Pace {
	if o == nil {
		return Constant(rate, length)
	}
	return o(rate, length)
}

// Trial is one by an attack: a warm-up first, of which nothing counts, so that
// sockets are open and caches are warm.
func (a Attack) Trial(warmUp time.Duration) Trial {
	return func(ctx context.Context, rate float64, length time.Duration) (*Trialled, error) {
		warm := a
		warm.Pace, warm.Progress = a.Offer.pace(rate, warmUp), nil
		if warm.Pace.Total() > 0 {
			if _, _, err := warm.run(ctx); err != nil {
				return nil, err
			}
		}
		a.Pace = a.Offer.pace(rate, length)
		l, r, err := a.run(ctx)
		if err != nil {
			return nil, err
		}
		return trialled(l, r, 0), nil
	}
}

// Open opens a store for one trial; remove takes it away after it was closed.
type Open func() (s store.Store, remove func() error, err error)

// Trial is one through the engine, on a store of its own. The warm-up is
// drained before the trial begins, and the trial before it ends. A warm-up that
// does not drain is the trial: what is left of it would be in the way of the
// trial proper.
func (t Through) Trial(warmUp time.Duration, open Open) Trial {
	return func(ctx context.Context, rate float64, length time.Duration) (x *Trialled, err error) {
		run := t
		s, remove, err := open()
		if err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, s.Close(), remove()) }()
		run.Store = s
		for i, pace := range []Pace{t.Offer.pace(rate, warmUp), t.Offer.pace(rate, length)} {
			if pace.Total() == 0 {
				continue
			}
			run.Pace, run.Progress = pace, nil
			if i > 0 {
				run.Progress = t.Progress
			}
			loads, r, err := run.run(ctx)
			if err != nil {
				return nil, err
			}
			x = trialled(loads[0], r, t.Settings.MaxInFlight)
			if loads[0].Unfinished > 0 {
				break
			}
			run.First += run.Pace.Total()
		}
		return x, nil
	}
}

// Trial is one in virtual time, where there is nothing to warm up.
func (v Virtual) Trial(objectives []Objective) Trial {
	return func(ctx context.Context, rate float64, length time.Duration) (*Trialled, error) {
		run := v
		run.Pace = v.Offer.pace(rate, length)
		l, r, err := run.run(ctx, objectives)
		if err != nil {
			return nil, err
		}
		return trialled(l, r, v.Settings.MaxInFlight), nil
	}
}

func trialled(l *reports.Load, r *Recorder, sockets int) *Trialled {
	t := &Trialled{Load: l, Growing: r.course.growing(), Sockets: sockets, served: r.served, evidence: r.evidence, asked: r.asked, drift: r.course.drift()}
	if r.storing != nil {
		t.behind, t.surely = r.storing.behind()
	}
	_, t.byChance = r.pace.(*byChance)
	for _, o := range l.Outcomes {
		t.attempts += o.Count
	}
	return t
}

// leaks judges a trial again whose latencies grew because of how much was sent,
// and not because of how fast.
func (t *Trialled) leaks() {
	t.Growing, t.evidence.Growing, t.evidence.Leaking = 0, t.drift, true
	t.Load.Objectives = Judge(t.asked, t.evidence)
}
