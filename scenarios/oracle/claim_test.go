package oracle_test

import (
	"testing"

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
