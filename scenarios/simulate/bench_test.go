package simulate

import (
	"context"
	"fmt"
	"testing"

	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/scenarios"
)

// BenchmarkPlay is one export over a warm socket, in the clear and over mTLS:
// update, decision, request, answer, journal, recording.
func BenchmarkPlay(b *testing.B) {
	for _, tls := range []string{"plain", "mtls-only"} {
		b.Run(tls, func(b *testing.B) {
			sc, err := scenarios.Parse("bench.yaml", fmt.Appendf(nil, `
title: one export for each profile
rules: [trig-enter]
audiences: {a: {}}
dataflow: {audiences: [a], attributes: [person.name]}
profiles:
  p-{1..%d}: {attributes: {person: {name: {firstName: Emmett, lastName: Brown}}}}
endpoint: {tls: %s}
history: [{at: 1h, profiles: "p-{1..%d}", qualify: a}]
expect: []
others: allowed
`, b.N, tls, b.N))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.ResetTimer()
			if _, err := Play(context.Background(), sc, memory.New(), 1); err != nil {
				b.Fatal(err)
			}
		})
	}
}
