package histories_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/probe/histories"
	"github.com/httpdest/httpdest/scenarios/recording"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// The engine, which knows nothing of plans, plays the scenario file of a history in virtual
// time; its attempts and the faults that meet them give the order in which a proxy would let
// the messages arrive. It is that of the plan.
func TestTheFilePlaysThePlan(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := histories.Shape{Audiences: rapid.IntRange(1, 3).Draw(t, "audiences"), Batch: rapid.IntRange(1, 3).Draw(t, "batch"), Pairs: rapid.Bool().Draw(t, "pairs")}
		h := histories.Random(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(0, 1<<20).Draw(t, "number"), s)
		text := h.Scenario(histories.File{Title: "A history", Why: "why", Play: "play", Batch: 10, Encoding: "array"})
		sc, err := scenarios.Parse("history.yaml", text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		lines, err := simulate.Play(context.Background(), sc, memory.New(), 1)
		if err != nil {
			t.Fatal(err)
		}
		got, want := arrivals(sc, lines), planned(h)
		if got != want {
			t.Fatalf("arrive as %s; planned as %s\n%s", got, want, text)
		}
	})
}

// planned is the order of a plan: "1 2 (1 3)", a message by its number from 1.
func planned(h histories.History) string {
	var out []string
	for _, r := range h.Plan().Rounds {
		if len(r.Messages) == 1 {
			out = append(out, fmt.Sprint(r.Messages[0]+1))
			continue
		}
		both := slices.Sorted(slices.Values(r.Messages))
		out = append(out, fmt.Sprintf("(%d %d)", both[0]+1, both[1]+1))
	}
	return strings.Join(out, " ")
}

// together is how near two arrivals are that count as one moment.
const together = 100 * time.Millisecond

// arrivals is the order in which a proxy would let the attempts of a recording arrive.
func arrivals(sc *scenarios.Scenario, lines []recording.Line) string {
	type arrival struct {
		at      time.Time
		message int
	}
	var attempts []*recording.Attempt
	var requests []*recording.Request
	for _, l := range lines {
		switch {
		case l.Attempt != nil:
			attempts = append(attempts, l.Attempt)
		case l.Request != nil:
			requests = append(requests, l.Request)
		}
	}
	slices.SortStableFunc(attempts, func(a, b *recording.Attempt) int { return a.At.Compare(b.At) })
	slices.SortStableFunc(requests, func(a, b *recording.Request) int { return a.At.Compare(b.At) })
	if len(attempts) != len(requests) {
		return fmt.Sprintf("%d requests of %d attempts", len(requests), len(attempts))
	}
	numbers := map[string]int{}
	var all []arrival
	for i, a := range attempts {
		if numbers[a.Message] == 0 {
			numbers[a.Message] = len(numbers) + 1
		}
		one := arrival{a.At, numbers[a.Message]}
		for _, f := range sc.Endpoint.Faults {
			if f.ID != requests[i].Fault {
				continue
			}
			one.at = one.at.Add(f.Latency)
			if f.Forward == "twice-at-once" {
				all = append(all, one)
			}
		}
		all = append(all, one)
	}
	slices.SortStableFunc(all, func(a, b arrival) int { return a.at.Compare(b.at) })
	var out []string
	for i := 0; i < len(all); i++ {
		if i+1 < len(all) && all[i+1].at.Sub(all[i].at) < together {
			first, second := min(all[i].message, all[i+1].message), max(all[i].message, all[i+1].message)
			out = append(out, fmt.Sprintf("(%d %d)", first, second))
			i++
			continue
		}
		out = append(out, fmt.Sprint(all[i].message))
	}
	return strings.Join(out, " ")
}
