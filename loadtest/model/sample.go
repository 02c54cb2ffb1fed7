package model

import (
	"math"
	"sort"
)

// samples is how many exports are sent through a course: p95 is then right to
// about one in a hundred.
const samples = 10_000

// sample sends exports through the fluid, evenly over all that come.
func (f *flowing) sample() []Sample {
	cumulative := make([]float64, len(f.load.Rates))
	total := 0.0
	for i, r := range f.load.Rates {
		if at := float64(i) * f.load.Step; f.load.To == 0 || at >= f.load.From && at < f.load.To {
			total += r * f.load.Step
		}
		cumulative[i] = total
	}
	if total == 0 {
		return nil
	}
	d := draws(1)
	out := make([]Sample, 0, samples)
	for n := range samples {
		due := (float64(n) + 0.5) / samples * total
		i := sort.SearchFloat64s(cumulative, due)
		before := cumulative[i] - f.load.Rates[i]*f.load.Step
		at := (float64(i) + (due-before)/(cumulative[i]-before)) * f.load.Step
		out = append(out, f.through(at, &d))
	}
	return out
}

// through is the way of one export that comes at a moment.
func (f *flowing) through(at float64, d *draws) Sample {
	now := at
	for k := range f.Policy.Attempts() {
		now += f.wait(now, d)
		busy, ok := f.attempt(now, d)
		now += busy
		if ok {
			return Sample{at, now - at, true}
		}
		if k < len(f.Policy.Delays) {
			now += f.Policy.Delays[k]
		}
	}
	return Sample{at, now - at, false}
}

// attempt is how long one that begins now keeps its socket, and whether it
// succeeds.
func (f *flowing) attempt(now float64, d *draws) (busy float64, ok bool) {
	if o, is := f.outage(now); is {
		return o.Busy, false
	}
	busy = f.Latency.Quantile(d.next())
	if busy > f.Policy.Budget {
		return f.Policy.Budget, false
	}
	return busy, d.next() >= f.Errors
}

// wait is how long an attempt that comes now waits for a socket: until what
// came before it is served; where nothing queues, by chance.
func (f *flowing) wait(now float64, d *draws) float64 {
	i := int(now / f.load.Step)
	if i >= len(f.arrived) {
		return 0
	}
	before := 0.0
	if i > 0 {
		before = f.arrived[i-1]
	}
	// The arrivals up to now, and the time when as many have been served.
	come := before + (f.arrived[i]-before)*(now/f.load.Step-float64(i))
	u := sort.Search(len(f.served), func(u int) bool { return f.served[u] >= come-1e-9 })
	if u == len(f.served) {
		return float64(u)*f.load.Step - now
	}
	from := 0.0
	if u > 0 {
		from = f.served[u-1]
	}
	part := 0.0
	if f.served[u] > from {
		part = (come - from) / (f.served[u] - from)
	}
	if wait := (float64(u)+part)*f.load.Step - now; u > i {
		return max(0, wait)
	}
	return f.chance(i, d)
}

// chance is the wait where the sockets suffice on average.
func (f *flowing) chance(i int, d *draws) float64 {
	use := f.around(i)
	if use <= 0 || use >= 1 || d.next() >= f.waiting(use) {
		return 0
	}
	return -math.Log1p(-d.next()) * f.waitOfThoseWhoWait(f.load.Sockets, use, f.load.Evenness)
}

// waiting is the share of attempts that wait. With eight standard deviations
// of room nobody does, and Erlang's sum over a million sockets is spared.
func (f *flowing) waiting(use float64) float64 {
	busy := use * float64(f.load.Sockets)
	if float64(f.load.Sockets)-busy > 8*math.Sqrt(busy) {
		return 0
	}
	// Most steps of a day are like the one before.
	key := int(use * 1e4)
	if share, known := f.erlang[key]; known {
		return share
	}
	share := ErlangC(f.load.Sockets, busy)
	f.erlang[key] = share
	return share
}

// around is how busy the sockets are about a step: over some seconds, since a
// step may have had none.
func (f *flowing) around(i int) float64 {
	wide := max(1, int(3/f.load.Step))
	from, to := max(0, i-wide), min(len(f.busy), i+wide+1)
	return sum(f.busy[from:to]) / float64(to-from)
}

// draws are random numbers in [0,1): splitmix64, so that a plan is the same
// every time.
type draws uint64

func (d *draws) next() float64 {
	*d += 0x9e3779b97f4a7c15
	z := uint64(*d)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return float64((z^z>>31)>>11) / (1 << 53)
}
