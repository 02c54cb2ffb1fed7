package loadtest

import (
	"context"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/httpdest/httpdest/loadtest/model"
	"github.com/httpdest/httpdest/reports"
)

// Arrivals by chance have the rate of their pace, and times between them that are
// exponential: as long on average as they vary, and independent of each other.
func TestPoissonArrivals(t *testing.T) {
	p := Poisson.Of(Constant(100, 10*time.Minute), 1)
	if n := float64(p.Total()); math.Abs(n-60_000) > 4*math.Sqrt(60_000) {
		t.Errorf("%v are due", n)
	}
	var gaps []float64
	for n := uint64(1); n < p.Total(); n++ {
		gaps = append(gaps, (p.Due(n) - p.Due(n-1)).Seconds())
	}
	mean := sumOf(gaps) / float64(len(gaps))
	square, product := 0.0, 0.0
	for i, g := range gaps {
		square += (g - mean) * (g - mean)
		if i > 0 {
			product += (g - mean) * (gaps[i-1] - mean)
		}
	}
	if !near(mean, 0.01, 0.0002) || !near(math.Sqrt(square/float64(len(gaps)))/mean, 1, 0.02) || math.Abs(product/square) > 0.02 {
		t.Errorf("mean %v s, deviation %v of it, correlation %v", mean, math.Sqrt(square/float64(len(gaps)))/mean, product/square)
	}
	slices.Sort(gaps)
	if median := gaps[len(gaps)/2]; !near(median, 0.01*math.Ln2, 0.0002) {
		t.Errorf("the median is %v s", median)
	}
}

// When one is due and how many are due by then agree, in any order and from many
// goroutines; the same seed is the same course, and paced changes nothing.
func TestPoissonAgrees(t *testing.T) {
	ramp := Ramp(0, 200, time.Minute)
	p, again := Poisson.Of(ramp, 7), Poisson.Of(ramp, 7)
	var wg sync.WaitGroup
	for worker := range uint64(4) {
		wg.Go(func() {
			for n := worker; n < p.Total(); n += 4 {
				due := p.Due(n)
				if due != again.Due(n) || due < 0 || due > p.Duration() || p.Count(due) > n || p.Count(due+time.Nanosecond) < n+1 {
					t.Errorf("number %d is due at %s, and again at %s; %d are due before", n, due, again.Due(n), p.Count(due))
				}
			}
		})
	}
	wg.Wait()
	if half := p.Count(30 * time.Second); math.Abs(float64(half)-1500) > 4*math.Sqrt(1500) || p.Count(p.Duration()) != p.Total() || p.Due(p.Total()) != time.Minute {
		t.Errorf("%d in the first half of a ramp of %d", half, p.Total())
	}
	if Poisson.Of(ramp, 8).Due(100) == p.Due(100) || Paced.Of(ramp, 7) != ramp {
		t.Error("another seed is the same course, or a paced one is another pace")
	}
	if !steady(Poisson.Of(Constant(1, time.Minute), 1)) || steady(p) || p.String() != "ramp from 0/s to 200/s in 1m0s, poisson arrivals" {
		t.Errorf("%s", p)
	}
	if _, err := ParseArrivals("random"); err == nil {
		t.Error("random is a kind of arrivals")
	}
}

// A single thread that is busy for four fifths of the time queues by Pollaczek and
// Khinchine where requests come by chance, and not at all where they are paced.
func TestArrivalsMatter(t *testing.T) {
	for arrivals, want := range map[Arrivals]float64{Paced: 8, Poisson: 8 + 8*0.8/(2*0.2)} {
		l, err := VirtualAttack{Pace: arrivals.Of(Constant(100, 30*time.Minute), 3),
			Target: NewVirtualTarget(VirtualReceiver{Latency: model.Fixed(0.008), Servers: 1}, 1)}.Run(context.Background())
		if err != nil || !near(l.ResponseTime.MeanMs, want, 0.05*want) {
			t.Errorf("%s: %v ms on average; want %v", arrivals, l.ResponseTime.MeanMs, want)
		}
	}
}

// A search with arrivals by chance finds a limit as well.
func TestSearchWithPoissonArrivals(t *testing.T) {
	volume(t)
	objectives := []Objective{objective(t, "response.p95<300ms"), FewErrors()}
	target := NewVirtualTarget(VirtualReceiver{Latency: model.Fixed(0.01), Servers: 1}, 1)
	seed := uint64(0)
	attack := VirtualAttack{Target: target, Objectives: objectives, Offer: func(rate float64, length time.Duration) Pace {
		seed++
		return Poisson.Of(Constant(rate, length), seed)
	}}
	l, err := Search{From: 10, To: 1000, Length: time.Minute, Samples: SamplesFor(Receiver, objectives), Trial: attack.Trial(2 * time.Second), Resting: target.Resting(0)}.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if s := l.Search; s.Rate > 100 || s.Rate < 80 || s.Knee == nil || s.Knee.High < 90 || !strings.Contains(l.Pace, "poisson") {
		t.Errorf("%v/s, knee %+v; %s", s.Rate, s.Knee, s.Confidence)
	}
}

// Each stage has the results of what was due in it.
func TestStages(t *testing.T) {
	p := Stages([]Stage{{10 * time.Second, 100}, {20 * time.Second, 100}, {10 * time.Second, 20}, {5 * time.Second, 0}})
	if p.Total() != 500+2000+600+50 || p.Duration() != 45*time.Second || p.Rate(5*time.Second) != 50 || p.Rate(35*time.Second) != 60 || p.Peak() != 100 {
		t.Errorf("%s: %d in %s", p, p.Total(), p.Duration())
	}
	// Above 50 a second a queue builds up, which the next stages have to drain.
	l, err := VirtualAttack{Pace: p, Target: NewVirtualTarget(VirtualReceiver{Latency: model.Fixed(0.012), Servers: 1}, 1)}.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	sum := reports.Stage{}
	for _, s := range l.Stages {
		sum.Offered, sum.Begun, sum.Delivered, sum.Failed = sum.Offered+s.Offered, sum.Begun+s.Begun, sum.Delivered+s.Delivered, sum.Failed+s.Failed
	}
	if len(l.Stages) != 4 || sum.Offered != l.Offered.Count || sum.Begun != l.Achieved.Count || sum.Delivered != l.Delivered.Count || sum.Failed != l.Failed.Count {
		t.Errorf("%+v of %+v", sum, l)
	}
	if a, b := l.Stages[0], l.Stages[1]; a.From != 0 || a.To != 100 || a.Offered != 500 || a.P50Ms > 50 || b.P50Ms < 500 || b.AtSeconds != 10 {
		t.Errorf("%+v, then %+v", a, b)
	}
	if one, err := (VirtualAttack{Pace: Constant(10, time.Second), Target: NewVirtualTarget(fixed(time.Millisecond), 1)}).Run(context.Background()); err != nil || one.Stages != nil {
		t.Errorf("a constant pace has stages: %+v, %v", one.Stages, err)
	}
}
