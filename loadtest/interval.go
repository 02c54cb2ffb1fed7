package loadtest

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// confidence of every interval, both sides together.
const confidence = 0.95

// quantileRanks are the order statistics (from 1) of n samples that hold the
// true quantile in 95 of 100 runs: at most the low-th smallest sample and at
// least the high-th. low 0 or high n+1: so few samples say nothing on that
// side. Samples are taken as independent; give the effective size for others.
func quantileRanks(n int64, q float64) (low, high int64) {
	if n == 0 {
		return 0, 1
	}
	tail := (1 - confidence) / 2
	// low is the largest rank l with P(fewer than l samples below the quantile)
	// no more than the tail; high the smallest with as little above.
	low = search(0, n, func(l int64) bool { return binomialCDF(l, n, q) > tail })
	high = search(0, n, func(h int64) bool { return binomialCDF(h, n, q) >= 1-tail }) + 1
	return low, high
}

// samplesOf is how many independent samples the interval of a quantile needs for
// its upper end.
func samplesOf(q float64) float64 { return math.Log((1-confidence)/2) / math.Log(q) }

// search is the smallest number in [from, to] that holds, to where none does.
func search(from, to int64, holds func(int64) bool) int64 {
	for from < to {
		middle := from + (to-from)/2
		if holds(middle) {
			to = middle
		} else {
			from = middle + 1
		}
	}
	return from
}

// rankOf is where, among count samples, the rank of an effective size is.
func rankOf(rank, size, count int64) int64 {
	if size >= count || rank < 1 {
		return rank
	}
	if rank > size {
		return count + 1
	}
	return max(1, int64(math.Round(float64(rank)/float64(size)*float64(count))))
}

// quantileInterval are the ranks among count samples, of an effective size.
func quantileInterval(count, size int64, q float64) (low, high int64) {
	low, high = quantileRanks(size, q)
	return rankOf(low, size, count), rankOf(high, size, count)
}

// shareInterval holds the true share behind k of n in 95 of 100 runs (Clopper
// and Pearson).
func shareInterval(k, n int64) (low, high float64) {
	if n == 0 {
		return 0, 1
	}
	return betaInterval(float64(k), float64(n))
}

// betaInterval is shareInterval for numbers that need not be whole, as those of
// an effective size are not.
func betaInterval(k, n float64) (low, high float64) {
	tail := (1 - confidence) / 2
	if k > 0 {
		low = mathext.InvRegIncBeta(k, n-k+1, tail)
	}
	high = 1
	if k < n {
		high = mathext.InvRegIncBeta(k+1, n-k, 1-tail)
	}
	return low, high
}

// binomialCDF is the probability of at most k successes in n trials.
func binomialCDF(k, n int64, p float64) float64 {
	switch {
	case k < 0:
		return 0
	case k >= n || p <= 0:
		return 1
	case p >= 1:
		return 0
	}
	return mathext.RegIncBeta(float64(n-k), float64(k+1), 1-p)
}
