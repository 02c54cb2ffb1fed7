package loadtest

import "math"

// confidence of every interval, both sides together.
const confidence = 0.95

// quantileRanks are the order statistics (from 1) of n samples that hold the
// true quantile in 95 of 100 runs: at most the low-th smallest sample and at
// least the high-th. low 0 or high n+1: so few samples say nothing on that
// side. As if samples were independent: latencies of a queue are less so, and
// their true interval is wider.
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

// shareInterval holds the true share behind k of n in 95 of 100 runs (Clopper
// and Pearson).
func shareInterval(k, n int64) (low, high float64) {
	if n == 0 {
		return 0, 1
	}
	tail := (1 - confidence) / 2
	if k > 0 {
		low = solve(func(p float64) bool { return 1-binomialCDF(k-1, n, p) < tail })
	}
	high = 1
	if k < n {
		high = solve(func(p float64) bool { return binomialCDF(k, n, p) > tail })
	}
	return low, high
}

// solve is where a condition that holds near 0 ceases to.
func solve(holds func(float64) bool) float64 {
	low, high := 0.0, 1.0
	for range 60 {
		if middle := (low + high) / 2; holds(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2
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
	return incompleteBeta(float64(n-k), float64(k+1), 1-p)
}

// incompleteBeta is the regularized incomplete beta function, by Lentz's
// continued fraction.
func incompleteBeta(a, b, x float64) float64 {
	if x <= 0 || x >= 1 {
		return min(max(x, 0), 1)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab - la - lb + a*math.Log(x) + b*math.Log1p(-x))
	if x < (a+1)/(a+b+2) {
		return front * betaFraction(a, b, x) / a
	}
	return 1 - front*betaFraction(b, a, 1-x)/b
}

func betaFraction(a, b, x float64) float64 {
	const tiny = 1e-300
	away := func(v float64) float64 {
		if math.Abs(v) < tiny {
			return tiny
		}
		return v
	}
	c, d := 1.0, 1/away(1-(a+b)*x/(a+1))
	h := d
	for m := 1.0; m < 100_000; m++ {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d, c = 1/away(1+even*d), away(1+even/c)
		h *= d * c
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d, c = 1/away(1+odd*d), away(1+odd/c)
		h *= d * c
		if math.Abs(d*c-1) < 1e-14 {
			break
		}
	}
	return h
}
