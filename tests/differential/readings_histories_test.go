package differential

import (
	"flag"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/check"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// A plain `go test` plays a few; `make other-readings` plays many.
var others = flag.Int("others", 20, "how many histories are played under each other reading")

// otherWays has for each reading of what is exported a value that is not the
// default, and the pairs that concern the same update.
var otherWays = []scenarios.Readings{
	{scenarios.ReadingMergePolicyBodies: "each"},
	{scenarios.ReadingTimeFormat: "offset"},
	{scenarios.ReadingUnmappedTimestamps: "audience"},
	{scenarios.ReadingNames: "live"},
	{scenarios.ReadingRequalification: "exported"},
	{scenarios.ReadingExternalAudiences: "own-switch"},
	{scenarios.ReadingExitTime: "exit"},
	{scenarios.ReadingUnmappedExits: "carried"},
	{scenarios.ReadingExitsCarried: "0s"},
	{scenarios.ReadingBackfilled: "ever-qualified"},
	{scenarios.ReadingBackfillWithin: "90m"},
	{scenarios.ReadingRequalification: "exported", scenarios.ReadingExternalAudiences: "own-switch"},
	{scenarios.ReadingRequalification: "exported", scenarios.ReadingMergePolicyBodies: "each"},
	{scenarios.ReadingRequalification: "exported", scenarios.ReadingBackfilled: "ever-qualified"},
}

// Random histories under each other reading are right by that reading, and the
// capture of such a sender never fails where nothing is chosen.
func TestOtherReadingsOfHistories(t *testing.T) {
	all := rules(t)
	for _, chosen := range otherWays {
		var name []string
		for _, key := range slices.Sorted(maps.Keys(chosen)) {
			name = append(name, key+"="+chosen[key])
		}
		t.Run(strings.Join(name, ","), func(t *testing.T) {
			var next, open atomic.Int64
			var wg sync.WaitGroup
			for range runtime.NumCPU() {
				wg.Go(func() { // ends with the histories
					for i := int(next.Add(1)) - 1; i < *others; i = int(next.Add(1)) - 1 {
						open.Add(otherReading(t, all, chosen, *seed+i))
					}
				})
			}
			wg.Wait()
			if t.Logf("%d of %d senders are left open", open.Load(), *others); open.Load() == 0 {
				t.Error("none is: no history shows the reading")
			}
		})
	}
}

// otherReading judges a history under another reading by that, and without it. It
// returns 1 where the capture is left open with the key that would decide.
func otherReading(t *testing.T, all scenarios.Catalogue, chosen scenarios.Readings, seed int) (open int64) {
	sc := histories().Example(seed).WithReadings(chosen)
	if _, external := chosen[scenarios.ReadingExternalAudiences]; external {
		withExternal(sc, seed)
	}
	lines, err := play(sc, simulate.Model)
	if err != nil {
		t.Error(err)
		return 0
	}
	if wrong := judge(sc, all, lines); wrong != "" {
		t.Errorf("history %d by its own reading: %s", seed, wrong)
	}
	unread := *sc
	unread.Destination.Readings = nil
	c, err := asForeign(all, captured(lines), check.SenderOptions{Scenario: &unread, Began: sc.Start})
	if err != nil {
		t.Error(err)
		return 0
	}
	for _, k := range c.Checks {
		for key := range chosen {
			if k.Verdict == reports.Unspecified && names(k, key) {
				open = 1
			}
		}
		if k.Verdict == reports.Fail {
			t.Errorf("history %d without a reading: %s: %s; %s", seed, k.Rule, k.Expected, k.Actual)
		}
	}
	return open
}

// withExternal makes every other audience one that is uploaded, and has the switch of
// external audiences differ from that of segmentation.
func withExternal(sc *scenarios.Scenario, seed int) {
	for i := range sc.Audiences {
		if i%2 == 0 {
			sc.Audiences[i].Origin = "look-alike"
		}
	}
	off := map[string]bool{"segmentationChanges": seed%2 == 0, "externalSegmentationChanges": seed%2 != 0}
	sc.Dataflow.Triggers = sc.Dataflow.Triggers.With(off)
}
