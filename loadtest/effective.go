package loadtest

import (
	"math"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
)

// Times of one queue are not independent: a request that waited long is
// followed by others that do. The effective size of a sample is the number of
// independent times with the same information. It comes from the
// autocorrelation of batches: the integrated autocorrelation time, summed up to
// a window of a few times itself (A. Sokal, "Monte Carlo Methods in Statistical
// Mechanics", 1997, section 3), with the corrections for the window's end and
// for the mean that is estimated too (U. Wolff, "Monte Carlo errors with less
// errors", Comput. Phys. Commun. 156, 2004, section 3.3).
const (
	// windowTimes is how many autocorrelation times the window is long.
	windowTimes = 2.0
	// leastDegrees are the least degrees of freedom of a variance: with fewer the
	// run is not much longer than what it is to measure.
	leastDegrees = 10.0
	// leastBeyond is how many effective times must be beyond a quantile, where
	// times depend on each other: fewer have not seen the rare long queue.
	leastBeyond = 10.0
	// luck widens an interval where few are: a run that was lucky saw fewer long
	// queues and takes its variance from them too. Chosen by measurement: make
	// coverage-of-intervals.
	luck = 20.0
	// independent is the effective share of times from which on they are taken as
	// independent, and any number of them will do.
	independent = 0.5
)

// body are the quantiles that show how long a run remembers. Those of the tail
// are not reliable: a short run has not seen the tail.
var body = []float64{0.5, 0.8}

// effective is what a run says about one share of its times.
type effective struct {
	size   int64         // independent times with the same information; never more than there are
	needed time.Duration // how long a run must at least be; 0: this one is long enough
}

// longRun is the variance of the sum of residuals, with its degrees of freedom.
func longRun(residuals []float64) (variance, degrees float64) {
	n := float64(len(residuals))
	square := 0.0
	for _, x := range residuals {
		square += x * x
	}
	if square == 0 {
		return 0, n
	}
	times, lag := 1.0, 1
	for ; lag < len(residuals); lag++ {
		product := 0.0
		for i := lag; i < len(residuals); i++ {
			product += residuals[i] * residuals[i-lag]
		}
		times += 2 * product / square
		if float64(lag) >= windowTimes*times {
			break
		}
	}
	width := 2*float64(lag) + 1
	cut := 1 - math.Exp(-windowTimes)     // what an exponential memory leaves beyond the window
	estimated := math.Max(0.2, 1-width/n) // the mean takes part of every covariance with it
	return square * math.Max(times, 0.05) / cut / estimated, n / width
}

// sizeAt is the effective size for the share of times up to a bucket, before
// any bound.
func (b *batches) sizeAt(bucket int) (size, degrees float64) {
	residuals, share := b.residuals(bucket)
	total := float64(b.total())
	variance, degrees := longRun(residuals)
	if variance == 0 {
		return total, degrees
	}
	return share * (1 - share) * total * total / variance, degrees
}

// effective is the size for a quantile; how is whether the quantile is rare, in
// which case body shows how long the run remembers.
func (b *batches) effective(q float64) effective {
	total := float64(b.total())
	if total == 0 {
		return effective{}
	}
	size, degrees := b.sizeAt(b.bucketAt(q))
	// A quantile in a bucket that many times share has two edges.
	if below, _ := b.sizeAt(b.bucketAt(q) - 1); below > 0 {
		size = math.Min(size, below)
	}
	remembered := size
	for _, p := range body {
		if p < q {
			s, d := b.sizeAt(b.bucketAt(p))
			remembered, degrees = math.Min(remembered, s), math.Min(degrees, d)
		}
	}
	out := b.bounded(size, remembered, degrees, 1-q)
	if least := samplesOf(q); out.needed == 0 && float64(out.size) < least && float64(out.size) < independent*total {
		out.needed = b.advised(least / float64(out.size))
	}
	return out
}

// effectiveShare is the size for the share of times that are longer than the
// shortest bucket, as the batches of failures have them.
func (b *batches) effectiveShare() effective {
	if b.total() == 0 {
		return effective{}
	}
	size, degrees := b.sizeAt(0)
	return b.bounded(size, size, degrees, 1)
}

// bounded makes an answer of a size, of what the run remembers, and of how rare
// that is which is asked for.
func (b *batches) bounded(size, remembered, degrees, rare float64) effective {
	total := float64(b.total())
	if size >= independent*total && remembered >= independent*total {
		return effective{size: int64(math.Ceil(math.Min(size, total)))}
	}
	beyond := math.Min(remembered, total) * rare
	var out effective
	if short := math.Max(leastDegrees/degrees, leastBeyond/beyond); short > 1 {
		out.needed = b.advised(short)
	}
	// Student's t for the degrees of freedom, in place of the normal quantile.
	tail := 1 - (1-confidence)/2
	t := distuv.StudentsT{Sigma: 1, Nu: math.Max(degrees, 1)}.Quantile(tail)
	z := distuv.UnitNormal.Quantile(tail)
	size *= z * z / (t * t) / (1 + luck/beyond)
	out.size = int64(math.Max(1, math.Min(size, total)))
	return out
}

// advised is a length for a run that should have been so many times longer.
func (b *batches) advised(times float64) time.Duration {
	length := time.Duration(len(b.all)) * b.width
	return max(time.Second, time.Duration(float64(length)*math.Min(1.5*times, mostAdvised)).Round(time.Second))
}

// mostAdvised bounds by how many times longer than a run one is advised: what a
// run remembers that saw a single queue is a guess.
const mostAdvised = 20
