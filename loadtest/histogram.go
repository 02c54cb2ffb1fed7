package loadtest

import (
	"fmt"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/httpdest/httpdest/reports"
)

// longest is the longest time that a histogram distinguishes from longer ones.
const longest = 24 * time.Hour

// The significant figures of a histogram over all of a run, and of one over a
// step of it, of which there are many.
const (
	precise = 3
	coarse  = 2
)

// Histogram counts times, in microseconds. It is not safe for concurrent use.
type Histogram struct {
	h *hdrhistogram.Histogram
	// course is how the times lie in the run, from which an effective size comes;
	// nil where that is not known. known is the effective size from a report
	// instead.
	course *batches
	known  []reports.Effective
}

// newCourse returns an empty histogram that keeps the course of the run too.
func newCourse() *Histogram {
	h := NewHistogram()
	h.course = newBatches()
	return h
}

// RecordAt counts a time of what was due at a moment of the run.
func (h *Histogram) RecordAt(due, took time.Duration) {
	h.Record(took)
	h.place(due, took)
}

// place keeps the course of the run alone.
func (h *Histogram) place(due, took time.Duration) {
	if h.course != nil {
		h.course.add(due, took)
	}
}

// effective is the effective size for the quantile q: that of the course, or
// what is known from a report. Times of which neither is known count as
// independent.
func (h *Histogram) effective(q float64) effective {
	n := h.Count()
	if h.course != nil && h.course.total() == n {
		return h.course.effective(q)
	}
	if e, ok := (&reports.Distribution{Effective: h.known}).EffectiveAt(q); ok {
		return effective{size: min(e.Size, n), needed: seconds(e.NeedSeconds)}
	}
	return effective{size: n}
}

// reported are the quantiles whose effective size is in a report.
var reported = []float64{0.5, 0.95, 0.99}

// effectiveSizes are those of a report; nil where the times count as
// independent.
func (h *Histogram) effectiveSizes() (out []reports.Effective) {
	if h.course == nil && h.known == nil || h.Count() == 0 {
		return nil
	}
	for _, q := range reported {
		e := h.effective(q)
		out = append(out, reports.Effective{Quantile: q, Size: e.size, NeedSeconds: e.needed.Seconds()})
	}
	return out
}

// joint are the effective sizes of the times of two histograms together.
func joint(a, b *Histogram) (out []reports.Effective) {
	for _, q := range reported {
		x, y := a.effective(q), b.effective(q)
		var s size
		s.add(x.size, a.Count())
		s.add(y.size, b.Count())
		out = append(out, reports.Effective{Quantile: q, Size: s.effective().size, NeedSeconds: max(x.needed, y.needed).Seconds()})
	}
	return out
}

// NewHistogram returns an empty one with three significant figures.
func NewHistogram() *Histogram { return newHistogram(precise) }

func newHistogram(figures int) *Histogram {
	return &Histogram{h: hdrhistogram.New(1, longest.Microseconds(), figures)}
}

// Record counts a time. Below a microsecond it counts as one, above a day as
// a day.
func (h *Histogram) Record(d time.Duration) {
	_ = h.h.RecordValue(min(max(d.Microseconds(), 1), longest.Microseconds())) // within its range
}

// RecordCorrected counts how late something was that happens every so often, and
// the times by which those were late that it kept from happening: a pause counts
// by its length, and not once.
func (h *Histogram) RecordCorrected(late, every time.Duration) {
	for ; late >= every; late -= every {
		h.Record(late)
	}
	h.Record(late)
}

// replaced is a copy with some times taken out and others put in. It keeps the
// effective sizes, and not the course.
func (h *Histogram) replaced(minus, plus *Histogram) *Histogram {
	x, out, in := h.h.Export(), minus.h.Export(), plus.h.Export()
	for i := range x.Counts {
		x.Counts[i] = max(0, x.Counts[i]-out.Counts[i]) + in.Counts[i]
	}
	return &Histogram{h: hdrhistogram.Import(x), known: h.effectiveSizes()}
}

// Count is how many times there are.
func (h *Histogram) Count() int64 { return h.h.TotalCount() }

// Merge adds the times of another with as many figures. The course of the run
// is not kept, only the effective sizes.
func (h *Histogram) Merge(other *Histogram) error {
	if sizes := h.effectiveSizes(); h.Count() == 0 {
		h.course, h.known = nil, other.effectiveSizes()
	} else if sizes != nil || other.effectiveSizes() != nil {
		h.course, h.known = nil, joint(h, other)
	}
	if dropped := h.h.Merge(other.h); dropped > 0 {
		return fmt.Errorf("%d times do not fit the histogram", dropped)
	}
	return nil
}

// Rank is the n-th shortest time, from 1, in milliseconds: the longest time
// that counts as it. n is capped at Count.
func (h *Histogram) Rank(n int64) float64 { return h.ranks(n)[0] }

// ranks are several at once, given in ascending order.
func (h *Histogram) ranks(wanted ...int64) []float64 {
	out := make([]float64, len(wanted))
	if h.Count() == 0 {
		return out
	}
	bars, longest := h.h.Distribution(), h.h.Max()
	seen, at := int64(0), -1
	for i, n := range wanted {
		for n = min(max(n, 1), h.Count()); seen < n; {
			at++
			seen += bars[at].Count
		}
		out[i] = float64(min(bars[at].To, longest)) / 1000
	}
	return out
}

// Quantile is the time, in milliseconds, that the share q of all is not above.
func (h *Histogram) Quantile(q float64) float64 { return h.quantiles(q)[0] }

func (h *Histogram) quantiles(ascending ...float64) []float64 {
	wanted := make([]int64, len(ascending))
	for i, q := range ascending {
		wanted[i] = rank(h.Count(), q)
	}
	return h.ranks(wanted...)
}

// rank is the nearest rank of a quantile among n.
func rank(n int64, q float64) int64 {
	whole := int64(q * float64(n))
	if float64(whole) < q*float64(n)-1e-9*float64(n) {
		whole++
	}
	return max(1, min(whole, n))
}

// Distribution is the histogram in a report; nil for an empty one.
func (h *Histogram) Distribution() *reports.Distribution {
	if h == nil || h.Count() == 0 {
		return nil
	}
	at := h.quantiles(0.5, 0.9, 0.95, 0.99, 0.999, 1)
	return &reports.Distribution{Count: h.Count(), MeanMs: h.h.Mean() / 1000, MinMs: float64(h.h.Min()) / 1000,
		P50Ms: at[0], P90Ms: at[1], P95Ms: at[2], P99Ms: at[3], P999Ms: at[4], MaxMs: at[5], Histogram: h.encode(), Effective: h.effectiveSizes()}
}

// decoded is the histogram of a report with the effective size from the report.
func decoded(d *reports.Distribution) (*Histogram, error) {
	h, err := DecodeHistogram(d.Histogram)
	if err == nil {
		h.known = d.Effective
	}
	return h, err
}

// DecodeHistogram reads the compressed form.
func DecodeHistogram(text string) (*Histogram, error) {
	h, err := hdrhistogram.Decode([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("histogram: %w", err)
	}
	return &Histogram{h: h}, nil
}
