package loadtest

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/loadtest/model"
	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/journal"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/generate"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

func TestParseBackfill(t *testing.T) {
	for text, want := range map[string]Backfill{
		"500000@10m":  {Members: 500_000, At: 10 * time.Minute},
		"vips=1@0s":   {Members: 1, Name: "vips"},
		"a b=20@1.5s": {Members: 20, At: 1500 * time.Millisecond, Name: "a b"},
	} {
		if got, err := ParseBackfill(text); err != nil || *got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for text, column := range map[string]int{"": 1, "500000": 7, "=5@1m": 1, "vips=5": 7, "vips=many@1m": 6, "0@1m": 1, "10000001@1m": 1, "-1@1m": 1, "5@soon": 3, "vips=5@-1s": 8} {
		var s *SyntaxError
		if _, err := ParseBackfill(text); !errors.As(err, &s) || s.Column != column || s.Hint == "" {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// backfilledLoad is ten updates a second for 100 s; after 20 s an audience with 500
// members is mapped, whose turns come within 40 s.
func backfilledLoad(sockets int) Virtual {
	return Virtual{Pace: Constant(10, 100*time.Second), Seed: 1, Receiver: VirtualReceiver{Latency: model.Fixed(0.1)}, Drain: 2 * time.Minute,
		Settings: engine.Settings{Policy: retry.Documented(), MaxInFlight: sockets, Window: 40 * time.Second},
		Backfill: &Backfill{Members: 500, At: 20 * time.Second, Audience: profile.AudienceRef{Namespace: "ups", ID: "a"}, Name: "a"}}
}

// With sockets to spare, the last of 500 turns comes 39.92 s after the mapping and takes
// 100 ms. Ordinary exports take 100 ms before, during and after.
func TestBackfillWithRoom(t *testing.T) {
	l, err := backfilledLoad(64).Run(context.Background(), []Objective{Documented(), objective(t, "backfill<40.1s"), objective(t, "backfill<40s"), objective(t, "backfill<=40.02s"),
		objective(t, "during-backfill.p95<150ms"), objective(t, "during-backfill.p95<50ms"), objective(t, "trend<100%/h")})
	if err != nil {
		t.Fatal(err)
	}
	b := l.Backfill
	if !b.Mapped || !b.Ended || b.Members != 500 || b.Delivered.Count != 500 || b.Attempts != 500 || b.Lost+b.FailedAttempts != 0 || b.AtSeconds != 20 || b.FirstSeconds != 20 ||
		!near(b.Seconds, 40.02, 1e-9) || !near(b.Delivered.Rate, 500/40.02, 1e-9) || b.Latency.Count != 500 || b.Verdict != reports.Pass || b.WindowSeconds != 40 {
		t.Errorf("%+v", b)
	}
	if l.Offered.Count != 1000 || l.Delivered.Count != 1000 || len(l.Outcomes) != 1 || l.Outcomes[0].Count != 1000 || l.DeliveryLatency.Count != 1000 || l.Attempts().Count != 1000 || !near(l.Cost.AttemptsPerExport, 1, 1e-9) {
		t.Errorf("the backfill is among ordinary exports: %+v", l)
	}
	phases := []int64{201, 400, 399} // due up to 20 s, up to 60.02 s, and later: one each 100 ms
	for i, p := range b.Phases {
		if p.Offered != phases[i] || p.Delivered != phases[i] || !near(p.Latency.MaxMs, 100, 0.1) {
			t.Errorf("%+v", p)
		}
	}
	if p := b.Phases; len(p) != 3 || p[1].AtSeconds != 20 || !near(p[2].AtSeconds, 60.02, 1e-9) || !near(p[2].Seconds, 39.98, 1e-9) {
		t.Errorf("%+v", p)
	}
	verdicts(t, l, reports.Pass, reports.Pass, reports.Fail, reports.Pass, reports.Pass, reports.Fail, reports.Inconclusive)
	if l.Trend != nil {
		t.Errorf("a trend: %+v", l.Trend)
	}
	var each int64
	for _, p := range l.Series.Points {
		each += p.Backfilled
	}
	if each != 500 || Verdict(l) != reports.Fail {
		t.Errorf("%d in the course of the run, %s", each, Verdict(l))
	}
}

// verdicts are those of the objectives of a load, in order.
func verdicts(t *testing.T, l *reports.Load, want ...reports.Verdict) {
	t.Helper()
	for i, v := range want {
		if l.Objectives[i].Verdict != v {
			t.Errorf("%+v, not %s", l.Objectives[i], v)
		}
	}
}

// Two sockets take 20 a second, and 22.5 are offered while the backfill goes on: the queue
// grows by 2.5 a second, to some 5 s, and is gone 10 s after.
func TestBackfillSlowsOrdinaryExports(t *testing.T) {
	l, err := backfilledLoad(2).Run(context.Background(), []Objective{objective(t, "during-backfill.p95<1s"), objective(t, "backfill<50s"), objective(t, "p95<10m")})
	if err != nil {
		t.Fatal(err)
	}
	p := l.Backfill.Phases
	if len(p) != 3 || p[0].Latency.P95Ms > 101 || p[1].Latency.P95Ms < 4500 || p[1].Latency.MaxMs > 6000 || p[2].Latency.P50Ms > 150 || p[2].Latency.MaxMs < 2000 {
		t.Errorf("%+v %+v %+v", *p[0].Latency, *p[1].Latency, *p[2].Latency)
	}
	verdicts(t, l, reports.Fail, reports.Pass, reports.Pass)
}

// A load that ends first does not tell how long a backfill takes, unless it took too long
// already; the run does not wait for turns that come later.
func TestBackfillLongerThanTheLoad(t *testing.T) {
	v := backfilledLoad(64)
	v.Settings.Window = 0 // an hour
	l, err := v.Run(context.Background(), []Objective{Documented(), objective(t, "backfill<2h"), objective(t, "backfill<1m"), objective(t, "during-backfill.p95<1s")})
	if err != nil {
		t.Fatal(err)
	}
	b := l.Backfill
	if b.Ended || b.Verdict != reports.Inconclusive || !strings.Contains(b.Reason, "last turn comes at 1h0m20s") || b.WindowSeconds != 3600 || b.Delivered.Count != 12 || len(b.Phases) != 2 || b.Seconds > 80.2 || l.DrainSeconds > 1 {
		t.Errorf("%+v, %v", b, l.DrainSeconds)
	}
	verdicts(t, l, reports.Pass, reports.Inconclusive, reports.Fail, reports.Inconclusive)
	if Verdict(l) != reports.Fail || !strings.Contains(l.Objectives[2].Reason, "had not ended") || !strings.Contains(l.Objectives[3].Reason, "12 of 500") {
		t.Errorf("%+v", l.Objectives)
	}
	// All turns come within the load, and the last of them are served after it.
	v = backfilledLoad(2)
	v.Pace, v.Backfill.At = Constant(10, 60*time.Second), 20*time.Second
	if l, err = v.Run(context.Background(), []Objective{objective(t, "backfill<1m"), objective(t, "backfill<10s")}); err != nil {
		t.Fatal(err)
	}
	if b := l.Backfill; !b.Ended || b.Verdict != reports.Inconclusive || !strings.Contains(b.Reason, "after the load") || b.Seconds < 40 {
		t.Errorf("%+v", b)
	}
	verdicts(t, l, reports.Inconclusive, reports.Fail)
}

// A receiver that refuses everything loses the members' exports, and the load fails.
func TestBackfillOfADeadReceiver(t *testing.T) {
	v := backfilledLoad(64)
	v.Settings.Policy = retry.Policy{Delays: []time.Duration{time.Millisecond, time.Millisecond}}
	v.Receiver.Errors = 1
	l, err := v.Run(context.Background(), []Objective{objective(t, "backfill<1m")})
	if err != nil {
		t.Fatal(err)
	}
	if b := l.Backfill; b.Lost != 500 || b.Attempts != 1500 || b.FailedAttempts != 1500 || b.Verdict != reports.Fail || !strings.Contains(b.Reason, "0 of 500") || b.Outcomes[0].Count != 1500 || Verdict(l) != reports.Fail {
		t.Errorf("%+v", b)
	}
}

// The premise of the documented objective counts the turns of the backfill too.
func TestBackfillCountsForThePremise(t *testing.T) {
	v := backfilledLoad(64)
	v.Pace, v.Settings.Window, v.Backfill.At, v.Settings.MaxInFlight = Constant(9000, 2*time.Second), time.Second, time.Second, 4000
	for members, want := range map[int]reports.Verdict{500: reports.Pass, 1000: reports.Skip} {
		v.Backfill.Members = members
		l, err := v.Run(context.Background(), []Objective{Documented()})
		if err != nil {
			t.Fatal(err)
		}
		verdicts(t, l, want)
	}
}

// backfilledService has an audience that is not mapped.
func backfilledService(t *testing.T, url string) *simulate.Service {
	t.Helper()
	sc, err := scenarios.ParseService("load.yaml", []byte(`
audiences: {customers: {}, vips: {}}
destination: {endpoint: "`+url+`"}
dataflow: {audiences: [customers], attributes: [person.name, loyalty.points]}
`), time.Now().UTC())
	if err != nil {
		t.Fatal(err)
	}
	s, err := simulate.NewService(sc, time.Now().UTC())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// throughBackfill maps the audience of 300 members after 500 ms of two seconds.
func throughBackfill(t *testing.T, s *simulate.Service, perform live.Perform) Through {
	t.Helper()
	ref, _ := s.Audience("vips")
	settings := s.SettingsFor(false, false)
	settings.Window, settings.MaxInFlight = time.Second, 8
	return Through{Pace: Constant(100, 2*time.Second), Population: population(s, Mix{Attribute: 1}), Settings: settings, Configuration: s.Configuration, Store: memory.New(), StoreName: "memory",
		Perform: perform, To: "mock", Drain: 10 * time.Second, Backfill: &Backfill{Members: 300, At: 500 * time.Millisecond, Audience: ref, Name: "vips"}}
}

// The receiver counts, independent of the load's own record: each member comes once, after
// the mapping and with the audience, and the updates are what they are without a backfill.
func TestBackfillAtTheReceiver(t *testing.T) {
	kept := &journal.Memory{}
	m, err := StartMock(MockSettings{Mode: mockendpoint.Plain, Journal: kept, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	s := backfilledService(t, m.URL)
	wire := live.NewWire(delivery.New(delivery.Config{Destination: s.Flow.Flow.Destination, UserAgent: "httpdest"}))
	run := throughBackfill(t, s, wire.Perform)
	l, err := run.Run(context.Background())
	wire.Close()
	if err := errors.Join(err, m.Close()); err != nil {
		t.Fatal(err)
	}
	members := map[string]int{}
	for n := range 300 {
		for _, i := range generate.Person(1, string(memberID(n))).Identities {
			if i.Namespace == "crm" {
				members[i.ID] = 0
			}
		}
	}
	began, err := time.Parse(time.RFC3339Nano, l.Began)
	if err != nil {
		t.Fatal(err)
	}
	mapped := began.Add(run.Backfill.At)
	ref, others, before := run.Backfill.Audience, 0, 0
	for _, r := range kept.Requests() {
		var body struct {
			IdentityMap       map[string][]struct{ ID string }
			SegmentMembership map[string]map[string]struct{ Status string }
		}
		if err := json.Unmarshal(r.Body, &body); err != nil {
			t.Fatal(err)
		}
		id := body.IdentityMap["crm"][0].ID
		if _, is := members[id]; !is {
			if others++; body.SegmentMembership[ref.Namespace][ref.ID].Status != "" {
				t.Errorf("an ordinary profile in the audience: %s", r.Body)
			}
			continue
		}
		if members[id]++; r.Arrived.Before(mapped) {
			before++
		}
		if body.SegmentMembership[ref.Namespace][ref.ID].Status != "realized" {
			t.Errorf("not a member: %s", r.Body)
		}
	}
	for id, n := range members {
		if n != 1 {
			t.Errorf("member %s came %d times", id, n)
		}
	}
	if len(members) != 300 || int64(others) != l.Achieved.Count || others < 100 || before != 0 {
		t.Errorf("%d members, %d others, %d members before the mapping", len(members), others, before)
	}
	if b := l.Backfill; b.Delivered.Count != 300 || b.Attempts != 300 || !b.Ended || l.Delivered.Count != l.Achieved.Count || b.AtSeconds < 0.5 || b.FirstSeconds < b.AtSeconds || b.SeedSeconds <= 0 {
		t.Errorf("%+v, %+v", l.Delivered, b)
	}
	if c := l.Cost; !near(c.CPUPerExport, c.CPUSeconds*1e6/float64(300+l.Delivered.Count), 1) {
		t.Errorf("%+v", c)
	}
}

// In a bubble with a clock of its own nothing of this machine is in the numbers: a receiver
// that takes 30 ms has 300 turns in a second on 64 sockets, and 100 updates a second.
func TestBackfillThroughTheLiveEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		seen := map[profile.ID]int{}
		run := throughBackfill(t, backfilledService(t, "http://127.0.0.1/"), func(_ context.Context, op engine.Operation) engine.Completion {
			mu.Lock()
			for i := range op.Message.Exports {
				seen[op.Message.Exports[i].Profile]++
			}
			mu.Unlock()
			time.Sleep(30 * time.Millisecond) // of the bubble's clock
			return engine.Completion{Operation: op.ID, Outcome: answered(200)}
		})
		run.Settings.MaxInFlight, run.Settings.Certificate = 64, engine.NeverPresent
		run.Objectives = []Objective{objective(t, "backfill<1.1s"), objective(t, "backfill<900ms"), objective(t, "during-backfill.p95<50ms")}
		l, err := run.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		b := l.Backfill
		if b.AtSeconds != 0.5 || b.Delivered.Count != 300 || b.Seconds < 1.02 || b.Seconds > 1.04 || len(b.Phases) != 3 || b.Phases[1].Latency.P95Ms > 33 || b.Verdict != reports.Pass {
			t.Errorf("%+v", b)
		}
		for _, p := range b.Phases {
			if p.Offered != p.Delivered {
				t.Errorf("%+v", p)
			}
		}
		verdicts(t, l, reports.Pass, reports.Fail, reports.Pass)
		if len(seen) != 400 {
			t.Errorf("%d profiles were exported, not 100 that are updated and 300 members", len(seen))
		}
		for n := range 300 {
			if seen[memberID(n)] != 1 {
				t.Errorf("member %d was exported %d times", n, seen[memberID(n)])
			}
		}
	})
}

// The drain waits for retries of members whose turns came within the load, and says that
// the load did not see them.
func TestBackfillThatDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run := throughBackfill(t, backfilledService(t, "http://127.0.0.1/"), func(_ context.Context, op engine.Operation) engine.Completion {
			status := 200
			if allOfBackfill(op.Message) && op.Number < 3 {
				status = 503
			}
			return engine.Completion{Operation: op.ID, Outcome: answered(status)}
		})
		run.Settings.Certificate = engine.NeverPresent
		run.Settings.Policy = retry.Policy{Delays: []time.Duration{time.Second, time.Second}}
		l, err := run.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		b := l.Backfill
		if !b.Ended || b.Delivered.Count != 300 || b.Attempts != 900 || b.FailedAttempts != 600 || b.Seconds < 2.9 || b.Verdict != reports.Inconclusive || !strings.Contains(b.Reason, "after the load") {
			t.Errorf("%+v", b)
		}
		if l.Delivered.Count != 200 || len(l.Outcomes) != 1 {
			t.Errorf("%+v", l)
		}
	})
}

// A load that is ended before the mapping maps nothing, and says so.
func TestBackfillThatWasNotReached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		run := throughBackfill(t, backfilledService(t, "http://127.0.0.1/"), func(_ context.Context, op engine.Operation) engine.Completion {
			return engine.Completion{Operation: op.ID, Outcome: answered(200)}
		})
		run.Settings.Certificate = engine.NeverPresent
		run.Objectives = []Objective{objective(t, "backfill<1m")}
		ctx, stop := context.WithTimeout(context.Background(), 200*time.Millisecond)
		defer stop()
		l, err := run.Run(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if b := l.Backfill; b.Mapped || b.Verdict != reports.Inconclusive || !strings.Contains(b.Reason, "before the audience was mapped at 500ms") || b.Attempts != 0 || len(b.Phases) != 1 || b.Phases[0].Delivered == 0 {
			t.Errorf("%+v", b)
		}
		verdicts(t, l, reports.Inconclusive)
	})
}

// A mapping that the engine refuses, or that leads to no backfill, is found before anything is stored.
func TestBackfillRefused(t *testing.T) {
	s := backfilledService(t, "http://127.0.0.1/")
	of := func(snapshot *dataflow.Snapshot, ref profile.AudienceRef) error {
		return (&Backfill{Members: 1, Audience: ref, Name: "x"}).Refused(flow.Dataflow{Snapshot: snapshot, Settings: s.SettingsFor(false, false), Configuration: s.Configuration})
	}
	vips, _ := s.Audience("vips")
	customers, _ := s.Audience("customers")
	if err := of(s.Flow, vips); err != nil {
		t.Error(err)
	}
	for text, err := range map[string]error{
		"leads to no backfill": of(s.Flow, customers),
		"does not exist":       of(s.Flow, profile.AudienceRef{Namespace: "ups", ID: "gone"}),
		"is not active":        of(dataflow.NewSnapshot(s.Flow.Flow, s.Flow.Directory), vips),
	} {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%v, not %q", err, text)
		}
	}
}

// A message is of the backfill where all of its exports are.
func TestBackfillInBatches(t *testing.T) {
	s := backfilledService(t, "http://127.0.0.1/")
	synctest.Test(t, func(t *testing.T) {
		attempts := int64(0)
		var mu sync.Mutex
		run := throughBackfill(t, s, func(_ context.Context, op engine.Operation) engine.Completion {
			mu.Lock()
			attempts++
			mu.Unlock()
			time.Sleep(time.Millisecond)
			return engine.Completion{Operation: op.ID, Outcome: answered(200)}
		})
		run.Settings.Certificate, run.Settings.Batching, run.Settings.MaxInFlight = engine.NeverPresent, engine.Batching{Max: 10}, 2
		run.Settings.Window = 10 * time.Millisecond
		l, err := run.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		b := l.Backfill
		if b.Delivered.Count != 300 || l.Delivered.Count != 200 || !b.Ended || b.Attempts+l.Outcomes[0].Count != attempts || b.Attempts >= 300 {
			t.Errorf("%d attempts: %+v, %+v", attempts, l.Outcomes, b)
		}
	})
}

// Thresholds, plans and merges refuse what they cannot know.
func TestBackfillElsewhere(t *testing.T) {
	for _, text := range []string{"backfill>1m", "during-backfill.p95>1s"} {
		if _, err := ParseAbort(text); err == nil {
			t.Errorf("%s can end a load", text)
		}
	}
	for _, text := range []string{"backfill>1m", "backfill<1%", "during-backfill.all.p95<1s", "backfill.p95<1s"} {
		if o, err := ParseObjective(text); err == nil {
			t.Errorf("%s: %+v", text, o)
		}
	}
	verdict := objective(t, "backfill<1m").measured(Evidence{Pipeline: true})
	if verdict.Verdict != reports.Inconclusive || !strings.Contains(verdict.Reason, "no audience") {
		t.Errorf("%+v", verdict)
	}
	l := &reports.Load{Mode: Pipeline, Clock: "wall", To: "http://a/", Backfill: &reports.Backfill{}}
	if err := mergeable(l, l); err == nil || !strings.Contains(err.Error(), "a backfill") {
		t.Error(err)
	}
}
