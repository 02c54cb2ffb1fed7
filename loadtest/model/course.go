package model

import (
	"cmp"
	"math"
	"slices"
)

// Outage is a time in which every attempt fails and keeps its socket for Busy
// seconds: the whole budget where nothing answers, next to nothing where
// connections are refused.
type Outage struct{ From, To, Busy float64 }

// Load is what comes to one dataflow, in time. Times are seconds from the
// beginning.
type Load struct {
	Rates    []float64 // exports a second, in steps
	Step     float64   // of Rates, 1 or less for times of seconds to be right
	Evenness float64   // as in Receiver.At
	Sockets  int
	Outages  []Outage
	// Standing is how many attempts wait at the beginning, on average of days of which
	// each has another number (exponential).
	Standing float64
	// From and To bound the arrivals that latencies are of, in seconds; both 0: all.
	From, To float64
}

// Course is what comes of it.
type Course struct {
	Step     float64
	Backlog  []float64 // exports due and not ended, at the end of each step
	Due      []float64 // exports that became due in each step
	Requests []float64 // attempts that began in each step
	Busy     []float64 // share of the sockets, in each step
	Exports  float64
	Attempts float64 // per export
	Lost     float64 // exports
	Peak     float64 // the highest backlog
	// Latencies are those of the exports between From and To of the load, and Samples
	// the exports that they are of, by arrival.
	Latencies
	Samples []Sample
	Outages []Outage

	flowing *flowing
}

// Latencies are delivery latencies of what was delivered, seconds, and what
// became of the rest.
type Latencies struct {
	P50, P95, P99 float64
	Spent         float64 // from due to the end, on average, of lost exports too
	LostShare     float64
	delivered     []Sample // by latency
	weight        float64  // of these
}

// Sample is one export that went through, seconds.
type Sample struct {
	At, Latency float64
	Delivered   bool
	weight      float64
}

// Drained is how long after a moment the backlog was within a tenth of what it
// was before, or within a twentieth of its peak. The moment before is 0 where
// there was nothing before.
func Drained(backlog []float64, step, before, after float64) (seconds float64, ok bool) {
	level, peak := 0.0, 0.0
	if i := int(before/step) - 1; i >= 0 && i < len(backlog) {
		from := max(0, i-int(60/step)) // over a minute, since it goes up and down
		for _, b := range backlog[from : i+1] {
			level += b / float64(i+1-from)
		}
	}
	from := int(after / step)
	for _, b := range backlog {
		peak = max(peak, b)
	}
	for i := max(0, from); i < len(backlog); i++ {
		if backlog[i] <= max(1.1*level, peak/20) {
			return max(0, float64(i+1)*step-after), true
		}
	}
	return 0, false
}

// Under plays the load of one dataflow.
func (r Receiver) Under(l Load) Course {
	c := r.Together([]Load{l})[0]
	to := l.To
	if to == 0 {
		to = math.Inf(1)
	}
	c.Samples = c.flowing.sample(l.From, to, samples)
	c.Latencies = latenciesOf(c.Samples)
	return c
}

// Together plays the loads of dataflows that share the receiver, each with a
// queue and sockets of its own. They have the same step. The courses have no
// samples: Between and ByPart send some through.
func (r Receiver) Together(loads []Load) []Course {
	s := newSharing(r, loads)
	s.play()
	out := make([]Course, len(loads))
	for i, f := range s.flows {
		out[i] = f.course()
	}
	return out
}

// course is what came of a dataflow.
func (f *flowing) course() Course {
	c := Course{
		Step:     f.load.Step,
		Backlog:  f.backlog,
		Due:      f.due,
		Requests: f.began,
		Busy:     f.busy,
		Exports:  f.exports,
		Lost:     f.lost,
		Outages:  f.load.Outages,
		Peak:     slices.Max(append(slices.Clone(f.backlog), 0)),
		flowing:  f,
	}
	if f.exports > 0 {
		c.Attempts = f.attempts / f.exports
	}
	return c
}

// Between are the latencies of what was due in a time, in seconds.
func (c Course) Between(from, to float64) Latencies {
	return latenciesOf(c.flowing.sample(from, to, samples))
}

// ByPart are the latencies of parts of equal length one after the other, and
// those of all of them together.
func (c Course) ByPart(from, length float64, parts int) (each []Latencies, all Latencies) {
	samples := make([][]Sample, parts)
	for i := range parts {
		at := from + float64(i)*length
		samples[i] = c.flowing.sample(at, at+length, samplesOfPart)
		each = append(each, latenciesOf(samples[i]))
	}
	return each, latenciesOf(slices.Concat(samples...))
}

// latenciesOf are those of samples.
func latenciesOf(all []Sample) Latencies {
	l, total := Latencies{delivered: make([]Sample, 0, len(all))}, 0.0
	for _, s := range all {
		total += s.weight
		l.Spent += s.Latency * s.weight
		if s.Delivered {
			l.weight += s.weight
			l.delivered = append(l.delivered, s)
		}
	}
	if total == 0 {
		return l
	}
	l.Spent, l.LostShare = l.Spent/total, 1-l.weight/total
	slices.SortFunc(l.delivered, func(a, b Sample) int { return cmp.Compare(a.Latency, b.Latency) })
	l.P50, l.P95, l.P99 = l.At(0.5), l.At(0.95), l.At(0.99)
	return l
}

// At is the latency, in seconds, that a share of the delivered is not above; 0
// where nothing is delivered.
func (l Latencies) At(share float64) float64 {
	seen := 0.0
	for _, s := range l.delivered {
		if seen += s.weight; seen >= share*l.weight*(1-1e-12) {
			return s.Latency
		}
	}
	return 0
}
