package loadtest

import (
	"fmt"
	"math"
	"time"

	"github.com/httpdest/httpdest/reports"
)

// Evidence is what objectives are judged by.
type Evidence struct {
	Pipeline bool
	Peak     float64 // the highest rate offered to one dataflow, 1/s
	// The histograms are of successful answers, All… of all. They are nil where
	// the mode does not have them.
	Service, Response, Delivery *Histogram
	AllService, AllResponse     *Histogram
	Attempts, Failed            int64 // Failed had no 2xx
	Exports, Lost               int64
	// FailedOf and LostOf are how much the shares of them say; of size 0 where
	// each attempt, or export, counts.
	FailedOf, LostOf effective
	Rate             float64 // that ended with a 2xx, 1/s
	Unfinished       int64   // had not ended when the time to drain was spent
	Growing          float64 // seconds of latency that each second of load added; 0: no trend
	Leaking          bool    // it grew because each request makes the receiver slower, and not because more was offered than served
	// Doubts are why nothing measured can count.
	Doubts []string
	Trend  *reports.Trend // nil: not known
	// Stored are the times from the 2xx to the storage, Missing are messages that did
	// not get there in time, and Behind is the share by which less was stored than
	// answered. Stored is nil without a read-back.
	Stored  *Histogram
	Missing int64
	Behind  float64
	// Backfill is what is known of the backfill of a load that has one, and DuringBackfill
	// the delivery latencies of ordinary exports that were due while it went on.
	Backfill       *BackfillEvidence
	DuringBackfill *Histogram
	// Fair is the evidence without the lateness of the generator; nil where it was
	// never late.
	Fair *Evidence
}

// Judge holds the evidence against objectives. One passes only when the
// interval of what was measured is on its side as a whole, and fails only when
// it is on the other.
func Judge(objectives []Objective, e Evidence) []reports.Objective {
	out := make([]reports.Objective, 0, len(objectives))
	for _, o := range objectives {
		out = append(out, o.judge(e))
	}
	return out
}

// judge does not fail an objective that would hold if the generator had never
// been late.
func (o Objective) judge(e Evidence) reports.Objective {
	r := o.measured(e)
	if e.Fair == nil || r.Verdict == reports.Pass || r.Verdict == reports.Skip {
		return r
	}
	fair := o.measured(*e.Fair)
	without := valueText(fair.Measured, fair.Unit) + " without the time by which the generator was late"
	switch {
	case r.Verdict == reports.Fail && fair.Verdict != reports.Fail:
		r.Verdict, r.Reason = reports.Inconclusive, fmt.Sprintf("measured %s, and %s", valueText(r.Measured, r.Unit), without)
	case r.Verdict == reports.Inconclusive && fair.Measured < muchLess*r.Measured:
		r.Reason += "; " + without
	}
	return r
}

// muchLess is the share of what was measured below which the lateness of the
// generator is worth a word.
const muchLess = 0.9

// excused reports whether an objective fails by the lateness of the generator alone.
func (o Objective) excused(e Evidence) bool {
	return e.Fair != nil && o.measured(e).Verdict == reports.Fail && o.measured(*e.Fair).Verdict != reports.Fail
}

// measured holds the evidence against the objective as it was measured.
func (o Objective) measured(e Evidence) reports.Objective {
	r := reports.Objective{Text: o.Text, Rule: o.Rule, Limit: o.Limit, Unit: "ms", Verdict: reports.Inconclusive}
	if o.Rule != "" && !e.Pipeline {
		r.Verdict, r.Reason = reports.Skip, "this objective measures deliveries, retries included: use --through-engine"
		return r
	}
	if o.Rule != "" && e.Peak >= DocumentedRate {
		r.Verdict, r.Reason = reports.Skip, fmt.Sprintf("premise not met: %s/s offered, and the documentation speaks of less than %d/s for each dataflow", rateText(e.Peak), DocumentedRate)
		return r
	}
	if o.Quantity == Backfilled {
		return o.backfill(e, r)
	}
	missing := o.measure(e, &r)
	if o.Over == Stored && missing == "" {
		var failed bool
		if missing, failed = o.stored(e, &r); failed && len(e.Doubts) == 0 {
			r.Verdict, r.Reason = reports.Fail, missing
			return r
		}
	}
	if o.Quantity == Latency && o.Over != Stored && e.Growing > 0 && len(e.Doubts) == 0 && r.Samples > 0 {
		o.trend(e, &r)
		return r
	}
	if r.Reason = missing; missing != "" {
		if len(e.Doubts) == 0 && o.clearly(e) {
			r.Verdict, r.Reason = reports.Fail, "measured "+valueText(r.Measured, r.Unit)
		}
		return r
	}
	if o.certain(e) {
		r.Verdict = reports.Fail
		r.Reason = fmt.Sprintf("measured %s, and the requests that had not ended cannot change this", valueText(r.Measured, r.Unit))
		return r
	}
	if len(e.Doubts) > 0 {
		r.Reason = e.Doubts[0]
		return r
	}
	o.hold(&r)
	return r
}

// hold is the verdict of an interval.
func (o Objective) hold(r *reports.Objective) {
	within, without := r.High < o.Limit, r.Low >= o.Limit
	switch o.Op {
	case "<=":
		within, without = r.High <= o.Limit, r.Low > o.Limit
	case ">":
		within, without = r.Low > o.Limit, r.High <= o.Limit
	case ">=":
		within, without = r.Low >= o.Limit, r.High < o.Limit
	}
	switch {
	case within:
		r.Verdict = reports.Pass
	case without:
		r.Verdict, r.Reason = reports.Fail, "measured "+valueText(r.Measured, r.Unit)
	default:
		r.Reason = fmt.Sprintf("the limit is between %s and %s, where the true value is in 95 of 100 runs: measure longer", valueText(r.Low, r.Unit), valueText(r.High, r.Unit))
	}
}

// trend judges a latency that grows as long as the load goes on. There is no
// true value for an interval to hold: what is over the limit stays so, and what
// is not is so by the length of the run.
func (o Objective) trend(e Evidence, r *reports.Objective) {
	r.Low, r.High = r.Measured, r.Measured
	grows := fmt.Sprintf("each second of load adds %s: more is offered than is served", valueText(e.Growing*1000, "ms"))
	if e.Leaking {
		grows = fmt.Sprintf("each second of load adds %s, which stays at rest: the receiver leaks", valueText(e.Growing*1000, "ms"))
	}
	if r.Measured > o.Limit || r.Measured == o.Limit && o.Op == "<" {
		r.Verdict, r.Reason = reports.Fail, fmt.Sprintf("measured %s, and %s", valueText(r.Measured, r.Unit), grows)
		return
	}
	if e.Leaking {
		r.Verdict, r.Reason = reports.Pass, grows
		return
	}
	r.Reason = grows + ", and the limit is not reached yet: offer less"
}

// unsure divides the effective size of a run that is too short to have one: what
// it knows of its own memory may be wrong by so much.
const unsure = 4

// clearly reports whether an objective is missed by so much that a run that is
// too short for an interval shows it.
func (o Objective) clearly(e Evidence) bool {
	switch o.Quantity {
	case Errors, Lost:
		k, n, of := e.Failed, e.Attempts, e.FailedOf
		if o.Quantity == Lost {
			k, n, of = e.Lost, e.Exports, e.LostOf
		}
		if n == 0 || of.needed == 0 {
			return false
		}
		size := math.Max(1, float64(of.size)/unsure)
		low, _ := betaInterval(float64(k)/float64(n)*size, size)
		return low > o.Limit
	case Latency:
		h := o.histogram(e)
		if h == nil || h.Count() == 0 || o.Quantile == 1 {
			return false
		}
		of := h.effective(o.Quantile)
		low, _ := quantileInterval(h.Count(), max(1, of.size/unsure), o.Quantile)
		return of.needed > 0 && low >= 1 && h.Rank(low) > o.Limit
	}
	return false
}

// certain reports whether a latency objective is missed whatever becomes of
// what had not ended: so much of what did end took too long that not even all
// of the rest within the limit would do. It holds where unfinished deliveries
// are the only doubt.
func (o Objective) certain(e Evidence) bool {
	h := o.histogram(e)
	if h == nil || e.Unfinished == 0 || len(e.Doubts) != 1 || o.Quantile == 0 || o.Quantile == 1 || o.Op != "<" && o.Op != "<=" {
		return false
	}
	n := h.Count() + e.Unfinished
	low, _ := quantileRanks(n, o.Quantile)
	// All that had not ended is supposed to stand before the slow ones.
	rank := low - e.Unfinished
	return rank >= 1 && h.Rank(rank) > o.Limit
}

// measure is interval for an objective of any time of the load: where that is the time
// of a backfill, the load must have seen its end.
func (o Objective) measure(e Evidence, r *reports.Objective) (missing string) {
	missing = o.interval(e, r)
	if o.Over == DuringBackfill && e.Backfill != nil && missing == "" {
		missing = e.Backfill.Missing
	}
	return missing
}

// interval fills in the measured value with its interval, or the reason why
// there is no value.
func (o Objective) interval(e Evidence, r *reports.Objective) (missing string) {
	switch o.Quantity {
	case Errors, Lost:
		r.Unit = "share"
		k, n, of := e.Failed, e.Attempts, e.FailedOf
		if o.Quantity == Lost {
			k, n, of = e.Lost, e.Exports, e.LostOf
		}
		if r.Samples = n; n == 0 {
			return "nothing ended"
		}
		r.Measured = float64(k) / float64(n)
		if r.Low, r.High = shareInterval(k, n); of.size > 0 && of.size < n {
			r.Low, r.High = betaInterval(r.Measured*float64(of.size), float64(of.size))
		}
		return tooShort(of)
	case Trend:
		r.Unit = "share/h"
		if e.Trend == nil {
			return "the run is too short, or its rate changes: a trend needs a constant pace"
		}
		r.Samples = growthParts
		r.Measured, r.Low, r.High = e.Trend.PerHour, e.Trend.Low, e.Trend.High
		return ""
	case Rate:
		r.Unit, r.Samples = "/s", e.Attempts-e.Failed
		r.Measured, r.Low, r.High = e.Rate, e.Rate, e.Rate
		if e.Attempts == 0 {
			return "nothing ended"
		}
		return ""
	}
	h := o.histogram(e)
	if h == nil {
		return "this mode does not measure it"
	}
	n := h.Count()
	if r.Samples = n; n == 0 {
		return "nothing was delivered"
	}
	if o.Quantile == 1 {
		r.Measured = h.Rank(n)
		r.Low, r.High = r.Measured, r.Measured
		return ""
	}
	of := h.effective(o.Quantile)
	low, high := quantileInterval(n, of.size, o.Quantile)
	r.Measured = h.Quantile(o.Quantile)
	r.Low, r.High = h.Rank(max(low, 1)), h.Rank(high)
	if low < 1 || high > n {
		if short := tooShort(of); short != "" {
			return short + o.within(h, of)
		}
		return fmt.Sprintf("%d samples are too few for %s: the interval has no upper end", of.size, o.Text)
	}
	if short := tooShort(of); short != "" {
		return short + o.within(h, of)
	}
	return ""
}

// within explains that a run is too short although all of its times are within the limit:
// no bound settles that, since times that depend on each other are one look at the queue,
// however many they are, and one that has seen no long queue knows nothing of it.
func (o Objective) within(h *Histogram, of effective) string {
	longest := h.Rank(h.Count())
	if longest >= o.Limit {
		return ""
	}
	all := fmt.Sprintf("; all %d took %s or less, but ", h.Count(), valueText(longest, "ms"))
	if needs := samplesOf(o.Quantile); float64(of.size) < needs {
		return all + fmt.Sprintf("say no more than %d independent ones, and %s needs %.0f of these", of.size, o.Text, math.Ceil(needs))
	}
	return all + "so short a run does not show whether a longer queue comes"
}

// tooShort is why a run is too short for an interval; "" where it is long
// enough.
func tooShort(of effective) string {
	if of.needed == 0 {
		return ""
	}
	return fmt.Sprintf("one slow answer makes the next one likely, and the run is too short to measure how likely: run for at least %s", of.needed)
}

func (o Objective) histogram(e Evidence) *Histogram {
	if o.All {
		return map[Span]*Histogram{Service: e.AllService, Response: e.AllResponse}[o.Over]
	}
	switch o.Over {
	case Delivery:
		return e.Delivery
	case Response:
		return e.Response
	case Service:
		return e.Service
	case Stored:
		return e.Stored
	case DuringBackfill:
		return e.DuringBackfill
	}
	if e.Pipeline {
		return e.Delivery
	}
	return e.Response
}

// valueText is a value with its unit, for people.
func valueText(v float64, unit string) string {
	switch unit {
	case "share":
		return percentText(v)
	case "/s":
		return rateText(v) + "/s"
	case "share/h":
		return percentText(v) + "/h"
	}
	d := time.Duration(v * float64(time.Millisecond))
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Second:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Microsecond).String()
}

// percentText is a share with three significant figures, and whole from a
// hundred percent.
func percentText(v float64) string { return rateText(v*100) + "%" }

// RateText is a rate for people.
func RateText(v float64) string { return rateText(v) + "/s" }

// rateText is a rate with three significant figures, and whole from a hundred.
func rateText(v float64) string {
	if v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}
