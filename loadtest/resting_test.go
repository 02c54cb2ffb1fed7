package loadtest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/reports"
)

// A receiver that refuses every request ends the search before its first trial.
func TestSearchIsRefused(t *testing.T) {
	asked, waited := 0, time.Duration(0)
	s := Search{From: 10, To: 1000, Length: 10 * time.Second,
		Trial: func(context.Context, float64, time.Duration) (*Trialled, error) {
			t.Fatal("a trial of a receiver that refuses everything")
			return nil, nil
		},
		Resting: &Resting{
			Ask:  func(context.Context) (Answer, error) { asked++; return Answer{time.Millisecond, "401", false}, nil },
			Wait: func(_ context.Context, d time.Duration) error { waited += d; return nil },
		}}
	l, err := s.Run(context.Background())
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Outcome != "401" || refused.Rate != 0 || l == nil || Verdict(l) != reports.Inconclusive || len(l.Search.Points) != 0 {
		t.Errorf("%+v, %v", l, err)
	}
	if asked != firstAsked || waited > time.Second {
		t.Errorf("%d requests in %s", asked, waited)
	}
}

// Credentials that are revoked in the middle end it too.
func TestSearchIsRefusedLater(t *testing.T) {
	target := NewVirtualTarget(fixed(time.Millisecond), 1)
	objectives := AnswerInTime()
	trial, resting := VirtualAttack{Target: target, Objectives: objectives}.Trial(0), target.Resting(10*time.Second)
	ask, revoked := resting.Ask, false
	resting.Ask = func(ctx context.Context) (Answer, error) {
		a, err := ask(ctx)
		if revoked {
			a.Outcome, a.OK = "401", false
		}
		return a, err
	}
	l, err := Search{From: 10, To: 1000, Length: 10 * time.Second, Resting: resting, Trial: func(ctx context.Context, rate float64, length time.Duration) (*Trialled, error) {
		revoked = rate > 30
		return trial(ctx, rate, length)
	}}.Run(context.Background())
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Rate != 40 || !strings.Contains(err.Error(), "since the trial at 40/s") || l.Search.Rate != 20 {
		t.Errorf("%+v, %v", l, err)
	}
}

// One that a trial breaks for good is named with the rate; what held before
// stands.
func TestSearchDoesNotRecover(t *testing.T) {
	broken := fixed(10 * time.Millisecond)
	broken.Servers, broken.Breaks = 1, 500*time.Millisecond
	l, err := searchAlone(t, broken, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	s := l.Search
	if s.Rate != 80 || s.Unrecovered != 160 || Verdict(l) != reports.Inconclusive || s.Knee == nil || s.Knee.High != 160 {
		t.Errorf("%v/s, knee %+v, does not recover from %v/s; %s", s.Rate, s.Knee, s.Unrecovered, Verdict(l))
	}
	for _, text := range []string{s.Saturated, strings.Join(l.Doubts, " ")} {
		if !strings.Contains(text, "the receiver does not recover from 160/s: 1m1s after it, a single request is answered 503") {
			t.Errorf("%q", text)
		}
	}
	if !strings.Contains(s.Confidence, "the search stopped") {
		t.Errorf("%q", s.Confidence)
	}
}

// A leak by which the receiver is unusable within the search is named too.
func TestSearchNamesAFastLeak(t *testing.T) {
	leaking := fixed(5 * time.Millisecond)
	leaking.Rate, leaking.Leak = 200, 100*time.Microsecond
	l, err := searchAlone(t, leaking, 0)
	if err != nil {
		t.Fatal(err)
	}
	if s := l.Search; s.Rate > 200 || s.Rate < 20 || !strings.Contains(s.Trend, "the receiver leaks: answers at rest took 5.") || Verdict(l) != reports.Inconclusive {
		t.Errorf("%v/s; trend %q; %s", s.Rate, s.Trend, Verdict(l))
	}
}

// A receiver that always fails some of the requests is at rest when it fails no
// more of them, and one whose answers vary does not leak.
func TestSearchOfAFlakyReceiver(t *testing.T) {
	volume(t)
	for seed := range uint64(5) {
		objectives := []Objective{objective(t, "errors<40%"), objective(t, "response.p95<2s")}
		target := NewVirtualTarget(VirtualReceiver{Latency: fixed(3 * time.Millisecond).Latency, Errors: 0.2, Rate: 200}, seed)
		l, err := Search{From: 10, To: 100, Length: 10 * time.Second, Samples: SamplesFor(Receiver, objectives),
			Trial: VirtualAttack{Target: target, Objectives: objectives}.Trial(0), Resting: target.Resting(0)}.Run(context.Background())
		if err != nil || l.Search.Unrecovered != 0 || l.Search.Trend != "" || l.Search.Points[len(l.Search.Points)-1].Rate != 100 {
			t.Errorf("%+v, %v", l.Search, err)
		}
	}
}

// A search sends no more requests than it may, and says so.
func TestSearchHasSpentItsRequests(t *testing.T) {
	target := NewVirtualTarget(fixed(time.Millisecond), 1)
	l, err := Search{From: 10, To: 1000, Length: 10 * time.Second, WarmUp: 2 * time.Second, Requests: 1000,
		Trial: VirtualAttack{Target: target, Objectives: AnswerInTime()}.Trial(2 * time.Second), Resting: target.Resting(0)}.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if seen := target.receiver.seen; l.Search.Rate != 10 || seen > 1000 || !strings.Contains(strings.Join(l.Doubts, " "), "more than the 1000 of --max-requests") {
		t.Errorf("%v/s by %d requests: %v", l.Search.Rate, seen, l.Doubts)
	}
}

// The rate that was served is that of the steady part: without a stock that was
// used up, without the time in which it stopped.
func TestServed(t *testing.T) {
	play := func(rate func(at float64) float64) *served {
		s := newServed(10 * time.Second)
		for at := 0.0; at < 12; at += 1 / rate(at) {
			s.add(seconds(at))
		}
		return s
	}
	for _, tt := range []struct {
		name         string
		rate         func(at float64) float64
		steady, over float64
		stock        float64
		ok           bool
	}{
		{"the same all the time", func(float64) float64 { return 100 }, 100, 100, 0, true},
		{"twice as much for two seconds", func(at float64) float64 { return 100 + 100*float64(count(at < 2)) }, 100, 100, 200, true},
		{"less in the last quarter", func(at float64) float64 { return 100 - 50*float64(count(at > 7.5)) }, 83.3, 0, 0, false},
		{"little from the middle on", func(at float64) float64 { return 100 - 99.9*float64(count(at > 5)) }, 33.4, 0, 0, false},
	} {
		s := play(tt.rate)
		o, ok := s.overload()
		if got := s.steady(); !near(got, tt.steady, 0.5) || ok != tt.ok || !near(o.rate, tt.over, 1) || !near(o.stock, tt.stock, 3) {
			t.Errorf("%s: %v/s; %+v, %v", tt.name, got, o, ok)
		}
	}
	if o := (overload{rate: 50, stock: 100}); o.lasts(60) != 10*time.Second || o.lasts(50) < 24*time.Hour {
		t.Errorf("a stock of 100 lasts %s at 60/s, %s at 50/s", o.lasts(60), o.lasts(50))
	}
}
