package oracle_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/oracle"
)

// A claim that an unmapping ended is not a reason when the audience is mapped
// again later: audiences that come with it by merge policy stay out.
func TestAClaimEndsWithItsHour(t *testing.T) {
	sc, err := scenarios.Parse("claim.yaml", []byte(`
title: A turn that was never had
rules: [backfill-once]
until: 12h
audiences: {a: {}, b: {mergePolicy: other}, c: {mergePolicy: other}}
dataflow: {audiences: [], attributes: [email]}
profiles:
  p-{1..2}: {audiences: [a, b, c]}
history:
  - {at: 1h, map: b}
  - {at: 1h10m, unmap: b}
  - {at: 5h, map: b}
  - {at: 6h, map: a}
expect: []
others: allowed
`))
	if err != nil {
		t.Fatal(err)
	}
	lines := played(t, sc)
	exports := 0
	for _, l := range lines {
		if l.Export != nil && l.Export.Profile == "p-2" {
			exports++
		}
	}
	if v := oracle.Recording(sc, lines); len(v.Findings) > 0 || exports != 1 {
		t.Errorf("%d exports of p-2, findings %+v; want one, and none", exports, v.Findings)
	}
}

// A backfill meets the claims that there were when it was decided: its retries have
// the same body, and decide nothing. In a pause nothing is decided, and what was
// mapped in it comes when it ends, each mapping with its backfill.
func TestABackfillMeetsNoClaimAfterItsDecision(t *testing.T) {
	const before = "{at: 1h, delete: true}, {at: 1h, map: mapped}, {at: 1h, activate: true}, "
	for _, tt := range []struct {
		name, history string
		at            []time.Duration
		outcomes      []oracle.Outcome
		want          []string
	}{
		{"a retry", before + "{at: 1h, map: later}", []time.Duration{time.Hour, time.Hour + 15*time.Second, time.Hour + 15*time.Second},
			[]oracle.Outcome{oracle.Failed, oracle.Delivered, oracle.Delivered}, []string{"attempt 1 of 1", "attempt 2 of 1", "attempt 1 of 2"}},
		{"a pause", before + "{at: 1h, disable: true}, {at: 2h, map: later}, {at: 3h, enable: true}", []time.Duration{3 * time.Hour, 3 * time.Hour},
			[]oracle.Outcome{oracle.Delivered, oracle.Delivered}, []string{"attempt 1 of 1", "attempt 1 of 2"}},
		{"no pause", before + "{at: 2h, map: later}", []time.Duration{150 * time.Minute, 150 * time.Minute},
			[]oracle.Outcome{oracle.Delivered, oracle.Delivered}, []string{"attempt 1 of 1", "duplicate of 1"}},
	} {
		sc, body := inBoth(t, tt.history)
		var all []oracle.Seen
		for i, at := range tt.at {
			all = append(all, sent(sc, body, at, tt.outcomes[i], i+1))
		}
		_, roles := oracle.Exports(sc, all, oracle.Clock{Began: sc.Start})
		if diff := cmp.Diff(tt.want, rolesOf(roles)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
