package loadtest

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/httpdest/httpdest/loadtest/model"
	"github.com/httpdest/httpdest/reports"
)

// Between is a number that is not known exactly.
type Between struct{ Low, Likely, High float64 }

// Exactly is a number that is.
func Exactly(v float64) Between { return Between{v, v, v} }

// at takes the end of a number that gives the smaller (-1), the likely (0) or
// the larger (1) load.
func (b Between) at(side int) float64 { return [3]float64{b.Low, b.Likely, b.High}[side+1] }

// Planning is what a planner knows.
type Planning struct {
	PerDay   Between     // exports a day
	Curve    [24]float64 // share of the day's exports in each hour; sums to 1
	Arrivals Arrivals    // of the exports of every dataflow at the rate of an hour; "": Poisson
	Latency  model.Latency
	Spread   float64 // relative uncertainty of the latency: a factor of 1+Spread, both sides
	Errors   Between
	Sockets  int
	Capacity Between // requests a second that the receiver can work on; 0: not known
	Outage   *Outage // At is the time of day
	Backfill float64 // exports of a newly mapped audience, on top, within the busiest hour (R114)
	// Others are further dataflows to the same receiver, each with a queue and
	// sockets of its own.
	Others []Dataflow
	// Target is judged next to the documented objective; nil: there is no target.
	Target *Objective
	Inputs []reports.Figure
	Doubts []string // of the load test that latency and errors are from
}

// Dataflow is what comes to a dataflow, and its sockets.
type Dataflow struct {
	Name     string
	PerDay   Between     // exports a day
	Curve    [24]float64 // share of the day's exports in each hour; sums to 1
	Sockets  int
	Backfill float64 // exports of a newly mapped audience, on top, within the busiest hour
}

// busiest is the hour with the largest share of the day.
func (d Dataflow) busiest() int { return slices.Index(d.Curve[:], slices.Max(d.Curve[:])) }

// peak is the exports a second of the busiest hour.
func (d Dataflow) peak(which int) float64 {
	return (d.PerDay.at(which)*d.Curve[d.busiest()] + d.Backfill) / 3600
}

// mainFlow names the dataflow that a plan is about, next to others.
const mainFlow = "main"

// dataflows are all of them, the one that the plan is about first.
func (p Planning) dataflows() []Dataflow {
	return append([]Dataflow{{mainFlow, p.PerDay, p.Curve, p.Sockets, p.Backfill}}, p.Others...)
}

// Flat is a day without hours.
func Flat() (c [24]float64) {
	for i := range c {
		c[i] = 1. / 24
	}
	return c
}

// utilisationAdvised is how busy sockets may be before waits grow steeply.
const utilisationAdvised = 0.8

// Plan works everything out. The receiver is taken at its best, as it likely
// is, and at its worst; a result's interval is between the two.
func (p Planning) Plan() *reports.Plan {
	out := &reports.Plan{Inputs: p.Inputs, Assumptions: p.assumptions()}
	var sides [3]*side
	sides[1] = p.side(0)
	for _, i := range []int{0, 2} {
		if sides[i] = sides[1]; !p.exact() {
			sides[i] = p.side(i - 1)
		}
	}
	for i, f := range sides[1].figures {
		for _, s := range sides {
			f.Low, f.High = min(f.Low, s.figures[i].Low), max(f.High, s.figures[i].High)
		}
		out.Results = append(out.Results, f)
	}
	likely := sides[1]
	for _, ms := range []float64{0, 100, 200, 300, 400, 500, 750, 1000, 1500} {
		r := likely.receiver
		r.Latency = r.Latency.Shift(ms / 1000)
		out.Sensitivity = append(out.Sensitivity, p.sensitivity(ms, r))
	}
	out.Hours, out.Days = likely.hours(), likely.days()
	out.Flows, out.Objectives = p.flows(sides), p.judge(sides)
	if o := p.Outage; o != nil {
		out.Outage = &reports.PlanOutage{AtSeconds: o.At.Seconds(), Seconds: o.Length.Seconds(), Kind: string(o.Kind), Words: o.Kind.Words()}
	}
	for _, d := range p.Doubts {
		out.Warnings = append(out.Warnings, "the measurement is in doubt: "+d)
	}
	out.Warnings = append(out.Warnings, p.warnings(sides)...)
	return out
}

// exact reports whether nothing is uncertain, so that the three sides are one.
func (p Planning) exact() bool {
	exact := p.Spread == 0
	uncertain := []Between{p.PerDay, p.Errors, p.Capacity}
	for _, d := range p.Others {
		uncertain = append(uncertain, d.PerDay)
	}
	for _, b := range uncertain {
		exact = exact && b.Low == b.High
	}
	return exact
}

// assumptions are what a plan takes for granted whatever its inputs.
func (p Planning) assumptions() []string {
	policy := model.Documented()
	out := []string{
		fmt.Sprintf(
			"An export has up to %d attempts: the second %s after the first has failed, "+
				"the third %s after that. An attempt ends after %s (R81, R86, R88).",
			policy.Attempts(),
			seconds(policy.Delays[0]),
			seconds(policy.Delays[1]),
			seconds(policy.Budget),
		),
		"Exports wait in the queue of the dataflow, in the engine, not at the receiver: first come, first served, " +
			"until one of its sockets is free. " +
			"A backlog counts what is due and has not ended: waiting, under way, or between two attempts.",
		p.Arrivals.assumption(),
	}
	if p.Capacity.High > 0 {
		out = append(
			out,
			fmt.Sprintf(
				"Above %s requests a second every answer of the receiver takes longer, until it gets no more than that. "+
					"Below it answers as fast as ever: how requests queue in it by chance is in no figure and no range.",
				rateText(p.Capacity.Likely),
			),
		)
	} else {
		out = append(out, "The receiver answers as fast however many requests it gets: --capacity is not known.")
	}
	return out
}

// finite is a number that JSON can have.
func finite(v float64) float64 {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return 0
	}
	return v
}

// figuresOf are the results of one side.
func (p Planning) figuresOf(s *side) {
	add := func(name string, v float64, unit, from string) {
		v = finite(v)
		s.figures = append(s.figures, reports.Figure{Name: name, Value: v, Low: v, High: v, Unit: unit, From: from})
	}
	latency := func(name string, d *model.Days, seconds, quantile float64, from string) {
		low, high := apart(d, seconds*1000, quantile)
		s.figures = append(
			s.figures,
			reports.Figure{Name: name, Value: finite(seconds * 1000), Low: finite(low), High: finite(high), Unit: "ms", From: from},
		)
	}
	main := s.flows[0]
	whole, worst := main.windows[0], main.worst
	of := "of the deliveries that are due in the day"
	if s.grows() {
		of = "of the deliveries that are due on the first day; the next days are in a table"
	}
	add("exports a day", p.PerDay.at(s.which)+p.Backfill, "exports", "profiles × updates of each")
	add("rate in the busiest hour", main.peak, "/s", fmt.Sprintf("hour %d of the curve", main.busiest()))
	add("attempts without an answer in time", s.receiver.Timeouts(), "share", "answers slower than 2 s")
	add("attempts per export", main.steady.Attempts, "attempts", "1 + f + f², where f of the attempts fail")
	add("exports lost after the last retry", main.steady.Lost, "share", "f³")
	add("requests a second at the receiver", main.peak*main.steady.Attempts, "/s", "rate × attempts")
	add(
		"requests a day at the receiver",
		whole.requests,
		"requests",
		"attempts of all exports, those in an outage too",
	)
	add("sockets busy in the busiest hour", main.steady.Sockets, "sockets", "rate × attempts × time of each (Little)")
	add(
		"sockets needed",
		math.Ceil(main.steady.Sockets/utilisationAdvised),
		"sockets",
		fmt.Sprintf("at %.0f%% utilisation", utilisationAdvised*100),
	)
	add("highest rate the sockets carry", main.steady.MaxRate, "/s", "sockets ÷ (attempts × time of each)")
	add("utilisation in the busiest hour", main.steady.Utilisation, "share", "busy ÷ sockets")
	latency("delivery latency, p50", whole.days, whole.latencies.P50, 0.5, of)
	latency("delivery latency, p95", whole.days, whole.latencies.P95, 0.95, of)
	latency("delivery latency, p99", whole.days, whole.latencies.P99, 0.99, of)
	latency(
		"delivery latency, p95 of the worst hour",
		worst.days,
		worst.latencies.P95,
		0.95,
		fmt.Sprintf("of what is due from %02d:00 to %02d:00", worst.hour, (worst.hour+1)%24),
	)
	add(
		"highest backlog",
		main.highest(),
		"exports",
		fmt.Sprintf("in the engine, due and not ended: on %.0f of 100 days no more", highestShare*100),
	)
	if p.Outage != nil {
		p.recovery(s, add)
	}
}

// recovery is what an outage leaves: by how much the backlog exceeds that of the
// same days without it.
func (p Planning) recovery(s *side, add func(string, float64, string, string)) {
	main := s.flows[0]
	from := fmt.Sprintf(
		"on average of such days, in the engine; %s in which the receiver %s, from %s of the day on",
		p.Outage.Length,
		p.Outage.Kind.Words(),
		clock(p.Outage.At),
	)
	add("backlog after the outage, at most", main.peakAfter(s.outageAt), "exports", from)
	add(
		"exports lost by the outage",
		max(0, main.course.Lost-main.calm.Lost),
		"exports",
		"all three attempts fell into it",
	)
	took, _ := main.drained(s.outageAt, s.outageAt+p.Outage.Length.Seconds())
	add(
		"time until the backlog has drained",
		took,
		"s",
		"from the end of the outage until a twentieth of what it added is left",
	)
}

// clock is a time of day.
func clock(at time.Duration) string {
	return fmt.Sprintf("%02d:%02d", int(at.Hours())%24, int(at.Minutes())%60)
}

// Words are what the kind means, of a receiver.
func (k OutageKind) Words() string {
	switch k {
	case Refusing:
		return "refuses connections (refuse)"
	case Unavailable:
		return "answers 503 (503)"
	}
	return "does not answer (stall)"
}

// sensitivity is the day of the plan with a slower receiver: attempts and sockets are
// those of the busiest hour, p95 that of the day.
func (p Planning) sensitivity(ms float64, r model.Receiver) reports.Sensitivity {
	s := p.begun(0, r)
	main := s.flows[0]
	out := reports.Sensitivity{
		AddedMs:           ms,
		TimeoutShare:      r.Timeouts(),
		AttemptsPerExport: main.steady.Attempts,
		LostShare:         main.steady.Lost,
		Sockets:           main.steady.Sockets,
		MaxRate:           main.steady.MaxRate,
		Utilisation:       main.steady.Utilisation,
		Stable:            !s.overloaded(0),
	}
	if out.Stable {
		p.days(s)
		out.P95Ms = s.window(main, 0).latencies.P95 * 1000
	}
	return out
}
