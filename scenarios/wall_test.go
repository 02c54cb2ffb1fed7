package scenarios_test

import (
	"context"
	"flag"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/check"
	"github.com/httpdest/httpdest/scenarios/recording"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// Retries take 45 s of real time; `make wall` asks for it.
var wall = flag.Bool("wall", false, "play every short scenario of the library on the wall clock too")

// short is how long a scenario may last to be played on the wall clock.
const short = 60 * time.Second

// Both clocks must give the same attempts, bodies and verdicts, with times
// within simulate.Tolerance: the wire in memory makes no difference.
func TestLibraryOnTheWallClock(t *testing.T) {
	if !*wall {
		t.Skip("needs the flag -wall and a minute of real time; `make wall` gives it")
	}
	rules, err := scenarios.Rules()
	if err != nil {
		t.Fatal(err)
	}
	all, err := scenarios.Find("library")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	played, left := 0, []string{}
	for _, sc := range all {
		virtual, err := simulate.Play(t.Context(), sc, memory.New(), 1)
		if err != nil {
			t.Fatal(err)
		}
		end := virtual[len(virtual)-1].End
		if end.At.Sub(sc.Start) >= short || simulate.TooClose(sc) != "" {
			left = append(left, sc.ID)
			continue
		}
		wg.Go(func() {
			onWall, err := simulate.PlayOn(context.WithoutCancel(t.Context()), sc, simulate.Setting{Clock: simulate.Wall, Store: memory.New()})
			if err != nil {
				t.Errorf("%s: %v", sc.ID, err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			played++
			if diff := cmp.Diff(recording.Timeless(virtual), recording.Timeless(onWall)); diff != "" {
				t.Errorf("%s: attempts (-virtual +wall):\n%s", sc.ID, diff)
			}
			c := check.Judge(sc, rules, onWall)
			for _, k := range c.Checks {
				if k.Verdict != reports.Pass {
					t.Errorf("%s: %s: %s: expected %s, actual %s", sc.ID, k.Rule, k.Title, k.Expected, k.Actual)
				}
			}
		})
	}
	wg.Wait()
	if played < 30 {
		t.Errorf("only %d scenarios were short enough for the wall clock", played)
	}
	t.Logf("%d scenarios played on both clocks; left out, too long or too close to call: %s", played, strings.Join(left, " "))
}
