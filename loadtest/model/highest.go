package model

import (
	"math"
	"sort"
)

// Highest is the backlog that the highest of a day does not exceed on a share of such
// days, by the exports due from one moment to another, in seconds. Exports under way or
// between two attempts are Poisson, waiting ones gamma with their mean and variance, and
// high moments come in clumps by chance (Aldous, Probability Approximations via the Poisson
// Clumping Heuristic, 1989, section B).
func (c Course) Highest(from, to, share float64) float64 {
	var all []crowd
	first, end := int(from/c.Step), min(int(to/c.Step), len(c.Backlog))
	for i := first; i < end; {
		next := min(i+max(1, int(crowdSeconds/c.Step)), end)
		highest := i
		for k := i; k < next; k++ {
			if c.Backlog[k] > c.Backlog[highest] {
				highest = k
			}
		}
		all = append(all, c.flowing.crowd(highest, float64(next-i)*c.Step, c.Backlog[highest]))
		i = next
	}
	allowed := -math.Log(share)
	exceeds := func(x float64) bool {
		expected := 0.0
		for i, q := range all {
			there, clumps := q.above(x)
			if expected += clumps; i == 0 {
				expected += there
			}
			if expected > allowed {
				return true
			}
		}
		return false
	}
	low, high := 0.0, 1.0
	for exceeds(high) && high < 1e15 {
		low, high = high, 2*high
	}
	for high-low > max(0.5, 1e-4*high) {
		if middle := (low + high) / 2; exceeds(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	return math.Ceil(high)
}

// crowdSeconds is how long a backlog is taken as that of its highest moment.
const crowdSeconds = 300

// crowd is the backlog of a time by chance.
type crowd struct {
	comes   float64 // exports
	others  float64 // under way or between two attempts, on average
	share   float64 // probability that some wait
	waiting float64 // of them where any wait, on average
	vary    float64 // squared coefficient of variation of these
}

// crowd is that of step i.
func (f *flowing) crowd(i int, seconds, backlog float64) crowd {
	w, waiting := waits{}, 0.0
	if i < len(f.waits) {
		w, waiting = f.waits[i], f.levels[i]
	}
	q := crowd{others: max(0, backlog-waiting), share: w.share, vary: max(w.vary, 1e-9)}
	if i < len(f.load.Rates) {
		q.comes = f.load.Rates[i] * seconds
	}
	if w.share > 0 {
		q.waiting = waiting / w.share
	}
	return q
}

// cumulant is the cumulant generating function at a point, with two derivatives.
func (q crowd) cumulant(at float64) (k, mean, variance float64) {
	e := math.Exp(at)
	k, mean, variance = q.others*(e-1), q.others*e, q.others*e
	if q.share == 0 || q.waiting == 0 {
		return k, mean, variance
	}
	left := 1 - at*q.waiting*q.vary
	some := math.Log(q.share) - math.Log(left)/q.vary
	part := 1 / (1 + (1-q.share)*math.Exp(-some)) // of the sum of both cases
	d := q.waiting / left
	sum := some + math.Log1p((1-q.share)*math.Exp(-some))
	return k + sum, mean + part*d, variance + part*d*d*(q.vary+1-part)
}

// above are the probability that the backlog is above a level, and how often a clump of
// moments begins in which it is (saddlepoint: Daniels 1954).
func (q crowd) above(x float64) (there, clumps float64) {
	most := 50.0
	if q.share > 0 && q.waiting > 0 {
		most = min(most, (1-1e-9)/(q.waiting*q.vary))
	}
	if _, mean, _ := q.cumulant(0); mean >= x {
		return 1, 1
	}
	const halvings = 60
	i := sort.Search(1<<halvings, func(i int) bool {
		_, mean, _ := q.cumulant(most * float64(i) / (1 << halvings))
		return mean >= x
	})
	at := most * float64(i) / (1 << halvings)
	k, _, variance := q.cumulant(at)
	density := math.Exp(k-at*x) / math.Sqrt(2*math.Pi*variance)
	decay := -math.Expm1(-at)
	return min(1, density/decay), q.comes * density * decay
}
