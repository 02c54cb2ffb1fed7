package loadtest

import (
	"math"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/httpdest/httpdest/reports"
)

// leastSoak is how long a load must at least be for its trend to be in the report.
const leastSoak = time.Minute

// soak is how the latencies of a run change with time: by which share of what they
// were at first, in an hour. ok is false where the run has too few parts.
func (b *batches) soak() (t reports.Trend, ok bool) {
	at, each := b.parts()
	if len(at) == 0 {
		return t, false
	}
	rise, deviation := line(at)
	if math.IsInf(deviation, 1) {
		rise, deviation = steps(at)
	}
	n := float64(len(at))
	start := sumOf(at)/n - rise*n/2
	if start <= 0 {
		start = at[0]
	}
	if start <= 0 {
		return t, false
	}
	perHour := time.Hour.Seconds() / each / start
	wide := distuv.StudentsT{Sigma: 1, Nu: n - 2}.Quantile(1-(1-confidence)/2) * deviation
	return reports.Trend{StartMs: start * 1000, PerHour: rise * perHour, Low: (rise - wide) * perHour, High: (rise + wide) * perHour}, true
}
