package check_test

import (
	"testing"

	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/check"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// The case about the delivery latency finds a judge that measures something else:
// the mutants of the latency run this case instead of the whole library.
func TestCaseOfTheObjective(t *testing.T) {
	all, err := scenarios.Find("../library/monitoring/p95.yaml")
	if err != nil {
		t.Fatal(err)
	}
	rules, err := scenarios.Rules()
	if err != nil {
		t.Fatal(err)
	}
	lines, err := simulate.Play(t.Context(), all[0], memory.New(), 1)
	if err != nil {
		t.Fatal(err)
	}
	c := check.Judge(all[0], rules, lines)
	for _, k := range c.Checks {
		if k.Verdict != reports.Pass {
			t.Errorf("%s %s: %s; want %s", k.Verdict, k.Title, k.Actual, k.Expected)
		}
	}
	if c.Verdict != reports.Pass {
		t.Errorf("the case is %s: %s", c.Verdict, c.Reason)
	}
}
