package loadtest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/reports"
)

// storage stores one message after the other, each for as long, in the bubble of a
// test.
type storage struct {
	mu    sync.Mutex
	each  time.Duration
	until time.Time
	at    map[string]time.Time // when a profile is stored, by its ECID
	asked int
}

func (s *storage) accept(m *engine.Message, ecid func(*engine.Message) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); s.until.Before(now) {
		s.until = now
	}
	s.until = s.until.Add(s.each)
	if id := ecid(m); id != "" {
		s.at[id] = s.until
	}
}

func (s *storage) stored(_ context.Context, ecid string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	at, accepted := s.at[ecid]
	return accepted && !time.Now().Before(at), nil
}

// storedAttack is an attack on a receiver that answers after 5 ms.
func storedAttack(s *storage, rate float64) Attack {
	samples := map[*engine.Message]string{}
	var mu sync.Mutex
	b := &ReadBack{Stored: s.stored, Sample: func(uint64) (*engine.Message, string) {
		mu.Lock()
		defer mu.Unlock()
		m := &engine.Message{}
		samples[m] = "ecid-" + string(rune('A'+len(samples)))
		return m, samples[m]
	}}
	return Attack{Pace: Constant(rate, 20*time.Second), Messages: []*engine.Message{{}}, Settings: engine.Settings{MaxInFlight: 1, Certificate: engine.NeverPresent},
		Objectives: []Objective{StoredInTime(), FewErrors()}, ReadBack: b,
		Perform: func(_ context.Context, op engine.Operation) engine.Completion {
			time.Sleep(5 * time.Millisecond) // of the bubble
			s.accept(op.Message, func(m *engine.Message) string {
				mu.Lock()
				defer mu.Unlock()
				return samples[m]
			})
			return engine.Completion{Operation: op.ID, Outcome: answered(202)}
		}}
}

// A receiver that answers before it stores is followed to its storage: one that
// keeps up passes, one that falls behind fails although nothing is late yet.
func TestReadBack(t *testing.T) {
	for _, tt := range []struct {
		each   time.Duration
		want   reports.Verdict
		reason string
	}{
		{2 * time.Millisecond, reports.Pass, ""},
		{22 * time.Millisecond, reports.Fail, "until a message can be read back: less is stored than is answered"},
		{100 * time.Millisecond, reports.Fail, "until a message can be read back"},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &storage{each: tt.each, at: map[string]time.Time{}}
			l, err := storedAttack(s, 50).Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if o := l.Objectives[0]; o.Verdict != tt.want || !strings.Contains(o.Reason, tt.reason) || o.Samples < 50 || o.Samples > mostSamples+2 {
				t.Errorf("%s: %+v", tt.each, o)
			}
			if want := max(0, tt.each.Seconds()*50-1); !near(l.Stored.Behind, want, 0.2*want+0.001) {
				t.Errorf("%s: behind by %v; want %v", tt.each, l.Stored.Behind, want)
			}
		})
	}
}

// A message that never arrives in the storage fails, one that cannot be asked for
// is a doubt, and a load with few of them says nothing.
func TestReadBackFindsNothing(t *testing.T) {
	lost := func(context.Context, string) (bool, error) { return false, nil }
	broken := func(context.Context, string) (bool, error) { return false, errors.New("GET answers 500") }
	for _, tt := range []struct {
		name   string
		stored func(context.Context, string) (bool, error)
		length time.Duration
		want   reports.Verdict
		reason string
	}{
		{"lost", lost, 20 * time.Second, reports.Fail, "could not be read back in time after their 2xx"},
		{"broken", broken, 20 * time.Second, reports.Inconclusive, "nothing was delivered"},
		{"short", nil, 500 * time.Millisecond, reports.Inconclusive, "are too few"},
	} {
		synctest.Test(t, func(t *testing.T) {
			a := storedAttack(&storage{at: map[string]time.Time{}}, 50)
			if a.Pace = Constant(50, tt.length); tt.stored != nil {
				a.ReadBack.Stored = tt.stored
			}
			l, err := a.Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if o := l.Objectives[0]; o.Verdict != tt.want || !strings.Contains(o.Reason, tt.reason) {
				t.Errorf("%s: %+v", tt.name, o)
			}
			if doubt := strings.Contains(strings.Join(l.Doubts, " "), "GET answers 500"); doubt != (tt.name == "broken") {
				t.Errorf("%s: %v", tt.name, l.Doubts)
			}
		})
	}
}

// A search stops where the read-back does not work at all, and waits for the
// storage after each trial.
func TestSearchReadsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &storage{each: 20 * time.Millisecond, at: map[string]time.Time{}}
		a := storedAttack(s, 50)
		l, err := Search{From: 20, To: 80, Length: 20 * time.Second, Samples: 1, Trial: a.Trial(0), Resting: a.Resting(0)}.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if found := l.Search; found.Rate > 50 || found.Rate < 47.5 || !strings.Contains(found.Saturated, "the storage of the receiver falls behind") || Verdict(l) != reports.Pass {
			t.Errorf("%v/s; %s; %s", found.Rate, found.Confidence, found.Saturated)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		a := storedAttack(&storage{at: map[string]time.Time{}}, 50)
		a.ReadBack.Stored = func(context.Context, string) (bool, error) { return false, nil }
		l, err := Search{From: 20, To: 80, Length: 20 * time.Second, Trial: a.Trial(0), Resting: a.Resting(0)}.Run(t.Context())
		var unstored *UnstoredError
		if !errors.As(err, &unstored) || len(l.Search.Points) > 0 || !strings.Contains(err.Error(), "30s after its 2xx") {
			t.Errorf("%+v, %v", l, err)
		}
	})
}

// Messages that are read back are of profiles of their own, by their ECIDs, and in
// the form of all others.
func TestSampler(t *testing.T) {
	s := service(t, "http://127.0.0.1/", "")
	p := population(s, DefaultMix())
	samples, again := p.Sampler(engine.Batching{}), p.Sampler(engine.Batching{})
	seen := map[string]bool{}
	for n := range uint64(50) {
		m, ecid := samples(n)
		other, another := again(n)
		if len(ecid) != 38 || !strings.HasPrefix(ecid, "00000000") || seen[ecid] || ecid == another || m == other {
			t.Fatalf("%q, and in another load %q", ecid, another)
		}
		seen[ecid] = true
		if len(m.Exports) != 1 || !strings.Contains(string(m.Body), `"ecid":[{"id":"`+ecid+`"}]`) || !strings.Contains(string(m.Body), `"segmentMembership"`) {
			t.Fatalf("%s", m.Body)
		}
	}
	if first := p.Messages(20, engine.Batching{}); slices.ContainsFunc(first, func(m *engine.Message) bool { return strings.Contains(string(m.Body), "00000000") }) {
		t.Error("an ordinary message has such an ECID")
	}
}

// A merge has the messages of all machines that were read back, and judges them.
func TestMergeOfReadBacks(t *testing.T) {
	part := func(run string, took time.Duration, missing int64) Part {
		return Part{run, &reports.Load{Mode: Receiver, Clock: "wall", Run: run, Seconds: 10, Stored: &reports.Stored{Missing: missing, Time: times(20, 20, took).Distribution()},
			Objectives: []reports.Objective{{Text: StoredInTime().Text}}}}
	}
	for missing, want := range map[int64]reports.Verdict{0: reports.Pass, 1: reports.Fail} {
		l, err := Merge([]Part{part("a", time.Second, 0), part("b", 2*time.Second, missing)})
		if err != nil || l.Stored.Missing != missing || l.Stored.Time.Count != 40 || l.Stored.Time.MaxMs < 1900 || l.Objectives[0].Samples != 40 || l.Objectives[0].Verdict != want {
			t.Errorf("%d missing: %+v, %v: %+v", missing, l.Stored, err, l.Objectives)
		}
	}
}
