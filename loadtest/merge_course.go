package loadtest

import (
	"fmt"
	"math"
	"time"

	"github.com/httpdest/httpdest/reports"
)

// late adds up late starts. The time for which a process stood still is that of
// the machine where it was longest, as machines stand still at the same time or not.
func (m *merging) late(l *reports.Lateness) {
	if l == nil {
		return
	}
	if m.out.Late == nil {
		m.out.Late = &reports.Lateness{}
	}
	to := m.out.Late
	for a, b := range map[*reports.LateStarts]reports.LateStarts{
		&to.Generator: l.Generator, &to.Sockets: l.Sockets, &to.Receiver: l.Receiver,
	} {
		a.Count, a.TotalMs, a.MaxMs = a.Count+b.Count, a.TotalMs+b.TotalMs, max(a.MaxMs, b.MaxMs)
	}
	to.StoodSeconds = max(to.StoodSeconds, l.StoodSeconds)
}

// stages adds up the stages of the parts, which are by the time since each began.
func (m *merging) stages(parts []Part) error {
	first := parts[0].Load.Stages
	whole := make([]*Histogram, len(first))
	out, without := make([]reports.Stage, len(first)), ""
	for _, p := range parts {
		if !sameStages(first, p.Load.Stages) {
			m.out.LeftOut = append(m.out.LeftOut, "the rows of stages: those of "+p.From+" are others than those of "+parts[0].From)
			return nil
		}
		for i, s := range p.Load.Stages {
			to := &out[i]
			to.AtSeconds, to.Seconds = s.AtSeconds, s.Seconds
			to.From, to.To = to.From+s.From, to.To+s.To
			to.Offered, to.Begun = to.Offered+s.Offered, to.Begun+s.Begun
			to.Delivered, to.Failed = to.Delivered+s.Delivered, to.Failed+s.Failed
			if s.Histogram == "" {
				if s.Delivered > 0 {
					without = p.From
				}
				continue
			}
			h, err := DecodeHistogram(s.Histogram)
			if err == nil {
				err = into(&whole[i], h, coarse)
			}
			if err != nil {
				return fmt.Errorf("%s: stage %d: %w", p.From, i+1, err)
			}
		}
	}
	if without != "" {
		m.out.LeftOut = append(m.out.LeftOut, "the percentiles of stages: "+without+" is of a version that keeps no histograms of them")
	}
	for i, h := range whole {
		if h != nil && without == "" {
			q := h.quantiles(0.5, 0.95, 0.99)
			out[i].P50Ms, out[i].P95Ms, out[i].P99Ms, out[i].Histogram = q[0], q[1], q[2], h.encode()
		}
	}
	if len(out) > 0 {
		m.out.Stages = out
	}
	return nil
}

// sameStages reports whether stages are at the same times.
func sameStages(a, b []reports.Stage) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if math.Abs(a[i].AtSeconds-b[i].AtSeconds) > 1e-6 || math.Abs(a[i].Seconds-b[i].Seconds) > 1e-6 {
			return false
		}
	}
	return true
}

// trend is the mean of the trends of the parts, each with the share of its
// successful requests, from the beginning of the first. The parts saw one receiver,
// so that their errors may be the same, and the interval is as wide as theirs.
func (m *merging) trend(parts []Part, after []time.Duration) {
	with, without, count := 0, "", 0.0
	var start, rise, low, high float64 // ms, and ms in an hour
	for i, p := range parts {
		t := p.Load.Trend
		if t == nil {
			without = p.From
			continue
		}
		n := float64(p.Load.Delivered.Count)
		with, count = with+1, count+n
		start += n * t.StartMs * (1 - t.PerHour*after[i].Hours())
		rise += n * t.StartMs * t.PerHour
		low += n * t.StartMs * t.Low
		high += n * t.StartMs * t.High
	}
	switch {
	case with == 0:
	case without != "":
		m.out.LeftOut = append(m.out.LeftOut, "the trend: "+without+" has no trend")
	case start > 0:
		m.out.Trend = &reports.Trend{StartMs: start / count, PerHour: rise / start, Low: low / start, High: high / start}
	}
}
