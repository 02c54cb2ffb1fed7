package loadtest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/reports"
)

// receiver is one of known capacity, in virtual time: what comes of a request
// that arrives at a moment.
type receiver func(at time.Duration) (took time.Duration, outcome string)

// bucket takes rate requests a second, and some at once; the others are told
// 429.
func bucket(rate, burst float64) receiver {
	tokens, last := burst, time.Duration(0)
	return func(at time.Duration) (time.Duration, string) {
		tokens = min(burst, tokens+(at-last).Seconds()*rate)
		last = at
		if tokens < 1 {
			return time.Millisecond, "429"
		}
		tokens--
		return time.Millisecond, "200"
	}
}

// oneSocket works on one request at a time, each for as long.
func oneSocket(work time.Duration) receiver {
	free := time.Duration(0)
	return func(at time.Duration) (time.Duration, string) {
		free = max(free, at) + work
		if free-at > engine.Budget {
			return engine.Budget, "timeout"
		}
		return free - at, "200"
	}
}

// trial loads it, each time as it was at first; workers is how many requests
// the generator can have under way, 0 any number.
func trial(t *testing.T, make func() receiver, objectives []Objective, tried *[]float64) Trial {
	return func(ctx context.Context, rate float64, length time.Duration) (*Trialled, error) {
		*tried = append(*tried, rate)
		if len(*tried) > 200 {
			t.Fatal("the search does not end")
		}
		p := Constant(rate, length)
		r, answer := NewRecorder(p), make()
		for n := range p.Total() {
			due := p.Due(n)
			took, outcome := answer(due)
			r.Begin(due, due)
			r.Open(due)
			r.Attempt(due, due+took, outcome, outcome == "200")
			r.End(due, due+took, outcome == "200")
		}
		l := &reports.Load{Mode: Receiver}
		r.Fill(l, p.Duration())
		r.judge(l, objectives, generator{})
		least := r.course.growing()
		return &Trialled{Load: l, Growing: least}, nil
	}
}

// The limit of receivers of known capacity is found within five in a hundred.
func TestSearchFindsTheLimit(t *testing.T) {
	volume(t)
	for _, tt := range []struct {
		name      string
		make      func() receiver
		slo       []string
		limit     float64
		saturated string
	}{
		{"a token bucket of 500 a second", func() receiver { return bucket(500, 50) }, []string{"response.p95<2s", "errors<1%"}, 500, "answered 429"},
		{"one socket, 40 ms each", func() receiver { return oneSocket(40 * time.Millisecond) }, []string{"response.p95<2s", "errors<1%"}, 25, "queues"},
		{"one socket, an objective below its queue", func() receiver { return oneSocket(40 * time.Millisecond) }, []string{"response.p99<100ms"}, 25, "queues"},
		{"one socket, errors alone", func() receiver { return oneSocket(40 * time.Millisecond) }, []string{"errors<1%"}, 25, "queues"},
		{"a fast one", func() receiver { return bucket(7000, 700) }, []string{"errors<=0.5%"}, 7000, "answered 429"},
	} {
		objectives := []Objective{Documented()}
		for _, text := range tt.slo {
			objectives = append(objectives, objective(t, text))
		}
		var tried []float64
		l, err := Search{From: 10, To: 20_000, Length: 10 * time.Second, Samples: SamplesFor(Receiver, objectives), Trial: trial(t, tt.make, objectives, &tried)}.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		s := l.Search
		if off(s.Rate, tt.limit) > 0.05 || s.Above < s.Rate || s.Above/s.Rate > 1.05 || Verdict(l) != reports.Pass || s.Limited {
			t.Errorf("%s: %v/s holds, %v/s does not, of %v/s; %s", tt.name, s.Rate, s.Above, tt.limit, Verdict(l))
		}
		if !strings.Contains(s.Saturated, tt.saturated) || !strings.Contains(s.Confidence, "held") {
			t.Errorf("%s: %q, %q", tt.name, s.Saturated, s.Confidence)
		}
		for i, p := range s.Points {
			if i > 0 && p.Rate < s.Points[i-1].Rate {
				t.Errorf("%s: the points are not in order: %+v", tt.name, s.Points)
			}
		}
	}
}

// A receiver that is never saturated has a limit above the cap; one that never
// holds has no limit; one that holds once has been lucky.
func TestSearchAtItsEnds(t *testing.T) {
	volume(t)
	objectives := []Objective{objective(t, "errors<1%")}
	var tried []float64
	s := Search{From: 10, To: 1000, Length: 10 * time.Second, Samples: SamplesFor(Receiver, objectives), Trial: trial(t, func() receiver { return bucket(1e9, 1e9) }, objectives, &tried)}
	l, err := s.Run(context.Background())
	if err != nil || l.Search.Rate != 1000 || !l.Search.Limited || !strings.Contains(l.Search.Confidence, "above it") || Verdict(l) != reports.Pass {
		t.Errorf("%+v, %v", l.Search, err)
	}
	s.Trial = trial(t, func() receiver { return func(time.Duration) (time.Duration, string) { return 0, "500" } }, objectives, &tried)
	l, err = s.Run(context.Background())
	if err != nil || l.Search.Rate != 0 || !strings.Contains(l.Search.Confidence, "none of") || Verdict(l) != reports.Inconclusive {
		t.Errorf("%+v, %v, %s", l.Search, err, Verdict(l))
	}
	// At 100 and above it fails from the second time on.
	times := map[float64]int{}
	good, bad := trial(t, func() receiver { return bucket(1e9, 1e9) }, objectives, &tried), trial(t, func() receiver { return bucket(1, 1) }, objectives, &tried)
	s.Trial = func(ctx context.Context, rate float64, length time.Duration) (*Trialled, error) {
		if times[rate]++; rate > 320 || rate > 100 && times[rate] > 1 {
			return bad(ctx, rate, length)
		}
		return good(ctx, rate, length)
	}
	l, err = s.Run(context.Background())
	if err != nil || l.Search.Rate > 100 || l.Search.Rate < 60 || times[l.Search.Rate] < 2 {
		t.Errorf("a lucky rate is the limit: %+v, %v", l.Search, err)
	}
}

// A limit of this machine is reported, and does not count as a limit of the
// receiver.
func TestSearchIsLimitedByItsGenerator(t *testing.T) {
	objectives := []Objective{objective(t, "errors<1%")}
	var tried []float64
	good := trial(t, func() receiver { return bucket(1e9, 1e9) }, objectives, &tried)
	s := Search{From: 10, To: 1000, Length: 40 * time.Second, Trial: func(ctx context.Context, rate float64, length time.Duration) (*Trialled, error) {
		x, err := good(ctx, rate, length)
		if rate > 100 {
			x.Load.Doubts = []string{"the generator fell behind"}
			x.Load.Objectives[0].Verdict, x.Load.Objectives[0].Reason = reports.Inconclusive, x.Load.Doubts[0]
		}
		return x, err
	}}
	l, err := s.Run(context.Background())
	if err != nil || !l.Search.Limited || !strings.Contains(l.Search.Saturated, "this machine") || off(l.Search.Rate, 100) > 0.05 {
		t.Errorf("%+v, %v", l.Search, err)
	}
	// One that only stumbled has not reached its limit.
	times := map[float64]int{}
	s.Trial = func(ctx context.Context, rate float64, length time.Duration) (*Trialled, error) {
		x, err := good(ctx, rate, length)
		if times[rate]++; times[rate] == 1 {
			x.Load.Doubts = []string{"this machine stood still"}
			x.Load.Objectives[0].Verdict, x.Load.Objectives[0].Reason = reports.Inconclusive, x.Load.Doubts[0]
		}
		return x, err
	}
	if l, err = s.Run(context.Background()); err != nil || l.Search.Rate != 1000 || Verdict(l) != reports.Pass {
		t.Errorf("%+v, %v", l.Search, err)
	}
	broken := errors.New("no receiver")
	s.Trial = func(context.Context, float64, time.Duration) (*Trialled, error) { return nil, broken }
	if _, err := s.Run(context.Background()); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

// Stopped, it reports what was found.
func TestSearchIsInterrupted(t *testing.T) {
	objectives := []Objective{objective(t, "errors<1%")}
	ctx, cancel := context.WithCancel(context.Background())
	var tried []float64
	good := trial(t, func() receiver { return bucket(500, 50) }, objectives, &tried)
	l, err := Search{From: 10, To: 1000, Length: 40 * time.Second, Trial: func(ctx context.Context, rate float64, length time.Duration) (*Trialled, error) {
		if len(tried) == 4 {
			cancel()
		}
		return good(ctx, rate, length)
	}}.Run(ctx)
	if err != nil || !l.Interrupted || l.Search.Rate != 80 || len(l.Search.Points) != 4 || l.Search.Saturated != "" || !strings.Contains(l.Search.Confidence, "search ended before") {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestHoldable(t *testing.T) {
	if err := Holdable([]Objective{Documented(), objective(t, "lost<1%"), objective(t, "delivery.p95<1m")}); !errors.Is(err, ErrNothingToHold) {
		t.Errorf("%v", err)
	}
	if err := Holdable(AnswerInTime()); err != nil {
		t.Error(err)
	}
}
