package model

import (
	"math"
	"slices"
)

// Outage is a time in which every attempt fails and keeps its socket for Busy
// seconds: the whole budget where nothing answers, next to nothing where
// connections are refused.
type Outage struct{ From, To, Busy float64 }

// Load is what comes, in time. Times are seconds from the beginning.
type Load struct {
	Rates    []float64 // exports a second, in steps
	Step     float64   // of Rates, 1 or less for times of seconds to be right
	Evenness float64   // as in Receiver.At
	Sockets  int
	Outages  []Outage
	// From and To bound the arrivals that latencies are of, in seconds; both 0: all.
	From, To float64
}

// Course is what comes of it.
type Course struct {
	Step     float64
	Backlog  []float64 // exports due and not ended, at the end of each step
	Exports  float64
	Attempts float64 // per export
	Lost     float64 // exports
	Peak     float64 // the highest backlog
	// P50, P95 and P99 are of the delivery latency of what was delivered, seconds.
	P50, P95, P99 float64
	Samples       []Sample // by arrival
}

// Sample is one export that went through, seconds.
type Sample struct {
	At, Latency float64
	Delivered   bool
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

// longestDrain bounds how long after the load a course goes on, in seconds.
const longestDrain = 7 * 86400

// batch is what arrived at the queue in one step, by the number of the attempt.
type batch struct {
	at     int
	amount []float64
}

// flowing is a course on its way.
type flowing struct {
	Receiver
	load     Load
	queue    []batch
	coming   map[int][]float64 // by step: attempts that come to the queue
	arrived  []float64         // attempts, cumulative at the end of each step
	served   []float64
	ended    float64 // exports delivered or lost
	backlog  []float64
	attempts float64
	lost     float64
	exports  float64
	busy     []float64 // share of the sockets that were asked for
	erlang   map[int]float64
	spread   float64 // the wait of those who wait, but for the utilisation
	// Values that do not change from step to step.
	socketTime, failing float64
	failingTime         float64 // of an attempt that fails
}

// Under plays a load.
func (r Receiver) Under(l Load) Course {
	f := &flowing{Receiver: r, load: l, coming: map[int][]float64{}, erlang: map[int]float64{}}
	f.socketTime, f.failing = r.Busy(), r.Failing()
	f.failingTime = r.BusyFailing()
	f.spread = r.waitOfThoseWhoWait(l.Sockets, 0, l.Evenness)
	for i := 0; ; i++ {
		if i >= len(l.Rates) && f.exports-f.ended < max(1e-9, f.exports*1e-7) {
			break
		}
		if float64(i)*l.Step > float64(len(l.Rates))*l.Step+longestDrain {
			break
		}
		f.step(i)
	}
	c := Course{Step: l.Step, Backlog: f.backlog, Exports: f.exports, Lost: f.lost, Peak: slices.Max(append(slices.Clone(f.backlog), 0))}
	if f.exports > 0 {
		c.Attempts = f.attempts / f.exports
	}
	c.Samples = f.sample()
	var delivered []float64
	for _, s := range c.Samples {
		if s.Delivered {
			delivered = append(delivered, s.Latency)
		}
	}
	slices.Sort(delivered)
	if n := len(delivered); n > 0 {
		at := func(q float64) float64 { return delivered[min(n-1, int(q*float64(n)))] }
		c.P50, c.P95, c.P99 = at(0.5), at(0.95), at(0.99)
	}
	return c
}

// outage is the one at a moment.
func (f *flowing) outage(at float64) (Outage, bool) {
	for _, o := range f.load.Outages {
		if at >= o.From && at < o.To {
			return o, true
		}
	}
	return Outage{}, false
}

// step moves one step on: what comes queues, the sockets serve, what fails
// comes again.
func (f *flowing) step(i int) {
	now, step := float64(i)*f.load.Step, f.load.Step
	amount := make([]float64, f.Policy.Attempts())
	copy(amount, f.coming[i])
	delete(f.coming, i)
	if i < len(f.load.Rates) {
		amount[0] += f.load.Rates[i] * step
		f.exports += f.load.Rates[i] * step
	}
	arrived := sum(amount)
	f.arrived = append(f.arrived, last(f.arrived)+arrived)
	if arrived > 0 {
		f.queue = append(f.queue, batch{i, amount})
	}
	busy, failing, failingTime := f.socketTime, f.failing, f.failingTime
	if o, is := f.outage(now); is {
		busy, failing, failingTime = o.Busy, 1, o.Busy
	}
	room := math.Inf(1)
	if busy > 0 {
		room = float64(f.load.Sockets) / busy * step
	}
	f.busy = append(f.busy, min(1, arrived/room))
	served := 0.0
	for len(f.queue) > 0 && served < room {
		b := &f.queue[0]
		all := sum(b.amount)
		part := min(1, (room-served)/all)
		f.serve(i, b.amount, part, failing, failingTime)
		served += all * part
		if part >= 1 {
			f.queue = f.queue[1:]
		} else {
			for k := range b.amount {
				b.amount[k] *= 1 - part
			}
		}
	}
	f.served = append(f.served, last(f.served)+served)
	f.attempts += served
	f.backlog = append(f.backlog, max(0, f.exports-f.ended)+f.standing(arrived/step, busy, i))
}

// standing is how many attempts are under way or wait by chance where the
// sockets suffice, by Little's law: a fluid without chance knows nothing of them,
// and a step ends what began in it.
func (f *flowing) standing(rate, busy float64, i int) float64 {
	if len(f.queue) > 0 || rate == 0 {
		return math.Min(rate*busy, float64(f.load.Sockets)) * float64(min(1, len(f.queue)))
	}
	use := f.around(i)
	if use >= 1 {
		return float64(f.load.Sockets)
	}
	return rate * (busy + f.waiting(use)*f.spread/(1-use))
}

// serve takes part of a batch to the receiver. An attempt that fails ends after
// failingTime.
func (f *flowing) serve(i int, amount []float64, part, failing, failingTime float64) {
	for k, n := range amount {
		failed := n * part * failing
		f.ended += n * part * (1 - failing)
		if k >= len(f.Policy.Delays) {
			f.ended += failed
			f.lost += failed
			continue
		}
		if failed == 0 {
			continue
		}
		again := i + max(1, int(math.Round((failingTime+f.Policy.Delays[k])/f.load.Step)))
		if f.coming[again] == nil {
			f.coming[again] = make([]float64, f.Policy.Attempts())
		}
		f.coming[again][k+1] += failed
	}
}

func sum(all []float64) float64 {
	total := 0.0
	for _, v := range all {
		total += v
	}
	return total
}

func last(all []float64) float64 {
	if len(all) == 0 {
		return 0
	}
	return all[len(all)-1]
}
