package loadtest

import (
	"fmt"
	"math"

	"github.com/httpdest/httpdest/loadtest/model"
)

const (
	// nearlyFull is the utilisation of the busiest hour from which days differ by
	// chance so much that a plan says by how much.
	nearlyFull = 0.9
	// leastVaried is the share by which a value must differ to be shown as one that
	// does.
	leastVaried = 0.1
)

// vary adds to the windows of a dataflow how their latencies differ from one such
// day to another.
func (f *flowSide) vary(grows bool) {
	if f.steady.Utilisation < nearlyFull || len(f.windows) == 0 {
		return
	}
	before := 86400.
	if grows {
		before = 0
	}
	all := f.course.Vary(f.windows[0].from, before)
	for i := range f.windows {
		w := &f.windows[i]
		w.days = all.Between(w.from, w.from+86400)
	}
	w := &f.windows[f.worstWindow]
	for i := range w.hours {
		if h := &w.hours[i]; h.hour == f.worst.hour {
			from := w.from + float64(i)*3600
			h.days = all.Between(from, from+3600)
			f.worst = *h
		}
	}
}

// apart is between which values a latency is on nine of ten days.
func apart(d *model.Days, value, quantile float64) (low, high float64) {
	if d == nil {
		return value, value
	}
	low, high = d.At(quantile)
	if low > 1-leastVaried && high < 1+leastVaried {
		return value, value
	}
	return value * low, value * high
}

// varying warns of days that differ.
func (p Planning) varying(s *side, add func(string, ...any)) {
	for _, f := range s.flows {
		day, value := f.worstDay(func(w window) float64 { return w.latencies.P95 })
		low, high := apart(f.windows[day-1].days, value, 0.95)
		if low == high {
			continue
		}
		of, on := "", ""
		if len(s.flows) > 1 {
			of = " of dataflow " + f.Name
		}
		if len(f.windows) > 1 {
			on = fmt.Sprintf(" on day %d", day)
		}
		add(
			"near full utilisation one day is not like another: p95%s is between %s and %s%s in nine of ten cases, "+
				"and %s over all of them%s",
			of,
			valueText(low*1000, "ms"),
			valueText(high*1000, "ms"),
			on,
			valueText(value*1000, "ms"),
			f.remembers(s.grows()),
		)
	}
}

// remembers is how long it takes until days are like those of the range, where that
// is long.
func (f *flowSide) remembers(grows bool) string {
	if f.memory < 86400 || grows || math.IsInf(f.memory, 1) {
		return ""
	}
	return fmt.Sprintf(
		"; a queue this full remembers %s days: so long after a change it takes until days are like that",
		rateText(f.memory/86400),
	)
}
