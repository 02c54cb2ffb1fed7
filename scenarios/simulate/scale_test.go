package simulate

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/check"
	"github.com/httpdest/httpdest/scenarios/generate"
	"github.com/httpdest/httpdest/scenarios/recording"
)

const (
	bigMembers = 1_000_000
	bigExports = 3_000
	bigHistory = 30_000 // steps, most of which lead to no export
	bigHeap    = 500    // MB
	lateShare  = 0.0002
)

// bigScenario is about 5 MB of scenario over a million generated profiles: in
// each of its 30,000 steps one of them changes, every tenth so that it is
// exported, and it has a line for each of those exports and 27,000 lines of
// profiles that are never exported. A backfill looks at all of the million.
func bigScenario() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `title: a million profiles, and five megabytes of what happens to them
rules: [trig-attr-mapped]
audiences: {all: {}, few: {}, late: {}}
dataflow: {audiences: [few], attributes: [person.name], maxInFlight: 50, requireMembership: false}
profiles:
  member-{1..%d}: {generate: {audiences: {all: 30%%, late: %v}}, attributes: {segment: "s{n}"}}
endpoint: {tls: plain}
others: allowed
history:
  - {at: 20h, map: late}
`, bigMembers, lateShare)
	member := func(n int) int { return n*31 + 1 }
	for n := range bigHistory {
		path := "homeAddress.city"
		if n%(bigHistory/bigExports) == 0 {
			path = "person.name.firstName"
		}
		fmt.Fprintf(&b, "  - {at: %ds, set: {%s: \"value of {n}\"}, profile: member-%d}\n", n*2, path, member(n))
	}
	b.WriteString("expect:\n")
	for n := range bigHistory {
		if n%(bigHistory/bigExports) == 0 {
			fmt.Fprintf(&b, "  - {profile: member-%d, because: attribute, outcomes: [200], payload: {person: {name: {firstName: \"value of %d\"}}}}\n", member(n), member(n))
		} else if generate.Share(1, fmt.Sprintf("member-%d", member(n)), "late") >= lateShare {
			fmt.Fprintf(&b, "  - {profile: member-%d, exports: none} # a change of an attribute that is not mapped\n", member(n))
		}
	}
	return []byte(b.String())
}

// heapMB is what is in use after a collection, and what was ever allocated, in MB.
func heapMB() (inUse, total float64) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapInuse) / 1e6, float64(m.TotalAlloc) / 1e6
}

// loadAndPlay parses the scenario and plays it.
func loadAndPlay(tb testing.TB, content []byte) (*scenarios.Scenario, []recording.Line) {
	tb.Helper()
	sc, err := scenarios.Parse("big.yaml", content)
	if err != nil {
		tb.Fatalf("%.2000v", err)
	}
	lines, err := Play(context.Background(), sc, memory.New(), 2)
	if err != nil {
		tb.Fatal(err)
	}
	return sc, lines
}

func TestMillion(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	content := bigScenario()
	_, before := heapMB()
	sc, lines := loadAndPlay(t, content)
	inUse, total := heapMB()
	t.Logf("%.1f MB of scenario, %d lines of recording: %.0f MB of heap in use, %.0f MB allocated", float64(len(content))/1e6, len(lines), inUse, total-before)
	exports := 0
	for _, l := range lines {
		if l.Export != nil {
			exports++
		}
	}
	if len(content) < 4_500_000 || exports < bigExports+100 || exports > bigExports+400 || len(sc.Expect) < bigHistory-20 {
		t.Errorf("%d bytes, %d exports, %d expectations: not the case it should be", len(content), exports, len(sc.Expect))
	}
	if inUse > bigHeap {
		t.Errorf("%.0f MB of heap in use; want less than %d", inUse, bigHeap)
	}
	if end := lines[len(lines)-1].End; end == nil || end.Inconclusive != "" || len(end.Unfinished) > 0 {
		t.Errorf("the recording ends with %+v", end)
	}
	rules, err := scenarios.Rules()
	if err != nil {
		t.Fatal(err)
	}
	if c := check.Judge(sc, rules, lines); c.Verdict != reports.Pass {
		t.Errorf("the verdict is %s: %s", c.Verdict, c.Reason)
	}
}

// BenchmarkMillion reports the peak of the heap while the scenario of
// TestMillion loads and plays.
func BenchmarkMillion(b *testing.B) {
	content := bigScenario()
	peak, done, sampled := uint64(0), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(sampled)
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				peak = max(peak, m.HeapInuse)
			}
		}
	}()
	b.ResetTimer()
	for range b.N {
		loadAndPlay(b, content)
	}
	b.StopTimer()
	close(done)
	<-sampled
	b.ReportMetric(float64(peak)/1e6, "peak-heap-MB")
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/play")
}
