package loadtest

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"
)

// Resting sends one request after the other to a receiver, with nothing else
// under way. It measures the answers of the receiver at rest, and when it is at
// rest again after a load.
type Resting struct {
	Ask  func(ctx context.Context) (Answer, error)
	Wait func(ctx context.Context, d time.Duration) error
	// Stored sends a message, and waits for it to be stored: ok is whether it was in
	// that time. nil: nobody looks at the storage.
	Stored func(ctx context.Context, most time.Duration) (ok bool, err error)
	Most   time.Duration // that a receiver has to recover; 0: DefaultRest
}

// Answer is the result of a single request.
type Answer struct {
	Took    time.Duration
	Outcome string // "200", "503", "timeout", "refused"
	OK      bool   // a 2xx
}

// DefaultRest is how long a receiver has to recover after a load.
const DefaultRest = 5 * time.Minute

const (
	// firstAsked is how many requests tell how a receiver answers at rest.
	firstAsked = 10
	// inRow is how many answers in a row must be as at rest.
	inRow = 5
	// askedEvery is the pause between two requests; it grows up to slowest while
	// the receiver is not at rest.
	askedEvery = 100 * time.Millisecond
	slowest    = 2 * time.Second
	// slowerAtRest and slackAtRest are by how much slower an answer at rest may be: a factor,
	// and a time where answers are fast.
	slowerAtRest = 1.5
	slackAtRest  = 10 * time.Millisecond
)

// level is how fast a receiver answered at rest after so many requests.
type level struct {
	requests float64
	took     float64 // median, seconds
}

// rests are those of a search.
type rests struct {
	Resting
	share    float64 // of the answers at first that were successful
	levels   []level
	requests float64                      // sent by now
	allowed  func(requests float64) error // asked before each request
}

// ask sends one request, where it is allowed.
func (r *rests) ask(ctx context.Context) (Answer, error) {
	if err := r.allowed(1); err != nil {
		return Answer{}, err
	}
	r.requests++
	return r.Ask(ctx)
}

// RefusedError is a receiver that refuses every request: no rate can hold.
type RefusedError struct {
	Outcome string  // of all of them
	Rate    float64 // after which they were; 0: from the beginning
}

// Error names the outcome.
func (e *RefusedError) Error() string {
	if e.Rate > 0 {
		return fmt.Sprintf("every request was answered %s since the trial at %s/s, at rest too: no rate can hold",
			e.Outcome, rateText(e.Rate))
	}
	return fmt.Sprintf("every request was answered %s, one at a time and with nothing else under way: no rate can hold",
		e.Outcome)
}

// UnrecoveredError is a receiver that a trial left in another state.
type UnrecoveredError struct {
	Rate   float64
	Within time.Duration
	Now    string // how it answers
}

// Error names the rate.
func (e *UnrecoveredError) Error() string {
	return fmt.Sprintf("the receiver does not recover from %s/s: %s after it, %s",
		rateText(e.Rate), e.Within.Round(time.Second), e.Now)
}

// begin learns how the receiver answers at rest.
func (r *rests) begin(ctx context.Context) error {
	var all []Answer
	for i := range firstAsked {
		if i > 0 {
			if err := r.Wait(ctx, askedEvery); err != nil {
				return err
			}
		}
		a, err := r.ask(ctx)
		if err != nil {
			return err
		}
		all = append(all, a)
	}
	took, ok := median(all)
	if ok == 0 {
		return &RefusedError{Outcome: commonest(all)}
	}
	r.share = float64(ok) / firstAsked
	r.levels = []level{{r.requests, took}}
	if stored, err := r.stored(ctx, DefaultReadBack); err != nil || !stored {
		return &UnstoredError{Err: err}
	}
	return nil
}

// stored waits until the storage has what was accepted.
func (r *rests) stored(ctx context.Context, most time.Duration) (ok bool, err error) {
	if r.Stored == nil {
		return true, nil
	}
	if err := r.allowed(1); err != nil {
		return false, err
	}
	return r.Stored(ctx, most)
}

// UnstoredError is a read-back that does not work with nothing else under way.
type UnstoredError struct{ Err error }

// Error names the cause.
func (e *UnstoredError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("the read-back fails with nothing else under way: %v", e.Err)
	}
	return fmt.Sprintf("the read-back does not show a message %s after its 2xx, with nothing else under way", DefaultReadBack)
}

// Unwrap returns the error of the read-back.
func (e *UnstoredError) Unwrap() error { return e.Err }

// again waits until the receiver answers as at rest, or gives up.
func (r *rests) again(ctx context.Context, rate float64) error {
	most := r.Most
	if most == 0 {
		most = DefaultRest
	}
	var last []Answer
	var asked []level
	pause := askedEvery
	for rested := time.Duration(0); ; {
		a, err := r.ask(ctx)
		if err != nil {
			return err
		}
		last = append(last, a)
		last = last[max(0, len(last)-inRow):]
		if asked = append(asked, level{r.requests, a.Took.Seconds()}); !a.OK {
			asked = nil
		}
		if r.rested(last) || r.leaksAtRest(asked) {
			took, _ := median(last)
			r.levels = append(r.levels, level{r.requests, took})
			return r.settled(ctx, rate, most)
		}
		if rested += a.Took; rested >= most {
			return r.unrecovered(rate, rested, last)
		}
		if a.OK {
			pause = askedEvery
		} else {
			pause = min(slowest, pause*3/2)
		}
		if err := r.Wait(ctx, pause); err != nil {
			return err
		}
		rested += pause
	}
}

// settled waits until the storage has what was accepted of a trial.
func (r *rests) settled(ctx context.Context, rate float64, most time.Duration) error {
	ok, err := r.stored(ctx, most)
	if err != nil || ok {
		return err
	}
	return &UnrecoveredError{rate, most, "a message cannot be read back"}
}

// rested reports whether answers in a row are as at rest: as many successful,
// and not much slower than a receiver is expected to be after so many requests.
func (r *rests) rested(last []Answer) bool {
	if len(last) < inRow {
		return false
	}
	took, ok := median(last)
	needed := inRow
	if r.share < 1 {
		needed = int(math.Max(1, math.Round(r.share*inRow)-1))
	}
	expected := r.expected()
	return ok >= needed && took <= math.Max(slowerAtRest*expected, expected+slackAtRest.Seconds())
}

func (r *rests) unrecovered(rate float64, rested time.Duration, last []Answer) error {
	took, ok := median(last)
	if ok == 0 {
		if outcome := commonest(last); refusal(outcome) {
			return &RefusedError{Outcome: outcome, Rate: rate}
		}
		return &UnrecoveredError{rate, rested, "a single request is answered " + commonest(last)}
	}
	now := fmt.Sprintf("a single request takes %s, and took %s before", valueText(took*1000, "ms"), valueText(r.levels[0].took*1000, "ms"))
	return &UnrecoveredError{rate, rested, now}
}

// refusal reports whether an outcome is about who asks, or for what, and not
// about how much.
func refusal(outcome string) bool {
	return slices.Contains([]string{
		"400", "401", "403", "404", "405", "406", "410", "411", "413", "414", "415", "422", "431",
	}, outcome)
}

// rise is by how much answers at rest became slower with the last trial, in
// seconds.
func (r *rests) rise() float64 {
	n := len(r.levels)
	if n < 2 {
		return 0
	}
	return r.levels[n-1].took - r.levels[n-2].took
}

const (
	// leastLevels is how many times a receiver must have been seen at rest before
	// it can be said to leak.
	leastLevels = 4
	// leakTimes is how many standard errors the slope must be from nothing.
	leakTimes = 4.0
	// leastLeak is by which share answers at rest must have become slower, and
	// leastRise by how much.
	leastLeak = 0.1
	leastRise = 500 * time.Microsecond
)

// leak is how many seconds each request adds to all answers that follow, 0 where
// answers at rest do not become slower in proportion to what was sent.
func (r *rests) leak() float64 {
	if len(r.levels) < leastLevels {
		return 0
	}
	slope, deviation := slopeOf(r.levels)
	rise := slope * (r.levels[len(r.levels)-1].requests - r.levels[0].requests)
	if rise < max(leastLeak*r.levels[0].took, leastRise.Seconds()) || slope < leakTimes*deviation {
		return 0
	}
	return slope
}

// expected is how slow an answer may be at rest after what was sent by now, as
// the levels before have it: a receiver that leaks is at rest all the same.
func (r *rests) expected() float64 {
	first := r.levels[0]
	slope := 0.0
	if len(r.levels) > 1 {
		slope, _ = slopeOf(r.levels)
	}
	return first.took + max(0, slope)*(r.requests-first.requests)
}

// leaksAtRest reports whether single requests alone become slower, each by as
// much as all before it would have made the receiver slower.
func (r *rests) leaksAtRest(asked []level) bool {
	if len(asked) < leastAsked {
		return false
	}
	slope, deviation := slopeOf(asked)
	sofar := (asked[len(asked)-1].took - r.levels[0].took) / (r.requests - r.levels[0].requests)
	return slope > leakTimes*deviation && slope > sofar/2 && slope < 2*sofar
}

// leastAsked is how many single requests show a leak by themselves.
const leastAsked = 50

// slopeOf is that of the straight line through levels, with its standard error.
func slopeOf(all []level) (slope, deviation float64) {
	n := float64(len(all))
	var x, y, xx, xy float64
	for _, l := range all {
		k := l.requests - all[0].requests
		x, y, xx, xy = x+k, y+l.took, xx+k*k, xy+k*l.took
	}
	wide := xx - x*x/n
	if wide <= 0 {
		return 0, 0
	}
	slope = (xy - x*y/n) / wide
	square := 0.0
	for _, l := range all {
		left := l.took - y/n - slope*(l.requests-all[0].requests-x/n)
		square += left * left
	}
	return slope, math.Sqrt(square / math.Max(1, n-2) / wide)
}

// median is the median time of successful answers, in seconds, and how many there
// are.
func median(all []Answer) (took float64, ok int) {
	var times []time.Duration
	for _, a := range all {
		if a.OK {
			times = append(times, a.Took)
		}
	}
	if len(times) == 0 {
		return 0, 0
	}
	slices.Sort(times)
	return times[len(times)/2].Seconds(), len(times)
}

// commonest is the most frequent outcome.
func commonest(all []Answer) string {
	counts := map[string]int{}
	for _, a := range all {
		counts[a.Outcome]++
	}
	most := ""
	for outcome, n := range counts {
		if most == "" || n > counts[most] || n == counts[most] && outcome < most {
			most = outcome
		}
	}
	return most
}
