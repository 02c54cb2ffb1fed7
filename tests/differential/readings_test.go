package differential

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/check"
	"github.com/httpdest/httpdest/scenarios/library"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// The library plays every value of every reading. As the capture of somebody
// else's sender, a case is judged in three ways: with its own reading it passes;
// without one it never fails, and what is not as the default has it is left open
// with the key that would decide; with another reading it fails on that key.
func TestReadings(t *testing.T) {
	all := rules(t)
	cases := readingCases(t)
	for _, r := range scenarios.KnownReadings() {
		if r.Key == scenarios.ReadingTokenCertificate {
			continue // no capture has token requests; the cases of the library play both sides
		}
		played := map[string]bool{}
		for _, sc := range cases {
			if value, says := sc.Destination.Readings[r.Key]; says {
				played[value] = true
			}
		}
		for _, v := range r.Values {
			if !played[v.Word] {
				t.Errorf("no case of library/readings plays %s: %s", r.Key, v.Word)
			}
		}
		for _, sc := range cases {
			value, says := sc.Destination.Readings[r.Key]
			if !says {
				continue
			}
			t.Run(r.Key+"/"+value, func(t *testing.T) {
				others := slices.Sorted(maps.Keys(played))
				others = slices.DeleteFunc(others, func(v string) bool { return v == value })
				if len(others) == 0 {
					t.Fatalf("no case plays another value of %s", r.Key)
				}
				judgeReading(t, all, sc, r, others)
			})
		}
	}
}

// readingCases are the cases of the library about readings.
func readingCases(t *testing.T) []*scenarios.Scenario {
	t.Helper()
	all, err := scenarios.FindFS(library.Files, ".")
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(sc *scenarios.Scenario) bool { return !strings.HasPrefix(sc.ID, "readings/") })
}

// judgeReading plays a case and judges its capture in every way.
func judgeReading(t *testing.T, all scenarios.Catalogue, sc *scenarios.Scenario, r scenarios.Reading, others []string) {
	lines, err := play(sc, simulate.InMemory)
	if err != nil {
		t.Fatal(err)
	}
	unread := *sc
	unread.Destination.Readings = nil
	value := sc.Destination.Readings.Of(r.Key)
	judge := func(sc *scenarios.Scenario, chosen scenarios.Readings) reports.Case {
		c, err := asForeign(all, captured(lines), check.SenderOptions{Scenario: sc, Began: sc.Start, Readings: chosen})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	right := judge(&unread, sc.Destination.Readings)
	for _, k := range right.Checks {
		if k.Verdict == reports.Fail || k.Verdict == reports.Unspecified {
			t.Errorf("with its own reading: %s %s: %s; %s", k.Verdict, k.Rule, k.Expected, k.Actual)
		}
	}
	if right.Verdict != reports.Pass {
		t.Errorf("with its own reading the verdict is %s (%s), want pass", right.Verdict, right.Reason)
	}
	open := false
	for _, k := range judge(&unread, nil).Checks {
		if k.Verdict == reports.Fail {
			t.Errorf("without a reading it fails %s: %s; %s", k.Rule, k.Expected, k.Actual)
		}
		open = open || k.Verdict == reports.Unspecified && names(k, r.Key)
	}
	if open == kept(r, value, r.Default()) {
		t.Errorf("without a reading, left open with the key %s: %t", r.Key, open)
	}
	for _, other := range others {
		if kept(r, value, other) {
			continue
		}
		wrong := false
		for _, k := range judge(sc, scenarios.Readings{r.Key: other}).Checks {
			wrong = wrong || k.Verdict == reports.Fail && names(k, r.Key)
		}
		if !wrong {
			t.Errorf("with %s: %s no check fails that names the key", r.Key, other)
		}
	}
}

// kept reports whether a sender that reads a point in one way does nothing
// wrong by another: who is done within 45 minutes is done within an hour.
func kept(r scenarios.Reading, value, other string) bool {
	if r.Key != scenarios.ReadingBackfillWithin {
		return value == other
	}
	within := func(v string) time.Duration { return scenarios.Readings{r.Key: v}.Duration(r.Key) }
	return within(value) <= within(other)
}

// names reports whether a check names the key that decides it.
func names(k reports.Check, key string) bool {
	return strings.Contains(k.Expected, "destination.readings."+key)
}
