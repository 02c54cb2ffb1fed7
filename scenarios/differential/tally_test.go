package differential

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// least is how often each thing must occur in a full run.
const least = 100

// expected is what a full run must have seen: a generator that no longer makes
// one of them proves nothing about it.
var expected = []string{
	"because attribute", "because audience", "because backfill", "because identity",
	"because attribute+audience", "because attribute+identity", "because audience+identity", "because attribute+audience+identity",
	"enter", "exit", "update without export", "update before the activation", "update in a pause",
	"action activate", "action map", "action unmap", "action disable", "action enable", "mapped again",
	"attempt failed", "message dropped", "exited entry", "companion", "exited long ago",
	"names on", "timestamps on", "mapped only", "any profile", "two merge policies", "no identity",
}

// tally counts what occurred.
type tally struct {
	counts  map[string]int
	updates []int // of each history
	exports int
}

func newTally() *tally { return &tally{counts: map[string]int{}} }

func (c *tally) add(other *tally) {
	for what, n := range other.counts {
		c.counts[what] += n
	}
	c.updates, c.exports = append(c.updates, other.updates...), c.exports+other.exports
}

// take counts one history.
func (c *tally) take(sc *scenarios.Scenario, lines []recording.Line) {
	c.configured(sc)
	updates, ever := 0, map[string]bool{}
	active, paused := sc.Dataflow.Activated, false
	exported := map[string]bool{} // profile and time of every export
	for _, l := range lines {
		if l.Export != nil {
			exported[fmt.Sprint(l.Export.Profile, l.Export.At)] = true
		}
	}
	for _, l := range lines {
		switch {
		case l.Update != nil:
			updates++
			c.update(l.Update, active, paused, exported)
		case l.Action != nil:
			c.counts["action "+l.Action.Action]++
			active = active || l.Action.Action == "activate"
			paused = l.Action.Action == "disable" || paused && l.Action.Action != "enable"
			for _, id := range l.Action.Audiences {
				if l.Action.Action == "map" && ever[id] {
					c.counts["mapped again"]++
				}
				ever[id] = true
			}
		case l.Export != nil:
			c.exports++
			c.counts["because "+strings.Join(l.Export.Because, "+")]++
		case l.Attempt != nil:
			c.attempt(l.Attempt)
		case l.Drop != nil:
			c.counts["message dropped"]++
		case l.End != nil:
			for i, f := range l.End.Faults {
				if f.Fired > 0 {
					c.counts["fault "+kindOf(sc.Endpoint.Faults[i])]++
				}
			}
		}
	}
	c.updates = append(c.updates, updates)
}

func (c *tally) configured(sc *scenarios.Scenario) {
	policies := map[string]bool{}
	for _, a := range sc.Audiences {
		policies[a.MergePolicy] = true
	}
	for what, so := range map[string]bool{"names on": sc.Destination.IncludeSegmentNames, "timestamps on": sc.Destination.IncludeSegmentTimestamps,
		"mapped only": sc.Destination.IncludeMappedAudiencesOnly, "any profile": !sc.Dataflow.RequireMembership, "two merge policies": len(policies) > 1} {
		if so {
			c.counts[what]++
		}
	}
	for _, g := range sc.Profiles {
		if g.NoIdentity {
			c.counts["no identity"]++
		}
		for _, m := range g.Memberships {
			if m.Exited && m.ExitedAgo > 30*day {
				c.counts["exited long ago"]++
			}
		}
	}
}

func (c *tally) update(u *recording.Update, active, paused bool, exported map[string]bool) {
	for _, change := range u.Changes {
		if word := map[string]string{"qualify": "enter", "exit": "exit"}[change.Op]; word != "" {
			c.counts[word]++
		}
	}
	switch {
	case !active:
		c.counts["update before the activation"]++
	case paused:
		c.counts["update in a pause"]++
	case !exported[fmt.Sprint(u.Profile, u.At)]:
		c.counts["update without export"]++
	}
}

func (c *tally) attempt(a *recording.Attempt) {
	if len(a.Exports) > 1 {
		c.counts["batch"]++
	}
	if !strings.HasPrefix(a.Outcome, "2") {
		c.counts["attempt failed"]++
	}
	if a.Number == 1 && strings.Contains(a.Body, `"status":"exited"`) {
		c.counts["exited entry"]++
	}
	if a.Number == 1 && strings.Count(a.Body, `"status":"realized"`) > 1 {
		c.counts["companion"]++
	}
}

// median is that of the updates of a history.
func (c *tally) median() int {
	if len(c.updates) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(c.updates))
	return sorted[len(sorted)/2]
}

// print writes the table.
func (c *tally) print(w io.Writer) {
	for _, what := range slices.Sorted(maps.Keys(c.counts)) {
		_, _ = fmt.Fprintf(w, "%9d  %s\n", c.counts[what], what)
	}
}

// rare are the things that occurred too seldom, sorted.
func (c *tally) rare() []string {
	var out []string
	want := slices.Clone(expected)
	for _, kind := range slices.Compact(slices.Clone(faultKinds)) {
		want = append(want, "fault "+kind)
	}
	for _, what := range want {
		if c.counts[what] < least {
			out = append(out, fmt.Sprintf("%s: %d", what, c.counts[what]))
		}
	}
	slices.Sort(out)
	return out
}

// What a run has not seen often enough is named, each by itself, and so is what
// it has not seen at all.
func TestRare(t *testing.T) {
	c := newTally()
	all := c.rare()
	if len(all) < len(expected)+6 || !slices.Contains(all, "because backfill: 0") || !slices.Contains(all, "fault stall: 0") {
		t.Errorf("rare of a run that saw nothing: %q", all)
	}
	for _, what := range all {
		c.counts[what[:strings.LastIndex(what, ":")]] = least
	}
	if got := c.rare(); len(got) > 0 {
		t.Errorf("rare of a run that saw everything: %q", got)
	}
	c.counts["exit"]--
	if got := c.rare(); !slices.Equal(got, []string{"exit: 99"}) {
		t.Errorf("rare of a run with one exit too few: %q", got)
	}
}
