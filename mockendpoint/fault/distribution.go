package fault

import (
	"math"
	"time"
)

// quantile is the latency that a share u of all latencies does not exceed, 0 < u
// < 1, in whole microseconds: the inverse of the distribution function, so that
// one lot makes one latency.
func quantile(d *Distribution, u float64) time.Duration {
	var v float64
	switch d.Shape {
	case Uniform:
		v = float64(d.Min) + u*float64(d.Max-d.Min)
	case Normal:
		v = float64(d.Mean) + float64(d.Deviation)*standard(u)
	case LogNormal:
		v = float64(d.Median) * math.Exp(d.Sigma*standard(u))
	case Percentiles:
		v = between(d.Table, 100*u)
	}
	return time.Duration(min(max(0, v), float64(Longest))).Round(time.Microsecond)
}

// standard is the quantile of the standard normal distribution.
func standard(u float64) float64 { return math.Sqrt2 * math.Erfinv(2*u-1) }

// between reads the table at a percentage; below its first point it is flat, as
// it is above its last.
func between(t []Percentile, percent float64) float64 {
	if percent <= t[0].Percent {
		return float64(t[0].At)
	}
	for i := 1; i < len(t); i++ {
		if from, to := t[i-1], t[i]; percent <= to.Percent {
			return float64(from.At) + float64(to.At-from.At)*(percent-from.Percent)/(to.Percent-from.Percent)
		}
	}
	return float64(t[len(t)-1].At)
}
