package loadtest

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/loadtest/model"
	"github.com/httpdest/httpdest/reports"
)

// searchVirtually is a search through the engine in virtual time.
func searchVirtually(ctx context.Context, v Virtual, from float64, objectives []Objective) (*reports.Load, error) {
	v.Settings.Policy = retry.Documented()
	return Search{From: from, To: 20_000, Length: time.Minute, Samples: SamplesFor(Pipeline, objectives), Trial: v.Trial(objectives)}.Run(ctx)
}

// The capacity of a pipeline that is known is found within five in a hundred,
// and what bounds it is named.
func TestSearchThroughEngineFindsTheLimit(t *testing.T) {
	volume(t)
	sockets := func(n int) engine.Settings { return engine.Settings{MaxInFlight: n} }
	for _, tt := range []struct {
		name      string
		settings  engine.Settings
		receiver  VirtualReceiver
		profiles  int
		limit     float64
		saturated string
		capped    bool
	}{
		{"four sockets, 40 ms each", sockets(4), VirtualReceiver{Latency: model.Fixed(0.04)}, 0, 100, "the sockets at", true},
		{"one socket, 40 ms each", sockets(1), VirtualReceiver{Latency: model.Fixed(0.04)}, 0, 25, "the sockets at", true},
		{"a token bucket of 500 a second", sockets(64), VirtualReceiver{Latency: model.Fixed(0.01), Rate: 500}, 0, 500, "the receiver answered 429 at", false},
		{"two servers, 20 ms each", sockets(64), VirtualReceiver{Latency: model.Fixed(0.02), Servers: 2}, 0, 100, "the receiver slows down at", false},
		{"four sockets, one attempt in ten fails", sockets(4), VirtualReceiver{Latency: model.Fixed(0.04), Errors: 0.1}, 0, 100 / 1.11, "the sockets at", true},
		{"four profiles, 40 ms each", sockets(64), VirtualReceiver{Latency: model.Fixed(0.04)}, 4, 100, "give more --profiles", true},
	} {
		l, err := searchVirtually(context.Background(), Virtual{Settings: tt.settings, Receiver: tt.receiver, Profiles: tt.profiles, Drain: 2 * time.Minute, Seed: 1}, 10, []Objective{Documented(), FewLost()})
		if err != nil {
			t.Fatal(err)
		}
		s := l.Search
		if off(s.Rate, tt.limit) > 0.05 || Verdict(l) != reports.Pass || s.Limited != tt.capped {
			t.Errorf("%s: %v/s holds, %v/s does not, of %v/s; %s", tt.name, s.Rate, s.Above, tt.limit, Verdict(l))
			for _, p := range s.Points {
				t.Logf("%+v", p)
			}
		}
		if !strings.Contains(s.Saturated, tt.saturated) {
			t.Errorf("%s: %q", tt.name, s.Saturated)
		}
		if l.Mode != Pipeline || l.Clock != "virtual" || l.DeliveryLatency == nil {
			t.Errorf("%s: %+v", tt.name, l)
		}
	}
}

// In the bubble, a trial is the live engine on stores of its own, and what is
// left of the one before is in nobody's way: one socket of 40 ms each, found by
// real queues.
func TestSearchThroughTheLiveEngine(t *testing.T) {
	volume(t)
	synctest.Test(t, func(t *testing.T) {
		opened, removed := 0, 0
		x := through100(t, nil)
		x.Settings.MaxInFlight, x.Settings.Policy, x.Objectives = 1, retry.Documented(), []Objective{Documented(), FewLost()}
		x.Perform = func(_ context.Context, op engine.Operation) engine.Completion {
			time.Sleep(40 * time.Millisecond) // of the bubble
			return engine.Completion{Operation: op.ID, Outcome: retry.Outcome{Kind: retry.Answered, Status: 200}}
		}
		trial := x.Trial(2*time.Second, func() (store.Store, func() error, error) {
			opened++
			return memory.New(), func() error { removed++; return nil }, nil
		})
		l, err := Search{From: 10, To: 1000, Length: time.Minute, Samples: SamplesFor(Pipeline, x.Objectives), Trial: trial}.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s := l.Search
		if off(s.Rate, 25) > 0.05 || Verdict(l) != reports.Pass || !strings.HasPrefix(s.Saturated, "the sockets at") || l.Store != "memory" {
			t.Errorf("%v/s; %s; %s; %s", s.Rate, s.Confidence, s.Saturated, Verdict(l))
			for _, p := range s.Points {
				t.Logf("%+v", p)
			}
		}
		if opened < len(s.Points) || removed != opened {
			t.Errorf("%d stores were opened for %d points, %d removed", opened, len(s.Points), removed)
		}
		if l.Delivered.Count != l.Offered.Count {
			t.Errorf("%d of %d delivered: the warm-up is in the way of the trial", l.Delivered.Count, l.Offered.Count)
		}
	})
}
