package loadtest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/loadtest/model"
	"github.com/httpdest/httpdest/reports"
)

// searchAlone searches for the limit of a receiver alone in virtual time, as
// `load mock --time virtual --search` does.
func searchAlone(t *testing.T, r VirtualReceiver, rest time.Duration) (*reports.Load, error) {
	t.Helper()
	objectives := append([]Objective{Documented()}, AnswerInTime()...)
	if r.Stores > 0 {
		objectives = append(objectives, StoredInTime())
	}
	target := NewVirtualTarget(r, 1)
	return Search{From: 10, To: 20_000, Length: 10 * time.Second, Samples: SamplesFor(Receiver, objectives),
		Trial: VirtualAttack{Target: target, Objectives: objectives, ReadBack: r.Stores > 0}.Trial(2 * time.Second), Resting: target.Resting(rest)}.Run(context.Background())
}

// fixed is a receiver that takes the same time for each request.
func fixed(took time.Duration) VirtualReceiver {
	return VirtualReceiver{Latency: model.Fixed(took.Seconds())}
}

// The limit of a receiver of known capacity is found within five in a hundred,
// and never above it, whatever a trial leaves behind.
func TestSearchOfReceivers(t *testing.T) {
	volume(t)
	ms := func(n float64) model.Latency { return model.Fixed(n / 1000) }
	for _, tt := range []struct {
		name      string
		receiver  VirtualReceiver
		limit     float64
		saturated string
		trend     bool
	}{
		{"a token bucket", VirtualReceiver{Latency: ms(1), Rate: 500}, 500, "answered 429", false},
		{"a bucket of ten seconds", VirtualReceiver{Latency: ms(1), Rate: 50, Burst: 500}, 50, "answered 429", false},
		{"a bucket of two seconds", VirtualReceiver{Latency: ms(1), Rate: 500, Burst: 1000}, 500, "answered 429", false},
		{"a bucket of forty seconds", VirtualReceiver{Latency: ms(1), Rate: 50, Burst: 2000}, 50, "answered 429", false},
		{"a single thread", VirtualReceiver{Latency: ms(40), Servers: 1}, 25, "queues", false},
		{"four threads", VirtualReceiver{Latency: ms(10), Servers: 4}, 400, "queues", false},
		{"one that collapses when half a second behind",
			VirtualReceiver{Latency: ms(5), Servers: 1, Thrashes: 500 * time.Millisecond, Slower: 4}, 200, "", false},
		{"one that stores less than it answers", VirtualReceiver{Latency: ms(2), Rate: 6400, Stores: 20}, 20, "the storage of the receiver falls behind", false},
		{"one that leaks", VirtualReceiver{Latency: ms(5), Rate: 200, Leak: 20 * time.Microsecond}, 200, "answered 429", true},
	} {
		l, err := searchAlone(t, tt.receiver, 0)
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		s := l.Search
		want := reports.Pass
		if tt.trend {
			want = reports.Inconclusive
		}
		wrong := s.Rate > tt.limit || s.Rate < tt.limit*0.95 || Verdict(l) != want
		wrong = wrong || s.Knee == nil || s.Knee.Low != s.Rate || s.Knee.High < tt.limit
		if wrong = wrong || !strings.Contains(s.Saturated, tt.saturated) || (s.Trend != "") != tt.trend; !wrong {
			continue
		}
		t.Errorf("%s: %v/s, knee %+v, of %v/s; %s; %s; saturated %q, trend %q", tt.name, s.Rate, s.Knee, tt.limit, Verdict(l), s.Confidence, s.Saturated, s.Trend)
		for _, p := range s.Points {
			t.Logf("%2d %7.1f/s %7.1f/s errors %.3f p95 %6.1f %s %s", p.Order, p.Rate, p.Goodput, p.Errors, p.P95Ms, p.Verdict, p.Reason)
		}
	}
}

// A trial that fails by an accident is repeated from rest, and is then not the
// limit.
func TestSearchRepeatsAFailure(t *testing.T) {
	objectives := AnswerInTime()
	target := NewVirtualTarget(fixed(time.Millisecond), 1)
	good := VirtualAttack{Target: target, Objectives: objectives}.Trial(0)
	accidents := 0
	l, err := Search{From: 40, To: 160, Length: 10 * time.Second, Resting: target.Resting(0), Trial: func(ctx context.Context, rate float64, length time.Duration) (*Trialled, error) {
		x, err := good(ctx, rate, length)
		if rate == 80 && accidents == 0 {
			accidents++
			x.Load.Objectives[1].Verdict = reports.Fail
		}
		return x, err
	}}.Run(context.Background())
	if err != nil || l.Search.Rate != 160 || accidents != 1 || l.Search.Points[1].Verdict != reports.Fail || l.Search.Points[2].Rate != 80 || l.Search.Points[2].Verdict != reports.Pass {
		t.Errorf("%+v, %v", l.Search, err)
	}
}

// Near saturation, short trials say little: the interval of the knee is wide then,
// and holds the limit all the same.
func TestSearchKneeHoldsTheTruth(t *testing.T) {
	volume(t)
	for seed := range uint64(3) {
		objectives := AnswerInTime()
		target := NewVirtualTarget(VirtualReceiver{Latency: model.FromQuantiles(func(u float64) float64 { return 0.04 * unitLognormal(1).Quantile(u) }), Servers: 4}, seed)
		l, err := Search{From: 10, To: 1000, Length: 10 * time.Second, Samples: SamplesFor(Receiver, objectives),
			Trial: VirtualAttack{Target: target, Objectives: objectives}.Trial(2 * time.Second), Resting: target.Resting(0)}.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if k := l.Search.Knee; k == nil || k.Low < 70 || k.Low > 100 || k.High < 100 || !strings.Contains(l.Search.Confidence, "a longer --for narrows it") {
			t.Errorf("seed %d: knee %+v of 100/s; %s", seed, k, l.Search.Confidence)
		}
	}
}
