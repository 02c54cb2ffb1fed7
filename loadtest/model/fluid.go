package model

import "math"

// longestDrain bounds how long after the load a course goes on, in seconds; what
// waits even then is taken to be served as fast as at its end.
const longestDrain = 86400

// batch is what arrived at a queue in one step, by the number of the attempt.
type batch struct{ amount []float64 }

// flowing is the course of one dataflow on its way.
type flowing struct {
	*slowed
	load     Load
	queueing *queueing
	queue    []batch
	coming   map[int][]float64 // by step: attempts that come to the queue
	arrived  []float64         // attempts, cumulative at the end of each step
	served   []float64
	waits    []waits
	waiting  float64 // attempts in the queue
	excess   float64 // of them, without chance
	built    float64 // variance of what came and was served since the queue began to build up
	variance float64 // of the number of them where any wait
	ended    float64 // exports delivered or lost
	backlog  []float64
	levels   []float64 // attempts in the queue, at the end of each step
	due      []float64
	began    []float64
	busy     []float64
	rooms    []float64 // attempts that the sockets could begin, in each step
	attempts float64
	lost     float64
	repeated float64 // attempts that are made again
	exports  float64
	carried  float64 // attempts a second that the sockets last carried
}

// waits is what is known of the attempts that come in one step: the share that
// waits, the squared coefficient of variation of their waits (1: an exponential,
// 0: all wait as long), and how much slower than alone the receiver answers, in seconds.
type waits struct{ share, vary, slower float64 }

// sharing is the course of dataflows with one receiver.
type sharing struct {
	slowed
	flows []*flowing
}

func newSharing(r Receiver, loads []Load) *sharing {
	s := &sharing{slowed: slowed{Receiver: r}}
	for _, l := range loads {
		n := len(l.Rates) + len(l.Rates)/8
		s.flows = append(s.flows, &flowing{slowed: &s.slowed, load: l,
			queueing: newQueueing(l.Sockets, r.evenness(l.Evenness), r.Latency, r.Policy.Budget), coming: map[int][]float64{},
			arrived: make(
				[]float64,
				0,
				n,
			), served: make([]float64, 0, n), waits: make([]waits, 0, n), backlog: make([]float64, 0, n),
			due: make([]float64, 0, len(l.Rates)), began: make([]float64, 0, n), busy: make([]float64, 0, n),
			built:    l.Standing * l.Standing / halfNormalMean / halfNormalMean,
			variance: l.Standing * l.Standing})
	}
	return s
}

// play moves on step by step until everything has ended, or longest after the
// load.
func (s *sharing) play() {
	steps := 0
	for _, f := range s.flows {
		steps = max(steps, len(f.load.Rates))
	}
	step := s.flows[0].load.Step
	for i := 0; ; i++ {
		open := i < steps
		for _, f := range s.flows {
			open = open || f.exports-f.ended >= max(1e-9, f.exports*1e-7)
		}
		if !open || float64(i-steps)*step > longestDrain {
			return
		}
		s.step(i)
	}
}

// step moves one step on: what comes queues, the sockets serve, what fails
// comes again. Where the receiver cannot work on as much as the sockets bring,
// every answer takes longer, until no more is brought than it can work on.
func (s *sharing) step(i int) {
	total := make([]float64, len(s.flows))
	for k, f := range s.flows {
		f.arrive(i)
		total[k] = f.waiting + last(f.arrived) - last(f.arrived[:len(f.arrived)-1])
	}
	slower := 0
	if s.Capacity > 0 {
		slower = s.firstThat(func(slower int) bool {
			brought, step := 0.0, 0.0
			for k, f := range s.flows {
				brought += f.couldBegin(i, total[k], slower)
				step = f.load.Step
			}
			return brought <= s.Capacity*step
		})
	}
	for _, f := range s.flows {
		f.serve(i, slower)
	}
}

// arrive has what comes in a step join the queue.
func (f *flowing) arrive(i int) {
	amount := make([]float64, f.Policy.Attempts())
	copy(amount, f.coming[i])
	delete(f.coming, i)
	if i < len(f.load.Rates) {
		due := f.load.Rates[i] * f.load.Step
		f.due = append(f.due, due)
		amount[0] += due
		f.exports += due
	}
	if i == 0 {
		amount[0] += f.load.Standing
		f.exports += f.load.Standing
	}
	arrived := sum(amount)
	f.arrived = append(f.arrived, last(f.arrived)+arrived)
	if arrived > 0 {
		f.queue = append(f.queue, batch{amount})
	}
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

// attempt is what one comes to in a step: how long it keeps its socket, the share
// that fails, and how long those keep it.
func (f *flowing) attempt(i, slower int) attempt {
	if o, is := f.outage(float64(i) * f.load.Step); is {
		return attempt{o.Busy, 1, o.Busy}
	}
	return f.at(slower)
}

// room is how many attempts the sockets could begin in a step.
func (f *flowing) room(busy float64) float64 {
	if busy <= 0 {
		return math.Inf(1)
	}
	return float64(f.load.Sockets) / busy * f.load.Step
}

// couldBegin is how many attempts would begin in a step.
func (f *flowing) couldBegin(i int, total float64, slower int) float64 {
	return total - f.queueing.after(total, f.room(f.attempt(i, slower).busy)).waiting
}

// serve begins attempts, first come first served.
func (f *flowing) serve(i, slower int) {
	a := f.attempt(i, slower)
	room := f.room(a.busy)
	f.rooms = append(f.rooms, room)
	arrived := last(f.arrived) - last(f.arrived[:len(f.arrived)-1])
	total := f.waiting + arrived
	if i == 0 {
		arrived -= f.load.Standing
	}
	s, bound := f.settled(total, arrived, room)
	f.vary(s, bound, slower)
	before := f.repeated
	f.begin(i, total-s.waiting, a)
	f.waiting = s.waiting
	f.levels = append(f.levels, f.waiting)
	if !math.IsInf(room, 1) {
		f.carried = room / f.load.Step
	}
	f.busy = append(f.busy, s.busy)
	// Attempts under way count as ended already, except those that will be
	// repeated.
	underWay := s.busy*float64(f.load.Sockets) - (f.repeated-before)*a.failingTime/f.load.Step
	f.backlog = append(f.backlog, max(0, f.exports-f.ended)+max(0, underWay))
}

// The mean and the squared coefficient of variation of half a normal
// distribution: of a queue for which just as much comes as is served.
const (
	halfNormalMean      = 0.797884560802865
	halfNormalVariation = math.Pi/2 - 1
)

// settled is the state at the end of a step. A queue does not build up faster
// than by what comes in excess, and by chance than the root of the time: near
// saturation the formula is for a state that takes hours to come about.
func (f *flowing) settled(total, arrived, room float64) (s state, bound bool) {
	s = f.queueing.after(total, room)
	if math.IsInf(room, 1) {
		f.excess, f.built, f.variance = 0, 0, 0
		return s, false
	}
	f.excess = max(0, f.excess+arrived-room)
	came := (f.queueing.answers + f.queueing.evenness) * arrived
	f.built, f.variance = f.built+came, f.variance+came
	if most := max(f.excess+halfNormalMean*math.Sqrt(f.built), total-room); s.waiting > most {
		s.waiting, s.busy = most, (total-most)/room
		bound = true
	}
	f.built = min(f.built, s.waiting*s.waiting/halfNormalMean/halfNormalMean)
	return s, bound
}

// vary keeps how much the wait of those who wait differs from its mean. A queue
// that builds up has the variance of what came and was served since then; one
// that comes and goes has no more than its formula says.
func (f *flowing) vary(s state, bound bool, slower int) {
	w := waits{s.share, 0, float64(slower) * slowerBy}
	if s.share == 0 || s.waiting == 0 {
		f.variance = 0
	} else {
		mean, most := s.waiting/s.share, f.queueing.variation(s.busy)
		if bound {
			most = halfNormalVariation
		}
		f.variance = min(f.variance, most*mean*mean)
		w.vary = f.variance / mean / mean
	}
	f.waits = append(f.waits, w)
}

// begin takes so many attempts from the queue to the receiver.
func (f *flowing) begin(i int, wanted float64, a attempt) {
	f.served = append(f.served, last(f.served)+wanted)
	f.began = append(f.began, wanted)
	f.attempts += wanted
	for len(f.queue) > 0 && wanted > 0 {
		amount := f.queue[0].amount
		all := sum(amount)
		part := min(1, wanted/all)
		f.settle(i, amount, part, a)
		wanted -= all * part
		if part < 1 {
			for k := range amount {
				amount[k] *= 1 - part
			}
			return
		}
		f.queue = f.queue[1:]
	}
}

// settle has part of a batch end. An attempt that fails comes again after its
// time and the delay; between two steps it comes to both.
func (f *flowing) settle(i int, amount []float64, part float64, a attempt) {
	for k, n := range amount {
		failed := n * part * a.failing
		f.ended += n * part * (1 - a.failing)
		if k >= len(f.Policy.Delays) {
			f.ended += failed
			f.lost += failed
			continue
		}
		if failed == 0 {
			continue
		}
		f.repeated += failed
		after := max(1, (a.failingTime+f.Policy.Delays[k])/f.load.Step)
		whole := math.Floor(after)
		f.again(i+int(whole), k+1, failed*(1-after+whole))
		f.again(i+int(whole)+1, k+1, failed*(after-whole))
	}
}

// again has attempts come to the queue in a later step.
func (f *flowing) again(i, number int, n float64) {
	if n == 0 {
		return
	}
	if f.coming[i] == nil {
		f.coming[i] = make([]float64, f.Policy.Attempts())
	}
	f.coming[i][number] += n
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
