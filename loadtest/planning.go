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
	Latency  model.Latency
	Spread   float64 // relative uncertainty of the latency: a factor of 1+Spread, both sides
	Errors   Between
	Sockets  int
	Capacity Between // requests a second that the receiver can work on; 0: not known
	Outage   *Outage // At is the time of day
	Backfill float64 // exports of a newly mapped audience, on top, within the busiest hour (R114)
	Inputs   []reports.Figure
	Doubts   []string // of the load test that latency and errors are from
}

// Flat is a day without hours.
func Flat() (c [24]float64) {
	for i := range c {
		c[i] = 1. / 24
	}
	return c
}

// dayStep is the step of a day's course, in seconds: ten seconds are small
// compared with waits of minutes and a peak of an hour.
const dayStep = 5

// utilisationAdvised is how busy sockets may be before waits grow steeply.
const utilisationAdvised = 0.8

// Plan works everything out. The receiver is taken at its best, as it likely
// is, and at its worst; a result's interval is between the two.
func (p Planning) Plan() *reports.Plan {
	out := &reports.Plan{Inputs: p.Inputs}
	var sides [3]side
	for i := range sides {
		sides[i] = p.side(i - 1)
	}
	for i, f := range sides[1].figures {
		low, high := sides[0].figures[i].Value, sides[2].figures[i].Value
		f.Low, f.High = min(low, f.Value, high), max(low, f.Value, high)
		out.Results = append(out.Results, f)
	}
	likely := sides[1]
	for _, ms := range []float64{0, 100, 200, 300, 400, 500, 750, 1000, 1500} {
		r := likely.receiver
		r.Latency = r.Latency.Shift(ms / 1000)
		out.Sensitivity = append(out.Sensitivity, p.sensitivity(ms, r, likely.peak))
	}
	out.Hours = p.hours(likely)
	for _, d := range p.Doubts {
		out.Warnings = append(out.Warnings, "the measurement is in doubt: "+d)
	}
	out.Warnings = append(out.Warnings, p.warnings(sides)...)
	return out
}

// side is the plan at one end of what is not known.
type side struct {
	receiver model.Receiver
	peak     float64 // exports a second in the busiest hour
	steady   model.Steady
	days     model.Course // the day of the plan is that after the lead
	capacity float64
	drained  bool // what an outage added
	figures  []reports.Figure
}

func (p Planning) side(which int) side {
	s := side{receiver: model.Receiver{Latency: p.Latency.Scale(math.Pow(1+p.Spread, float64(which))), Errors: p.Errors.at(which), Policy: model.Documented()},
		capacity: p.Capacity.at(-which)}
	perDay := p.PerDay.at(which)
	busiest := slices.Index(p.Curve[:], slices.Max(p.Curve[:]))
	s.peak = (perDay*p.Curve[busiest] + p.Backfill) / 3600
	s.steady = s.receiver.At(s.peak, p.Sockets, 1)
	load := p.load(perDay, busiest, s.receiver)
	s.days = s.receiver.Under(load)
	day := s.days.Backlog[leadDays*stepsPerDay : (leadDays+1)*stepsPerDay]
	add := func(name string, v float64, unit, from string) {
		s.figures = append(s.figures, reports.Figure{Name: name, Value: finite(v), Unit: unit, From: from})
	}
	add("exports a day", perDay+p.Backfill, "exports", "profiles × updates of each")
	add("rate in the busiest hour", s.peak, "/s", fmt.Sprintf("hour %d of the curve", busiest))
	add("attempts without an answer in time", s.receiver.Timeouts(), "share", "answers slower than 2 s")
	add("attempts per export", s.steady.Attempts, "attempts", "1 + f + f², where f of the attempts fail")
	add("exports lost after the last retry", s.steady.Lost, "share", "f³")
	add("requests a second at the receiver", s.peak*s.steady.Attempts, "/s", "rate × attempts")
	add("sockets busy in the busiest hour", s.steady.Sockets, "sockets", "rate × attempts × time of each (Little)")
	add("sockets needed", math.Ceil(s.steady.Sockets/utilisationAdvised), "sockets", fmt.Sprintf("at %.0f%% utilisation", utilisationAdvised*100))
	add("highest rate the sockets carry", s.steady.MaxRate, "/s", "sockets ÷ (attempts × time of each)")
	add("utilisation in the busiest hour", s.steady.Utilisation, "share", "busy ÷ sockets")
	add("delivery latency, p50", s.days.P50*1000, "ms", "of the day's deliveries")
	add("delivery latency, p95", s.days.P95*1000, "ms", "of the day's deliveries")
	add("delivery latency, p99", s.days.P99*1000, "ms", "of the day's deliveries")
	add("highest backlog", slices.Max(day), "exports", "due and not ended, in the engine: waiting, under way, or between two attempts")
	if p.Outage != nil {
		p.recovery(&s, load, add)
	}
	return s
}

// finite is a number that JSON can have.
func finite(v float64) float64 {
	if math.IsInf(v, 0) || math.IsNaN(v) {
		return 0
	}
	return v
}

const (
	stepsPerDay = 86400 / dayStep
	// leadDays are played before the day of a plan, which begins with what the
	// evening before left; followDays after it, in which what it leaves drains while
	// they bring as much as any day.
	leadDays, followDays = 1, 2
)

// load is some days, all alike but for the outage, which is in the one after the
// lead. It may go on after midnight.
func (p Planning) load(perDay float64, busiest int, r model.Receiver) model.Load {
	l := model.Load{Step: dayStep, Evenness: 1, Sockets: p.Sockets, From: leadDays * 86400, To: (leadDays + 1) * 86400}
	for s := 0; s < (leadDays+1+followDays)*86400; s += dayStep {
		hour := s / 3600 % 24
		rate := perDay * p.Curve[hour] / 3600
		if hour == busiest && s/86400 == leadDays {
			rate += p.Backfill / 3600
		}
		l.Rates = append(l.Rates, rate)
	}
	if o := p.Outage; o != nil {
		busy := map[OutageKind]float64{Stalled: r.Policy.Budget, Unavailable: r.Busy()}[o.Kind]
		from := leadDays*86400 + o.At.Seconds()
		l.Outages = []model.Outage{{From: from, To: from + o.Length.Seconds(), Busy: busy}}
	}
	return l
}

// recovery is what an outage leaves: by how much the backlog exceeds that of the
// same days without it.
func (p Planning) recovery(s *side, load model.Load, add func(string, float64, string, string)) {
	from, to := load.Outages[0].From, load.Outages[0].To
	load.Outages = nil
	calm := s.receiver.Under(load)
	excess := make([]float64, len(s.days.Backlog))
	peak := 0.0
	for i, b := range s.days.Backlog {
		if float64(i+1)*dayStep <= from {
			continue
		}
		peak = max(peak, b)
		if excess[i] = b; i < len(calm.Backlog) {
			excess[i] -= calm.Backlog[i]
		}
	}
	add("backlog after the outage, at most", peak, "exports", fmt.Sprintf("in the engine; %s in which the receiver %s, from %s of the day on", p.Outage.Length, p.Outage.Kind.words(), p.Outage.At))
	add("exports lost by the outage", max(0, s.days.Lost-calm.Lost), "exports", "all three attempts fell into it")
	took, ok := model.Drained(excess, dayStep, from, to)
	if s.drained = ok; !ok {
		took = float64(len(load.Rates))*dayStep - to
	}
	add("time until the backlog has drained", took, "s", "from the end of the outage until a twentieth of what it added is left")
}

// words are what the kind means.
func (k OutageKind) words() string {
	return map[OutageKind]string{Stalled: "does not answer (stall)", Refusing: "refuses connections (refuse)", Unavailable: "answers 503 (503)"}[k]
}

// sensitivity is the busiest hour with a slower receiver.
func (p Planning) sensitivity(ms float64, r model.Receiver, peak float64) reports.Sensitivity {
	s := r.At(peak, p.Sockets, 1)
	out := reports.Sensitivity{AddedMs: ms, TimeoutShare: r.Timeouts(), AttemptsPerExport: s.Attempts, LostShare: s.Lost, Sockets: s.Sockets, MaxRate: s.MaxRate,
		Utilisation: s.Utilisation, Stable: s.Utilisation < 1}
	if out.Stable {
		busiest := model.Load{Rates: slices.Repeat([]float64{peak}, 600), Step: 1, Evenness: 1, Sockets: p.Sockets}
		out.P95Ms = r.Under(busiest).P95 * 1000
	}
	return out
}

func (p Planning) hours(s side) []reports.PlanHour {
	var out []reports.PlanHour
	const perHour = 3600 / dayStep
	busiest := slices.Index(p.Curve[:], slices.Max(p.Curve[:]))
	rates := p.load(p.PerDay.Likely, busiest, s.receiver).Rates
	for h := range p.Curve {
		from := leadDays*stepsPerDay + h*perHour
		rate := sumOf(rates[from:from+perHour]) / perHour
		hour := reports.PlanHour{Hour: h, Rate: rate, Utilisation: s.receiver.At(rate, p.Sockets, 1).Utilisation, Backlog: sumOf(s.days.Backlog[from:from+perHour]) / perHour}
		if o := p.Outage; o != nil {
			begin, end := time.Duration(h)*time.Hour, time.Duration(h+1)*time.Hour
			hour.Outage = o.At < end && o.At+o.Length > begin || o.At+o.Length > begin+24*time.Hour
		}
		out = append(out, hour)
	}
	return out
}

func sumOf(all []float64) float64 {
	total := 0.0
	for _, v := range all {
		total += v
	}
	return total
}

// warnings say what a planner must not overlook. Each is about the worst side.
func (p Planning) warnings(sides [3]side) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	worst := sides[2]
	if worst.peak >= DocumentedRate {
		add("%s exports a second in the busiest hour: the documentation promises p95 below ten minutes only below %d/s for each dataflow (R119)", rateText(worst.peak), DocumentedRate)
	}
	switch u := worst.steady.Utilisation; {
	case u >= 1:
		add("the sockets are saturated in the busiest hour (%.0f%%): the backlog grows by %s exports a second, and every export waits for all earlier ones", u*100, rateText(worst.peak-worst.steady.MaxRate))
	case u > utilisationAdvised:
		add("the sockets are %.0f%% busy in the busiest hour: a little more latency, or a few more errors, saturates them", u*100)
	}
	if a := worst.steady.Attempts; a > 1.1 {
		add("retries raise the load of the receiver to %.2f times the exports; if every attempt failed it would be 3 times, %s requests a second", a, rateText(3*worst.peak))
	}
	if worst.steady.Lost > 0.0001 {
		add("%s of the exports are given up after three attempts", percentText(worst.steady.Lost))
	}
	if left, before := worst.days.Backlog[(leadDays+1)*stepsPerDay-1], worst.days.Backlog[leadDays*stepsPerDay-1]; p.Outage == nil && left > 1.5*before && left-before > worst.peak {
		add("the day ends with %.0f exports more than it began with: the backlog grows every day", left-before)
	}
	if p.Outage != nil && !worst.drained {
		add("the backlog of the outage does not drain within two days")
	}
	p.collapse(worst, add)
	if p.Outage != nil && p.Outage.Length > 47*time.Second {
		add("retries end after 45 s: an export first tried earlier than that before the end of an outage is lost, and is never sent again")
	}
	return out
}

// collapse warns of a receiver that works on requests nobody waits for any
// more: once its queue is longer than the two seconds, every attempt fails,
// retries triple the rate, and it stays so by itself.
func (p Planning) collapse(s side, add func(string, ...any)) {
	if s.capacity == 0 {
		return
	}
	requests := s.peak * s.steady.Attempts
	if requests >= s.capacity {
		add("the receiver can process %s requests a second and gets %s in the busiest hour: it falls behind", rateText(s.capacity), rateText(requests))
	}
	if longest := s.capacity * s.receiver.Policy.Budget; float64(p.Sockets) > longest && 3*s.peak > s.capacity {
		add("%d sockets can queue more requests at the receiver than it answers in 2 s (%s): after a hiccup every answer comes too late, retries make it %s requests a second against its %s, and it does not recover by itself; keep to %s sockets, or shed load",
			p.Sockets, rateText(longest), rateText(3*s.peak), rateText(s.capacity), rateText(longest))
	}
}

// Judge judges the documented objective (R119): it holds when it holds in the
// worst case.
func (p Planning) Judge(plan *reports.Plan) reports.Objective {
	o := Documented()
	out := reports.Objective{Text: o.Text, Rule: o.Rule, Limit: o.Limit, Unit: "ms", Verdict: reports.Inconclusive}
	peak := 0.0
	for _, f := range plan.Results {
		switch f.Name {
		case "delivery latency, p95":
			out.Measured, out.Low, out.High = f.Value, f.Low, f.High
		case "rate in the busiest hour":
			peak = f.Value
		}
	}
	switch {
	case peak >= DocumentedRate:
		out.Verdict, out.Reason = reports.Skip, fmt.Sprintf("premise not met: %s/s in the busiest hour", rateText(peak))
	case out.Low == 0:
		out.Reason = "nothing is delivered"
	case out.High < o.Limit:
		out.Verdict = reports.Pass
	case out.Low >= o.Limit:
		out.Verdict, out.Reason = reports.Fail, "expected "+valueText(out.Measured, "ms")
	default:
		out.Reason = fmt.Sprintf("between %s and %s: narrow the inputs", valueText(out.Low, "ms"), valueText(out.High, "ms"))
	}
	return out
}
