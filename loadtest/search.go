package loadtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/reports"
)

// Trial offers a constant rate for some time, after a warm-up.
type Trial func(ctx context.Context, rate float64, length time.Duration) (*Trialled, error)

// Trialled is the result of a trial.
type Trialled struct {
	Load *reports.Load
	// Growing is the share by which more was offered than served, 0 where the
	// latencies did not grow. A rate at which they do does not hold: the
	// objectives are only not missed yet.
	Growing float64
	Sockets int // of a pipeline: attempts that may be under way at once

	attempts int64
	drift    float64  // seconds of latency that each second of load added, trend or not
	served   *served  // when answers came; nil: not known
	evidence Evidence // by which it was judged
	asked    []Objective
	length   time.Duration
	// behind is by which share less was stored than answered, with its standard error.
	behind, surely float64
	byChance       bool // requests came at random times
}

// Search looks for the highest rate that holds the objectives.
type Search struct {
	From, To float64       // rates; To is a cap
	Length   time.Duration // of a trial at least
	WarmUp   time.Duration // before each, as Trial has it
	Samples  int64         // that a trial needs, see SamplesFor
	Trial    Trial
	// Requests is how many the trials and rests may send in all, 0: any number. A
	// search ends before the trial that would take more.
	Requests uint64
	// Resting is how the receiver is asked at rest, before the first trial and
	// after each; nil: each trial has a receiver of its own.
	Resting *Resting
}

const (
	// closeEnough is how near the highest rate that held and the lowest that did
	// not must come.
	closeEnough = 1.04
	// MostTrials bounds a search.
	MostTrials = 30
	// mostLonger is how many times longer an inconclusive trial may become.
	mostLonger = 4
	// mostProof is how many times longer a trial may be that uses up a stock.
	mostProof = 8
)

// searching is a search on its way.
type searching struct {
	Search
	rests    *rests // nil: not measured
	points   []reports.SearchPoint
	held     []*Trialled
	best     *Trialled
	last     *Trialled
	above    float64 // the lowest that did not hold, 0: each did
	failed   float64 // the lowest of which it is certain
	why      string  // it did not
	own      bool    // because of this machine, or a cap
	overload *overload
	capped   bool    // the best is what was served when more was offered
	proved   bool    // the receiver serves less when it is overloaded
	stopped  error   // the receiver refuses everything or does not recover, or it has had enough
	sent     float64 // in trials, warm-ups included, about
}

// Run searches by doubling, then by halving what is between, and tries the
// highest that held once more, twice as long. Before each trial it waits until
// the receiver answers as at rest, and a rate has not held when it failed twice.
// The report is that of the last trial that held. When ctx is done, or the
// receiver does not recover, it is that of what was found by then. The error is
// that of a trial, or a *RefusedError or an *UnstoredError with a report.
func (s Search) Run(ctx context.Context) (*reports.Load, error) {
	x := &searching{Search: s}
	err := x.run(ctx)
	var refused *RefusedError
	var unrecovered *UnrecoveredError
	var spent *SpentError
	var unstored *UnstoredError
	switch {
	case ctx.Err() != nil:
	case errors.As(err, &refused), errors.As(err, &unrecovered), errors.As(err, &spent), errors.As(err, &unstored):
		x.stopped = err
	case err != nil:
		return nil, err
	}
	l := x.report(ctx.Err() != nil)
	l.Interrupted = ctx.Err() != nil
	if refused != nil || unstored != nil {
		return l, err
	}
	return l, nil
}

// SpentError is a search that would send more than it may.
type SpentError struct {
	Sent, Next float64
	Most       uint64
}

// Error names the numbers.
func (e *SpentError) Error() string {
	return fmt.Sprintf("it sent %.0f requests, and %.0f more would be more than the %d of --max-requests",
		e.Sent, e.Next, e.Most)
}

// allowed counts requests that are about to be sent, or refuses them.
func (x *searching) allowed(requests float64) error {
	if x.Requests > 0 && x.sent+requests > float64(x.Requests) {
		return &SpentError{Sent: x.sent, Next: requests, Most: x.Requests}
	}
	x.sent += requests
	return nil
}

func (x *searching) run(ctx context.Context) error {
	if x.Resting != nil {
		x.rests = &rests{Resting: *x.Resting, allowed: x.allowed}
		if err := x.rests.begin(ctx); err != nil {
			return err
		}
	}
	if err := x.bracket(ctx); err != nil {
		return err
	}
	for x.rate() > 0 && len(x.points) < MostTrials {
		if found, err := x.withoutStock(ctx); found || err != nil {
			return err
		}
		if x.rate() == 0 || x.above/x.rate() <= closeEnough {
			break
		}
		if _, err := x.try(ctx, math.Sqrt(x.rate()*x.above), x.Length); err != nil {
			return err
		}
	}
	// Once more, and longer: what held by luck does not hold twice.
	for x.rate() > 0 && len(x.points) < MostTrials {
		held, err := x.try(ctx, x.rate(), 2*x.Length)
		if err != nil {
			return err
		}
		if held {
			return x.refine(ctx)
		}
	}
	return nil
}

// withoutStock looks at a best rate above what the receiver served when it was
// offered more. Either the receiver serves less when it is overloaded, or it had a
// stock at first, such as a full bucket, that is used up by now: then the rate
// does not hold longer than the stock lasts, and what was served without it is
// the answer.
func (x *searching) withoutStock(ctx context.Context) (found bool, err error) {
	o := x.overload
	if x.best == nil || o == nil || o.rate >= x.rate()*(1-alike) {
		return false, nil
	}
	needed := o.lasts(x.rate()) * 3 / 2
	if !x.proved {
		needed = max(needed, 2*x.Length)
	}
	if x.best.length >= needed {
		return false, nil
	}
	if x.proved, err = x.try(ctx, x.rate(), min(needed, mostProof*x.Length)); x.proved || err != nil {
		return false, err
	}
	x.forget(x.overload.rate)
	if x.capped, err = x.try(ctx, x.overload.rate, 2*x.Length); err != nil {
		return false, err
	}
	return x.capped, nil
}

// refine narrows what a lucky trial left wide: each rate must hold twice.
func (x *searching) refine(ctx context.Context) error {
	for x.above > 0 && x.above/x.rate() > closeEnough && len(x.points) < MostTrials {
		rate, sure := math.Sqrt(x.rate()*x.above), x.best
		for range 2 {
			held, err := x.try(ctx, rate, 2*x.Length)
			if err != nil {
				return err
			}
			if !held {
				x.best = sure
				break
			}
		}
	}
	return nil
}

// bracket finds a rate that holds and one that does not, a factor of two apart.
func (x *searching) bracket(ctx context.Context) error {
	for rate := x.From; ; rate *= 2 {
		held, err := x.try(ctx, min(rate, x.To), x.Length)
		if err != nil {
			return err
		}
		if !held || rate >= x.To {
			break
		}
	}
	for rate := x.From / 2; x.rate() == 0 && rate >= x.From/128; rate /= 2 {
		if _, err := x.try(ctx, rate, x.Length); err != nil {
			return err
		}
	}
	return nil
}

// rate is the highest that was offered and held, 0 for none.
func (x *searching) rate() float64 {
	if x.best == nil {
		return 0
	}
	return x.best.Load.Offered.Target
}

// try tries a rate and learns from it. One that does not hold is tried again,
// from rest and twice as long.
func (x *searching) try(ctx context.Context, rate float64, length time.Duration) (held bool, err error) {
	length = max(length, seconds(float64(x.Samples)/rate).Round(time.Second))
	t, p, err := x.measure(ctx, rate, length)
	if err == nil && p.Verdict == reports.Fail && x.rests != nil {
		x.learn(t, rate)
		x.points = append(x.points, p)
		t, p, err = x.measure(ctx, rate, 2*length)
	}
	if err != nil {
		return false, err
	}
	x.points = append(x.points, p)
	if p.Verdict == reports.Pass {
		x.held = append(x.held, t)
		if rate >= x.rate() {
			x.best = t
		}
		return true, nil
	}
	x.learn(t, rate)
	x.missed(rate, t, p)
	return false, nil
}

// missed takes a rate for not held. One of which too little is known is not taken
// for failed.
func (x *searching) missed(rate float64, t *Trialled, p reports.SearchPoint) {
	lowest := x.above == 0 || rate <= x.above
	if failed := p.Verdict == reports.Fail; failed && (x.failed == 0 || rate <= x.failed) || !failed && x.failed == 0 && lowest {
		x.why, x.own = saturation{t, p, x.best}.cause()
		if failed {
			x.failed = rate
		}
	}
	if lowest {
		x.above = rate
	}
	x.forget(rate)
}

// learn looks at what was served of a rate that did not hold: how much the lowest
// of them left, and the largest stock that any of them began with.
func (x *searching) learn(t *Trialled, rate float64) {
	o, ok := t.served.overload()
	if !ok || !t.refused() {
		return
	}
	if x.overload == nil {
		x.overload = &o
		return
	}
	if x.above == 0 || rate <= x.above {
		x.overload.rate = o.rate
	}
	x.overload.stock = max(x.overload.stock, o.stock)
}

// forget takes rates for not held. A rate that held once and does not now is
// not the limit: the next lower one is.
func (x *searching) forget(from float64) {
	x.held = slices.DeleteFunc(x.held, func(h *Trialled) bool { return h.Load.Offered.Target >= from })
	x.best = nil
	for _, h := range x.held {
		if x.best == nil || h.Load.Offered.Target > x.rate() {
			x.best = h
		}
	}
}

// measure is a trial with its verdict. One that has too few samples is repeated,
// longer, and one in doubt once; one that is still inconclusive has not held.
func (x *searching) measure(ctx context.Context, rate float64, length time.Duration) (*Trialled, reports.SearchPoint, error) {
	var t *Trialled
	var p reports.SearchPoint
	var err error
	stumbled := false
	for longer := time.Duration(1); longer <= mostLonger; {
		if t, err = x.trial(ctx, rate, longer*length); err != nil {
			return nil, p, err
		}
		p = point(t, len(x.points)+1)
		if p.Verdict != reports.Inconclusive || len(t.Load.Doubts) > 0 && (stumbled || backlogged(t.Load)) {
			break
		}
		if len(t.Load.Doubts) > 0 {
			stumbled = true // or it cannot do more: once again, and it is known
			continue
		}
		longer *= 2
	}
	return t, p, nil
}

// trial offers a rate, and lets the receiver rest.
func (x *searching) trial(ctx context.Context, rate float64, length time.Duration) (*Trialled, error) {
	if err := x.allowed(rate * (length + x.WarmUp).Seconds()); err != nil {
		return nil, err
	}
	t, err := x.Trial(ctx, rate, length)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	t.length = length
	x.last = t
	if x.rests == nil {
		return t, nil
	}
	x.rests.requests += float64(t.attempts)
	if err := x.rests.again(ctx, rate); err != nil {
		// The rate did not hold, whatever its objectives say.
		p := point(t, len(x.points)+1)
		p.Verdict, p.Reason = reports.Fail, err.Error()
		x.points = append(x.points, p)
		x.missed(rate, t, p)
		return nil, err
	}
	if rise, drift := x.rests.rise(), t.drift*length.Seconds(); drift > 0 && rise >= drift/2 && rise >= leastRise.Seconds() {
		t.leaks()
	}
	return t, nil
}

// ErrNothingToHold is a search without an objective that could fail.
var ErrNothingToHold = errors.New("no objective can be judged, so every rate would hold")

// Holdable reports whether a search of a receiver can end: some objective is
// about it. Through the engine every objective is judged.
func Holdable(objectives []Objective) error {
	for _, o := range objectives {
		if o.Rule == "" && !strings.HasPrefix(string(o.Over), string(Delivery)) && o.Quantity != Lost {
			return nil
		}
	}
	return ErrNothingToHold
}

// SamplesFor is how many samples the objectives can be judged by at all, where
// nothing is near their limits: the interval of a quantile must have an end,
// and none among them must be less than the share. The documented objective
// needs some in a pipeline alone.
func SamplesFor(mode string, objectives []Objective) int64 {
	need := 1.0
	for _, o := range objectives {
		switch {
		case o.Rule != "" && mode == Receiver:
		case o.Quantity == Latency && o.Quantile < 1:
			need = max(need, samplesOf(o.Quantile))
		case (o.Quantity == Errors || o.Quantity == Lost) && o.Limit > 0 && o.Limit < 1:
			need = max(need, math.Log((1-confidence)/2)/math.Log1p(-o.Limit))
		}
	}
	return int64(math.Ceil(need * 1.05))
}
