package loadtest

import (
	"math"
	"time"
)

const (
	// growthParts is how many parts of a run make a trend.
	growthParts = 32
	// surely is how many standard errors a trend must be from nothing: a queue
	// that is stable and began empty is as far in one run of ten thousand.
	surely = 4.0
	// leastGrowth is the least trend that counts, in seconds of latency for each
	// second of load: the share by which more is offered than is served.
	leastGrowth = 0.001
)

// growing is how many seconds of latency each second of load adds, where the
// course of the run shows a trend and not chance, and 0 elsewhere.
func (b *batches) growing() float64 {
	at, each := b.parts()
	if len(at) == 0 {
		return 0
	}
	for _, trend := range []func([]float64) (float64, float64){steps, line} {
		if rise, deviation := trend(at); rise/each >= leastGrowth && rise >= surely*deviation {
			return rise / each
		}
	}
	return 0
}

// drift is how many seconds of latency each second of load adds, be it a trend or
// chance.
func (b *batches) drift() float64 {
	at, each := b.parts()
	if len(at) == 0 {
		return 0
	}
	rise, _ := line(at)
	return rise / each
}

// parts are the mean times of the parts of a run, and how many seconds each of
// them is long; none where there are too few.
func (b *batches) parts() (at []float64, each float64) {
	means := b.means()
	if len(means) < growthParts {
		return nil, 0
	}
	at = make([]float64, growthParts)
	for i := range at {
		part := means[i*len(means)/growthParts : (i+1)*len(means)/growthParts]
		at[i] = sumOf(part) / float64(len(part))
	}
	return at, (time.Duration(len(b.all)) * b.width).Seconds() / growthParts
}

// steps is the mean step from one part to the next, with its standard error. The
// steps of a queue that never empties are independent, so that this holds for
// one near saturation too.
func steps(at []float64) (rise, deviation float64) {
	n := float64(len(at) - 1)
	rise = (at[len(at)-1] - at[0]) / n
	square := 0.0
	for i := 1; i < len(at); i++ {
		d := at[i] - at[i-1] - rise
		square += d * d
	}
	return rise, math.Sqrt(square / (n - 1) / n)
}

// line is the slope of the straight line through the parts. The rest must be
// nearly without memory: next to a wandering queue, a line means nothing.
func line(at []float64) (rise, deviation float64) {
	n := float64(len(at))
	var x, y, xx, xy float64
	for i, v := range at {
		k := float64(i)
		x, y = x+k, y+v
		xx, xy = xx+k*k, xy+k*v
	}
	wide := xx - x*x/n
	rise = (xy - x*y/n) / wide
	square, product, before := 0.0, 0.0, 0.0
	for i, v := range at {
		left := v - y/n - rise*(float64(i)-x/n)
		square += left * left
		product += left * before
		before = left
	}
	if square == 0 {
		return rise, 0
	}
	memory := math.Max(0, product/square)
	if memory > 0.5 {
		return rise, math.Inf(1)
	}
	return rise, math.Sqrt(square / (n - 2) / wide * (1 + memory) / (1 - memory))
}
