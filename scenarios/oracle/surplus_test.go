package oracle_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/httpdest/httpdest/scenarios/oracle"
)

// An export that nothing calls for is reported under the rule that its sender's author
// would look up: that of a change right before it, also where the body is an old one, or
// that of an audience that was mapped again shortly before.
func TestRulesOfAnExportThatNothingCallsFor(t *testing.T) {
	sc := scene(t, `
audiences: {mapped: {id: mapped}}
dataflow: {audiences: [mapped], attributes: [email, city, street]}
profiles: {doc: {identities: {crm: D1}, attributes: {email: a, city: b, street: c}}}
history:
  - {at: 1h, qualify: mapped, profile: doc}
  - {at: 2h, profile: doc, set: {email: x, city: y, street: z}}
  - {at: 5h, profile: doc, set: {age: 47}}
  - {at: 20h, unmap: mapped}
  - {at: 30h, map: mapped}
`)
	body := func(email, city, street string) string {
		at := sc.Start.Add(time.Hour).UTC().Format("2006-01-02T15:04:05Z")
		return fmt.Sprintf(`{"city":%q,"email":%q,"identityMap":{"crm":[{"id":"D1"}]},"segmentMembership":{"ups":{"mapped":{"lastQualificationTime":"%s","status":"realized"}}},"street":%q}`,
			city, email, at, street)
	}
	before, now := body("a", "b", "c"), body("x", "y", "z")
	for _, tt := range []struct {
		name string
		body string
		at   time.Duration
		want string
	}{
		{"right after a change of what is not mapped", now, 5*time.Hour + time.Second, "trig-attr-unmapped"},
		{"the same with an old body", before, 5*time.Hour + time.Second, "trig-attr-unmapped"},
		{"an old body long after that change", before, 9 * time.Hour, "incremental"},
		{"an old body soon after the audience was mapped again", before, 30*time.Hour + 20*time.Minute, "backfill-once"},
		{"an old body long after that", before, 60 * time.Hour, "incremental"},
	} {
		seen := []oracle.Seen{sent(sc, before, time.Hour, oracle.Delivered, 1), sent(sc, now, 2*time.Hour, oracle.Delivered, 2),
			sent(sc, tt.body, tt.at, oracle.Delivered, 3)}
		verdicts, _ := oracle.Exports(sc, seen, oracle.Clock{Began: sc.Start})
		var got []string
		for _, f := range verdicts.Findings {
			got = append(got, f.Clause)
		}
		if !slices.Equal(got, []string{tt.want}) {
			t.Errorf("%s: %v; want %s alone", tt.name, got, tt.want)
		}
	}
}
