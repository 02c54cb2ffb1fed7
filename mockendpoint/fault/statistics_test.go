package fault

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"
)

// The injector is held against theory: its latencies by the test of Kolmogorov
// and Smirnov, its hits by the binomial bounds and by the number of their runs.
// Seeds are fixed, so that a pass is a pass for ever; a sound injector would
// fail one of a thousand other seeds. A second test proves that these tests
// find a slightly skewed injector.

const draws = 20_000

// injected are the latencies of so many requests to a plan of one fault.
func injected(f Fault, seed uint64) (latencies []time.Duration, hits []bool) {
	f.ID = "fault"
	p := NewPlan(seed, f)
	for len(hits) < draws {
		hit := p.Request(nil, Message, 1)
		hits = append(hits, hit != nil)
		if hit != nil {
			latencies = append(latencies, hit.Latency)
		}
	}
	return latencies, hits
}

// follows is the test of Kolmogorov and Smirnov at the level 0.001.
func follows(sample []time.Duration, cdf func(time.Duration) float64) error {
	sample = slices.Sorted(slices.Values(sample))
	n, distance := float64(len(sample)), 0.0
	for i, v := range sample {
		at := cdf(v)
		distance = max(distance, at-float64(i)/n, float64(i+1)/n-at)
	}
	if limit := 1.95 / math.Sqrt(n); !(distance <= limit) {
		return fmt.Errorf("the distance to the distribution is %.4f, more than %.4f", distance, limit)
	}
	return nil
}

// fair holds hits against a probability, and their order against chance: both
// within 3.3 standard deviations.
func fair(hits []bool, probability float64) error {
	n, k, runs := float64(len(hits)), 0.0, 1.0
	for i, hit := range hits {
		if hit {
			k++
		}
		if i > 0 && hit != hits[i-1] {
			runs++
		}
	}
	if off := math.Abs(k-n*probability) / math.Sqrt(n*probability*(1-probability)); !(off <= 3.3) {
		return fmt.Errorf("%.0f of %.0f were hit: %.1f standard deviations off", k, n, off)
	}
	expected := 2*k*(n-k)/n + 1
	if off := math.Abs(runs-expected) / math.Sqrt((expected-1)*(expected-2)/(n-1)); !(off <= 3.3) {
		return fmt.Errorf("the hits come in %.0f runs, not %.0f: %.1f standard deviations off", runs, expected, off)
	}
	return nil
}

// phi is the standard normal distribution, by another function than the
// injector's.
func phi(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }

var (
	uniform   = &Distribution{Shape: Uniform, Min: time.Second, Max: 3 * time.Second}
	normal    = &Distribution{Shape: Normal, Mean: time.Second, Deviation: 200 * time.Millisecond}
	logNormal = &Distribution{Shape: LogNormal, Median: 300 * time.Millisecond, Sigma: 0.8}
	percents  = &Distribution{Shape: Percentiles, Table: []Percentile{{Percent: 0, At: 10 * time.Millisecond}, {Percent: 50, At: 200 * time.Millisecond},
		{Percent: 95, At: time.Second}, {Percent: 99, At: 3 * time.Second}, {Percent: 100, At: 5 * time.Second}}}
)

// theory is the distribution function of each of the above.
var theory = map[*Distribution]func(time.Duration) float64{
	uniform:   func(v time.Duration) float64 { return min(1, max(0, v.Seconds()-1)/2) },
	normal:    func(v time.Duration) float64 { return phi((v.Seconds() - 1) / 0.2) },
	logNormal: func(v time.Duration) float64 { return phi(math.Log(v.Seconds()/0.3) / 0.8) },
	percents: func(v time.Duration) float64 {
		s := v.Seconds()
		switch {
		case s < 0.2:
			return (s - 0.01) / 0.19 * 0.5
		case s < 1:
			return 0.5 + (s-0.2)/0.8*0.45
		case s < 3:
			return 0.95 + (s-1)/2*0.04
		}
		return 0.99 + (s-3)/2*0.01
	},
}

func TestLatenciesFollowTheirDistribution(t *testing.T) {
	for d, cdf := range theory {
		for seed := range uint64(3) {
			latencies, _ := injected(Fault{Latencies: d}, seed)
			if err := follows(latencies, cdf); err != nil {
				t.Errorf("%s, seed %d: %v", d.Shape, seed, err)
			}
		}
		// Whether a request is hit says nothing of how late its answer is.
		latencies, _ := injected(Fault{Latencies: d, Probability: 0.3}, 1)
		if err := follows(latencies, cdf); err != nil {
			t.Errorf("%s, of 30 %% of the requests: %v", d.Shape, err)
		}
	}
}

// The lots of other seeds, faults and profiles are as random as those of the
// next request.
func TestLotsDoNotDependOnEachOther(t *testing.T) {
	by := map[string]func(int) time.Duration{
		"seed": func(i int) time.Duration {
			return NewPlan(uint64(i), Fault{Latencies: uniform}).Request(nil, Message, 1).Latency
		},
		"fault": func(i int) time.Duration {
			return NewPlan(1, Fault{ID: fmt.Sprint(i), Latencies: uniform}).Request(nil, Message, 1).Latency
		},
		"profile": func(i int) time.Duration {
			f := Fault{Latencies: uniform, Profiles: func(string) bool { return true }}
			return NewPlan(1, f).Request([]string{fmt.Sprint(i)}, Message, 1).Latency
		},
		"connection": func(i int) time.Duration {
			return NewPlan(1, Fault{Phase: Accept, Latencies: uniform}).Connection(i+1, Accept, false).Latency
		},
	}
	for what, one := range by {
		var sample []time.Duration
		for i := range draws {
			sample = append(sample, one(i))
		}
		if err := follows(sample, theory[uniform]); err != nil {
			t.Errorf("by %s: %v", what, err)
		}
	}
}

// Whether one of two faults by chance hits says nothing of the other: a pair
// that is drawn together would never hit apart. 10,000 draws each: six standard
// deviations are 0.03.
func TestFaultsByChanceAreIndependent(t *testing.T) {
	for seed := range uint64(3) {
		hit := func(id string) (hits []bool) {
			p := NewPlan(seed, Fault{ID: id, Probability: 0.5, Profiles: func(string) bool { return true }})
			for i := range draws {
				hits = append(hits, p.Request([]string{fmt.Sprint("visitor-", i%100)}, Message, 1) != nil)
			}
			return hits
		}
		one, other, both := hit("one"), hit("other"), 0
		for i := range one {
			if one[i] && other[i] {
				both++
			}
		}
		if share := float64(both) / float64(draws); math.Abs(share-0.25) > 0.03 {
			t.Errorf("seed %d: two faults of probability 0.5 hit %.3f of the requests together", seed, share)
		}
	}
}

func TestProbabilitiesAreHeld(t *testing.T) {
	for _, p := range []float64{0.01, 0.1, 0.4, 0.5, 0.97} {
		for seed := range uint64(3) {
			_, hits := injected(Fault{Probability: p}, seed)
			if err := fair(hits, p); err != nil {
				t.Errorf("probability %v, seed %d: %v", p, seed, err)
			}
		}
	}
}

// Every skewed injector here is wrong by little, and found.
func TestSkewedInjectorsAreFound(t *testing.T) {
	latencies := func(d Distribution) []time.Duration {
		sample, _ := injected(Fault{Latencies: &d}, 1)
		return sample
	}
	half := func(d Distribution) Distribution { d.Max = (d.Min + d.Max) / 2; return d }
	sigma := func(d Distribution) Distribution { d.Sigma *= 0.9; return d }
	deviation := func(d Distribution) Distribution { d.Deviation = d.Deviation * 11 / 10; return d }
	mean := func(d Distribution) Distribution { d.Mean = d.Mean * 101 / 100; return d }
	median := func(d Distribution) Distribution { d.Median = d.Median * 104 / 100; return d }
	tail := func(d Distribution) Distribution {
		d.Table = slices.Clone(d.Table)
		d.Table[2].Percent = 92
		return d
	}
	for what, c := range map[string]struct {
		sample []time.Duration
		of     *Distribution
	}{
		"a uniform one that never reaches its upper half": {latencies(half(*uniform)), uniform},
		"a sigma 10 % too small":                          {latencies(sigma(*logNormal)), logNormal},
		"a median 4 % too late":                           {latencies(median(*logNormal)), logNormal},
		"a deviation 10 % too large":                      {latencies(deviation(*normal)), normal},
		"a mean 1 % too late":                             {latencies(mean(*normal)), normal},
		"a p95 that is a p92":                             {latencies(tail(*percents)), percents},
		"another shape":                                   {latencies(*normal), uniform},
		"the lot of the probability, used again":          {usedAgain(0.7), uniform},
	} {
		if follows(c.sample, theory[c.of]) == nil {
			t.Errorf("%s is not found", what)
		}
	}

	_, hits := injected(Fault{Probability: 0.42}, 1)
	if fair(hits, 0.4) == nil {
		t.Error("a probability of 42 % instead of 40 % is not found")
	}
	_, hits = injected(Fault{Every: 2}, 1)
	if fair(hits, 0.5) == nil {
		t.Error("every second request instead of one by chance is not found")
	}
}

// usedAgain are the latencies of an injector that draws once: only those whose
// lot was below the probability are hit.
func usedAgain(probability float64) []time.Duration {
	var sample []time.Duration
	for i := range draws {
		if share := draw(1, "fault", "", i).share(); share < probability {
			sample = append(sample, quantile(uniform, share))
		}
	}
	return sample
}
