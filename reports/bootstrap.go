package reports

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// redraws is how often a bootstrap draws again.
const redraws = 2000

// quantileChange is by how much the quantile q of one distribution is larger
// than that of another, as a share, with an interval that holds the true change
// in 95 of 100 repetitions: a bootstrap, seeded, so that the same histograms
// give the same interval.
//
// Drawing n of n times anew and taking the k-th is drawing its share from a beta
// distribution of k and n+1-k (order statistics), so that a million samples cost
// as little as a hundred. It covers chance within a run, but not a machine that
// was busier in one of them: the minimum effect is for that.
func quantileChange(before, after sample, q float64, rng *rand.Rand) (low, high float64) {
	changes, a, b := make([]float64, redraws), added(before.bars), added(after.bars)
	for i := range changes {
		changes[i] = ratio(a.redrawn(q, before.size, rng), b.redrawn(q, after.size, rng))
	}
	slices.Sort(changes)
	return changes[redraws*25/1000], changes[redraws*975/1000-1]
}

// sample is a set of times with its effective size: the number of independent
// times with the same information.
type sample struct {
	bars []Bar
	size int64
}

// ratio is by which share b is larger than a.
func ratio(a, b float64) float64 {
	switch {
	case a == b:
		return 0
	case a == 0:
		return math.MaxFloat64 // JSON has no infinity
	}
	return b/a - 1
}

// sums are bars with how many times are in each and those before it.
type sums struct {
	bars []Bar
	upTo []int64
}

func added(bars []Bar) sums {
	out := sums{bars, make([]int64, len(bars))}
	n := int64(0)
	for i, b := range bars {
		n += b.Count
		out.upTo[i] = n
	}
	return out
}

// redrawn is the quantile of a distribution of which size times were drawn anew.
func (s sums) redrawn(q float64, size int64, rng *rand.Rand) float64 {
	if len(s.bars) == 0 {
		return 0
	}
	n, of := float64(max(size, 1)), float64(s.upTo[len(s.upTo)-1])
	k := max(1, math.Ceil(q*n-1e-9*n))
	rank := int64(math.Ceil(distuv.Beta{Alpha: k, Beta: n + 1 - k, Src: rng}.Rand() * of))
	i, _ := slices.BinarySearch(s.upTo, max(1, rank))
	return s.bars[min(i, len(s.bars)-1)].ToMs
}
