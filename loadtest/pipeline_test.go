package loadtest

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/reports"
)

// tries is a receiver that fails the first attempts of a message: as many as
// fails returns for its number.
type tries struct {
	mu    sync.Mutex
	seen  map[string]int
	order map[string]int
	fails func(nth int) int
}

func (r *tries) perform(_ context.Context, op engine.Operation) engine.Completion {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.order[op.Message.ID]; !ok {
		r.order[op.Message.ID] = len(r.order)
	}
	r.seen[op.Message.ID]++
	status := 200
	if r.seen[op.Message.ID] <= r.fails(r.order[op.Message.ID]) {
		status = 503
	}
	return engine.Completion{Operation: op.ID, Outcome: retry.Outcome{Kind: retry.Answered, Status: status}}
}

// through100 drives a hundred updates through the engine, with retries after a
// millisecond.
func through100(t *testing.T, fails func(int) int) Through {
	t.Helper()
	r := &tries{seen: map[string]int{}, order: map[string]int{}, fails: fails}
	return Through{Pace: Constant(1000, 100*time.Millisecond), Population: population(service(t, "http://127.0.0.1/", ""), Mix{Attribute: 1}), Store: memory.New(), StoreName: "memory",
		Settings: engine.Settings{Policy: retry.Policy{Delays: []time.Duration{time.Millisecond, time.Millisecond}}, MaxInFlight: 8, Certificate: engine.NeverPresent},
		Perform:  r.perform, To: "mock", Drain: time.Minute, Objectives: []Objective{Documented()}}
}

// Each update is followed to its end, retries included: every fourth export
// fails once, every tenth three times, and is lost.
func TestThroughFollowsEachUpdate(t *testing.T) {
	x := through100(t, func(nth int) int {
		switch {
		case nth%10 == 9:
			return 3
		case nth%4 == 0:
			return 1
		}
		return 0
	})
	l, err := x.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	// 10 lost after 3 attempts, 25 with 2, 65 with 1.
	if l.Achieved.Count != 100 || l.Delivered.Count != 90 || l.Failed.Count != 10 || l.Unfinished != 0 || l.Attempts().Count != 145 || l.DeliveryLatency.Count != 90 || l.ResponseTime.Count != 100 {
		t.Errorf("%+v", l)
	}
	if !near(l.Cost.AttemptsPerExport, 1.45, 1e-9) || l.Mode != Pipeline || l.Store != "memory" || len(l.Outcomes) != 2 || l.Outcomes[1] != (reports.OutcomeCount{Outcome: "503", Count: 55}) {
		t.Errorf("%+v, %+v", l.Cost, l.Outcomes)
	}
	if last := l.Series.Points[len(l.Series.Points)-1]; last.Backlog != 0 {
		t.Errorf("a backlog at the end: %+v", last)
	}
}

// An update that leads to no export is over at once.
func TestThroughWithoutExports(t *testing.T) {
	x := through100(t, func(int) int { return 0 })
	sizes := map[profile.AudienceRef]float64{}
	for a := range x.Population.Flow.Mapped {
		sizes[a] = 0.5
	}
	x.Population = NewPopulation(Population{Flow: x.Population.Flow, Profiles: 100, Mix: Mix{Attribute: 1}, Seed: 1, Sizes: sizes})
	l, err := x.Run(context.Background())
	if err != nil || l.Unfinished != 0 || l.Delivered.Count < 50 || l.Delivered.Count > 95 || l.Achieved.Count != 100 {
		t.Errorf("%+v, %v", l, err)
	}
}

// Exports that have not ended when the time to drain is over make every verdict
// inconclusive; so does a planned outage that no request met.
func TestThroughDoesNotEnd(t *testing.T) {
	x := through100(t, func(int) int { return 0 })
	x.Drain = 0
	x.Perform = func(ctx context.Context, op engine.Operation) engine.Completion {
		<-ctx.Done()
		return engine.Completion{Operation: op.ID, Outcome: retry.Outcome{Kind: retry.Timeout}}
	}
	x.Outage, x.Break, x.Broken = &Outage{time.Hour, time.Hour, Stalled}, func(Outage) error { return errors.New("no") }, func() int64 { return 0 }
	l, err := x.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	doubts := strings.Join(l.Doubts, "\n")
	if l.Unfinished != 100 || Verdict(l) != reports.Inconclusive || !strings.Contains(doubts, "100 had not ended") || !strings.Contains(doubts, "not met by any request") || !strings.Contains(doubts, "could not be planned: no") {
		t.Errorf("%+v", l)
	}
}

// Stopped, it reports what there was.
func TestThroughIsInterrupted(t *testing.T) {
	x := through100(t, func(int) int { return 0 })
	x.Pace = Constant(500, time.Hour)
	ctx, cancel := context.WithCancel(context.Background())
	perform, n := x.Perform, 0
	var mu sync.Mutex
	x.Perform = func(c context.Context, op engine.Operation) engine.Completion {
		mu.Lock()
		if n++; n == 30 {
			cancel()
		}
		mu.Unlock()
		return perform(c, op)
	}
	l, err := x.Run(ctx)
	if err != nil || !l.Interrupted || l.Delivered.Count < 29 || l.Seconds > 3000 {
		t.Errorf("%+v, %v", l, err)
	}
}
