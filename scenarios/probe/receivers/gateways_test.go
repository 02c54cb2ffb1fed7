package receivers

import (
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/probe"
)

// gateway is what these tests read of an entry of gateways.yaml.
type gateway struct {
	Server, Cause, Fix, Class, Receiver, Source string
	Every                                       bool
	Outcomes                                    []string
}

func readGateways(t *testing.T) []gateway {
	t.Helper()
	content, err := os.ReadFile("../gateways.yaml")
	check(t, err)
	var all []gateway
	check(t, yaml.Load(content, &all))
	if len(all) < 80 {
		t.Fatalf("%d entries in gateways.yaml; there must be at least 80", len(all))
	}
	return all
}

// probedHere is the report of a probe of a receiver in this process: of its
// messages, and not of its pace.
func probedHere(t *testing.T, r Receiver) found {
	t.Helper()
	front := NewFront(r, token)
	server := httptest.NewUnstartedServer(front)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // handlers that end a connection panic
	server.Start()
	defer func() { server.Close(); front.Close() }()
	rules, err := scenarios.Rules()
	check(t, err)
	report, err := probe.New(probe.Config{
		Destination: dataflow.Destination{Name: "probe", Endpoint: server.URL + "/profiles", MTLS: dataflow.Auto, Retry: retry.Documented(), MaxProfilesPerRequest: 1,
			Headers: "X-Tenant:acme", QueryParameters: "source=aep", Auth: dataflow.Auth{Kind: dataflow.AuthBearer, Token: token}},
		Limits: scenarios.Limits{Rate: 2000, Requests: 600, Burst: 1}, Load: scenarios.StatedLoad{Rate: 10, For: time.Second},
		Rules: rules, Version: "test", Only: regexp.MustCompile("^message/"), Pause: 5 * time.Millisecond, Patience: 3 * time.Second,
	}).Run(ending(t))
	check(t, err)
	f := found{report: *report}
	if report.Verdict == reports.Fail {
		f.exit = 1
	}
	return f
}

// probedTogether are the reports of probes of several receivers in this process. A
// probe waits more than it works. One with complaints is made again, by itself: a
// machine without a processor to spare makes answers late.
func probedTogether(t *testing.T, all []Receiver, complaints func(i int, f found) []string) []found {
	t.Helper()
	out := make([]found, len(all))
	slots := make(chan struct{}, 16)
	var wg sync.WaitGroup
	for i, r := range all {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			out[i] = probedHere(t, r)
		})
	}
	wg.Wait()
	for i, r := range all {
		wrong := complaints(i, out[i])
		for range 2 {
			if len(wrong) > 0 {
				out[i] = probedHere(t, r)
				wrong = complaints(i, out[i])
			}
		}
		for _, w := range wrong {
			t.Errorf("%s: %s", r.Name, w)
		}
	}
	return out
}

// answering are the wrong receivers that answer in their own way, without those
// that throttle: their answers depend on how fast this machine is.
func answering(t *testing.T) []Receiver {
	t.Helper()
	all, err := Wrong()
	check(t, err)
	return slices.DeleteFunc(all, func(r Receiver) bool {
		return len(r.Answers) == 0 || slices.ContainsFunc(r.Answers, func(a Answer) bool { return a.Faster > 0 })
	})
}

// Every receiver that answers in its own way is probed: it fails its rules, each
// failure has its class, and the cause that its response names is its server's.
// Each entry of gateways.yaml is named by one of them.
func TestGatewaysAreRecognised(t *testing.T) {
	all := answering(t)
	named := map[string]reports.Cause{} // of the first failure, by receiver
	for i, f := range probedTogether(t, all, func(i int, f found) []string {
		r := all[i]
		return judge(example{name: r.Name, plan: r.Plan, fails: r.Fails, wrong: r}, f)
	}) {
		named[all[i].Name] = f.named()
	}
	for _, g := range readGateways(t) {
		c, there := named[g.Receiver]
		switch {
		case !there:
			t.Errorf("%s: %s: no receiver in fronts.yaml is called %q: each entry is proved by one", g.Server, g.Cause, g.Receiver)
		case c.Server != g.Server || c.Cause != g.Cause || c.Fix != g.Fix:
			t.Errorf("%s: %s: the response of %s names %s: %s", g.Server, g.Cause, g.Receiver, c.Server, c.Cause)
		case !strings.HasPrefix(g.Source, "https://"):
			t.Errorf("%s: %s: the source is %q; it must be a page", g.Server, g.Cause, g.Source)
		}
	}
}

// An entry about every message is not named as the cause where the plain message
// is accepted, however the response looks.
func TestGatewaysAreContradicted(t *testing.T) {
	byName := map[string]Receiver{}
	for _, r := range answering(t) {
		byName[r.Name] = r
	}
	var every []gateway
	var all []Receiver
	for _, g := range readGateways(t) {
		r, there := byName[g.Receiver]
		if !g.Every || !there {
			continue
		}
		a := r.Answers[0]
		a.InBody, a.Without, a.Header = "vip_2026", "", nil
		r.Answers = []Answer{a}
		every, all = append(every, g), append(all, r)
	}
	if len(all) < 30 {
		t.Errorf("%d entries are about every message; there must be at least 30", len(all))
	}
	probedTogether(t, all, func(i int, f found) (wrong []string) {
		g := every[i]
		if got := f.rules(reports.Fail); len(got) != 1 || got[0] != "rcv-ids" {
			wrong = append(wrong, fmt.Sprintf("fails %v; want rcv-ids alone%s", got, f.complaints()))
		}
		for _, c := range f.report.Cases {
			for _, k := range c.Checks {
				if k.Verdict == reports.Fail && (k.Class == g.Class && g.Class != "form" || k.Fix == g.Fix) {
					wrong = append(wrong, fmt.Sprintf("one message is refused, with the class %q and the fix %q", k.Class, k.Fix))
				}
			}
		}
		if c := f.named(); c.Cause == g.Cause {
			wrong = append(wrong, fmt.Sprintf("one message is refused, and the cause is %q", c.Cause))
		}
		return wrong
	})
}

// A response that many servers give names none of them.
func TestCommonResponsesNameNobody(t *testing.T) {
	var all []Receiver
	for _, a := range []Answer{
		{Status: 400, Body: `{"type":"about:blank","title":"Bad Request","status":400}`},
		{Status: 401, Body: `{"message":"Unauthorized"}`},
		{Status: 403, Body: "Forbidden\n"},
		{Status: 403, Body: `{"statusCode":403,"message":"Forbidden resource","error":"Forbidden"}`},
		{Status: 404, Body: "404 page not found\n"},
		{Status: 404, Body: `{"message":"Not Found"}`},
		{Status: 404, Body: `{"type":"about:blank","title":"Not Found","status":404}`},
		{Status: 405, Body: "Method Not Allowed\n"},
		{Status: 413, Body: "<h1>413 Request Entity Too Large</h1>"},
		{Status: 415, Body: `{"type":"https://tools.ietf.org/html/rfc9110#section-15.5.16","title":"Unsupported Media Type","status":415}`},
		{Status: 422, Body: `{"errors":[{"detail":"is not a date"}]}`},
		{Status: 429, Body: `{"error":"rate_limit_exceeded"}`},
		{Status: 500, Body: "Internal Server Error"},
		{Status: 502, Body: "Bad Gateway"},
		{Status: 503, Body: "Service Unavailable"},
		{Status: 504, Body: "Gateway Timeout"},
	} {
		all = append(all, Receiver{Name: a.Body, Answers: []Answer{a}})
	}
	probedTogether(t, all, func(_ int, f found) (wrong []string) {
		if got := f.rules(reports.Fail); len(got) == 0 {
			wrong = append(wrong, "fails no rule")
		}
		if c := f.named(); c.Recognised {
			wrong = append(wrong, fmt.Sprintf("is taken for a response of %s: %s", c.Server, c.Cause))
		}
		return wrong
	})
}
