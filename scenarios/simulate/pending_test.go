package simulate_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// A message that was put together and never attempted is in no line of the
// recording; each of its exports is named at the end.
func TestWhatIsPendingIsNamedByExport(t *testing.T) {
	sc, err := scenarios.Parse("pending.yaml", []byte(`
title: Disabled while the endpoint is asked for its certificates
rules: [disabled-silent]
until: 1h
audiences: {a: {}}
destination: {maxProfilesPerRequest: 10}
dataflow: {audiences: [a], attributes: [email]}
profiles: {"p-{1..2}": {}}
history:
  - {at: 1m, profiles: "p-{1..2}", qualify: a}
  - {at: 1m, disable: true}
expect: []
others: allowed
`))
	if err != nil {
		t.Fatal(err)
	}
	lines, err := simulate.Play(context.Background(), sc, memory.New(), 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"p-1#1", "p-2#1"}, lines[len(lines)-1].End.Unfinished); diff != "" {
		t.Errorf("unfinished (-want +got):\n%s", diff)
	}
}
