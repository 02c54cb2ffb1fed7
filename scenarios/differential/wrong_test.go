package differential

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/capture"
	"github.com/httpdest/httpdest/scenarios/check"
	"github.com/httpdest/httpdest/scenarios/recording"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// A plain `go test` breaks a few; `make wrong-senders` breaks many.
var (
	wrong = flag.Int("wrong", 60, "how many histories wrong senders are made of")
	ways  = flag.Int("ways", 4, "in how many ways each is broken")
)

// captured is what the mock endpoint records of a sender that is not ours.
func captured(lines []recording.Line) []recording.Line {
	var out []recording.Line
	for _, l := range lines {
		switch {
		case l.Run != nil:
			run := *l.Run
			run.Side = "endpoint"
			out = append(out, recording.Line{Run: &run})
		case l.Request != nil, l.Handshake != nil, l.End != nil:
			out = append(out, l)
		}
	}
	return out
}

// asForeign judges lines as those of somebody else's sender.
func asForeign(all scenarios.Catalogue, lines []recording.Line, o check.SenderOptions) (reports.Case, error) {
	var text bytes.Buffer
	if err := recording.Write(&text, lines); err != nil {
		return reports.Case{}, err
	}
	in, err := capture.NewReader("sender.jsonl", &text, capture.Options{})
	if err != nil {
		return reports.Case{}, err
	}
	sender := check.NewSender(all, o)
	for {
		x, err := in.Next()
		if errors.Is(err, io.EOF) {
			return sender.Judge(in), nil
		}
		if err != nil {
			return reports.Case{}, err
		}
		sender.Exchange(x)
	}
}

// tried counts what became of one kind.
type tried struct {
	tried, found int
	rules        map[string]int // under which it was found
	missed       []string
}

// TestWrongSenders: a right sender of a random history breaks nothing; broken in
// one way, it is found under the rule of that way, and no other rule that is
// documented fails. Every history is broken in some of the ways, in turn.
func TestWrongSenders(t *testing.T) {
	all := rules(t)
	table := make([]tried, len(wrongKinds))
	var mu sync.Mutex
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.NumCPU() {
		wg.Go(func() { // ends with the histories
			for i := int(next.Add(1)) - 1; i < *wrong; i = int(next.Add(1)) - 1 {
				sc := withAHeader(histories().Example(*seed + i)).WithReadings(lastByte)
				lines, err := play(sc, simulate.Model)
				if err != nil {
					t.Errorf("seed %d: %v", *seed+i, err)
					return
				}
				right(t, all, sc, lines, *seed+i)
				for k := range *ways {
					number := (i**ways + k) % len(wrongKinds)
					r := breakOne(t, all, sc, lines, *seed+i, number)
					mu.Lock()
					table[number].add(r)
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	report(t, table)
}

// lastByte is how these senders read the two seconds (A5): without it the judge
// leaves open an answer that a sender waited longer for.
var lastByte = scenarios.Readings{scenarios.ReadingAnswerWithin: "last-byte"}

// right judges a right sender, with the start known and without.
func right(t *testing.T, all scenarios.Catalogue, sc *scenarios.Scenario, lines []recording.Line, seed int) {
	for _, o := range []check.SenderOptions{{Scenario: sc, Began: sc.Start}, {Scenario: sc}} {
		c, err := asForeign(all, captured(lines), o)
		if err != nil {
			t.Error(err)
			return
		}
		for _, k := range c.Checks {
			if k.Verdict == reports.Fail || k.Verdict == reports.Unspecified {
				t.Errorf("the right sender of seed %d, start known: %t: %s %s: %s; %s", seed, !o.Began.IsZero(), k.Verdict, k.Rule, k.Expected, k.Actual)
			}
		}
	}
}

// result is what became of one wrong sender.
type result struct {
	broken bool   // there was something to break
	rule   string // under which it was found
	missed string // why it was not
}

func (c *tried) add(r result) {
	if !r.broken {
		return
	}
	if c.tried++; r.missed != "" {
		c.missed = append(c.missed, r.missed)
		return
	}
	c.found++
	if c.rules == nil {
		c.rules = map[string]int{}
	}
	c.rules[r.rule]++
}

// breakOne breaks a capture in one way, and judges it.
func breakOne(t *testing.T, all scenarios.Catalogue, sc *scenarios.Scenario, lines []recording.Line, seed, number int) (r result) {
	kind := wrongKinds[number]
	tape := newTamper(all, sc, lines, uint64(seed))
	if !kind.breakIt(tape) {
		return r
	}
	r.broken = true
	wanted := kind.rules
	if wanted == nil {
		wanted = []string{tape.want}
	}
	c, err := asForeign(all, tape.lines(), check.SenderOptions{Scenario: sc, Began: sc.Start})
	if err != nil {
		t.Error(err)
		return r
	}
	var others, seen []string
	for _, k := range c.Checks {
		if k.Verdict != reports.Fail && k.Verdict != reports.Unspecified {
			continue
		}
		seen = append(seen, fmt.Sprintf("%s %s: %s", k.Verdict, k.Rule, k.Actual))
		named := func(clause string) bool {
			c, _ := all.Clause(clause)
			return scenarios.RuleOf(clause) == k.Rule && (k.Verdict == reports.Fail || c.Level == "should")
		}
		switch {
		case slices.ContainsFunc(wanted, named):
			r.rule = k.Rule
		case k.Verdict == reports.Fail && !slices.Contains(kind.also, k.Rule):
			others = append(others, k.Rule)
		}
	}
	if r.rule == "" || len(others) > 0 {
		r.missed = fmt.Sprintf("seed %d, %s: want %q alone, got %q", seed, kind.name, wanted, seen)
	}
	return r
}

// report prints the table, and fails for what was not found or never tried.
func report(t *testing.T, table []tried) {
	for i, c := range table {
		fmt.Printf("%-45s %7d tried %7d found  %s\n", wrongKinds[i].name, c.tried, c.found, strings.Join(slices.Sorted(maps.Keys(c.rules)), ", "))
		for _, m := range c.missed[:min(len(c.missed), 30)] {
			t.Error(m)
		}
		if c.tried == 0 && *wrong >= 1000 {
			t.Errorf("%s: never tried", wrongKinds[i].name)
		}
	}
}
