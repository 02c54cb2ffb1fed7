package loadtest

import (
	"time"

	"github.com/httpdest/httpdest/reports"
)

// stage is a part of a load with numbers of its own, by when requests were due.
type stage struct {
	slope
	begun, ok, failed int64
	whole             *Histogram
}

func newStages(p Pace) (out []*stage) {
	for _, s := range stagesOf(p) {
		out = append(out, &stage{slope: s, whole: newHistogram(coarse)})
	}
	return out
}

// stageAt is the stage of a moment; nil where a load has no
// stages.
func (r *Recorder) stageAt(due time.Duration) *stage {
	for _, s := range r.stages {
		if due.Seconds() < s.at+s.length {
			return s
		}
	}
	if n := len(r.stages); n > 0 {
		return r.stages[n-1]
	}
	return nil
}

// begin counts a request; nothing happens where there is no stage.
func (s *stage) begin() {
	if s != nil {
		s.begun++
	}
}

// end counts one that is over.
func (s *stage) end(took time.Duration, ok bool) {
	switch {
	case s == nil:
	case ok:
		s.ok++
		s.whole.Record(took)
	default:
		s.failed++
	}
}

// stageResults are those of a report.
func (r *Recorder) stageResults() (out []reports.Stage) {
	for _, s := range r.stages {
		from := seconds(s.at)
		q := s.whole.quantiles(0.5, 0.95, 0.99)
		out = append(out, reports.Stage{AtSeconds: s.at, Seconds: s.length, From: s.from, To: s.to,
			Offered: r.due(from+seconds(s.length)) - r.due(from), Begun: s.begun, Delivered: s.ok, Failed: s.failed,
			P50Ms: q[0], P95Ms: q[1], P99Ms: q[2], Histogram: s.whole.encode()})
	}
	return out
}
