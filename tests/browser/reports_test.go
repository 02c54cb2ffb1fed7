package browser

import (
	"context"
	"fmt"
	"strings"
	"sync"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/library"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// played is the report of scenarios.
func played(cases []*scenarios.Scenario) *reports.Report {
	GinkgoHelper()
	catalogue, err := scenarios.Rules()
	Expect(err).NotTo(HaveOccurred())
	r, err := simulate.RunAll(context.Background(), cases, catalogue, simulate.Options{Version: "devel", NewStore: func() (store.Store, error) { return memory.New(), nil }})
	Expect(err).NotTo(HaveOccurred())
	return r
}

// passing is the report of the library. It is only read.
var passing = sync.OnceValue(func() *reports.Report {
	cases, err := scenarios.FindFS(library.Files, ".")
	Expect(err).NotTo(HaveOccurred())
	return played(cases)
})

// failing is the report of cases of the library of which some expect what does
// not happen, and one plans a fault that is never met; and with what a probe
// shows of an exchange.
var failing = sync.OnceValue(func() *reports.Report {
	cases, err := scenarios.FindFS(library.Files, ".")
	Expect(err).NotTo(HaveOccurred())
	changes := map[string][]string{
		"retry/six-exports": {"outcomes: [503, 503, 200], after: [0s, 15s, 30s]", "outcomes: [503, 200], after: [0s, 14s]",
			"payload: {person: {name: {firstName: Marty}}}", "payload: {person: {name: {firstName: Martin}}}"},
		"trigger/enter":     {"at: 2s\n    outcomes: 200", "at: 3s\n    outcomes: 201"},
		"retry/best-effort": {"    - {profile: never-6,", "    - {profile: never-6, requests: 9, status: 500}\n    - {profile: never-6,"},
	}
	var chosen []*scenarios.Scenario
	for _, sc := range cases {
		change, there := changes[sc.ID]
		if there {
			content, err := library.Files.ReadFile(sc.ID + ".yaml")
			Expect(err).NotTo(HaveOccurred())
			text := strings.NewReplacer(change...).Replace(string(content))
			Expect(text).NotTo(Equal(string(content)), sc.ID)
			changed, err := scenarios.Parse(sc.ID+".yaml", []byte(text))
			Expect(err).NotTo(HaveOccurred())
			changed.ID = sc.ID
			sc = changed
		}
		if there || strings.HasPrefix(sc.ID, "retry/") || strings.HasPrefix(sc.ID, "authentication/") {
			chosen = append(chosen, sc)
		}
	}
	r := played(chosen)
	for i := range r.Cases {
		if r.Cases[i].ID == "trigger/enter" {
			probed(&r.Cases[i].Checks[0])
		}
	}
	return r
})

// probed adds what a probe shows.
func probed(k *reports.Check) {
	k.Fix = "answer before the work is done: 2 s is all there is"
	k.Exchange = &reports.Exchange{Method: "POST", URL: "https://receiver.test/in", RequestHeaders: []string{"Content-Type: application/json", "Authorization: Bearer [redacted]"},
		RequestBody: `{"person":{"name":{"firstName":"Marty"}}}`, Status: 504, Outcome: "504", ResponseHeaders: []string{"Content-Type: text/html"}, ResponseBody: "<h1>Gateway Time-out</h1>",
		DurationMs: 2310, Phases: []reports.Phase{{Name: "resolve", FromMs: 0, ToMs: 4}, {Name: "connect", FromMs: 4, ToMs: 20}, {Name: "handshake", FromMs: 20, ToMs: 71},
			{Name: "send", FromMs: 71, ToMs: 72}, {Name: "wait", FromMs: 72, ToMs: 2300}, {Name: "receive", FromMs: 2300, ToMs: 2310}}}
	k.Reproduce = "curl -sS -X POST https://receiver.test/in \\\n  -H 'Content-Type: application/json' \\\n  -H \"Authorization: Bearer $TOKEN\" \\\n  --data-binary '{\"person\":{}}'"
	k.Causes = []reports.Cause{{Server: "nginx", Cause: "proxy_read_timeout is shorter than the handler takes", Fix: "answer 202 and work later"}, {Server: "any", Cause: "a cold start", Fix: "keep one instance warm"}}
}

// many is a report of n cases, as a large suite of somebody else has them.
func many(n int) *reports.Report {
	of := *passing()
	from := of.Cases
	of.Cases = nil
	of.Summary = reports.Summary{}
	for i := range n {
		c := from[i%len(from)]
		c.ID = fmt.Sprintf("%s-%d", c.ID, i)
		if i%40 == 0 {
			c.Verdict = reports.Fail
			c.Checks = append([]reports.Check{{Verdict: reports.Fail, Title: "a part of the body", Expected: `{"a": 1}`, Actual: `{"a": 2}`}}, c.Checks...)
			of.Summary.Fail++
		} else {
			of.Summary.Pass++
		}
		of.Cases = append(of.Cases, c)
	}
	of.Verdict, of.Summary.Cases = reports.Fail, n
	return &of
}
