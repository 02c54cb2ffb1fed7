package loadtest

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/reports"
)

// All shards together have the whole of a pace: each request once, when it is due.
func TestShardsAreTheWhole(t *testing.T) {
	stages := Stages([]Stage{{10 * time.Second, 40}, {20 * time.Second, 40}, {5 * time.Second, 0}})
	for _, p := range []Pace{
		Constant(37, 10*time.Second), stages, Sine(50, 40, 7*time.Second, 20*time.Second), Poisson.Of(stages, 3),
		Trace("t", []time.Duration{0, time.Second, time.Second, 3 * time.Second, 9 * time.Second}),
	} {
		for _, of := range []int{1, 2, 3, 7} {
			var due []time.Duration
			total, counted, peak := uint64(0), uint64(0), 0.0
			for n := range of {
				part := Shard{n, of}.Part(p)
				for i := range part.Total() {
					due = append(due, part.Due(i))
				}
				if part.Due(part.Total()) < part.Duration() || part.Duration() != p.Duration() {
					t.Errorf("%s: ends at %s", part, part.Duration())
				}
				total, counted, peak = total+part.Total(), counted+part.Count(4*time.Second), peak+part.Peak()
			}
			slices.Sort(due)
			var want []time.Duration
			for i := range p.Total() {
				want = append(want, p.Due(i))
			}
			if !slices.Equal(due, want) || total != p.Total() || counted != p.Count(4*time.Second) || math.Abs(peak-p.Peak()) > 1e-6 {
				t.Errorf("%s in %d: %d of %d, %d of %d by then, peak %v of %v", p, of, total, p.Total(), counted, p.Count(4*time.Second), peak, p.Peak())
			}
		}
	}
	half := Shard{1, 2}.Part(stages)
	if s := stagesOf(half); len(s) != 3 || s[1].from != 20 || s[1].to != 20 || !steady(Shard{1, 2}.Part(Constant(5, time.Second))) || steady(half) {
		t.Errorf("%+v", s)
	}
	if whole := stagesOf(stages); whole[1].from != 40 {
		t.Errorf("the whole is %+v after its half was asked", whole)
	}
	if got := half.String(); got != "shard 1/2 of "+stages.String() {
		t.Error(got)
	}
}

func TestParseShard(t *testing.T) {
	for text, want := range map[string]Shard{"0/1": {0, 1}, "2/3": {2, 3}, "999/1000": {999, 1000}} {
		if got, err := ParseShard(text); err != nil || got != want || got.String() != text {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"3/3": "shards of 3 are numbered from 0 to 2", "1": "the / is missing", "": "the / is missing", "-1/3": "not a number of a shard",
		"a/3": "not a number of a shard", "0/0": "must be from 1 to 1000 shards", "0/1001": "must be from 1 to 1000 shards", "0/x": "must be from 1",
	} {
		var s *SyntaxError
		if _, err := ParseShard(text); !errors.As(err, &s) || !strings.Contains(err.Error(), want) || s.Column < 1 {
			t.Errorf("%q: %v; want %q", text, err, want)
		}
	}
}

func TestParseStart(t *testing.T) {
	now := time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{
		"2026-01-15T09:00:30Z": 30 * time.Second, "2026-01-15T11:00:00.5+01:00": time.Hour + 500*time.Millisecond,
		"1768467660": time.Minute, "1768467660.25": time.Minute + 250*time.Millisecond,
	} {
		if got, err := ParseStart(text, now); err != nil || got.Sub(now) != want {
			t.Errorf("%s: %s, %v; want %s later", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"soon": "it is not a time", "09:00:30": "it is not a time", "1e9": "it is not a time", "99999999999999999999": "it is not a time",
		"2026-01-15T08:59:00Z": "it was 1m0s ago", "2026-01-15T09:00:00Z": "it was 0s ago", "2026-01-17T09:00:00Z": "it is in more than 24h0m0s",
	} {
		if _, err := ParseStart(text, now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v; want %q", text, err, want)
		}
	}
}

// quick is an attack on a receiver that answers at once.
func quick(p Pace, s Start) Attack {
	return Attack{Pace: p, Messages: []*engine.Message{{}}, Settings: engine.Settings{MaxInFlight: 1, Certificate: engine.NeverPresent}, Start: s,
		Perform: func(_ context.Context, op engine.Operation) engine.Completion {
			return engine.Completion{Operation: op.ID, Outcome: answered(200)}
		}}
}

// A load begins at its time, to the moment; one that is ended before has sent nothing,
// and one that is ready too late is in doubt.
func TestStartAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at, left := time.Now().Add(40*time.Second), time.Duration(0)
		l, err := quick(Constant(10, time.Second), Start{at, func(d time.Duration) { left = d }}).Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if began, err := time.Parse(time.RFC3339Nano, l.Began); err != nil || !began.Equal(at) || l.StartAt != at.UTC().Format(time.RFC3339Nano) || left != 40*time.Second || len(l.Doubts) > 0 {
			t.Errorf("it began at %s, was to at %s; ready %s before; %v", l.Began, l.StartAt, left, l.Doubts)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		a := quick(Constant(10, time.Second), Start{At: time.Now().Add(time.Minute)})
		a.Perform = func(context.Context, engine.Operation) engine.Completion {
			t.Error("it sends before its time")
			return engine.Completion{}
		}
		ctx, end := context.WithTimeout(t.Context(), 30*time.Second)
		defer end()
		if l, err := a.Run(ctx); l != nil || !errors.Is(err, ErrNotBegun) {
			t.Errorf("%+v, %v", l, err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		for late, want := range map[time.Duration]int{500 * time.Millisecond: 0, 3 * time.Second: 1} {
			l, err := quick(Constant(10, time.Second), Start{At: time.Now().Add(-late)}).Run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(l.Doubts) != want || want > 0 && !strings.Contains(l.Doubts[0], "began 3s after --start-at") {
				t.Errorf("%s late: %v", late, l.Doubts)
			}
		}
	})
}

// Three machines begin together, and each sends its part: the merge is the load, with
// all of its objectives.
func TestFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		whole := Constant(30, 20*time.Second)
		at := time.Now().Add(time.Minute)
		parts := make([]Part, 3)
		done := make(chan error)
		for n := range parts {
			go func() { // ends with its load
				time.Sleep(time.Duration(n*7) * time.Second) // of the bubble: people start them one by one
				s := Shard{n, 3}
				a := quick(s.Part(whole), Start{At: at})
				a.To = "http://receiver.test/"
				for _, o := range []Objective{objective(t, "response.p95<2s"), objective(t, "rate>=29/s")} {
					a.Objectives = append(a.Objectives, s.Objective(o))
				}
				l, err := a.Run(t.Context())
				parts[n] = Part{s.String(), l}
				done <- err
			}()
		}
		for range parts {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		for _, p := range parts {
			if o := p.Load.Objectives[1]; o.Verdict != reports.Pass || len(p.Load.Doubts) > 0 {
				t.Errorf("shard %s: %+v, %v", p.From, o, p.Load.Doubts)
			}
		}
		l, err := Merge([]Part{parts[2], parts[0], parts[1]})
		if err != nil {
			t.Fatal(err)
		}
		if l.Pace != whole.String() || l.Offered.Count != 600 || l.Delivered.Count != 600 || l.Seconds != 20 || len(l.Doubts) > 0 || Verdict(l) != reports.Pass {
			t.Errorf("%+v", l)
		}
		for _, p := range l.Series.Points[:20] {
			if p.Offered != 30 {
				t.Errorf("%v/s offered at %v s; want 30", p.Offered, p.AtSeconds)
			}
		}
		if two, err := Merge(parts[:2]); err != nil || Verdict(two) != reports.Inconclusive || two.Pace != "shard 0/3 and 1/3 of "+whole.String() ||
			!slices.Contains(two.Doubts, "the report of shard 2/3 is missing: what it sent is not in these numbers") {
			t.Errorf("%+v, %v", two, err)
		} else if all, err := Merge([]Part{{"two", two}, parts[2]}); err != nil || Verdict(all) != reports.Pass || len(all.Parts) != 3 || all.Offered.Count != 600 {
			t.Errorf("merged again: %+v, %v", all, err)
		}
	})
}

// A merge counts each part once, and only the parts of one load.
func TestMergeRefusesShards(t *testing.T) {
	of := func(pace, run string, of int, numbers ...int) Part {
		l := &reports.Load{Mode: Receiver, Clock: "wall", To: "http://receiver.test/", Run: run, Seconds: 30, Pace: pace}
		if of > 0 {
			l.Shard = &reports.LoadShard{Numbers: numbers, Of: of}
			l.Pace = "shard of " + pace
		}
		return Part{run + ".json", l}
	}
	mock, virtual := of("p", "b", 0), of("p", "b", 0)
	mock.Load.To, virtual.Load.Clock = "mock", "virtual"
	own, other := of("p", "a", 0), of("p", "a", 0)
	own.Load.To, other.Load.Clock = "mock", "virtual"
	merged := of("p", "", 0)
	merged.Load.Parts = []reports.LoadPart{{Run: "a"}, {Run: "c"}}
	for _, tt := range []struct {
		a, b Part
		want string
	}{
		{of("p", "a", 3, 0), of("p", "b", 3, 1), ""},
		{of("p", "a", 0), of("q", "b", 0), ""},
		{of("p", "a", 3, 0), of("p", "b", 3, 0), "b.json: it is shard 0/3 as well as a.json: each counts once"},
		{of("p", "a", 3, 0, 1), of("p", "b", 3, 1), "it is shard 1/3 as well as a.json"},
		{of("p", "a", 3, 0), of("p", "b", 2, 1), "it is shard 1/2, and a.json is shard 0/3"},
		{of("p", "a", 3, 0), of("p", "b", 0), "it is not a shard, and a.json is shard 0/3"},
		{of("p", "a", 3, 0), of("q", "b", 3, 1), "it is a shard of another load, q: a.json is one of p"},
		{of("p", "a", 0), of("p", "a", 0), "it is the same result as a.json"},
		{of("p", "a", 0), merged, "it is the same result as a.json, or has a part of it"},
		{own, mock, "each of these loads has a mock of its own"},
		{other, virtual, "loads in virtual time do not share a receiver"},
	} {
		_, err := Merge([]Part{tt.a, tt.b})
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v; want %q", err, tt.want)
		}
	}
}

// A machine that began later has its seconds later in the merge.
func TestMergeAlignsByTheClock(t *testing.T) {
	of := func(began string) Part {
		l := &reports.Load{Mode: Receiver, Clock: "wall", Seconds: 100, Began: began, Series: &reports.Series{StepSeconds: 1}}
		for i := range 100 {
			l.Series.Points = append(l.Series.Points, reports.Point{AtSeconds: float64(i), Offered: 10})
		}
		return Part{began, l}
	}
	l, err := Merge([]Part{of("2026-01-15T09:00:03.9Z"), of("2026-01-15T09:00:00Z")})
	if err != nil {
		t.Fatal(err)
	}
	var got []int64
	for i, p := range l.Series.Points {
		if p.AtSeconds != float64(i) {
			t.Fatalf("point %d is at %v s", i, p.AtSeconds)
		}
		got = append(got, p.Offered)
	}
	if len(got) != 104 || !slices.Equal(got[:6], []int64{10, 10, 10, 10, 20, 20}) || !slices.Equal(got[99:], []int64{20, 10, 10, 10, 10}) {
		t.Errorf("offered %v", got)
	}
	if l.Began != "2026-01-15T09:00:00Z" || math.Abs(l.Seconds-103.9) > 1e-9 || len(l.Doubts) != 1 || !strings.Contains(l.Doubts[0], "were under way together for 1m36.1s of 1m40s only") {
		t.Errorf("began %s, %v s, %v", l.Began, l.Seconds, l.Doubts)
	}
}

// No profile is on two machines, and all updates of one are on the same.
func TestShardsHaveProfilesOfTheirOwn(t *testing.T) {
	s := service(t, "http://127.0.0.1/", "")
	machine, updates := map[profile.ID]int{}, 0
	for n := range 3 {
		p := NewPopulation(Population{Flow: s.Flow, Profiles: 100, Mix: DefaultMix(), Seed: 1, Shard: Shard{n, 3}})
		for i := range uint64(300) {
			id := p.Update(i).Profile
			if on, known := machine[id]; known && on != n {
				t.Fatalf("%s is on machines %d and %d", id, on, n)
			}
			machine[id] = n
			updates++
		}
	}
	if len(machine) != 102 || updates != 900 {
		t.Errorf("%d profiles; want 100, in whole shares of 34", len(machine))
	}
}

// The engine begins at the time too, and sends nothing before it.
func TestThroughStartsAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := through100(t, func(int) int { return 0 })
		at := time.Now().Add(time.Minute)
		x.Start = Start{At: at}
		l, err := x.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if began, err := time.Parse(time.RFC3339Nano, l.Began); err != nil || !began.Equal(at) || l.Delivered.Count != 100 || l.Run == "" {
			t.Errorf("it began at %s; want %s: %+v", l.Began, at, l)
		}
	})
}

// A threshold of a rate is that of all machines.
func TestShardThreshold(t *testing.T) {
	for of, ended := range map[int]bool{1: true, 3: false} {
		synctest.Test(t, func(t *testing.T) {
			slow, err := ParseAbort("rate<25/s")
			if err != nil {
				t.Fatal(err)
			}
			a := quick(Constant(10, 30*time.Second), Start{})
			a.Abort = []Abort{Shard{0, of}.Threshold(slow)}
			if l, err := a.Run(t.Context()); err != nil || (l.Aborted != "") != ended {
				t.Errorf("of %d machines, at 10/s: %q, %v", of, l.Aborted, err)
			}
			time.Sleep(time.Minute) // of the bubble: Vegeta wakes up once more
		})
	}
}
