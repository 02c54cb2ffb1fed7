package scenarios_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/httpdest/httpdest/scenarios"
)

// The moments of a paced history are in the same order, none is apart from the next
// by more than the bound, and times that are shorter stay as they are.
func TestPaced(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		longest := time.Duration(rapid.IntRange(1, 5).Draw(t, "longest")) * time.Second
		times := rapid.SliceOfN(rapid.IntRange(0, 40), 1, 8)
		sc := &scenarios.Scenario{Until: time.Duration(rapid.IntRange(0, 60).Draw(t, "until")) * time.Second}
		var before []time.Duration
		for _, at := range times.Draw(t, "steps") {
			sc.History = append(sc.History, scenarios.Step{At: time.Duration(at) * time.Second})
			before = append(before, time.Duration(at)*time.Second)
		}
		fault := scenarios.Fault{}
		fault.From = time.Duration(rapid.IntRange(0, 40).Draw(t, "from")) * time.Second
		sc.Endpoint.Faults = append(sc.Endpoint.Faults, fault)
		before = append(before, fault.From, sc.Until)

		p := sc.Paced(longest)
		var after []time.Duration
		for _, s := range p.History {
			after = append(after, s.At)
		}
		after = append(after, p.Endpoint.Faults[0].From, p.Until)
		for i := range before {
			for j := range before {
				if (before[i] < before[j]) != (after[i] < after[j]) {
					t.Fatalf("%s and %s became %s and %s", before[i], before[j], after[i], after[j])
				}
			}
		}
		order := slices.Sorted(slices.Values(append(slices.Clone(after), 0)))
		was := slices.Sorted(slices.Values(append(slices.Clone(before), 0)))
		for i := 1; i < len(order); i++ {
			if got, want := order[i]-order[i-1], min(longest, was[i]-was[i-1]); got != want {
				t.Fatalf("a time of %s became %s; want %s", was[i]-was[i-1], got, want)
			}
		}
	})
}
