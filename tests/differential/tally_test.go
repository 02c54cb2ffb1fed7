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
	"enter", "exit", "merge", "forgotten", "update without export", "update before the activation", "update in a pause",
	"action activate", "action map", "action unmap", "action disable", "action enable", "mapped again",
	"action delete", "action rename", "action triggers", "activated after a deletion", "update under a switch", "batch", "batch of profiles", "batch failed",
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
	d := told{active: sc.Dataflow.Activated, triggers: sc.Dataflow.Triggers, ever: map[string]bool{}, exported: map[string]bool{}}
	for _, l := range lines {
		if l.Export != nil {
			d.exported[fmt.Sprint(l.Export.Profile, l.Export.At)] = true
		}
	}
	for _, l := range lines {
		switch {
		case l.Update != nil:
			d.updates++
			c.update(l.Update, &d)
		case l.Action != nil:
			c.action(l.Action, &d)
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
	c.updates = append(c.updates, d.updates)
}

// told is what the lines of a recording said so far.
type told struct {
	updates                 int
	active, paused, deleted bool
	triggers                scenarios.Triggers
	ever                    map[string]bool // audience ids of actions
	exported                map[string]bool // profile and time of every export of the recording
}

func (c *tally) action(a *recording.Action, d *told) {
	c.counts["action "+a.Action]++
	switch a.Action {
	case "activate":
		if d.active = true; d.deleted {
			c.counts["activated after a deletion"]++
		}
	case "delete":
		d.active, d.paused, d.deleted = false, false, true
	case "disable", "enable":
		d.paused = a.Action == "disable"
	case "triggers":
		d.triggers = d.triggers.With(a.Triggers)
	}
	for _, id := range a.Audiences {
		if a.Action == "map" && d.ever[id] {
			c.counts["mapped again"]++
		}
		d.ever[id] = d.ever[id] || a.Action == "map" || a.Action == "unmap"
	}
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

func (c *tally) update(u *recording.Update, d *told) {
	for _, change := range u.Changes {
		if word := map[string]string{"qualify": "enter", "exit": "exit", "merge": "merge", "forget": "forgotten"}[change.Op]; word != "" {
			c.counts[word]++
		}
	}
	for _, kind := range []string{"attributeChanges", "segmentationChanges", "identityChanges"} {
		if d.active && !d.paused && !d.triggers.On(kind) {
			c.counts["update under a switch"]++
			break
		}
	}
	switch {
	case !d.active:
		c.counts["update before the activation"]++
	case d.paused:
		c.counts["update in a pause"]++
	case !d.exported[fmt.Sprint(u.Profile, u.At)]:
		c.counts["update without export"]++
	}
}

func (c *tally) attempt(a *recording.Attempt) {
	if len(a.Exports) > 1 {
		c.counts["batch"]++
		if strings.HasPrefix(a.Body, `{"profiles"`) {
			c.counts["batch of profiles"]++
		}
		if !strings.HasPrefix(a.Outcome, "2") {
			c.counts["batch failed"]++
		}
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

// Events that a run has not seen often enough are named, each by itself, and so
// are those that it has not seen.
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
