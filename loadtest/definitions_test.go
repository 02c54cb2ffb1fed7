package loadtest_test

import (
	"container/heap"
	"math"
	"math/rand/v2"
	"slices"
)

// This file is the second simulation: what the words of the documentation and of
// queueing theory say, played one event after the other. It imports nothing of
// this module (TestDefinitionsStandAlone), so that it agrees with plan and load
// only where these are right.
//
// Exports are due at a rate that each hour has: by chance (Poisson), or paced,
// each when the rate has added up to one more. An attempt
// waits, first come first served, until one of the sockets is free, and keeps it
// until its answer, two seconds at most. An attempt that fails is repeated 15 s
// after its end, and once more 30 s after the end of that; then the export is
// lost. Several dataflows have a queue and sockets each. A receiver of so many
// servers works on as many requests at once, first come first served, on those
// too that nobody waits for any more. While the receiver is dead every attempt fails: after two seconds where
// nothing answers, at once where connections are refused, after the answer time
// where it answers 503.

// deadTime is a time in which the receiver is dead; times are in seconds.
type deadTime struct {
	from, to float64
	kind     string // stall, refuse, 503
}

// situation is what is played.
type situation struct {
	rates   []float64 // exports a second, by the hour; they begin again after the last
	length  float64   // seconds in which exports are due
	waiting int       // exports of the first dataflow that are due at the beginning
	paced   bool
	sockets int
	next    []source                 // further dataflows to the same receiver
	servers int                      // of the receiver; 0: as many as it takes
	answer  func(*rand.Rand) float64 // seconds that a request takes
	errors  float64                  // share of the answers that are not 2xx
	dead    []deadTime
}

// source is a further dataflow.
type source struct {
	rates   []float64
	sockets int
}

// export is what became of one.
type export struct {
	due, end  float64
	flow      int
	attempts  int
	delivered bool
}

// played is what came of a situation.
type played struct {
	exports []export
	backlog []float64 // due and not ended, on average over each slot
	level   []float64 // the same at the end of each slot
	busy    []float64 // sockets, on average over each slot
}

// slot is the length of what a backlog is averaged over, in seconds.
const slot = 4

// happening is something that is due: an attempt that ends, or one that is
// repeated.
type happening struct {
	at    float64
	who   int
	ended bool
	ok    bool
}

type agenda []happening

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].at < a[j].at }
func (a agenda) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }

// Push implements heap.Interface.
func (a *agenda) Push(x any) { *a = append(*a, x.(happening)) }

// Pop implements heap.Interface.
func (a *agenda) Pop() any {
	last := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return last
}

// playing is a situation on its way.
type playing struct {
	situation
	random  *rand.Rand
	exports []export
	agenda  agenda
	flows   []*line
	servers []float64 // when each is free
	now     float64
	open    int // exports of the first dataflow, due and not ended
	// Areas under open and the busy sockets of the first, by the slot.
	backlog, used, level []float64
}

// line is a dataflow on its way.
type line struct {
	source
	waiting []int
	busy    int
	next    float64 // when its next export is due, -1 for never
}

// play plays a situation until everything has ended.
func (s situation) play(seed uint64) played {
	p := &playing{situation: s, random: rand.New(rand.NewPCG(seed, 19)), servers: make([]float64, s.servers)}
	p.exports = make([]export, 0, s.expected())
	for _, x := range append([]source{{s.rates, s.sockets}}, s.next...) {
		f := &line{source: x}
		f.next = p.arrival(f, 0)
		p.flows = append(p.flows, f)
	}
	for range s.waiting {
		p.exports = append(p.exports, export{})
		p.open++
		p.join(len(p.exports) - 1)
	}
	for {
		first := 0
		for i, f := range p.flows {
			if f.next >= 0 && (p.flows[first].next < 0 || f.next < p.flows[first].next) {
				first = i
			}
		}
		next := p.flows[first].next
		if next < 0 && len(p.agenda) == 0 {
			break
		}
		if len(p.agenda) == 0 || next >= 0 && next < p.agenda[0].at {
			p.pass(next)
			p.exports = append(p.exports, export{due: next, flow: first})
			p.open += ofFirst(first)
			p.join(len(p.exports) - 1)
			p.flows[first].next = p.arrival(p.flows[first], next)
			continue
		}
		h := heap.Pop(&p.agenda).(happening)
		p.pass(h.at)
		if h.ended {
			p.end(h)
		} else {
			p.join(h.who)
		}
	}
	for i := range p.backlog {
		p.backlog[i] /= slot
		p.used[i] /= slot
	}
	return played{p.exports, p.backlog, p.level, p.used}
}

// expected is room for the exports: those that are due on average, and a few more. A
// slice of millions that grows is copied many times.
func (s situation) expected() int {
	n := float64(s.waiting)
	for _, x := range append([]source{{rates: s.rates}}, s.next...) {
		for h := range int(math.Ceil(s.length / 3600)) {
			n += x.rates[h%len(x.rates)] * min(3600, s.length-float64(h)*3600)
		}
	}
	return int(n + 4*math.Sqrt(n))
}

// ofFirst is 1 for the first dataflow, whose backlog is counted.
func ofFirst(flow int) int {
	if flow == 0 {
		return 1
	}
	return 0
}

// arrival is when the next export of a dataflow after a moment is due, -1 for
// never: when the rate has added up to an exponential number since then, or to
// one where exports are paced.
func (p *playing) arrival(f *line, t float64) float64 {
	missing := 1.
	if !p.paced {
		missing = p.random.ExpFloat64()
	}
	for t < p.length {
		hour := math.Floor(t / 3600)
		rate, until := f.rates[int(hour)%len(f.rates)], min((hour+1)*3600, p.length)
		if rate > 0 && t+missing/rate < until {
			return t + missing/rate
		}
		missing -= rate * (until - t)
		t = until
	}
	return -1
}

// pass lets time pass, and counts what is open and busy.
func (p *playing) pass(to float64) {
	for p.now < to {
		i := len(p.backlog) - 1
		if i < 0 || p.now >= float64(i+1)*slot {
			p.backlog, p.used, p.level = append(p.backlog, 0), append(p.used, 0), append(p.level, 0)
			i++
		}
		until := min(to, float64(i+1)*slot)
		p.backlog[i] += float64(p.open) * (until - p.now)
		p.used[i] += float64(p.flows[0].busy) * (until - p.now)
		p.level[i] = float64(p.open)
		p.now = until
	}
}

// join has an attempt wait for a socket.
func (p *playing) join(who int) {
	f := p.flows[p.exports[who].flow]
	f.waiting = append(f.waiting, who)
	p.start(f)
}

// start begins attempts while there are sockets.
func (p *playing) start(f *line) {
	for len(f.waiting) > 0 && f.busy < f.sockets {
		who := f.waiting[0]
		f.waiting = f.waiting[1:]
		f.busy++
		p.exports[who].attempts++
		took, ok := p.attempt()
		heap.Push(&p.agenda, happening{at: p.now + took, who: who, ended: true, ok: ok})
	}
}

// attempt is what becomes of one that begins now.
func (p *playing) attempt() (took float64, ok bool) {
	took = p.answer(p.random)
	ok = p.random.Float64() >= p.errors
	for _, d := range p.dead {
		if p.now < d.from || p.now >= d.to {
			continue
		}
		switch ok = false; d.kind {
		case "stall":
			return 2, false
		case "refuse":
			return 0, false
		}
	}
	if len(p.servers) > 0 {
		soonest := slices.Index(p.servers, slices.Min(p.servers))
		p.servers[soonest] = max(p.now, p.servers[soonest]) + took
		took = p.servers[soonest] - p.now
	}
	if took > 2 {
		return 2, false
	}
	return took, ok
}

// end is the end of an attempt.
func (p *playing) end(h happening) {
	x := &p.exports[h.who]
	f := p.flows[x.flow]
	f.busy--
	switch {
	case h.ok || x.attempts == 3:
		x.end, x.delivered = p.now, h.ok
		p.open -= ofFirst(x.flow)
	case x.attempts == 1:
		heap.Push(&p.agenda, happening{at: p.now + 15, who: h.who})
	default:
		heap.Push(&p.agenda, happening{at: p.now + 30, who: h.who})
	}
	p.start(f)
}

// of are the exports of one dataflow.
func (p played) of(flow int) played {
	p.exports = slices.DeleteFunc(slices.Clone(p.exports), func(x export) bool { return x.flow != flow })
	return p
}

// latencies are those of the delivered that were due in a time, sorted.
func (p played) latencies(from, to float64) []float64 {
	var out []float64
	for _, x := range p.exports {
		if x.delivered && x.due >= from && x.due < to {
			out = append(out, x.end-x.due)
		}
	}
	slices.Sort(out)
	return out
}

// counted are the attempts of each export that was due in a time, and how many
// of them were lost.
func (p played) counted(from, to float64) (attempts, lost float64) {
	n := 0.0
	for _, x := range p.exports {
		if x.due < from || x.due >= to {
			continue
		}
		n++
		attempts += float64(x.attempts)
		if !x.delivered {
			lost++
		}
	}
	return attempts / n, lost
}

// quantile is the nearest rank in sorted numbers.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, min(len(sorted)-1, int(math.Ceil(q*float64(len(sorted))))-1))]
}
