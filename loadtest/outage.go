package loadtest

import (
	"time"

	"github.com/httpdest/httpdest/loadtest/model"
	"github.com/httpdest/httpdest/reports"
)

// outage sums up the effects of an outage. A step is over the objective where
// its p95 is: the limit is that of the first objective about p95, ten minutes
// without one.
func (r *Recorder) outage(o Outage, s *reports.Series, fired int64, objectives []Objective) *reports.Outage {
	out := &reports.Outage{AtSeconds: o.At.Seconds(), Seconds: o.Length.Seconds(), Fired: fired, Lost: r.lost}
	limit := Documented().Limit
	for _, x := range objectives {
		if x.Quantity == Latency && x.Quantile == 0.95 && x.Over != DuringBackfill {
			limit = x.Limit
			break
		}
	}
	end := (o.At + o.Length).Seconds()
	backlog := make([]float64, len(s.Points))
	lastOver := time.Duration(0)
	for i, p := range s.Points {
		backlog[i] = float64(p.Backlog)
		if p.AtSeconds+s.StepSeconds > out.AtSeconds {
			out.PeakBacklog = max(out.PeakBacklog, p.Backlog)
		}
		if p.P95Ms >= limit && p.AtSeconds+s.StepSeconds > out.AtSeconds {
			out.Breached = true
			lastOver = time.Duration((p.AtSeconds + s.StepSeconds) * float64(time.Second))
		}
	}
	out.DrainSeconds, out.Drained = model.Drained(backlog, s.StepSeconds, out.AtSeconds, end)
	if out.Breached {
		// Exports due after the last step over the limit were delivered within it.
		out.Recovered = lastOver < r.pace.Duration()
		out.RecoverySeconds = max(0, lastOver.Seconds()-end)
	}
	return out
}
