package probe

import (
	"testing"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
)

// A receiver is not failed by a clause that is a default.
func TestALevelDecides(t *testing.T) {
	rules, err := scenarios.Rules()
	if err != nil {
		t.Fatal(err)
	}
	r := &caseRun{Prober: &Prober{config: Config{Rules: rules}}}
	k := r.by("rcv-order/shared-time", failed("rcv-order", "two statuses that share their time", "exited", "realized"))
	if k.Verdict != reports.Unspecified || k.Clause != "R100a" {
		t.Errorf("%s is %s by %q", k.Rule, k.Verdict, k.Clause)
	}
}
