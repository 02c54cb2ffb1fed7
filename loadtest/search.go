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

// Trialled is what came of a trial.
type Trialled struct {
	Load *reports.Load
	// Growing is the share by which more was offered than served, 0 where the
	// latencies did not grow. A rate at which they do does not hold: the
	// objectives are only not missed yet.
	Growing float64
	Sockets int // of a pipeline: attempts that may be under way at once
}

// Search looks for the highest rate that holds the objectives.
type Search struct {
	From, To float64       // rates; To is a cap
	Length   time.Duration // of a trial at least
	Samples  int64         // that a trial needs, see SamplesFor
	Trial    Trial
}

const (
	// closeEnough is how near the highest rate that held and the lowest that did
	// not must come.
	closeEnough = 1.04
	// MostTrials bounds a search.
	MostTrials = 30
	// mostLonger is how many times longer a trial may be that says nothing yet.
	mostLonger = 4
)

// searching is a search on its way.
type searching struct {
	Search
	points []reports.SearchPoint
	held   []*Trialled
	best   *Trialled
	last   *Trialled
	above  float64 // 0: none failed
	why    string  // the lowest that failed did
	own    bool    // because of this machine, or a cap
}

// Run searches by doubling, then by halving what is between, and tries the
// highest that held once more, twice as long. The report is that of this last
// trial. When ctx is done it is that of what was found by then.
func (s Search) Run(ctx context.Context) (*reports.Load, error) {
	x := &searching{Search: s}
	err := x.run(ctx)
	if err != nil && ctx.Err() == nil {
		return nil, err
	}
	l := x.report(ctx.Err() != nil)
	l.Interrupted = ctx.Err() != nil
	return l, nil
}

func (x *searching) run(ctx context.Context) error {
	if err := x.bracket(ctx); err != nil {
		return err
	}
	for x.rate() > 0 && x.above/x.rate() > closeEnough && len(x.points) < MostTrials {
		if _, err := x.try(ctx, math.Sqrt(x.rate()*x.above), x.Length); err != nil {
			return err
		}
	}
	// Once more, and longer: what held by luck does not hold twice.
	for x.rate() > 0 && len(x.points) < MostTrials {
		if held, err := x.try(ctx, x.rate(), 2*x.Length); held || err != nil {
			return err
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

// rate is the highest that held, 0 for none.
func (x *searching) rate() float64 {
	if x.best == nil {
		return 0
	}
	return x.best.Load.Offered.Target
}

// try tries a rate and learns from it. A trial that has too few samples is
// repeated, longer, and one in doubt once; one that still says nothing has not
// held.
func (x *searching) try(ctx context.Context, rate float64, length time.Duration) (held bool, err error) {
	length = max(length, seconds(float64(x.Samples)/rate).Round(time.Second))
	var t *Trialled
	var p reports.SearchPoint
	stumbled := false
	for longer := time.Duration(1); longer <= mostLonger; {
		t, err = x.Trial(ctx, rate, longer*length)
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return false, err
		}
		x.last = t
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
	x.points = append(x.points, p)
	if p.Verdict == reports.Pass {
		x.held = append(x.held, t)
		if rate >= x.rate() {
			x.best = t
		}
		return true, nil
	}
	if x.above == 0 || rate <= x.above {
		x.above = rate
		x.why, x.own = saturation{t, p, x.best}.cause()
	}
	// What held once and now does not is not the limit: the next lower is.
	x.held = slices.DeleteFunc(x.held, func(h *Trialled) bool { return h.Load.Offered.Target >= rate })
	x.best = nil
	for _, h := range x.held {
		if x.best == nil || h.Load.Offered.Target > x.rate() {
			x.best = h
		}
	}
	return false, nil
}

// point is a trial in the report, with its verdict.
func point(t *Trialled, order int) reports.SearchPoint {
	l := t.Load
	p := reports.SearchPoint{Order: order, Rate: l.Offered.Target, Achieved: l.Achieved.Rate, Goodput: l.Delivered.Rate, Verdict: Verdict(l)}
	if d := headline(l); d != nil {
		p.P50Ms, p.P95Ms, p.P99Ms = d.P50Ms, d.P95Ms, d.P99Ms
	}
	ended, failed := int64(0), int64(0)
	for _, o := range l.Outcomes {
		ended += o.Count
		if !o.OK {
			failed += o.Count
		}
	}
	if ended > 0 {
		p.Errors = float64(failed) / float64(ended)
	}
	if l.Series != nil {
		for _, s := range l.Series.Points {
			p.InFlight = max(p.InFlight, s.InFlight)
		}
	}
	for _, o := range l.Objectives {
		if p.Reason == "" && (o.Verdict == reports.Fail || o.Verdict == reports.Inconclusive) {
			p.Reason = o.Text + ": " + o.Reason
		}
	}
	if t.Growing > 0 && p.Verdict != reports.Fail && (len(l.Doubts) == 0 || backlogged(l)) {
		p.Verdict, p.Reason = reports.Fail, fmt.Sprintf("the queue grows: %s more is offered than is served", percentText(t.Growing))
	}
	return p
}

// headline is the latency that objectives are about.
func headline(l *reports.Load) *reports.Distribution {
	if l.Mode == Pipeline {
		return l.DeliveryLatency
	}
	return l.ResponseTime
}

// backlogged says whether nothing is in doubt but what had not ended.
func backlogged(l *reports.Load) bool { return l.Unfinished > 0 && len(l.Doubts) == 1 }

// report is that of the best trial, and has no numbers where none held.
func (x *searching) report(ended bool) *reports.Load {
	s := &reports.Search{Rate: x.rate(), Above: x.above, Saturated: x.why, Limited: x.own, Points: x.points}
	slices.SortStableFunc(s.Points, func(a, b reports.SearchPoint) int {
		return int(math.Copysign(1, a.Rate-b.Rate)) * boolInt(a.Rate != b.Rate)
	})
	times := 0
	for _, p := range s.Points {
		if p.Rate == s.Rate && p.Verdict == reports.Pass {
			times++
		}
	}
	switch {
	case len(s.Points) == 0:
		s.Points, s.Confidence = []reports.SearchPoint{}, "no rate was tried to its end"
	case s.Rate == 0:
		s.Confidence = fmt.Sprintf("none of %d rates held, down to %s/s", len(s.Points), rateText(s.Points[0].Rate))
	case ended && s.Above == 0:
		s.Confidence = fmt.Sprintf("%s/s held %s, and the search was ended before it came to a rate that does not", rateText(s.Rate), timesText(times))
	case s.Above == 0:
		s.Confidence = fmt.Sprintf("the highest that was tried, %s/s, held %s: the limit is above it", rateText(s.Rate), timesText(times))
		s.Limited, s.Saturated = true, "nothing: the search ends at this rate, see --to"
	default:
		s.Confidence = fmt.Sprintf("%s/s held %s, %s/s did not: the limit is between, %.0f%% apart; each objective by an interval that is right in 95 of 100 runs", rateText(s.Rate), timesText(times), rateText(s.Above), (s.Above/s.Rate-1)*100)
	}
	l := x.best
	if l == nil {
		l = &Trialled{Load: &reports.Load{Mode: Receiver, Clock: "wall", Machines: 1, Pace: "search", Doubts: []string{"no rate held the objectives"}}}
		if x.last != nil {
			l.Load.Mode, l.Load.Clock, l.Load.To, l.Load.Store = x.last.Load.Mode, x.last.Load.Clock, x.last.Load.To, x.last.Load.Store
		}
	}
	l.Load.Search = s
	return l.Load
}

func timesText(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// ErrNothingToHold is a search without an objective that could fail.
var ErrNothingToHold = errors.New("no objective can be judged, so that every rate would hold")

// Holdable says whether a search of a receiver can end: some objective is about
// it. Through the engine every objective is judged.
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
