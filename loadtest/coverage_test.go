package loadtest

import (
	"flag"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/httpdest/httpdest/loadtest/model"
	"github.com/httpdest/httpdest/reports"
)

var (
	coverageSeeds = flag.Int("seeds", 20, "runs of each queue, of which intervals must hold the truth")
	coverageAll   = flag.Bool("coverage", false, "all queues at all loads, and not two of them")
)

// queue is one of the textbook: arrivals by chance, servers that take the first
// that waits, and service times of a distribution. It knows nothing of httpdest.
type queue struct {
	name    string
	servers int
	service model.Latency // with a mean of one second, which the load scales
	// truth is the quantile of the time in the queue and in service, in seconds,
	// nil where no formula is known.
	truth func(rate, utilisation, q float64) float64
}

// perSecond is how many requests a second all queues are offered.
const perSecond = 100.0

var queues = []queue{
	{"M/M/1", 1, model.Latency{}, func(rate, utilisation, q float64) float64 { return -math.Log1p(-q) / (rate/utilisation - rate) }},
	{"M/G/4, uniform", 4, model.Uniform(0, 2), nil},
	{"log-normal, one server", 1, unitLognormal(1), nil},
}

var utilisations = []float64{0.5, 0.8, 0.92, 0.96}

// unitLognormal is a log-normal distribution with a mean of one.
func unitLognormal(sigma float64) model.Latency {
	return model.FromQuantiles(func(u float64) float64 { return math.Exp(sigma*math.Sqrt2*math.Erfinv(2*u-1) - sigma*sigma/2) })
}

// play hands each request of a run to took: when it was due, and what it took.
func (x queue) play(seed uint64, utilisation, length float64, took func(due, took float64)) {
	rng := rand.New(rand.NewPCG(seed, 0xc07e))
	mean := utilisation * float64(x.servers) / perSecond
	free := make([]float64, x.servers)
	for at := rng.ExpFloat64() / perSecond; at < length; at += rng.ExpFloat64() / perSecond {
		work := mean * rng.ExpFloat64()
		if x.truth == nil {
			work = mean * x.service.Quantile(rng.Float64())
		}
		soonest := 0
		for i := range free {
			if free[i] < free[soonest] {
				soonest = i
			}
		}
		free[soonest] = max(at, free[soonest]) + work
		took(at, free[soonest]-at)
	}
}

// true95 is the true 95th percentile in milliseconds: by its formula, or of a
// run that is a hundred times longer than any other.
func (x queue) true95(utilisation float64) float64 {
	if x.truth != nil {
		return 1000 * x.truth(perSecond, utilisation, 0.95)
	}
	h := NewHistogram()
	x.play(1<<40, utilisation, 200_000/(1-utilisation), func(_, took float64) { h.Record(seconds(took)) })
	return h.Quantile(0.95)
}

// objective is p95 of a run, judged as a load is.
func (x queue) objective(seed uint64, utilisation, length float64) (reports.Objective, *Histogram) {
	h := newCourse()
	x.play(seed, utilisation, length, func(due, took float64) { h.RecordAt(seconds(due), seconds(took)) })
	o := Objective{Text: "p95<1h", Quantity: Latency, Quantile: 0.95, Op: "<", Limit: 3_600_000}
	return o.judge(Evidence{Response: h}), h
}

// covered is what came of runs of which each was as long as advised.
type covered struct {
	given, within, short int // short: of the first runs, too short for an interval
	lengths              []float64
	widths               []float64 // of the intervals, as shares of the truth
}

// cover plays a queue as a planner would: five minutes, and again, as long as
// the verdict advises, until there is an interval.
func (x queue) cover(utilisation, truth float64, seeds int) (c covered) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	next := make(chan int)
	for range 2 {
		wg.Go(func() { // ends with next
			for seed := range next {
				length := 300.0
				for attempt := range 5 {
					o, h := x.objective(uint64(seed)<<8+uint64(attempt), utilisation, length)
					given := o.Verdict == reports.Pass
					mu.Lock()
					if c.short += int(count(attempt == 0 && !given)); given {
						c.given++
						c.within += int(count(o.Low <= truth && truth <= o.High))
						c.lengths, c.widths = append(c.lengths, length), append(c.widths, (o.High-o.Low)/truth)
					}
					mu.Unlock()
					if given {
						break
					}
					length = h.effective(0.95).needed.Seconds()
				}
			}
		})
	}
	for seed := range seeds {
		next <- seed
	}
	close(next)
	wg.Wait()
	slices.Sort(c.lengths)
	slices.Sort(c.widths)
	return c
}

// Wherever a verdict is given on p95, its interval holds the true value in at
// least 93 of 100 runs, also near saturation; a run too short for one reports
// how long it must be. make coverage-of-intervals plays all queues.
func TestCoverageOfIntervals(t *testing.T) {
	volume(t)
	t.Logf("| %-22s | %s | %9s | %6s | %7s | %s | %s | %s |", "queue", "load", "true p95", "given", "within", "too short at 5 min", "length, median", "width, median")
	for i, x := range queues {
		for _, u := range utilisations {
			if !*coverageAll && (i > 0 || u > 0.8) {
				continue
			}
			truth := x.true95(u)
			c := x.cover(u, truth, *coverageSeeds)
			if c.given == 0 {
				t.Errorf("%s at %v: no interval in %d runs", x.name, u, *coverageSeeds)
				continue
			}
			share := float64(c.within) / float64(c.given)
			t.Logf("| %-22s | %.2f | %6.0f ms | %6d | %5.1f %% | %18d | %14s | %11.0f %% |", x.name, u, truth, c.given, 100*share, c.short,
				time.Duration(c.lengths[len(c.lengths)/2]*1e9).Round(time.Second), 100*c.widths[len(c.widths)/2])
			// Of few runs, chance takes more.
			if least := 0.93 - 2*math.Sqrt(0.93*0.07/float64(c.given))*count01(*coverageSeeds < 200); share < least {
				t.Errorf("%s at %v: the truth is within %d of %d intervals", x.name, u, c.within, c.given)
			}
		}
	}
}

func count01(is bool) float64 { return float64(count(is)) }

// compared judges a pair of runs as report compare does.
func (x queue) compared(t *testing.T, seed uint64, utilisation, length, slower float64) (cries, unclear int) {
	t.Helper()
	report := func(seed uint64, factor float64) *reports.Report {
		h := newCourse()
		x.play(seed, utilisation, length, func(due, took float64) { h.RecordAt(seconds(due), seconds(took*factor)) })
		return &reports.Report{Kind: "load", Load: &reports.Load{Mode: Receiver, Clock: "wall", ResponseTime: h.Distribution()}}
	}
	c, err := reports.Compare(report(seed, 1), report(seed+1, slower), 0.1)
	if err != nil {
		t.Fatal(err)
	}
	return c.Count(reports.Slower) + c.Count(reports.Faster), c.Count(reports.Unclear)
}

// Two runs of the same receiver differ by chance alone: report compare cries
// wolf for at most one pair in twenty, at any load. A receiver that is a fifth
// slower is found.
func TestCompareCriesNoWolf(t *testing.T) {
	volume(t)
	pairs := 20
	if !*coverageAll {
		pairs = 4
	}
	lengths := map[float64]float64{0.5: 1800, 0.8: 7200, 0.92: 18_000, 0.96: 40_000} // long enough for a tenth of p95
	for _, u := range utilisations {
		if !*coverageAll && u > 0.8 {
			continue
		}
		short, long, found, unclear := 0, 0, 0, 0
		for pair := range pairs {
			a, left := queues[0].compared(t, uint64(pair)<<20, u, 300, 1)
			b, _ := queues[0].compared(t, uint64(pair)<<20+2, u, lengths[u], 1)
			c, _ := queues[0].compared(t, uint64(pair)<<20+4, u, lengths[u], 1.2)
			short, long, found = short+int(count(a > 0)), long+int(count(b > 0)), found+int(count(c > 0))
			unclear += int(count(left > 0))
		}
		t.Logf("| %.2f | %d pairs | A/A of 5 min: %d cry, %d unclear | A/A of %s: %d cry | A/B of 20 %%: %d found |", u, pairs, short, unclear,
			time.Duration(lengths[u]*1e9), long, found)
		if limit := max(1, pairs/20); short > limit || long > limit {
			t.Errorf("at %v: %d and %d of %d pairs of the same receiver differ", u, short, long, pairs)
		}
		if found < pairs*3/4 {
			t.Errorf("at %v: a fifth is found in %d of %d pairs", u, found, pairs)
		}
	}
}

// Times without memory count each; those that come in long runs of equals count
// as the runs.
func TestEffectiveSize(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for _, tt := range []struct {
		run         int // equal times in a row
		least, most float64
	}{{1, 0.6, 1}, {20, 0.02, 0.06}, {200, 0.002, 0.006}} {
		h := newCourse()
		last := 0.0
		for i := range 200_000 {
			if i%tt.run == 0 {
				last = rng.ExpFloat64()
			}
			h.RecordAt(time.Duration(i)*10*time.Millisecond, seconds(last/100))
		}
		if size := float64(h.effective(0.95).size) / 200_000; size < tt.least || size > tt.most {
			t.Errorf("runs of %d: the effective size of p95 is %.4f of all", tt.run, size)
		}
	}
	same := newCourse()
	for i := range 1000 {
		same.RecordAt(time.Duration(i)*time.Second, 40*time.Millisecond)
	}
	if e := same.effective(0.95); e.size != 1000 || e.needed != 0 {
		t.Errorf("a thousand equal times: %+v", e)
	}
	if got := newCourse().effective(0.95); got != (effective{}) {
		t.Errorf("nothing: %+v", got)
	}
}
