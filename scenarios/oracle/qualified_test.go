package oracle_test

import (
	"testing"
	"time"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/oracle"
)

// A sender need not know when a membership began that a profile begins with, and
// it knows that it did not begin within the history.
func TestTimeFromBeforeTheHistory(t *testing.T) {
	sc, err := scenarios.Parse("s.yaml", []byte(`
title: t
rules: [lqt-value]
audiences: {delorean: {id: delorean}}
dataflow: {audiences: [delorean]}
profiles: {doc: {identities: {email: doc}, audiences: [delorean]}}
history:
  - {at: 1h, profile: doc, addIdentity: {crm: D1}}
expect: [{profile: doc}]
others: allowed
`))
	if err != nil {
		t.Fatal(err)
	}
	const identities = `},"identityMap":{"email":[{"id":"doc"}],"crm":[{"id":"D1"}]}}`
	for entry, want := range map[string]string{
		in("delorean", "realized", "09:30:00"):                                            "lqt-value",
		`"delorean":{"lastQualificationTime":"2026-01-13T09:00:00Z","status":"realized"}`: "lqt-value/before-the-history",
		`"delorean":{"lastQualificationTime":"2026-01-14T09:00:00Z","status":"realized"}`: "",
	} {
		at := sc.Start.Add(time.Hour)
		seen := []oracle.Seen{{Profile: "doc", At: at, Sent: at, Ended: at, ID: "1", Outcome: oracle.Delivered,
			Body: `{"segmentMembership":{` + ups(entry) + identities}}
		got := ""
		verdicts, _ := oracle.Exports(sc, seen, oracle.Clock{Began: sc.Start})
		for _, f := range verdicts.Findings {
			got += f.Clause
		}
		if got != want {
			t.Errorf("%s breaks %q; want %q", entry, got, want)
		}
	}
}
