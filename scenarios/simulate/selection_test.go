package simulate

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/check"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// selected is a scenario in which one profile is exported every ten minutes,
// twelve times, to an endpoint with these faults.
func selected(auth, faults, expect string) *scenarios.Scenario {
	GinkgoHelper()
	sc, err := scenarios.Parse("selected.yaml", []byte(`
title: what a fault selects
rules: [all-mapped-attributes]
audiences: {a: {}}
destination: {auth: `+auth+`}
dataflow: {audiences: [a], attributes: [n]}
profiles: {doc: {audiences: [a]}}
endpoint:
  faults:
`+faults+`
history:
  - {at: 10m, profile: doc, set: n, to: 1, every: 10m, times: 12}
expect:
  - {profile: doc, times: 12}
`+expect))
	Expect(err).NotTo(HaveOccurred())
	return sc
}

const oauth = "{type: oauth2-client-credentials, credentials: body-form-encoded, clientID: i, clientSecret: great-scott}"

// played are the lines of a scenario, and its verdict.
func played(sc *scenarios.Scenario) ([]recording.Line, reports.Case) {
	GinkgoHelper()
	rules, err := scenarios.Rules()
	Expect(err).NotTo(HaveOccurred())
	lines, err := Play(context.Background(), sc, memory.New(), 1)
	Expect(err).NotTo(HaveOccurred())
	return lines, check.Judge(sc, rules, lines)
}

// quarter is how exact the minutes below are: 15 s is between two attempts.
const quarter = 15 * time.Second

// outcomes are those of all attempts that failed, each with its minute.
func outcomes(sc *scenarios.Scenario, lines []recording.Line) (out []string) {
	for _, l := range lines {
		if l.Attempt != nil && l.Attempt.Outcome != "200" {
			out = append(out, fmt.Sprintf("%gm %s", l.Attempt.At.Sub(sc.Start).Truncate(quarter).Minutes(), l.Attempt.Outcome))
		}
	}
	return out
}

var _ = Describe("A fault selects", func() {
	DescribeTable("requests", func(fault string, want ...string) {
		sc := selected("{type: none}", "    - "+fault, "")
		lines, c := played(sc)
		Expect(c.Verdict).To(Equal(reports.Pass), "%s %v", c.Reason, failed(c))
		Expect(outcomes(sc, lines)).To(HaveExactElements(want))
		for _, l := range lines {
			if l.Request != nil && l.Request.Status == 503 {
				Expect(l.Request.Fault).To(Equal("fault-1"))
			}
		}
	},
		Entry("in a window of time", "{from: 30m, until: 50m, status: 503, every: 2}", "40m 503"),
		Entry("the first in a window", "{profile: doc, from: 55m, requests: 1, status: 503}", "60m 503"),
		Entry("every nth of a range", "{requests: 2-9, every: 4, status: 503}", "50m 503", "80m 503"),
		Entry("by connection", "{connections: 3, close: true}", "30m closed"), // an idle one ends after a minute
		Entry("beyond a rate", "{rate: 0.001, burst: 2, status: 503}", // 0.6 in ten minutes
			"40m 503", "40.25m 503", "40.75m 503", "70m 503", "70.25m 503", "70.75m 503", "90m 503", "90.25m 503", "90.75m 503", "120m 503", "120.25m 503", "120.75m 503"),
	)

	DescribeTable("token requests, and tokens", func(fault string, tokens []string, want ...string) {
		sc := selected(oauth, "    - "+fault, "")
		lines, c := played(sc)
		Expect(c.Verdict).To(Equal(reports.Pass), "%s %v", c.Reason, failed(c))
		Expect(outcomes(sc, lines)).To(HaveExactElements(want))
		var got []string
		for _, l := range lines {
			if l.Token != nil {
				got = append(got, fmt.Sprintf("%gm %s", l.Token.At.Sub(sc.Start).Truncate(quarter).Minutes(), l.Token.Result))
			}
		}
		Expect(got).To(Equal(tokens))
		Expect(written(lines)).NotTo(ContainSubstring("great-scott"))
	},
		Entry("5xx", "{on: token, requests: 1, status: 503}", []string{"10m refused", "10.25m issued", "70m issued"}, "10m no-token"),
		Entry("garbage", "{on: token, requests: 1, garbage: true}", []string{"10m unreachable", "10.25m issued", "70m issued"}, "10m no-token"),
		Entry("a close", "{on: token, requests: 1, close: true}", []string{"10m unreachable", "10.25m issued", "70m issued"}, "10m no-token"),
		Entry("a truncated body", "{on: token, requests: 1, at: body, close: true}", []string{"10m unreachable", "10.25m issued", "70m issued"}, "10m no-token"),
		Entry("an endless body", "{on: token, requests: 1, endless: true}", []string{"10m too-large", "10.25m issued", "70m issued"}, "10m no-token"),
		Entry("a malformed chunk", "{on: token, requests: 1, malformedChunk: true}", []string{"10m unreachable", "10.25m issued", "70m issued"}, "10m no-token"),
		Entry("a slow answer", "{on: token, requests: 1, latency: {distribution: uniform, min: 10.1s, max: 20s}}", []string{"10m timeout", "10.25m issued", "70m issued"}, "10m no-token"),
		Entry("a lifetime of seconds", "{on: token, requests: 1-2, expiresIn: 5s}", []string{"10m issued", "20m issued", "30m issued", "90m issued"}),
		Entry("no lifetime", "{on: token, requests: 1, expiresIn: none}", []string{"10m issued", "70m issued"}),
		Entry("a revocation", "{requests: 5, revoke: true}", []string{"10m issued", "50.25m issued", "110m issued"}, "50m 401"),
		Entry("a 401 once", "{requests: 5, status: 401}", []string{"10m issued", "50.25m issued", "110m issued"}, "50m 401"),
		Entry("a rate limit", "{on: token, rate: 0.00027}", // one in 62 minutes
			[]string{"10m issued", "70m refused", "70.25m refused", "70.75m refused", "80m issued"}, "70m no-token", "70.25m no-token", "70.75m no-token"),
		Entry("a reset after the answer", "{on: token, at: end, reset: true}", []string{"10m issued", "70m issued"}),
	)

	It("as planned, or the run is inconclusive", func() {
		for _, fault := range []string{"{requests: 12-13, status: 200}", "{from: 3h, status: 503}", "{every: 100, status: 503}", "{connections: 99-, status: 503}", "{rate: 1000, burst: 1000}"} {
			_, c := played(selected("{type: none}", "    - "+fault, ""))
			Expect(c.Verdict).To(Equal(reports.Inconclusive), fault)
			Expect(c.Checks).To(ContainElement(HaveField("Title", ContainSubstring("fault-1"))))
		}
	})
})
