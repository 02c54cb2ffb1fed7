package main

import (
	"strings"
	"testing"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/check"
)

// The guide to rules lists each rule with the checks that it can fail by, as the
// checks themselves say, and every word of the vocabularies.
func TestTheGuideToRulesIsMadeFromTheChecks(t *testing.T) {
	p, err := loadProof()
	if err != nil {
		t.Fatal(err)
	}
	page := waysPage(p)
	for _, r := range p.rules {
		var line string
		for l := range strings.Lines(page) {
			if fields := strings.Fields(l); len(fields) > 1 && fields[0] == r.Ref && fields[1] == r.ID {
				line = l
			}
		}
		run, judge := check.InRun(r.ID), check.InJudge(r.ID)
		for _, w := range append(run, judge...) {
			if !strings.Contains(line, string(w)) {
				t.Errorf("%s can fail by %s: %q", r.ID, w, line)
			}
		}
		if got, want := strings.Contains(line, "expect"), p.named(r.ID) > 0; got != want {
			t.Errorf("%s is named by a line of the library: %v: %q", r.ID, want, line)
		}
		if got, want := strings.Contains(line, "probe"), r.Side == "receiver"; got != want || len(strings.Fields(line)) < 3 {
			t.Errorf("%s: %q", r.ID, line)
		}
		if exercisedBy(r) == "" {
			t.Errorf("%s: nothing exercises it", r.ID)
		}
	}
	for _, f := range scenarios.Facts() {
		if !strings.Contains(page, " "+f.Word+" ") {
			t.Errorf("the page does not have %s", f.Word)
		}
	}
	for _, n := range scenarios.Needs() {
		if !strings.Contains(page, " "+n.Word+" ") {
			t.Errorf("the page does not have %s", n.Word)
		}
	}
}
