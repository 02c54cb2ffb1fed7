package monitor

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/retry"
)

// story is exports that are decided in order, and settled in messages of one
// or several after times of their own.
type story struct {
	exports []*engine.Export
	settled []settlement // ascending by at
}

type settlement struct {
	at time.Time
	engine.Settled
}

var outcomes = []retry.Outcome{status(200), status(204), status(503), status(401), {Kind: retry.Timeout}}

var stories = rapid.Custom(func(t *rapid.T) story {
	var s story
	now := nine
	batch := []*engine.Export{}
	for range rapid.IntRange(1, 60).Draw(t, "exports") {
		now = now.Add(time.Duration(rapid.IntRange(0, 50*60).Draw(t, "pause")) * time.Second)
		x := &engine.Export{At: now, Identities: rapid.Int64Range(0, 5).Draw(t, "identities")}
		s.exports = append(s.exports, x)
		if rapid.IntRange(0, 4).Draw(t, "excluded") == 0 {
			x.Excluded = rapid.SampledFrom([]string{"missing-attributes", "consent-violation"}).Draw(t, "reason")
			continue
		}
		if batch = append(batch, x); rapid.Bool().Draw(t, "send") {
			at := now.Add(time.Duration(rapid.IntRange(0, 3*3600).Draw(t, "takes")) * time.Second)
			s.settled = append(s.settled, settlement{at, settled(rapid.SampledFrom(outcomes).Draw(t, "outcome"), batch...)})
			batch = nil
		}
	}
	slices.SortStableFunc(s.settled, func(a, b settlement) int { return a.at.Compare(b.at) })
	return s
})

// play tells the story to a monitor, waking it at the end of every hour, and
// returns everything it answered.
func (s story) play(m *Monitor) (completed []Run, alerts []Notice, end time.Time) {
	take := func(e Effects) {
		completed, alerts = append(completed, e.Completed...), append(alerts, e.Alerts...)
	}
	next := nine.Add(Window)
	until := func(now time.Time) {
		for ; !next.After(now); next = next.Add(Window) {
			take(m.Wake(next))
		}
		end = now
	}
	x := 0
	for _, done := range s.settled {
		for ; x < len(s.exports) && !s.exports[x].At.After(done.at); x++ {
			until(s.exports[x].At)
			take(m.Received(s.exports[x]))
		}
		until(done.at)
		take(m.Settled(done.at, done.Settled))
	}
	for ; x < len(s.exports); x++ {
		until(s.exports[x].At)
		take(m.Received(s.exports[x]))
	}
	until(end.Add(Window))
	return completed, alerts, end
}

// The counters of all runs together are the identities of all exports, those
// not settled left out; every run is one hour, is reported once, and is
// completed exactly when nothing of it is open; the totals are the sum.
func TestSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := stories.Draw(t, "story")
		m := New(nil)
		completed, _, end := s.play(m)
		var want Totals
		open := map[time.Time]bool{}
		hours := map[time.Time]bool{}
		for _, x := range s.exports {
			hours[x.At.Truncate(Window)] = true
			open[x.At.Truncate(Window)] = open[x.At.Truncate(Window)] || x.Excluded == ""
			want.Received++
			if x.Excluded != "" {
				want.Excluded += x.Identities
			}
		}
		left := map[time.Time]int{}
		for _, x := range s.exports {
			if x.Excluded == "" {
				left[x.At.Truncate(Window)]++
			}
		}
		for _, done := range s.settled {
			for _, x := range done.Message.Exports {
				left[x.At.Truncate(Window)]--
				if done.Outcome.Delivered() {
					want.Activated += x.Identities
				} else {
					want.Failed += x.Identities
				}
			}
		}
		want.Runs = len(hours)
		var got Totals
		seen := map[string]bool{}
		for _, r := range append(slices.Clone(completed), m.Processing(end)...) {
			if seen[r.ProviderRefID] || !r.StartedAt.Equal(r.StartedAt.Truncate(Window)) || !hours[r.StartedAt] {
				t.Fatalf("run %s of %s is no hour with exports, or is told twice", r.ProviderRefID, r.StartedAt)
			}
			seen[r.ProviderRefID] = true
			if done := left[r.StartedAt] == 0; done != (r.Status == Completed) {
				t.Fatalf("run %s is %s with %d exports open", r.ProviderRefID, r.Status, left[r.StartedAt])
			}
			var errors, exclusions int64
			for _, e := range r.Errors {
				errors += e.Identities
			}
			for _, x := range r.Exclusions {
				exclusions += x.Identities
			}
			if errors != r.Failed || exclusions != r.Excluded {
				t.Fatalf("run %s: %d of %d failures and %d of %d exclusions have a reason", r.ProviderRefID, errors, r.Failed, exclusions, r.Excluded)
			}
			got.Runs++
			got.Received += r.Received
			got.Activated += r.Activated
			got.Excluded += r.Excluded
			got.Failed += r.Failed
		}
		if got != want {
			t.Fatalf("the runs add up to %+v; want %+v", got, want)
		}
		if end.Before(nine.Add(TTL)) && m.Totals(end) != want {
			t.Fatalf("totals %+v; want %+v", m.Totals(end), want)
		}
	})
}

// Within one instant the order of settlements does not matter: what a run
// shows is the same.
func TestOrderOfSettlementsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := stories.Draw(t, "story")
		last := s.exports[len(s.exports)-1].At.Add(4 * time.Hour)
		for i := range s.settled {
			s.settled[i].at = last
		}
		shown := func() string {
			completed, _, _ := s.play(New(nil))
			slices.SortFunc(completed, func(a, b Run) int { return a.StartedAt.Compare(b.StartedAt) })
			return fmt.Sprint(completed)
		}
		before := shown()
		s.settled = rapid.Permutation(s.settled).Draw(t, "settled")
		if after := shown(); after != before {
			t.Fatalf("%s\nin another order\n%s", before, after)
		}
	})
}

// An alert changes at exactly the runs where the rate comes to be above the
// threshold or no longer is, and never twice in the same direction.
func TestAlertsAlternate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		threshold := rapid.SampledFrom([]int64{0, 10_000, 200_000, 500_000}).Draw(t, "threshold")
		m := New([]dataflow.Alert{{Kind: dataflow.FailedRate, Threshold: threshold}})
		completed, alerts, _ := stories.Draw(t, "story").play(m)
		firing, next := false, 0
		for _, r := range completed {
			exceeded := r.Failed*1_000_000 > threshold*r.Settled()
			if exceeded == firing {
				continue
			}
			firing = exceeded
			want := map[bool]State{true: Firing, false: Inactive}[firing]
			if next == len(alerts) || alerts[next].State != want || alerts[next].Run != r.ProviderRefID {
				t.Fatalf("change %d of %+v is not %s by run %s", next, alerts, want, r.ProviderRefID)
			}
			next++
		}
		if next != len(alerts) {
			t.Fatalf("%d changes; want %d", len(alerts), next)
		}
	})
}
