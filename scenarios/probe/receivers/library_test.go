package receivers

import (
	"context"
	"flag"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/mockendpoint/forward"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/library"
	"github.com/httpdest/httpdest/scenarios/probe"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

var whole = flag.Bool("library", false, "play every case of the library to the right receivers, not the short ones alone")

// short is the longest case of a share that is played each time.
const short = 2100 * time.Millisecond

// The right receivers pass every case of the library that can be played to them, with
// what they hold at the end.
func TestRightReceiversPassTheLibrary(t *testing.T) {
	rules, err := scenarios.Rules()
	check(t, err)
	ctx := ending(t)
	binary, err := goBuild(t, ctx, here+"/right/go", nil)
	check(t, err)
	for _, name := range []string{"go", "node", "python"} {
		t.Run(name, func(t *testing.T) {
			p, err := rightOnes[name](t, ctx, starting{receiver: binary, dir: t.TempDir(), env: []string{"LISTEN=127.0.0.1:0"}})
			check(t, err)
			defer p.end()
			o := playing(t, p.url)
			all := playable(t, ctx, o)
			if len(all) < 50 {
				t.Fatalf("%d cases are too few", len(all))
			}
			report, err := simulate.RunAll(ctx, all, rules, o)
			check(t, err)
			for _, c := range report.Cases {
				if c.Verdict != reports.Pass && !slices.Contains(unasked, c.ID) {
					t.Errorf("%s: %s %s", c.ID, c.Verdict, c.Reason)
					for _, k := range c.Checks {
						if k.Verdict == reports.Fail || k.Verdict == reports.Inconclusive {
							t.Errorf("    %s: %s: %s; want %s", k.Rule, k.Title, k.Actual, k.Expected)
						}
					}
				}
			}
			t.Logf("%d cases, %d passed", report.Summary.Cases, report.Summary.Pass)
		})
	}
}

// unasked are cases whose profiles have no ECID for sure.
var unasked = []string{"content/empty-values"}

// playing are the options to play to a receiver.
func playing(t *testing.T, at string) simulate.Options {
	to, err := url.Parse(at)
	check(t, err)
	receiver, err := forward.New(forward.Config{URL: to, OwnHost: true})
	check(t, err)
	read := probe.NewReadBack(scenarios.ReadBack{URL: at + "/state"}, nil, nil)
	return simulate.Options{Through: simulate.OnTheWall, Longest: time.Minute, Jobs: 24,
		NewStore: func() (store.Store, error) { return memory.New(), nil },
		Onward: &simulate.Onward{Receiver: receiver, URL: to.JoinPath("profiles"), LongestGap: time.Second, Run: 1,
			ReadBack: &simulate.StateOfReceiver{Read: read, Within: 10 * time.Second}}}
}

// playable are the cases that can be played.
func playable(t *testing.T, ctx context.Context, o simulate.Options) []*scenarios.Scenario {
	cases, err := scenarios.FindFS(library.Files, ".")
	check(t, err)
	planned, err := o.Plan(ctx, cases)
	check(t, err)
	var out []*scenarios.Scenario
	for _, p := range planned {
		if p.Skipped == "" && (*whole || p.Lasts <= short) {
			out = append(out, p.Case)
		}
	}
	return out
}
