package receivers

import (
	"context"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/probe"
)

// Receivers are built and played to for a minute or two; `make histories` asks for it.
var (
	played = flag.Bool("histories", false, "play random histories to the right receivers and to each that keeps a wrong state")
	seeds  = flag.Int("seeds", 5, "with -histories: each wrong receiver is found by so many seeds")
	rights = flag.Int("right", 1000, "with -histories: histories that each right receiver passes")
	share  = flag.String("part", "0/1", "with -histories: the share of the wrong receivers, K/N")
)

// onlyHistories selects their case.
var onlyHistories = regexp.MustCompile(`^history/`)

// writing is held while a line of the table is written: receivers are tried at the same time.
var writing sync.Mutex

// enough is how many histories find each wrong receiver, and steps to how few a failure is
// made smaller.
const (
	enough = 200
	steps  = 6
)

// TestStatefulDescriptions: patches fit the Go receiver, and there are as many as promised.
func TestStatefulDescriptions(t *testing.T) {
	all, err := Stateful()
	check(t, err)
	if len(all) < 15 {
		t.Errorf("%d receivers keep a wrong state; there must be at least 15", len(all))
	}
}

// TestHistories plays random histories. The right receivers pass a thousand; each of those
// that keep a wrong state is found within two hundred, whatever the seed, and the history
// that shows it has six steps at most.
func TestHistories(t *testing.T) {
	if !*played {
		t.Skip("needs the flag -histories: minutes of a processor; `make histories` gives it")
	}
	ctx := ending(t)
	go1, err := goBuild(t, ctx, Source, nil)
	check(t, err)
	for _, name := range []string{"go", "node", "python"} {
		t.Run("right, "+name, func(t *testing.T) {
			p, err := rightOnes[name](t, ctx, starting{receiver: go1, dir: t.TempDir(), env: plainly(name)})
			check(t, err)
			r := playTo(t, ctx, p.url, *rights, 1, nil)
			p.end()
			if got := ruleVerdicts(r, reports.Fail); len(got) > 0 || r.Verdict != reports.Pass {
				t.Errorf("verdict %s, failed %v\n%s", r.Verdict, got, complaintsOf(r))
			}
			for _, rule := range []string{"rcv-2xx", "rcv-exited", "rcv-idempotent", "rcv-order", "rcv-batch"} {
				if !slices.Contains(ruleVerdicts(r, reports.Pass), rule) {
					t.Errorf("%s was not passed\n%s", rule, complaintsOf(r))
				}
			}
		})
	}
	all, err := Stateful()
	check(t, err)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "receiver\tseed\tfailed\tsteps\thistory\t")
	t.Cleanup(func() { _ = w.Flush() }) // after all of them
	for i, wrong := range all {
		if !inShare(t, i) {
			continue
		}
		t.Run(wrong.Name, func(t *testing.T) {
			t.Parallel()
			files, err := wrong.Files()
			check(t, err)
			binary, err := goBuild(t, ctx, Source, files)
			check(t, err)
			p, err := start(t, command(ctx, t.TempDir(), plainly("go"), binary))
			check(t, err)
			for seed := range *seeds {
				foundBy(t, ctx, w, wrong, p.url, uint64(seed+1))
			}
			p.end()
		})
	}
}

// foundBy holds what one seed finds against the description.
func foundBy(t *testing.T, ctx context.Context, w *tabwriter.Writer, wrong Receiver, url string, seed uint64) {
	t.Helper()
	var files []string
	r := playTo(t, ctx, url, enough, seed, func(name string, scenario []byte) (string, error) {
		files = append(files, string(scenario))
		return name, nil
	})
	failed := confirmed(r)
	if len(failed) == 0 || slices.ContainsFunc(failed, func(rule string) bool { return !slices.Contains(wrong.Fails, rule) }) {
		t.Errorf("seed %d: failed %v; want some of %v, and no others\n%s", seed, failed, wrong.Fails, complaintsOf(r))
	}
	fewest := 1000
	for _, f := range files {
		sc, err := scenarios.Parse("history.yaml", []byte(f))
		if err != nil {
			t.Errorf("seed %d: a history is not a scenario: %v\n%s", seed, err, f)
			continue
		}
		fewest = min(fewest, len(sc.History))
	}
	if fewest > steps {
		t.Errorf("seed %d: the smallest history has %d steps; want %d at most\n%s", seed, fewest, steps, complaintsOf(r))
	}
	for _, c := range r.Cases {
		for _, k := range c.Checks {
			if k.Verdict == reports.Fail {
				writing.Lock()
				fmt.Fprintf(w, "%s\t%d\t%s\t%d\t%s\t\n", wrong.Name, seed, k.Rule, fewest, k.Expected)
				writing.Unlock()
			}
		}
	}
}

// confirmed are the rules of failures that came again when nothing else was under way. The
// others are told with the rule of any loss.
func confirmed(r *reports.Report) []string {
	var out []string
	for _, c := range r.Cases {
		for _, k := range c.Checks {
			if k.Verdict == reports.Fail && !strings.Contains(k.Title, "did not fail again") {
				out = append(out, k.Rule)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// plainly is the environment of a receiver in plain http.
func plainly(string) []string {
	return []string{"LISTEN=127.0.0.1:0", "TOKEN=" + token, "CERT=", "KEY=", "CLIENT_CA=", "CLIENT_ID=", "CLIENT_SECRET="}
}

// playTo plays random histories to a receiver, with pauses that are short.
func playTo(t *testing.T, ctx context.Context, url string, count int, seed uint64, write func(string, []byte) (string, error)) *reports.Report {
	t.Helper()
	rules, err := scenarios.Rules()
	check(t, err)
	state := scenarios.ReadBack{URL: url + "/state", Header: scenarios.Secret("Authorization: Bearer " + token), Within: 200 * time.Millisecond}
	r, err := probe.New(probe.Config{
		Destination: dataflow.Destination{Name: "probe", Endpoint: url + "/profiles", MTLS: dataflow.Auto, Retry: retry.Documented(), MaxProfilesPerRequest: 10,
			Auth: dataflow.Auth{Kind: dataflow.AuthBearer, Token: dataflow.Secret(token)}},
		ReadBack: probe.NewReadBack(state, nil, nil), State: state,
		Limits:    scenarios.Limits{Rate: 1000, Requests: 1_000_000, Burst: 20},
		Rules:     rules,
		Only:      onlyHistories,
		Version:   "test",
		Pause:     5 * time.Millisecond,
		Histories: probe.RandomHistories{Count: count, Seed: seed, Pause: 300 * time.Millisecond, Write: write, Play: "httpdest run NAME"},
	}).Run(ctx)
	check(t, err)
	return r
}

// ruleVerdicts are the rules with a verdict.
func ruleVerdicts(r *reports.Report, v reports.Verdict) []string {
	var out []string
	for _, rule := range r.Rules {
		if rule.Verdict == v {
			out = append(out, rule.ID)
		}
	}
	return out
}

func complaintsOf(r *reports.Report) string {
	return strings.TrimPrefix(found{report: *r}.complaints(), "\n")
}

// inShare reports whether the nth receiver is in the share that is played.
func inShare(t *testing.T, n int) bool {
	t.Helper()
	var k, of int
	if _, err := fmt.Sscanf(*share, "%d/%d", &k, &of); err != nil || of < 1 {
		t.Fatalf("-part %q: want K/N", *share)
	}
	return n%of == k
}
