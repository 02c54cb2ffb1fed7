package check

import (
	"fmt"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/capture"
)

// left is a history in which one profile enters an audience and leaves it.
const left = `
title: An entry and an exit
rules: [lqt-value]
audiences: {delorean: {id: delorean}}
dataflow: {audiences: [delorean]}
profiles: {doc: {identities: {email: doc}}}
history:
  - {at: 1h, profile: doc, qualify: delorean}
  - {at: 5h, profile: doc, exit: delorean}
expect: []
others: allowed
`

// A clause that a reading decides leaves a sender open until the reading is
// chosen; by a chosen one it is failed.
func TestAClauseThatAReadingDecides(t *testing.T) {
	sc, err := scenarios.Parse("left.yaml", []byte(left))
	if err != nil {
		t.Fatal(err)
	}
	line := func(at, qualified, status string) string {
		return fmt.Sprintf(`{"time":"2026-01-15T%sZ","body":{"segmentMembership":{"ups":{"delorean":{"lastQualificationTime":"2026-01-15T%sZ","status":%q}}},`+
			`"identityMap":{"email":[{"id":"doc"}]}}}`, at, qualified, status)
	}
	for _, tt := range []struct {
		moved  string // time of the exited entry
		chosen string
		want   reports.Verdict
	}{
		{"10:00:00", "", reports.Pass},
		{"10:00:00", "qualification", reports.Pass},
		{"10:00:00", "exit", reports.Fail},
		{"14:00:00", "", reports.Unspecified},
		{"14:00:00", "qualification", reports.Fail},
		{"14:00:00", "exit", reports.Pass},
	} {
		o := SenderOptions{Scenario: sc, Began: sc.Start}
		if tt.chosen != "" {
			o.Readings = scenarios.Readings{scenarios.ReadingExitTime: tt.chosen}
		}
		text := strings.Join([]string{line("10:00:00", "10:00:00", "realized"), line("14:00:00", tt.moved, "exited")}, "\n")
		for _, k := range judged(t, text, capture.Options{}, o).Checks {
			if k.Rule == "lqt-value" && (k.Verdict != tt.want || (k.Clause == "R138a") != (tt.want != reports.Pass)) {
				t.Errorf("%s, chosen %q: %s by clause %q: %s; want %s", tt.moved, tt.chosen, k.Verdict, k.Clause, k.Actual, tt.want)
			}
		}
	}
}
