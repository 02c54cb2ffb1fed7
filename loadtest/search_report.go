package loadtest

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/httpdest/httpdest/reports"
)

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

// backlogged reports whether nothing is in doubt but what had not ended.
func backlogged(l *reports.Load) bool { return l.Unfinished > 0 && len(l.Doubts) == 1 }

// report is that of the best trial, and has no numbers where none held.
func (x *searching) report(ended bool) *reports.Load {
	s := &reports.Search{Rate: x.served(), Above: cmp.Or(x.failed, x.above), Saturated: x.why, Limited: x.own, Points: x.points}
	slices.SortStableFunc(s.Points, func(a, b reports.SearchPoint) int {
		return int(math.Copysign(1, a.Rate-b.Rate)) * boolInt(a.Rate != b.Rate)
	})
	if s.Rate > 0 && x.failed > 0 {
		s.Knee = &reports.Knee{Low: s.Rate, High: s.Above}
		if x.capped {
			s.Knee.High = min(s.Above, x.rate()*(1+alike))
		}
	}
	if x.rate() == x.To && s.Above == 0 && s.Rate > 0 && !ended {
		s.Limited, s.Saturated = true, "nothing: the search ends at this rate, see --to"
	}
	s.Confidence = x.confidence(s, ended)
	l := x.best
	if l == nil {
		l = &Trialled{Load: &reports.Load{Mode: Receiver, Clock: "wall", Machines: 1, Pace: "search", Doubts: []string{"no rate held the objectives"}}}
		if x.last != nil {
			l.Load.Mode, l.Load.Clock, l.Load.To, l.Load.Store = x.last.Load.Mode, x.last.Load.Clock, x.last.Load.To, x.last.Load.Store
		}
	}
	l.Load.Search = s
	x.state(l.Load)
	return l.Load
}

// state says what the receiver's state has to do with the result: what it refuses,
// what it does not recover from, and whether it leaks.
func (x *searching) state(l *reports.Load) {
	if x.stopped != nil {
		l.Doubts = append(l.Doubts, "the search stopped: "+x.stopped.Error())
	}
	var u *UnrecoveredError
	if errors.As(x.stopped, &u) {
		l.Search.Unrecovered, l.Search.Saturated = u.Rate, u.Error()
	}
	if x.rests == nil {
		return
	}
	if leak := x.rests.leak(); leak > 0 {
		n := len(x.rests.levels)
		l.Search.Trend = fmt.Sprintf("the receiver leaks: answers at rest took %s at first and %s after %.0f requests, %s for each thousand",
			valueText(x.rests.levels[0].took*1000, "ms"), valueText(x.rests.levels[n-1].took*1000, "ms"), x.rests.requests, valueText(leak*1e6, "ms"))
		l.Doubts = append(l.Doubts, l.Search.Trend+": no rate holds for ever")
	}
}

// served is the rate that is reported: what held, and no more than was served of
// it once the load was steady.
func (x *searching) served() float64 {
	if x.best == nil {
		return 0
	}
	rate := x.rate()
	if x.best.served == nil {
		return rate
	}
	if b := x.best.behind; b > 2*x.best.surely {
		rate = floored(rate / (1 + b)) // of which so much was stored
	}
	served := x.best.served.steady()
	if x.best.byChance {
		if served = rate * x.best.served.share(); served >= rate*(1-atEdges) {
			return rate
		}
	}
	if o, ok := x.best.served.overload(); ok && x.best.refused() {
		served = min(served, o.rate)
	}
	if served < rate*(1-nearly) {
		return floored(served)
	}
	return rate
}

// refused reports whether some attempts failed.
func (t *Trialled) refused() bool {
	return slices.ContainsFunc(t.Load.Outcomes, func(o reports.OutcomeCount) bool { return !o.OK })
}

// nearly is by how much a rate that was served may differ from what was offered,
// as the edges of a window have it.
const nearly = 2e-4

// atEdges is the share of requests that come by chance of which the answer may be
// on the other side of an edge.
const atEdges = 0.005

// floored is a rate with three significant figures, rounded down.
func floored(v float64) float64 {
	if v <= 0 {
		return 0
	}
	unit := math.Pow(10, math.Floor(math.Log10(v))-2)
	return math.Floor(v/unit*(1+nearly)) * unit
}

// confidence is what the rate is worth, in a sentence.
func (x *searching) confidence(s *reports.Search, ended bool) string {
	times := 0
	for _, p := range s.Points {
		if p.Rate == x.rate() && p.Verdict == reports.Pass {
			times++
		}
	}
	held := fmt.Sprintf("%s/s held %s", rateText(x.rate()), timesText(times))
	if s.Rate < x.rate() {
		held += fmt.Sprintf(", of which %s/s were served", rateText(s.Rate))
	}
	switch {
	case len(s.Points) == 0:
		s.Points = []reports.SearchPoint{}
		return "no trial was completed"
	case s.Rate == 0:
		return fmt.Sprintf("none of %d trials held, down to %s/s", len(s.Points), rateText(s.Points[0].Rate))
	case s.Above == 0 && (ended || x.stopped != nil):
		return held + ", and the search ended before it tried a higher rate"
	case s.Above == 0:
		return fmt.Sprintf("the highest that was tried, %s: the knee is above it", held)
	case x.failed == 0:
		return fmt.Sprintf("%s, and %s/s could not be judged: the knee may be above it", held, rateText(x.above))
	case x.stopped != nil:
		return fmt.Sprintf("%s, %s/s did not, and the search stopped: the knee is between %s/s and %s/s", held, rateText(s.Above), rateText(s.Rate), rateText(s.Above))
	case x.capped:
		return fmt.Sprintf("%s, and %s/s did not: the receiver serves more only as long as it has not used up what it had at first; the knee is between %s/s and %s/s",
			held, rateText(s.Above), rateText(s.Knee.Low), rateText(s.Knee.High))
	}
	if x.above < x.failed {
		return fmt.Sprintf("%s, %s/s did not, and from %s/s on trials were too short to tell: the knee is between %s/s and %s/s, and a longer --for narrows it",
			held, rateText(s.Above), rateText(x.above), rateText(s.Rate), rateText(s.Above))
	}
	return fmt.Sprintf("%s, %s/s did not: the knee is between %s/s and %s/s, %.0f%% apart; each objective by an interval that holds the true value in 95 of 100 runs",
		held, rateText(s.Above), rateText(s.Rate), rateText(s.Above), (s.Above/s.Rate-1)*100)
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
