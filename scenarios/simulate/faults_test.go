package simulate

import (
	"context"
	"fmt"
	"runtime"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gleak"

	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/check"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// kind is one way for an answer to end, and what the sender makes of it.
type kind struct{ fault, outcome, reason string }

var kinds = []kind{
	{"status: 503", "503", ""},
	{"reset: true", "reset", "no-answer"},
	{"reset: true, at: body", "reset", "in-response"},
	{"close: true", "closed", "no-answer"},
	{"halfClose: true", "closed", "no-answer"},
	{"close: true, at: body", "closed", "in-response"},
	{"halfClose: true, at: body", "closed", "in-response"},
	{"garbage: true", "malformed", "not-http"},
	{"malformedChunk: true", "malformed", "not-http"},
	{"endless: true", "too-large", "response-body-too-large"},
	{"stall: true", "timeout", "no-answer-in-time"},
	{"latency: {distribution: uniform, min: 2.1s, max: 3s}", "timeout", "no-answer-in-time"},
	{"close: true, latency: {distribution: uniform, min: 1ms, max: 1.9s}", "closed", "no-answer"},
	{"endless: true, latency: 1.9s", "timeout", "no-answer-in-time"}, // 1 MiB takes 320 ms
}

// afterAnswer are the ways for a connection to end after a whole answer: that
// one counts, and the next export goes on another connection.
var afterAnswer = []string{"reset: true", "close: true", "halfClose: true"}

// everyKind is a scenario in which each kind meets the first request of ten
// profiles, the connections of nine more end after their answers, and those of
// three before their requests.
func everyKind(tls string, after []string) *scenarios.Scenario {
	GinkgoHelper()
	var profiles, faults, history, expect strings.Builder
	add := func(name, fault, outcomes, at string) {
		names := fmt.Sprintf(`"%s-{1..10}"`, name)
		fmt.Fprintf(&profiles, "  %s: {attributes: {x: 1}}\n", names)
		fmt.Fprintf(&faults, "    - {id: %s, profile: %s, requests: 1, %s}\n", name, names, fault)
		fmt.Fprintf(&history, "  - {at: %s, qualify: a, profiles: %s}\n", at, names)
		fmt.Fprintf(&expect, "  - {profile: %s, because: audience, outcomes: [%s]}\n", names, outcomes)
	}
	for i, k := range kinds {
		add(fmt.Sprintf("kind%d", i), k.fault, k.outcome+", 200", "2h")
	}
	for i, f := range after {
		// One at a time: at the same moment, a reset catches the next request too.
		for n := range 3 {
			fmt.Fprintf(&profiles, "  after%d-%d: {attributes: {x: 1}}\n", i, n)
			fmt.Fprintf(&faults, "    - {id: after%d-%d, profile: after%d-%d, requests: 1, at: end, %s}\n", i, n, i, n, f)
			fmt.Fprintf(&history, "  - {at: %dh%dm, qualify: a, profile: after%d-%d}\n", 3+i, n, i, n)
			fmt.Fprintf(&expect, "  - {profile: after%d-%d, because: audience, outcomes: 200}\n", i, n)
		}
	}
	fmt.Fprint(&faults, "    - {id: busy, profile: \"early-{1..5}\", requests: 1, latency: 1s}\n    - {id: accept, at: accept, connections: 2, close: true}\n")
	fmt.Fprint(&expect, "  - {profile: early-2, because: audience, outcomes: [closed, 200]}\n")
	if tls != "plain" {
		fmt.Fprint(&faults, "    - {id: hello, at: handshake, connections: 3, close: true}\n    - {id: not-tls, at: handshake, connections: 4, garbage: true}\n")
		fmt.Fprint(&expect, "  - {profile: early-3, because: audience, outcomes: [closed, 200]}\n  - {profile: early-4, because: audience, outcomes: [tls, 200]}\n")
	}
	sc, err := scenarios.Parse("kinds.yaml", []byte(`
title: every kind of fault
rules: [retry-network]
audiences: {a: {}}
destination: {mtls: never}
dataflow: {audiences: [a], attributes: [x], maxInFlight: 7}
profiles:
  early-{1..5}: {attributes: {x: 1}}
`+profiles.String()+"endpoint:\n  tls: "+tls+"\n  faults:\n"+faults.String()+`
history:
  - {at: 1h, qualify: a, profiles: "early-{1..5}"}
`+history.String()+"expect:\n"+expect.String()+"others: allowed\n"))
	Expect(err).NotTo(HaveOccurred())
	return sc
}

var _ = Describe("Every kind of fault", func() {
	rules, err := scenarios.Rules()
	It("has rules", func() { Expect(err).NotTo(HaveOccurred()) })

	for _, tls := range []string{"plain", "tls"} {
		It("comes to the outcome it should, whatever the number of threads and shards: "+tls, func() {
			before := gleak.Goroutines()
			sc := everyKind(tls, afterAnswer)
			lines, err := Play(context.Background(), sc, memory.New(), 1)
			Expect(err).NotTo(HaveOccurred())
			c := check.Judge(sc, rules, lines)
			Expect(c.Verdict).To(Equal(reports.Pass), "%s %v", c.Reason, failed(c))
			expectReasons(lines)
			first := written(lines)
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
			for i := range 6 {
				runtime.GOMAXPROCS([]int{1, 2, 8}[i%3])
				Expect(record(everyKind(tls, afterAnswer), []int{1, 64}[i%2])).To(Equal(first), "GOMAXPROCS=%d", runtime.GOMAXPROCS(0))
			}
			Eventually(gleak.Goroutines).ShouldNot(gleak.HaveLeaked(before))
		})

		It("is the same on the model as over the wire: "+tls, func() {
			sc := everyKind(tls, nil)
			modelled, err := PlayOn(context.Background(), sc, Setting{Wire: Model, Store: memory.New()})
			Expect(err).NotTo(HaveOccurred())
			Expect(strings.Split(written(modelled), "\n")).To(Equal(strings.Split(record(sc, 1), "\n")))
		})
	}

	It("is refused by the model where a connection ends after its answer", func() {
		_, err := PlayOn(context.Background(), everyKind("tls", afterAnswer), Setting{Wire: Model, Store: memory.New()})
		Expect(err).To(MatchError(ErrNotModelled))
	})
})

// failed are the checks that did not pass.
func failed(c reports.Case) (out []string) {
	for _, k := range c.Checks {
		if k.Verdict != reports.Pass {
			out = append(out, fmt.Sprintf("%s: %s, not %s", k.Title, k.Actual, k.Expected))
		}
	}
	return out
}

// expectReasons looks at why each first attempt failed, and at the fault of
// each request.
func expectReasons(lines []recording.Line) {
	GinkgoHelper()
	attempts, requests := 0, 0
	for _, l := range lines {
		switch {
		case l.Attempt != nil && l.Attempt.Number == 1:
			var i int
			if n, _ := fmt.Sscanf(l.Attempt.Message, "kind%d-", &i); n == 1 {
				attempts++
				Expect(l.Attempt.Reason).To(Equal(kinds[i].reason), "%+v", kinds[i])
			}
		case l.Request != nil && l.Request.Fault != "":
			requests++
			Expect(l.Request.Profiles[0]).To(Or(HavePrefix(l.Request.Fault), HavePrefix("early-")))
		}
	}
	Expect(attempts).To(Equal(10 * len(kinds)))
	Expect(requests).To(Equal(10*len(kinds) + 3*len(afterAnswer) + 5))
}
