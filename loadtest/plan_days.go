package loadtest

import (
	"math"

	"github.com/httpdest/httpdest/loadtest/model"
	"github.com/httpdest/httpdest/reports"
)

// dayStep is the step of a day's course, in seconds: five seconds are small
// compared with waits of minutes and a peak of an hour.
const dayStep = 5

const (
	stepsPerHour = 3600 / dayStep
	stepsPerDay  = 24 * stepsPerHour
	// mostDays are shown of a backlog that stays, and played at most until a day is
	// like the one before.
	mostDays = 7
)

// side is the plan at one end of what is not known.
type side struct {
	which    int
	receiver model.Receiver
	flows    []*flowSide
	lead     int     // days before the one of the plan, until each is like the one before
	standing bool    // these begin with the queue that many such days leave
	first    int     // hour in which the day of the plan begins
	outageAt float64 // seconds from the beginning
	figures  []reports.Figure
}

// flowSide is one dataflow on one side.
type flowSide struct {
	Dataflow
	peak    float64 // exports a second in the busiest hour
	steady  model.Steady
	memory  float64 // seconds that its queue remembers, of the average of the day
	course  model.Course
	calm    model.Course // the same days without the outage
	windows []window     // days, one after the other
	// worst is the hour of the shown days with the highest p95, and worstWindow the
	// day that it is in, from 0.
	worst       hourOfDay
	worstWindow int
}

// window is a day: 24 hours from the hour on in which the day of the plan
// begins. That is the hour of the outage, which may go on after midnight, and
// midnight without one.
type window struct {
	from      float64 // seconds from the beginning
	exports   float64
	requests  float64
	begins    float64 // exports in the engine
	ends      float64
	highest   float64 // on average of such days
	most      float64 // of the highest of a day, on highestShare of such days
	latencies model.Latencies
	hours     []hourOfDay
	outage    bool        // some of it is in the outage
	days      *model.Days // how such days differ by chance; nil: hardly
}

// hourOfDay is one of 24.
type hourOfDay struct {
	hour      int // 0 to 23
	rate      float64
	requests  float64 // a second
	busy      float64 // share of the sockets
	backlog   float64 // on average
	latencies model.Latencies
	outage    bool
	days      *model.Days // as in window
}

// receiver is what it is at one end.
func (p Planning) receiver(which int) model.Receiver {
	return model.Receiver{
		Latency:  p.Latency.Scale(math.Pow(1+p.Spread, float64(which))),
		Errors:   p.Errors.at(which),
		Policy:   model.Documented(),
		Capacity: p.Capacity.at(-which),
	}
}

// begun is a side whose days are not played yet.
func (p Planning) begun(which int, r model.Receiver) *side {
	s := &side{which: which, receiver: r}
	for _, d := range p.dataflows() {
		f := &flowSide{Dataflow: d, peak: d.peak(which)}
		f.steady = r.At(f.peak, d.Sockets, p.Arrivals.evenness())
		s.flows = append(s.flows, f)
	}
	if p.Outage != nil {
		s.first = int(p.Outage.At.Hours())
	}
	return s
}

// side plays the days at one end of what is not known. The days before the one
// of the plan are played until each is like the one before; where that never
// comes about, the backlog grows from day to day, and the plan begins with the
// first.
func (p Planning) side(which int) *side {
	s := p.begun(which, p.receiver(which))
	follow := p.days(s)
	for _, f := range s.flows {
		for k := range follow {
			w := s.window(f, k)
			w.most = f.course.Highest(w.from, w.from+86400, highestShare)
			f.windows = append(f.windows, w)
			if !s.stays(f, k, w) {
				break
			}
		}
		f.findWorst()
		f.vary(s.grows())
	}
	p.figuresOf(s)
	return s
}

// days plays as many days as it takes, and returns how many of the plan there
// are.
func (p Planning) days(s *side) (follow int) {
	follow = 1
	if p.Outage != nil {
		follow = 2
	}
	for _, begin := range []struct {
		lead     int
		standing bool
	}{{1, false}, {1, true}, {mostDays, true}} {
		if s.lead, s.standing = begin.lead, begin.standing; s.standing && s.anyOverloaded() {
			break
		}
		if p.play(s, follow); s.settled() {
			break
		}
	}
	if !s.settled() {
		s.lead, s.standing, follow = 0, false, mostDays
		p.play(s, follow)
	} else if p.Outage != nil && !s.recovered(p) {
		follow = mostDays
		p.play(s, follow)
	}
	return follow
}

// grows reports whether no day is like the one before.
func (s *side) grows() bool { return s.lead == 0 }

// overloaded reports whether more comes in a day than the sockets of a dataflow
// carry, or the receiver can work on: the backlog grows without end.
func (s *side) overloaded(flow int) bool {
	exports := 0.0
	for _, f := range s.flows {
		exports += f.PerDay.at(s.which)
	}
	f := s.flows[flow]
	return f.PerDay.at(s.which) >= 86400*f.steady.MaxRate ||
		s.receiver.Capacity > 0 && exports*f.steady.Attempts >= 86400*s.receiver.Capacity
}

// anyOverloaded reports whether a dataflow is.
func (s *side) anyOverloaded() bool {
	for i := range s.flows {
		if s.overloaded(i) {
			return true
		}
	}
	return false
}

// settled reports whether the day before that of the plan ended as the one before
// it, without an outage.
func (s *side) settled() bool {
	for _, f := range s.flows {
		before, after := valueAt(
			f.calm.Backlog,
			s.lead*stepsPerDay-1,
		), valueAt(
			f.calm.Backlog,
			(s.lead+1)*stepsPerDay-1,
		)
		if math.Abs(after-before) > max(0.5, 0.01*before) {
			return false
		}
	}
	return true
}

// play plays the days, with the outage and without.
func (p Planning) play(s *side, follow int) {
	var calm []model.Load
	for _, f := range s.flows {
		calm = append(calm, p.load(s, f, follow))
	}
	played := s.receiver.Together(calm)
	for i, f := range s.flows {
		f.calm, f.course = played[i], played[i]
	}
	o := p.Outage
	if o == nil {
		return
	}
	s.outageAt = float64(s.lead*86400) + o.At.Seconds()
	busy := map[OutageKind]float64{Stalled: s.receiver.Policy.Budget, Unavailable: s.receiver.Busy()}[o.Kind]
	for i := range calm {
		calm[i].Outages = []model.Outage{{From: s.outageAt, To: s.outageAt + o.Length.Seconds(), Busy: busy}}
	}
	for i, c := range s.receiver.Together(calm) {
		s.flows[i].course = c
	}
}

// load is the days of a dataflow, all alike but for a backfill, which is in the
// busiest hour of the day of the plan.
func (p Planning) load(s *side, f *flowSide, follow int) model.Load {
	l := model.Load{Step: dayStep, Evenness: p.Arrivals.evenness(), Sockets: f.Sockets}
	backfill := s.lead*24 + f.busiest()
	if f.busiest() < s.first {
		backfill += 24
	}
	days := s.lead + 1 + follow
	for h := range days * 24 {
		rate := f.PerDay.at(s.which) * f.Curve[h%24] / 3600
		if h == backfill {
			rate += f.Backfill / 3600
		}
		for range stepsPerHour {
			l.Rates = append(l.Rates, rate)
		}
	}
	waiting, memory := s.receiver.Standing(l, 86400)
	if f.memory = memory; s.standing && !math.IsInf(waiting, 1) {
		l.Standing = waiting
	}
	return l
}

// recovered reports whether what the outage added has drained.
func (s *side) recovered(p Planning) bool {
	for _, f := range s.flows {
		if _, ok := f.drained(s.outageAt, s.outageAt+p.Outage.Length.Seconds()); !ok {
			return false
		}
	}
	return true
}

// stays reports whether a day leaves more behind than it would have without what
// happened in it, so that the next is another one.
func (s *side) stays(f *flowSide, day int, w window) bool {
	if s.grows() {
		return true
	}
	i := (s.lead+day+1)*stepsPerDay + s.first*stepsPerHour - 1
	return w.ends-valueAt(f.calm.Backlog, i) > max(1, 0.05*w.highest)
}

// window is day number k of the plan, from 0.
func (s *side) window(f *flowSide, k int) window {
	begin := (s.lead+k)*stepsPerDay + s.first*stepsPerHour
	w := window{
		from:   float64(begin) * dayStep,
		begins: valueAt(f.course.Backlog, begin-1),
		ends:   valueAt(f.course.Backlog, begin+stepsPerDay-1),
	}
	each, all := f.course.ByPart(w.from, 3600, 24)
	w.latencies = all
	for i := range 24 {
		from := begin + i*stepsPerHour
		h := hourOfDay{
			hour:      (s.first + i) % 24,
			latencies: each[i],
			busy:      meanOf(f.course.Busy, from, stepsPerHour),
			backlog:   meanOf(f.course.Backlog, from, stepsPerHour),
			requests:  meanOf(f.course.Requests, from, stepsPerHour) / dayStep,
		}
		h.rate = meanOf(f.course.Due, from, stepsPerHour) / dayStep
		h.outage = overlaps(f.course.Outages, float64(from)*dayStep, 3600)
		w.outage = w.outage || h.outage
		w.exports, w.requests = w.exports+h.rate*3600, w.requests+h.requests*3600
		w.hours = append(w.hours, h)
	}
	for i := range stepsPerDay {
		w.highest = max(w.highest, valueAt(f.course.Backlog, begin+i))
	}
	return w
}

// overlaps reports whether an outage is in a time.
func overlaps(all []model.Outage, from, length float64) bool {
	for _, o := range all {
		if o.From < from+length && o.To > from {
			return true
		}
	}
	return false
}

// valueAt is a value of a course, 0 before and behind it.
func valueAt(all []float64, i int) float64 {
	if i < 0 || i >= len(all) {
		return 0
	}
	return all[i]
}

// meanOf is the mean of n values of a course.
func meanOf(all []float64, from, n int) float64 {
	total := 0.0
	for i := range n {
		total += valueAt(all, from+i)
	}
	return total / float64(n)
}

// findWorst finds the hour of the shown days with the highest p95.
func (f *flowSide) findWorst() {
	f.worst = f.windows[0].hours[0]
	for i, w := range f.windows {
		for _, h := range w.hours {
			if h.latencies.P95 > f.worst.latencies.P95 {
				f.worst, f.worstWindow = h, i
			}
		}
	}
}

// worstDay is the one with the largest value, and its number, from 1.
func (f *flowSide) worstDay(of func(window) float64) (day int, value float64) {
	for i, w := range f.windows {
		if v := of(w); i == 0 || v > value {
			day, value = i+1, v
		}
	}
	return day, value
}

// highestShare is the share of days on which the backlog is not above the highest that
// a plan gives: the mean of a course is exceeded by chance on every day.
const highestShare = 0.95

// highest is the highest backlog of the shown days, on highestShare of such days.
func (f *flowSide) highest() float64 {
	_, v := f.worstDay(func(w window) float64 { return w.most })
	return v
}

// peakAfter is the highest backlog from a moment on, on average of such days.
func (f *flowSide) peakAfter(at float64) float64 {
	peak := 0.0
	for i := int(at / dayStep); i < len(f.course.Backlog); i++ {
		peak = max(peak, f.course.Backlog[i])
	}
	return peak
}

// drained is how long after the end of an outage what it added to the backlog is
// gone but for a twentieth, in seconds; until the end of the days where it never
// is.
func (f *flowSide) drained(from, to float64) (took float64, ok bool) {
	excess := make([]float64, len(f.course.Due))
	for i := range excess {
		if float64(i+1)*dayStep > from {
			excess[i] = f.course.Backlog[i] - valueAt(f.calm.Backlog, i)
		}
	}
	if took, ok = model.Drained(excess, dayStep, from, to); !ok {
		took = float64(len(excess))*dayStep - to
	}
	return took, ok
}

// sumOf adds up.
func sumOf(all []float64) float64 {
	total := 0.0
	for _, v := range all {
		total += v
	}
	return total
}

// latenciesIn are latencies as a report has them.
func latenciesIn(l model.Latencies) reports.PlanLatencies {
	return reports.PlanLatencies{
		P50Ms:     l.P50 * 1000,
		P95Ms:     l.P95 * 1000,
		P99Ms:     l.P99 * 1000,
		SpentMs:   l.Spent * 1000,
		LostShare: l.LostShare,
	}
}

// hours are the hours of the first day in a report.
func (s *side) hours() (out []reports.PlanHour) {
	for _, h := range s.flows[0].windows[0].hours {
		out = append(
			out,
			reports.PlanHour{
				Hour:          h.hour,
				Rate:          h.rate,
				Requests:      h.requests,
				Utilisation:   h.busy,
				Backlog:       h.backlog,
				PlanLatencies: latenciesIn(h.latencies),
				Outage:        h.outage,
			},
		)
	}
	return out
}

// days are the days in a report: several where a backlog stays.
func (s *side) days() (out []reports.PlanDay) {
	for i, w := range s.flows[0].windows {
		mean := 0.0
		for _, h := range w.hours {
			mean += h.backlog / 24
		}
		out = append(
			out,
			reports.PlanDay{
				Day:           i + 1,
				FromHour:      s.first,
				Exports:       w.exports,
				Requests:      w.requests,
				Begins:        w.begins,
				Ends:          w.ends,
				Backlog:       mean,
				Highest:       w.most,
				PlanLatencies: latenciesIn(w.latencies),
				Outage:        w.outage,
			},
		)
	}
	return out
}
