package loadtest

import (
	"fmt"
	"time"

	"github.com/httpdest/httpdest/reports"
)

// warnings say what a planner must not overlook. Each is about the worst side.
func (p Planning) warnings(sides [3]*side) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	worst := sides[2]
	main := worst.flows[0]
	if main.peak >= DocumentedRate {
		add(
			"%s exports a second in the busiest hour: the documentation promises "+
				"p95 below ten minutes only below %d/s for each dataflow (R119)",
			rateText(main.peak),
			DocumentedRate,
		)
	}
	for _, f := range worst.flows {
		of := ""
		if f != main {
			of = " of dataflow " + f.Name
		}
		switch u := f.steady.Utilisation; {
		case u >= 1:
			add(
				"the sockets%s are saturated in the busiest hour (%.0f%%): the backlog grows by %s exports a second, "+
					"and every export waits for all earlier ones",
				of,
				u*100,
				rateText(f.peak-f.steady.MaxRate),
			)
		case u > utilisationAdvised:
			add(
				"the sockets%s are %.0f%% busy in the busiest hour: a little more latency, or a few more errors, saturates them",
				of,
				u*100,
			)
		}
	}
	if a := main.steady.Attempts; a > 1.1 {
		add(
			"retries raise the load of the receiver to %.2f times the exports; if every attempt failed it would be 3 times, "+
				"%s requests a second",
			a,
			rateText(3*main.peak),
		)
	}
	if main.steady.Lost > 0.0001 {
		add("%s of the exports are given up after three attempts", percentText(main.steady.Lost))
	}
	p.staying(worst, add)
	p.varying(worst, add)
	p.collapse(worst, add)
	if p.Outage != nil && p.Outage.Length > 47*time.Second {
		add(
			"retries end after 45 s: an export first tried earlier than that before the end of an outage " +
				"is lost, and is never sent again",
		)
	}
	return out
}

// staying warns of a backlog that a day leaves, and of an hour that is worse than
// the day.
func (p Planning) staying(s *side, add func(string, ...any)) {
	main := s.flows[0]
	if first, last := main.windows[0], main.windows[len(main.windows)-1]; s.grows() {
		add(
			"the backlog grows from day to day: by %s exports on the first, and to %s by the end of day %d",
			countText(first.ends-first.begins),
			countText(last.ends),
			len(main.windows),
		)
	} else if len(main.windows) > 1 {
		add("the first day leaves a backlog of %s exports: the table of days shows how it goes on", countText(first.ends))
	}
	if p.Outage != nil && !s.grows() && !s.recovered(p) {
		add("the backlog of the outage does not drain within %d days", mostDays)
	}
	limit := Documented().Limit
	if h := main.worst; h.latencies.P95*1000 >= limit && main.windows[0].latencies.P95*1000 < limit {
		add(
			"p95 of the exports due from %02d:00 to %02d:00 is %s, although that of the day is %s",
			h.hour,
			(h.hour+1)%24,
			valueText(h.latencies.P95*1000, "ms"),
			valueText(main.windows[0].latencies.P95*1000, "ms"),
		)
	}
}

// countText is a whole number of things, in groups of three.
func countText(v float64) string {
	digits := fmt.Sprintf("%.0f", max(0, v))
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// collapse warns of a receiver that works on requests nobody waits for any
// more: once its queue is longer than the two seconds, every attempt fails,
// retries triple the rate, and it stays so by itself.
func (p Planning) collapse(s *side, add func(string, ...any)) {
	capacity := s.receiver.Capacity
	if capacity == 0 {
		return
	}
	requests, peak, sockets, hour := s.busiestAtReceiver()
	if why := s.crowded(); why != "" {
		add("%s: latencies, backlogs and their ranges are at least those shown", why)
	}
	if requests >= capacity {
		add(
			"the receiver can process %s requests a second and gets %s in the busiest hour (%02d:00): it falls behind",
			rateText(capacity),
			rateText(requests),
			hour,
		)
	}
	if longest := capacity * s.receiver.Policy.Budget; float64(sockets) > longest && 3*peak > capacity {
		add(
			"%d sockets can queue more requests at the receiver than it answers in 2 s (%s): "+
				"after a hiccup every answer comes too late, retries make it %s requests a second against its %s, "+
				"and it does not recover by itself; keep to %s sockets, or shed load",
			sockets,
			rateText(longest),
			rateText(3*peak),
			rateText(capacity),
			rateText(longest),
		)
	}
}

// crowded is why figures near the capacity are too good; "" where they are not. A plan
// has chance in the queue for sockets only. Where there are more of these than the
// receiver can work on at once, requests queue in it too, long before it is full: with one
// worker that is 80 % busy and fifty sockets it collapses within hours.
func (s *side) crowded() string {
	capacity := s.receiver.Capacity
	requests, _, sockets, hour := s.busiestAtReceiver()
	if capacity == 0 || requests < utilisationAdvised*capacity || float64(sockets) <= capacity*s.receiver.Busy()*(1+1e-9) {
		return ""
	}
	return fmt.Sprintf(
		"the receiver gets %s of its --capacity in the busiest hour (%02d:00), and requests that queue in it by chance "+
			"are not in the plan",
		percentText(requests/capacity),
		hour,
	)
}

// busiestAtReceiver is the hour in which all dataflows together bring the most:
// requests and exports a second, over all sockets.
func (s *side) busiestAtReceiver() (requests, exports float64, sockets, hour int) {
	for _, f := range s.flows {
		sockets += f.Sockets
	}
	for h := range 24 {
		rate := 0.0
		for _, f := range s.flows {
			here := f.PerDay.at(s.which) * f.Curve[h] / 3600
			if h == f.busiest() {
				here = f.peak
			}
			rate += here
		}
		if rate > exports {
			exports, hour = rate, h
		}
	}
	return exports * s.receiver.Attempts(), exports, sockets, hour
}

// flows are the dataflows in a report; none where there is one.
func (p Planning) flows(sides [3]*side) (out []reports.PlanFlow) {
	if len(p.Others) == 0 {
		return nil
	}
	for i, f := range sides[1].flows {
		worst := f.worst
		o := p.judged(Documented(), sides, i)
		out = append(
			out,
			reports.PlanFlow{
				Name:           f.Name,
				Sockets:        f.Sockets,
				PeakHour:       f.busiest(),
				PeakRate:       f.peak,
				Requests:       f.peak * f.steady.Attempts,
				Utilisation:    f.steady.Utilisation,
				P95Ms:          o.Measured,
				LowMs:          o.Low,
				HighMs:         o.High,
				WorstHour:      worst.hour,
				WorstHourP95Ms: worst.latencies.P95 * 1000,
				Highest:        f.highest(),
				Verdict:        o.Verdict,
				Reason:         o.Reason,
			},
		)
	}
	return out
}

// judge judges the documented objective (R119) and the target: one holds when it
// holds in the worst case, on the worst of the days that the plan shows.
func (p Planning) judge(sides [3]*side) (out []reports.Objective) {
	asked := []Objective{Documented()}
	if p.Target != nil {
		asked = Unique(append(asked, *p.Target))
	}
	for _, o := range asked {
		out = append(out, p.judged(o, sides, 0))
	}
	return out
}

// judged holds one dataflow against an objective.
func (p Planning) judged(o Objective, sides [3]*side, flow int) reports.Objective {
	out := reports.Objective{Text: o.Text, Rule: o.Rule, Limit: o.Limit, Unit: "ms", Verdict: reports.Inconclusive}
	if o.Quantity == Lost {
		out.Unit = "share"
	}
	day, varies := 0, false
	for i, s := range sides {
		f := s.flows[flow]
		number, value := f.worstDay(o.inPlan)
		low, high := value, value
		if o.Quantity != Lost {
			low, high = apart(f.windows[number-1].days, value, o.Quantile)
		}
		varies = varies || low != high
		if i == 0 {
			out.Low, out.High = low, high
		}
		if i == 1 {
			day, out.Measured = number, value
		}
		out.Low, out.High = min(out.Low, low), max(out.High, high)
	}
	peak := sides[1].flows[flow].peak
	within := func(v float64) bool { return v < o.Limit || v == o.Limit && o.Op == "<=" }
	expected := "expected " + valueText(out.Measured, out.Unit)
	if n := len(sides[1].flows[flow].windows); n > 1 {
		expected += fmt.Sprintf(" on day %d of %d", day, n)
	}
	if sides[1].overloaded(flow) {
		expected += ": the backlog grows from day to day"
	}
	switch {
	case o.Rule != "" && peak >= DocumentedRate:
		out.Verdict, out.Reason = reports.Skip, fmt.Sprintf(
			"premise not met: %s/s in the busiest hour",
			rateText(peak),
		)
	case o.Quantity == Latency && out.Low == 0:
		out.Reason = "nothing is delivered"
	case within(out.High) && !sides[2].overloaded(flow):
		if out.Reason = sides[2].crowded(); out.Reason == "" {
			out.Verdict = reports.Pass
		}
	case !within(out.Low) || sides[0].overloaded(flow):
		out.Verdict, out.Reason = reports.Fail, expected
	default:
		out.Reason = fmt.Sprintf("between %s and %s: ", valueText(out.Low, out.Unit), valueText(out.High, out.Unit))
		if varies {
			out.Reason += "days differ near full utilisation; more sockets or a faster receiver would settle it"
		} else {
			out.Reason += "narrow the inputs"
		}
	}
	return out
}

// inPlan is what a day comes to for an objective: milliseconds, or a share.
func (o Objective) inPlan(w window) float64 {
	if o.Quantity == Lost {
		return w.latencies.LostShare
	}
	return w.latencies.At(o.Quantile) * 1000
}
