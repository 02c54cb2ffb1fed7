package differential

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/check"
	"github.com/httpdest/httpdest/scenarios/recording"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// A plain `go test` plays a few histories; `make differential` plays them all.
var (
	count  = flag.Int("histories", 300, "how many histories are played")
	onWire = flag.Int("wire", 6, "how many of them are played over mTLS too")
	seed   = flag.Int("seed", 1, "of the first history; the others follow it")
	quick  = flag.Bool("quick", false, "stop at the first counter-example, and do not make it small")
)

// full is how many histories the counts of the tally hold for.
const full = 10_000

func rules(t testing.TB) scenarios.Catalogue {
	t.Helper()
	all, err := scenarios.Rules()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// play plays a history on a wire.
func play(sc *scenarios.Scenario, w simulate.Wire) ([]recording.Line, error) {
	return simulate.PlayOn(context.Background(), sc, simulate.Setting{Wire: w, Store: memory.New()})
}

// judge returns what is wrong with a recording, one failed check a line; "" for
// a correct one. A fault that never fired does not count here.
func judge(sc *scenarios.Scenario, all scenarios.Catalogue, lines []recording.Line) string {
	var wrong []string
	for _, c := range check.Judge(sc, all, lines).Checks {
		if c.Verdict == reports.Fail {
			wrong = append(wrong, fmt.Sprintf("%s: %s; expected %s, got %s", c.Rule, c.Title, c.Expected, c.Actual))
		}
	}
	if end := lines[len(lines)-1].End; end == nil || end.Inconclusive != "" {
		wrong = append(wrong, fmt.Sprintf("not played to its end: %+v", end))
	}
	return strings.Join(wrong, "\n")
}

// TestHistories plays the histories and judges each; see doc.go.
func TestHistories(t *testing.T) {
	began := time.Now()
	total, failed := playAll(t, *count)
	if failed >= 0 {
		fmt.Printf("%s%d\n", marker, failed)
		if *quick {
			t.Fatal(judged(t, histories().Example(failed)))
		}
		minimise(t, failed)
		return
	}
	took := time.Since(began)
	total.print(os.Stdout)
	fmt.Printf("%d histories, %d updates in the median, %d exports, in %s: %.0f histories/s\n", len(total.updates), total.median(), total.exports,
		took.Round(time.Millisecond), float64(*count)/took.Seconds())
	if median := total.median(); median < 30 {
		t.Errorf("the median history has %d updates; want 30", median)
	}
	if *count < full {
		return
	}
	if rare := total.rare(); len(rare) > 0 {
		t.Errorf("seen fewer than %d times: %s", least, strings.Join(rare, "; "))
	}
}

// playAll plays the histories on every processor, and returns the seed of the
// first that is a counter-example, -1 for none.
func playAll(t *testing.T, n int) (*tally, int) {
	all := rules(t)
	total, failed := newTally(), -1
	var next atomic.Int64
	var stop atomic.Bool
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range runtime.NumCPU() {
		wg.Go(func() { // ends with the histories, or with a counter-example
			mine := newTally()
			for i := int(next.Add(1)) - 1; i < n && !stop.Load(); i = int(next.Add(1)) - 1 {
				sc := histories().Example(*seed + i)
				lines, err := play(sc, simulate.Model)
				if err != nil || judge(sc, all, lines) != "" {
					stop.Store(true)
					mu.Lock()
					if failed < 0 || *seed+i < failed {
						failed = *seed + i
					}
					mu.Unlock()
					break
				}
				mine.take(sc, lines)
			}
			mu.Lock()
			defer mu.Unlock()
			total.add(mine)
		})
	}
	wg.Wait()
	slices.Sort(total.updates)
	return total, failed
}

// judged plays and judges one history on the model.
func judged(t testing.TB, sc *scenarios.Scenario) string {
	lines, err := play(sc, simulate.Model)
	if err != nil {
		return err.Error()
	}
	return judge(sc, rules(t), lines)
}

// minimise looks for a small counter-example by the bits of a history, and
// writes it as a scenario.
func minimise(t *testing.T, failed int) {
	for name, value := range map[string]string{"rapid.seed": fmt.Sprint(failed), "rapid.checks": "1", "rapid.shrinktime": "20s", "rapid.nofailfile": "true"} {
		if err := flag.Set(name, value); err != nil {
			t.Fatal(err)
		}
	}
	smallest, wrong := histories().Example(failed), ""
	defer func() { // rapid ends the test
		t.Logf("a counter-example, for httpdest run: %s\n%s", write(t, smallest, failed), wrong)
	}()
	rapid.Check(t, func(r *rapid.T) {
		sc := histories().Draw(r, "history")
		if found := judged(t, sc); found != "" {
			smallest, wrong = sc, found
			r.Fatalf("%s", found)
		}
	})
	t.Errorf("the history of seed %d is a counter-example only once", failed)
}

// write writes a scenario where httpdest run finds it.
func write(t *testing.T, sc *scenarios.Scenario, failed int) string {
	content, err := scenarios.Encode(sc)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(os.TempDir(), fmt.Sprintf("httpdest-counter-example-%d.yaml", failed))
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Over real TLS the same histories leave the same recordings.
func TestHistoriesOverMTLS(t *testing.T) {
	overMTLS(t, histories(), func(sc *scenarios.Scenario) { sc.Endpoint.TLS = "mtls-only" })
}

// overMTLS plays histories on the wire and in the model, and compares the recordings.
// secured has every endpoint of a history accept mTLS alone.
func overMTLS(t *testing.T, from *rapid.Generator[*scenarios.Scenario], secured func(*scenarios.Scenario)) {
	t.Helper()
	all := rules(t)
	for i := range *onWire {
		sc := from.Example(*seed + i)
		secured(sc)
		wire, err := play(sc, simulate.InMemory)
		if err != nil {
			t.Fatal(err)
		}
		if wrong := judge(sc, all, wire); wrong != "" {
			t.Fatalf("the history of seed %d, over mTLS: %s", *seed+i, wrong)
		}
		model, err := play(sc, simulate.Model)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := encoded(t, wire), encoded(t, model); !bytes.Equal(a, b) {
			t.Fatalf("the history of seed %d leaves another recording over mTLS than in the model (-wire +model):\n%s", *seed+i,
				cmp.Diff(strings.Split(string(a), "\n"), strings.Split(string(b), "\n")))
		}
	}
}

func encoded(t *testing.T, lines []recording.Line) []byte {
	var b bytes.Buffer
	if err := recording.Write(&b, lines); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Whatever history there is can be written as a scenario and read back, so no
// counter-example is lost.
func TestEveryHistoryIsAScenario(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { readBack(t, histories().Draw(t, "history")) })
}

// readBack writes a scenario and reads it again: it must be the same.
func readBack(t *rapid.T, sc *scenarios.Scenario) {
	content, err := scenarios.Encode(sc)
	if err != nil {
		t.Fatal(err)
	}
	again, err := scenarios.Parse("history.yaml", content)
	if err != nil {
		t.Fatalf("%v\n%s", err, content)
	}
	// Numbers keep their spelling when they are read back.
	numbers := cmp.FilterValues(func(a, b any) bool { return isNumber(a) && isNumber(b) }, cmp.Comparer(func(a, b any) bool { return fmt.Sprint(a) == fmt.Sprint(b) }))
	diff := cmp.Diff(sc, again, numbers, cmpopts.IgnoreTypes(scenarios.Position{}), cmpopts.IgnoreUnexported(scenarios.Scenario{}), cmpopts.EquateEmpty())
	if diff != "" {
		t.Fatalf("(-was +read back):\n%s", diff)
	}
}

func isNumber(value any) bool {
	switch value.(type) {
	case int64, float64, json.Number:
		return true
	}
	return false
}
