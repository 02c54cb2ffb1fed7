package model

import (
	"math"
	"sort"
)

// samples is how many exports are sent through a course: p95 is then right to
// about one in a hundred. samplesOfPart is that of each of several parts.
const (
	samples       = 10_000
	samplesOfPart = 2_000
)

// dues are when n exports are due, evenly over all that come in a time, and the
// weight of each.
func (f *flowing) dues(from, to float64, n int) (dues []float64, weight float64) {
	cumulative := make([]float64, 0, len(f.load.Rates))
	first, total := -1, 0.0
	for i, r := range f.load.Rates {
		at := float64(i) * f.load.Step
		if at < from {
			continue
		}
		if at >= to {
			break
		}
		if first < 0 {
			first = i
		}
		total += r * f.load.Step
		cumulative = append(cumulative, total)
	}
	if total == 0 {
		return nil, 0
	}
	for k := range n {
		due := (float64(k) + 0.5) / float64(n) * total
		i := sort.SearchFloat64s(cumulative, due)
		before := cumulative[i] - f.load.Rates[first+i]*f.load.Step
		dues = append(dues, (float64(first+i)+(due-before)/(cumulative[i]-before))*f.load.Step)
	}
	return dues, total / float64(n)
}

// sample sends exports through the fluid, evenly over all that come in a time.
func (f *flowing) sample(from, to float64, n int) []Sample {
	dues, weight := f.dues(from, to, n)
	d := draws(1 + int64(from))
	offset := d.pair()
	out := make([]Sample, 0, len(dues))
	for k, at := range dues {
		out = f.through(out, at, weight, spread(k, offset), &d)
	}
	return out
}

// chances are two numbers in [0,1) that decide about an attempt: how long it
// waits, and how long its answer takes.
type chances struct{ wait, answer float64 }

// spread is pair number k of a sequence that fills the square more evenly than
// chance does (Roberts 2018), from an offset on.
func spread(k int, offset chances) chances {
	const first, second = 0.7548776662466927, 0.5698402909980532
	_, x := math.Modf(offset.wait + float64(k)*first)
	_, y := math.Modf(offset.answer + float64(k)*second)
	return chances{x, y}
}

// through is the way of one export that comes at a moment: with each attempt the
// part of its weight that succeeds has arrived, and the rest goes on. c is for
// the first.
func (f *flowing) through(out []Sample, at, weight float64, c chances, d *draws) []Sample {
	now := at
	for k := range f.Policy.Attempts() {
		now += f.wait(now, c.wait)
		ok, took, failed := f.try(now, c.answer, d)
		c = d.pair()
		if ok > 0 {
			out = append(out, Sample{At: at, Latency: now + took - at, Delivered: true, weight: weight * ok})
		}
		if weight *= 1 - ok; weight == 0 {
			return out
		}
		now += failed
		if k < len(f.Policy.Delays) {
			now += f.Policy.Delays[k]
		}
	}
	return append(out, Sample{At: at, Latency: now - at, weight: weight})
}

// try is the share of the attempts that begin now that succeeds, how long one of
// these keeps its socket, and how long one that fails.
func (f *flowing) try(now, answer float64, d *draws) (ok, took, failed float64) {
	if o, is := f.outage(now); is {
		return 0, 0, o.Busy
	}
	slower := 0.0
	if i := int(now / f.load.Step); i < len(f.waits) {
		slower = f.waits[i].slower
	}
	late := f.Latency.Above(f.Policy.Budget - slower)
	ok = (1 - late) * (1 - f.Errors)
	took = slower + f.Latency.Quantile(answer*(1-late))
	failed = f.Policy.Budget
	if d.next() >= late/max(1e-300, 1-ok) {
		failed = took
	}
	return ok, took, failed
}

// wait is how long an attempt that comes now waits for a socket: on average
// until what came before it is begun. Where it is by chance whether one waits,
// those who do wait the longer.
func (f *flowing) wait(now, chance float64) float64 {
	i := int(now / f.load.Step)
	if i >= len(f.arrived) {
		return 0
	}
	w := f.waits[i]
	if chance >= w.share {
		return 0
	}
	return f.until(i, now) / w.share * gamma(1-chance/w.share, w.vary)
}

// until is how long after a moment of step i as many attempts have begun as had
// come by then.
func (f *flowing) until(i int, now float64) float64 {
	before := 0.0
	if i > 0 {
		before = f.arrived[i-1]
	}
	come := before + (f.arrived[i]-before)*(now/f.load.Step-float64(i))
	u := sort.Search(len(f.served), func(u int) bool { return f.served[u] >= come })
	if u == len(f.served) { // beyond the course: as fast as it was at its end
		if f.carried == 0 {
			return 0
		}
		return float64(u)*f.load.Step - now + (come-last(f.served))/f.carried
	}
	from := 0.0
	if u > 0 {
		from = f.served[u-1]
	}
	part := 0.0
	if f.served[u] > from {
		part = (come - from) / (f.served[u] - from)
	}
	return max(0, (float64(u)+part)*f.load.Step-now)
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

// pair are two of them.
func (d *draws) pair() chances { return chances{d.next(), d.next()} }

// gamma is the quantile of the gamma distribution with mean 1 and a squared
// coefficient of variation (Wilson and Hilferty 1931): to a hundredth up to a
// variation of 2.
func gamma(share, variation float64) float64 {
	normal := math.Sqrt2 * math.Erfinv(2*min(max(share, 1e-12), 1-1e-12)-1)
	root := 1 - variation/9 + normal*math.Sqrt(variation)/3
	return math.Pow(max(0, root), 3)
}
