package loadtest

import (
	"math"
	"math/rand/v2"
	"testing"
)

func near(a, b, within float64) bool { return math.Abs(a-b) <= within }

// Against sums of the definition.
func TestBinomialCDF(t *testing.T) {
	for _, n := range []int64{1, 2, 7, 60, 500} {
		for _, p := range []float64{0.001, 0.05, 0.5, 0.95, 0.999} {
			sum := 0.0
			for k := int64(0); k <= n; k++ {
				a, _ := math.Lgamma(float64(n + 1))
				b, _ := math.Lgamma(float64(k + 1))
				c, _ := math.Lgamma(float64(n - k + 1))
				sum += math.Exp(a - b - c + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
				if got := binomialCDF(k, n, p); !near(got, sum, 1e-9) {
					t.Errorf("binomialCDF(%d, %d, %v) = %v; want %v", k, n, p, got, sum)
				}
			}
		}
	}
	if got := binomialCDF(9_500_000, 10_000_000, 0.95); !near(got, 0.5, 0.001) {
		t.Errorf("the middle of ten million is %v", got)
	}
}

// Known values: Clopper and Pearson for 1 of 10 and 0 of 100.
func TestShareInterval(t *testing.T) {
	for _, tt := range []struct {
		k, n      int64
		low, high float64
	}{{1, 10, 0.002529, 0.445016}, {0, 100, 0, 0.036217}, {100, 100, 0.963783, 1}, {0, 0, 0, 1}, {5, 10, 0.187086, 0.812914}} {
		if low, high := shareInterval(tt.k, tt.n); !near(low, tt.low, 1e-5) || !near(high, tt.high, 1e-5) {
			t.Errorf("%d of %d: %.6f to %.6f; want %.6f to %.6f", tt.k, tt.n, low, high, tt.low, tt.high)
		}
	}
}

// The ranks hold the true quantile in at least 95 of 100 samples, and few
// samples have no upper end.
func TestQuantileRanks(t *testing.T) {
	for _, tt := range []struct {
		n    int64
		q    float64
		open bool
	}{{71, 0.95, true}, {73, 0.95, false}, {367, 0.99, true}, {370, 0.99, false}, {1, 0.5, true}} {
		if _, high := quantileRanks(tt.n, tt.q); (high > tt.n) != tt.open {
			t.Errorf("%d samples of the quantile %v: rank %d", tt.n, tt.q, high)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, tt := range []struct {
		n int64
		q float64
	}{{100, 0.5}, {200, 0.95}, {3000, 0.99}} {
		low, high := quantileRanks(tt.n, tt.q)
		const runs = 4000
		held := 0
		for range runs {
			below := int64(0) // samples below the true quantile
			for range tt.n {
				if random.Float64() < tt.q {
					below++
				}
			}
			if low <= below && below < high {
				held++
			}
		}
		if share := float64(held) / runs; share < 0.94 || share > 0.99 {
			t.Errorf("%d samples of the quantile %v: ranks %d to %d hold it in %.3f", tt.n, tt.q, low, high, share)
		}
	}
}
