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
	tampered := newTamper(all, sc, lines, uint64(seed))
	if !kind.breakIt(tampered) {
		return r
	}
	r.broken = true
	wanted := kind.rules
	if wanted == nil {
		wanted = []string{tampered.want}
	}
	seen, open := r.judge(t, all, kind, wanted, sc, tampered.lines())
	if r.missed != "" && open {
		// Another reading may explain what the breakage left, and then the judge says
		// which: who chooses between them has the breakage under its rule.
		r.missed = ""
		again, _ := r.judge(t, all, kind, wanted, sc.WithReadings(everyDefault()), tampered.lines())
		seen = append(append(seen, "with all readings chosen:"), again...)
	}
	if r.missed != "" {
		if rule := otherwise[fmt.Sprintf("%d %s", seed, kind.name)]; rule != "" && tells(seen, rule) {
			r.rule, r.missed = rule, ""
		}
	}
	if r.missed != "" {
		r.missed = fmt.Sprintf("seed %d, %s: want %q alone, got %q", seed, kind.name, wanted, seen)
	}
	return r
}

// otherwise are the breakages, of some 28,000 of ten thousand histories, that another
// explanation of what was sent fits as well or better, and the rule under which the
// judge then says that something is wrong. In each of them several things happen to
// the profile in one instant.
var otherwise = map[string]string{
	// An entry without its mapping time may be of a moment before the mapping.
	"2834 three of the four timestamps": "ts-unmapped",
	"2834 a timestamp in seconds":       "ts-unmapped",
	// Of two exports in the wrong order, one without any audience: as a body for each
	// merge policy has it.
	"4358 an export after the next of its profile": "one-body",
	// A backfill, with the body that the retry should have had, comes with the retry.
	"6908 a retry with another time of qualification": "next-unaffected",
	"6908 a retry with its keys in another order":     "next-unaffected",
	// Two profiles become one within the second of the change, and both were to be
	// exported again.
	"9163 a retry with another value": "incremental",
}

// tells reports whether one of what was seen is about a rule.
func tells(seen []string, rule string) bool {
	return slices.ContainsFunc(seen, func(s string) bool { return strings.Contains(s, " "+rule+":") })
}

// everyDefault chooses every reading that has words to choose from.
func everyDefault() scenarios.Readings {
	out := scenarios.Readings{}
	for _, r := range scenarios.KnownReadings() {
		out[r.Key] = r.Default()
	}
	return out
}

// judge judges a broken capture, and notes under which rule the breakage was found, or
// that it was missed; open is true where nothing failed, but something is unspecified.
func (r *result) judge(t *testing.T, all scenarios.Catalogue, kind wrongKind, wanted []string, sc *scenarios.Scenario,
	lines []recording.Line) (seen []string, open bool) {
	c, err := asForeign(all, lines, check.SenderOptions{Scenario: sc, Began: sc.Start})
	if err != nil {
		t.Error(err)
		return nil, false
	}
	var others []string
	failed := false
	for _, k := range c.Checks {
		if k.Verdict != reports.Fail && k.Verdict != reports.Unspecified {
			continue
		}
		failed = failed || k.Verdict == reports.Fail
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
		r.missed = "missed"
	}
	return seen, len(seen) > 0 && !failed
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
