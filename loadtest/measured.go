package loadtest

import (
	"fmt"
	"math"

	"github.com/httpdest/httpdest/loadtest/model"
	"github.com/httpdest/httpdest/reports"
)

// Measured is a receiver as a load test saw it.
type Measured struct {
	Latency model.Latency
	Spread  float64 // of the mean latency, relative, in 95 of 100 runs
	Errors  Between // share of the answers in time that are not 2xx
	Doubts  []string
	encoded string // the histogram that Latency is from
}

// Report is what the report of a plan has of it.
func (m *Measured) Report() *reports.PlanMeasured {
	return &reports.PlanMeasured{
		Histogram:  m.encoded,
		Spread:     m.Spread,
		Errors:     m.Errors.Likely,
		ErrorsLow:  m.Errors.Low,
		ErrorsHigh: m.Errors.High,
		Doubts:     m.Doubts,
	}
}

// MeasuredOf reads it back from there.
func MeasuredOf(p *reports.PlanMeasured) (*Measured, error) {
	h, err := DecodeHistogram(p.Histogram)
	if err != nil {
		return nil, err
	}
	return &Measured{
		Latency: h.latency(),
		Spread:  p.Spread,
		Errors:  Between{p.ErrorsLow, p.Errors, p.ErrorsHigh},
		Doubts:  p.Doubts,
		encoded: p.Histogram,
	}, nil
}

// MeasuredBy takes the receiver out of a load test.
func MeasuredBy(l *reports.Load) (*Measured, error) {
	d := l.Attempts() // a timeout keeps a socket too
	if d == nil || d.Count < 100 {
		return nil, fmt.Errorf("fewer than a hundred answers were measured")
	}
	h, err := decoded(d)
	if err != nil {
		return nil, err
	}
	m := &Measured{Latency: h.latency(), Doubts: l.Doubts, encoded: d.Histogram}
	if mean := h.h.Mean(); mean > 0 {
		m.Spread = min(1, 1.96*h.h.StdDev()/mean/math.Sqrt(float64(h.effective(0.5).size)))
	}
	// Timeouts are in the latency already.
	var answers, errors int64
	for _, o := range l.Outcomes {
		if o.Outcome == "timeout" {
			continue
		}
		answers += o.Count
		if !o.OK {
			errors += o.Count
		}
	}
	m.Errors.Low, m.Errors.High = shareInterval(errors, answers)
	if answers > 0 {
		m.Errors.Likely = float64(errors) / float64(answers)
	}
	if size := float64(l.EffectiveAttempts); size > 0 && l.EffectiveAttempts < answers {
		m.Errors.Low, m.Errors.High = betaInterval(m.Errors.Likely*size, size)
	}
	return m, nil
}

// latency is the histogram as the model has it.
func (h *Histogram) latency() model.Latency {
	const fine = 2000
	shares := make([]float64, fine)
	for i := range shares {
		shares[i] = (float64(i) + 0.5) / fine
	}
	at := h.quantiles(shares...)
	return model.FromQuantiles(func(share float64) float64 { return at[min(fine-1, int(share*fine))] / 1000 })
}
