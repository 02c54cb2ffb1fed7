package simulate

import (
	"context"
	"fmt"
	"slices"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/check"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// A scenario must play the same in virtual time and on the wall clock: the
// substrate of the wire makes no difference. One short scenario of every kind
// here; `make wall` plays every one of the library that is short enough.
var _ = Describe("On the wall clock", Label("wall"), func() {
	rules, err := scenarios.Rules()
	It("has rules", func() { Expect(err).NotTo(HaveOccurred()) })

	for _, tls := range []string{"plain", "tls", "mtls-optional", "mtls-only"} {
		It("a scenario makes the same attempts, bodies and verdict as in virtual time: "+tls, func(ctx SpecContext) {
			sc, err := scenarios.Parse("wall.yaml", []byte(strings.ReplaceAll(`
title: on both clocks
rules: [trig-enter]
audiences: {a: {}, b: {}}
destination: {auth: {type: bearer, token: s3cret}, headers: "X-A:1", queryParameters: "q=1", includeSegmentTimestamps: true}
dataflow: {audiences: [a], attributes: [name], maxInFlight: 4}
profiles:
  p-{1..12}: {audiences: [b], attributes: {name: "n {n}"}}
endpoint:
  tls: TLS
  faults:
    - {profile: "p-{1..3}", requests: 1, latency: 200ms}
history:
  - {at: 100ms, profiles: "p-{1..12}", qualify: a}
  - {at: 300ms, profiles: "p-{5..6}", set: name, to: again}
expect:
  - {profiles: "p-{1..12}", because: audience, at: 100ms, outcomes: 200, audiences: {a: realized, b: realized}}
  - {profiles: "p-{5..6}", because: attribute, at: 300ms, outcomes: 200}
`, "TLS", tls)))
			Expect(err).NotTo(HaveOccurred())
			sameOnBothClocks(ctx, sc, rules)
		})
	}
})

var _ = Describe("On the wall clock", Label("wall"), func() {
	rules, err := scenarios.Rules()
	It("has rules", func() { Expect(err).NotTo(HaveOccurred()) })

	for _, tls := range []string{"plain", "tls"} {
		It("an answer ends in every way as in virtual time: "+tls, func(ctx SpecContext) {
			var faults, history, expect strings.Builder
			n := 0
			for _, k := range kinds {
				if k.outcome == "timeout" || strings.Contains(k.fault, "latency") {
					continue // seconds each; the library has them
				}
				n++
				fmt.Fprintf(&faults, "    - {profile: p-%d, requests: 1, %s}\n", n, k.fault)
				fmt.Fprintf(&history, "  - {at: %dms, profile: p-%d, qualify: a}\n", 400*n, n)
				fmt.Fprintf(&expect, "  - {profile: p-%d, because: audience, outcomes: [%s, 200]}\n", n, k.outcome)
			}
			sc, err := scenarios.Parse("wall.yaml", []byte(fmt.Sprintf(`
title: every way for an answer to end, on both clocks
rules: [retry-network]
audiences: {a: {}}
destination: {mtls: never, retry: {delays: [50ms]}}
dataflow: {audiences: [a], attributes: [x], maxInFlight: 1}
profiles: {"p-{1..%d}": {attributes: {x: 1}}}
endpoint:
  tls: %s
  faults:
%shistory:
%sexpect:
%s`, n, tls, faults.String(), history.String(), expect.String())))
			Expect(err).NotTo(HaveOccurred())
			sameOnBothClocks(ctx, sc, rules)
		})
	}
})

// sameOnBothClocks plays a scenario twice and compares what does not depend on
// time.
func sameOnBothClocks(ctx context.Context, sc *scenarios.Scenario, rules scenarios.Catalogue) {
	GinkgoHelper()
	virtual, err := PlayOn(ctx, sc, Setting{Store: memory.New()})
	Expect(err).NotTo(HaveOccurred())
	onWall, err := PlayOn(ctx, sc, Setting{Clock: Wall, Store: memory.New()})
	Expect(err).NotTo(HaveOccurred())
	Expect(recording.Timeless(onWall)).To(Equal(recording.Timeless(virtual)), sc.ID)
	a, b := check.Judge(sc, rules, virtual), check.Judge(sc, rules, onWall)
	Expect(b.Verdict).To(Equal(a.Verdict), "%s: %+v", sc.ID, slices.DeleteFunc(b.Checks, func(c reports.Check) bool { return c.Verdict == reports.Pass }))
	Expect(a.Verdict).To(Equal(reports.Pass), sc.ID)
}
