package reports

import (
	"fmt"
	"math"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Bar is how many times of a distribution are from FromMs to ToMs.
type Bar struct {
	FromMs, ToMs float64
	Count        int64
}

// Bars are those of the histogram that are not empty, by time.
func (d *Distribution) Bars() (bars []Bar, err error) {
	defer func() {
		// A report from elsewhere may contain anything instead of a histogram, and
		// the decoder reads lengths without checking them.
		if p := recover(); p != nil {
			bars, err = nil, fmt.Errorf("histogram: %v", p)
		}
	}()
	h, err := hdrhistogram.Decode([]byte(d.Histogram))
	if err != nil {
		return nil, fmt.Errorf("histogram: %w", err)
	}
	longest := h.Max() // which goes through all of it
	for _, b := range h.Distribution() {
		if b.Count > 0 {
			bars = append(bars, Bar{float64(b.From) / 1000, float64(min(b.To, longest)) / 1000, b.Count})
		}
	}
	return bars, nil
}

// Quantile is the time that the share q of bars is not above, by the nearest
// rank; 0 without a bar.
func Quantile(bars []Bar, q float64) float64 {
	total := int64(0)
	for _, b := range bars {
		total += b.Count
	}
	rank := int64(math.Ceil(q*float64(total) - 1e-9*float64(total)))
	seen := int64(0)
	for _, b := range bars {
		if seen += b.Count; seen >= max(1, rank) {
			return b.ToMs
		}
	}
	return 0
}
