package histories

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/httpdest/httpdest/scenarios"
)

// drawn draws the number of a history, and its shape.
func drawn(t *rapid.T) (History, Shape) {
	s := Shape{Audiences: rapid.IntRange(1, 3).Draw(t, "audiences"), Batch: rapid.IntRange(1, 3).Draw(t, "batch"), Pairs: rapid.Bool().Draw(t, "pairs")}
	return Random(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(0, 1<<20).Draw(t, "number"), s), s
}

// The first arrivals of a profile's messages are in their order, and every message arrives.
func TestEveryMessageArrivesInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, s := drawn(t)
		p := h.Plan()
		if len(p.Messages) != len(h) {
			t.Fatalf("%d steps make %d messages", len(h), len(p.Messages))
		}
		next := 0
		copies := map[int]int{}
		for _, r := range p.Rounds {
			if len(r.Messages) < 1 || len(r.Messages) > 2 || len(r.Messages) == 2 && !s.Pairs {
				t.Fatalf("%d messages at the same time", len(r.Messages))
			}
			for _, m := range r.Messages {
				if copies[m]++; copies[m] == 1 {
					if m != next {
						t.Fatalf("message %d arrives before message %d", m, next)
					}
					next++
				}
			}
		}
		if next != len(p.Messages) {
			t.Fatalf("%d of %d messages arrive", next, len(p.Messages))
		}
		for m, n := range copies {
			want := 2
			if h[p.Messages[m].Step].Copies == Once {
				want = 1
			}
			if n != want {
				t.Fatalf("message %d arrives %d times; want %d: %s", m, n, want, h[p.Messages[m].Step])
			}
		}
	})
}

// model is a receiver as R100 has it, written without a look at Expect: the newest entry of
// each audience, and the attributes of the last message that no entry gives away as old.
type model struct {
	entries map[int]Entry
	last    Document
}

func (m *model) receive(d Document) {
	current := true
	for audience, e := range d.Entries {
		stored, there := m.entries[audience]
		if there && (stored.At > e.At || stored.At == e.At && !stored.In && e.In) {
			current = false
			continue
		}
		m.entries[audience] = e
	}
	if current {
		m.last = d
	}
}

// A receiver that does what R100 asks for holds what is expected after every round, in
// whichever order messages at the same time are handled.
func TestARightReceiverHoldsWhatIsExpected(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, _ := drawn(t)
		p := h.Plan()
		states := map[int]*model{}
		for i, r := range p.Rounds {
			messages := slices.Clone(r.Messages)
			if rapid.Bool().Draw(t, fmt.Sprintf("the other order in round %d", i)) {
				slices.Reverse(messages)
			}
			for _, m := range messages {
				for _, d := range p.Messages[m].Documents {
					if states[d.Profile] == nil {
						states[d.Profile] = &model{entries: map[int]Entry{}}
					}
					states[d.Profile].receive(d)
				}
			}
			for n, state := range states {
				x := p.Expect(i, n)
				for audience, in := range x.Members {
					if state.entries[audience].In != in {
						t.Fatalf("round %d: profile %d in audience %d is %t; want %t\n%s", i, n, audience, !in, in, strings.Join(h.Lines(), "\n"))
					}
				}
				if len(x.Members) != len(state.entries) {
					t.Fatalf("round %d: %d entries; want %d", i, len(state.entries), len(x.Members))
				}
				if !slices.ContainsFunc(x.Documents, func(d Document) bool { return reflect.DeepEqual(d, state.last) }) {
					t.Fatalf("round %d: profile %d holds %+v; want one of %+v\n%s", i, n, state.last, x.Documents, strings.Join(h.Lines(), "\n"))
				}
			}
		}
	})
}

// Without copies the newest message alone is right.
func TestWithoutCopiesTheNewestIsRight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, _ := drawn(t)
		for i := range h {
			h[i].Copies, h[i].After = Once, 0
		}
		p := h.Plan()
		if p.Twice() {
			t.Fatal("a message arrives twice")
		}
		for i := range p.Rounds {
			for n := range MaxProfiles {
				if x := p.Expect(i, n); len(x.Documents) > 1 {
					t.Fatalf("%d documents may be held", len(x.Documents))
				}
			}
		}
	})
}

func TestTheSameNumberIsTheSameHistory(t *testing.T) {
	shape := Shape{Audiences: 3, Batch: 3, Pairs: true}
	a, b := Random(7, 3, shape), Random(7, 3, shape)
	if !reflect.DeepEqual(a, b) {
		t.Errorf("two histories of one number:\n%v\n%v", a, b)
	}
	if reflect.DeepEqual(a, Random(7, 4, shape)) || reflect.DeepEqual(a, Random(8, 3, shape)) {
		t.Error("another number or seed is the same history")
	}
}

// The smallest history fails, and none that has a step less does.
func TestShrinkEndsWhereNothingLessFails(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, _ := drawn(t)
		// It fails where an exit and a late copy are in it.
		fails := func(h History) bool {
			exit, late := false, false
			for _, s := range h {
				late = late || s.Copies == Late
				exit = exit || slices.ContainsFunc(s.Changes, func(c Change) bool { return c.Kind == Leave })
			}
			return exit && late
		}
		if !fails(h) {
			t.Skip("it does not fail")
		}
		small := Shrink(h, fails)
		if !fails(small) {
			t.Fatal("it does not fail any more")
		}
		for i := range small {
			if less := slices.Delete(slices.Clone(small), i, i+1).tidy(); len(less) > 0 && fails(less) {
				t.Fatalf("without step %d it fails as well:\n%s", i+1, strings.Join(small.Lines(), "\n"))
			}
		}
		if len(small) > 3 {
			t.Fatalf("%d steps; an entry and an exit, and one with a copy, are enough:\n%s", len(small), strings.Join(small.Lines(), "\n"))
		}
		for _, s := range small {
			if s.Pause || s.Look || len(s.Profiles) > 1 || len(s.Changes) > 1 {
				t.Fatalf("not as simple as it could be:\n%s", strings.Join(small.Lines(), "\n"))
			}
		}
	})
}

// Every history is a scenario with a fault for each message that arrives twice.
func TestEveryHistoryIsAScenario(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, _ := drawn(t)
		text := h.Scenario(File{Title: "A history: \"quoted\"", Why: "why", Play: "play", Batch: 10, Encoding: "array"})
		sc, err := scenarios.Parse("history.yaml", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		last := time.Duration(0)
		for _, step := range sc.History {
			if step.At < last {
				t.Fatalf("a step at %s after one at %s\n%s", step.At, last, text)
			}
			last = step.At
		}
		copies := 0
		for _, s := range h {
			if s.Copies != Once {
				copies++
			}
		}
		if len(sc.Endpoint.Faults) != copies {
			t.Fatalf("%d faults for %d messages that arrive twice\n%s", len(sc.Endpoint.Faults), copies, text)
		}
		for _, f := range sc.Endpoint.Faults {
			if f.Latency > 0 && sc.Until < f.Latency {
				t.Fatalf("the case ends before a copy that is held for %s\n%s", f.Latency, text)
			}
		}
	})
}

// The words that a person reads, and the file.
func TestAHistoryInWords(t *testing.T) {
	h := History{
		{Profiles: []int{0}, Changes: []Change{{Kind: Enter, Audience: 0}}, Copies: Late, After: 1},
		{Profiles: []int{0, 1}, Changes: []Change{{Kind: Leave, Audience: 0}, {Kind: Enter, Audience: 1}}, Copies: Repeated, After: 1, Pause: true},
		{Profiles: []int{1}, Changes: []Change{{Kind: Set, Name: 1}, {Kind: Know}}, Pause: true},
	}
	want := []string{
		"1. p-1 enters a; a copy of it arrives later (after 1)",
		"2. p-1 and p-2 leave a, enter b; its answer is lost, and it is repeated after a pause",
		"3. after a pause p-2 is named Ada, gets another identity",
	}
	if got := h.Lines(); !slices.Equal(got, want) {
		t.Errorf("got:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	// The first attempt is held, and given up on after 2 s; the second arrives 15 s later, at
	// 18 s. The exit follows at 19 s, and the held copy half a second after it.
	text := string(h.Scenario(File{Title: "t", Why: "w", Play: "p", Batch: 10, Encoding: "profiles"}))
	for _, line := range []string{
		"- {requests: 1, forward: after, latency: 18.5s}",
		"- {requests: 3, forward: before, reset: true}",
		"- {at: 1s, profile: p-1, qualify: [a]}",
		`- {at: 19s, profiles: "p-{1..2}", qualify: [b], exit: [a]}`,
		`- {at: 50.5s, profile: p-2, set: person.name.firstName, to: "Ada", addIdentity: {crmid: "p-2-50.5s"}}`,
		"destination: {maxProfilesPerRequest: 10, batchEncoding: profiles}",
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no line %q in:\n%s", line, text)
		}
	}
}

// The order in which messages arrive: a repetition after those of other profiles and before
// the next of its own, a late copy after the message it is due after, and a copy that meets
// another with it.
func TestTheOrderOfArrival(t *testing.T) {
	enter := func(audience int) []Change { return []Change{{Kind: Enter, Audience: audience}} }
	for _, c := range []struct {
		name string
		h    History
		want string
	}{
		{"a repetition waits for other profiles", History{
			{Profiles: []int{0}, Changes: enter(0), Copies: Repeated, After: 3}, {Profiles: []int{1}, Changes: enter(0)}, {Profiles: []int{0}, Changes: enter(1)},
		}, "[0] [1] [0] [2]"},
		{"a repetition that is due", History{
			{Profiles: []int{0}, Changes: enter(0), Copies: Repeated, After: 1}, {Profiles: []int{1}, Changes: enter(0)}, {Profiles: []int{1}, Changes: enter(1)},
		}, "[0] [0] [1] [2]"},
		{"a late copy", History{
			{Profiles: []int{0}, Changes: enter(0), Copies: Late, After: 1}, {Profiles: []int{0}, Changes: enter(1)}, {Profiles: []int{0}, Changes: enter(2)},
		}, "[0] [1] [0] [2]"},
		{"a late copy after two", History{
			{Profiles: []int{0}, Changes: enter(0), Copies: Late, After: 2}, {Profiles: []int{0}, Changes: enter(1)}, {Profiles: []int{0}, Changes: enter(2)},
		}, "[0] [1] [2] [0]"},
		{"a late copy at the end", History{
			{Profiles: []int{0}, Changes: enter(0), Copies: Late, After: 5}, {Profiles: []int{0}, Changes: enter(1)},
		}, "[0] [1] [0]"},
		{"a copy that meets another", History{
			{Profiles: []int{0}, Changes: enter(0), Copies: Meeting, After: 2}, {Profiles: []int{0}, Changes: enter(1)}, {Profiles: []int{0}, Changes: enter(2)},
		}, "[0] [1] [2 0]"},
		{"two at the same time", History{{Profiles: []int{0}, Changes: enter(0), Copies: AtOnce}}, "[0 0]"},
	} {
		var got []string
		for _, r := range c.h.Plan().Rounds {
			got = append(got, fmt.Sprint(r.Messages))
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %s; want %s", c.name, strings.Join(got, " "), c.want)
		}
	}
}

// A late copy may have overwritten the attributes; where an entry of it is older than the
// newest, that is told apart.
func TestALateCopyThatAnEntryGivesAway(t *testing.T) {
	enter, leave, named := []Change{{Kind: Enter}}, []Change{{Kind: Leave}}, []Change{{Kind: Set, Name: 1}}
	for _, c := range []struct {
		name           string
		h              History
		documents, old int
		open           bool
	}{
		{"the same entry", History{{Profiles: []int{0}, Changes: enter, Copies: Late, After: 1}, {Profiles: []int{0}, Changes: named}}, 2, 0, false},
		{"an older entry", History{{Profiles: []int{0}, Changes: enter, Copies: Late, After: 3}, {Profiles: []int{0}, Changes: leave}, {Profiles: []int{0}, Changes: enter},
			{Profiles: []int{0}, Changes: named}}, 1, 1, false},
		{"an entry of the time of its exit", History{{Profiles: []int{0}, Changes: enter, Copies: Late, After: 1}, {Profiles: []int{0}, Changes: leave}}, 2, 0, true},
	} {
		p := c.h.Plan()
		x := p.Expect(len(p.Rounds)-1, 0)
		if len(x.Documents) != c.documents || len(x.Old) != c.old || x.Open[0] != c.open {
			t.Errorf("%s: %d documents, %d old, open %t; want %d, %d, %t", c.name, len(x.Documents), len(x.Old), x.Open[0], c.documents, c.old, c.open)
		}
	}
}

// Two hundred histories have some of everything.
func TestTwoHundredHistoriesCoverEverything(t *testing.T) {
	for seed := range uint64(5) {
		var tally Tally
		for n := 1; n <= 200; n++ {
			tally.Add(Random(seed, n, Shape{Audiences: 3, Batch: 10, Pairs: true}))
		}
		metrics := map[string]float64{}
		tally.Into(metrics)
		for name, n := range metrics {
			if n < 10 {
				t.Errorf("seed %d: %s is %.0f in 200 histories", seed, name, n)
			}
		}
		if len(metrics) != 15 {
			t.Errorf("%d counts", len(metrics))
		}
	}
}
