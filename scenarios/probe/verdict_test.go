package probe

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
)

// answering is a round with a receiver that answers with the given statuses in
// turn, the last one for ever.
func answering(t *testing.T, statuses ...int) *caseRun {
	t.Helper()
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(statuses[min(n, len(statuses)-1)])
		n++
	}))
	rules, err := scenarios.Rules()
	if err != nil {
		t.Fatal(err)
	}
	p := New(Config{
		Destination: dataflow.Destination{Name: "probe", Endpoint: server.URL, MTLS: dataflow.Never, Retry: retry.Documented(), MaxProfilesPerRequest: 1},
		Limits:      scenarios.Limits{Rate: 1000, Requests: 100}, Rules: rules,
	})
	t.Cleanup(func() { p.close(); server.Close() })
	return &caseRun{Prober: p, probeCase: probeCase{id: "test", rules: []string{"rcv-2xx"}}}
}

// verdictsOf are the checks of a round as "verdict rule".
func verdictsOf(t *caseRun) []string {
	var out []string
	for _, k := range t.checks {
		out = append(out, string(k.Verdict)+" "+k.Rule)
	}
	return out
}

// A valid message wants 2xx, complete within two seconds: at exactly two
// seconds it is in time.
func TestAccepted(t *testing.T) {
	for _, tt := range []struct {
		name    string
		outcome retry.Outcome
		took    time.Duration
		want    []string
	}{
		{"in time", retry.Outcome{Kind: retry.Answered, Status: 204}, time.Second, []string{"pass rcv-schema"}},
		{"at the limit", retry.Outcome{Kind: retry.Answered, Status: 200}, Deadline, []string{"pass rcv-schema"}},
		{"a nanosecond late", retry.Outcome{Kind: retry.Answered, Status: 200}, Deadline + 1, []string{"fail rcv-2s"}},
		{"refused", retry.Outcome{Kind: retry.Answered, Status: 415}, time.Second, []string{"fail rcv-schema"}},
		{"redirected", retry.Outcome{Kind: retry.Answered, Status: 302}, time.Second, []string{"fail rcv-schema"}},
		{"refused and late", retry.Outcome{Kind: retry.Answered, Status: 500}, Deadline + 1, []string{"fail rcv-2s", "fail rcv-schema"}},
		{"closed", retry.Outcome{Kind: retry.Closed}, time.Second, []string{"fail rcv-schema"}},
		{"nothing came", retry.Outcome{Kind: retry.Timeout}, Deadline + 1, []string{"fail rcv-2s"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := answering(t, 200)
			a, ok := r.send(context.Background(), r.main, "", []byte("{}"))
			if !ok {
				t.Fatal("nothing was sent")
			}
			a.Outcome, a.took = tt.outcome, tt.took
			fine := r.accepted("rcv-schema", "a message", a)
			if diff := cmp.Diff(tt.want, verdictsOf(r)); diff != "" || fine != (tt.want[0] == "pass rcv-schema") {
				t.Errorf("accepted = %t; checks (-want +got):\n%s", fine, diff)
			}
		})
	}
}

// A message that can never be accepted is refused with a status that neither
// policy sends again for nothing (R104).
func TestRefusedForGood(t *testing.T) {
	for status, want := range map[int]string{
		400: "pass", 413: "pass", 422: "pass", 404: "pass",
		200: "unspecified", 204: "unspecified",
		302: "fail", 401: "fail", 403: "fail", 408: "fail", 409: "fail", 429: "fail", 500: "fail", 501: "fail", 503: "fail", 505: "fail",
	} {
		r := receiverOf(t, 1000, func(w http.ResponseWriter, message bool, _ int) {
			if message {
				w.WriteHeader(status)
			}
		})
		r.never(context.Background(), "what is not JSON", []byte(marked))
		if diff := cmp.Diff([]string{want + " rcv-retry-advice"}, verdictsOf(r)); diff != "" {
			t.Errorf("%d (-want +got):\n%s", status, diff)
		}
	}
}

// 429 and 503 are about load; every other refusal is about the message.
func TestThrottles(t *testing.T) {
	for status, want := range map[int]bool{200: false, 400: false, 403: false, 429: true, 500: false, 502: false, 503: true} {
		a := answer{}
		a.Outcome = retry.Outcome{Kind: retry.Answered, Status: status}
		if a.throttles() != want {
			t.Errorf("%d throttles: %t; want %t", status, !want, want)
		}
	}
	for header, want := range map[string]time.Duration{"": time.Second, "0": time.Second, "3": 3 * time.Second, "86400": longestPause, "x": time.Second} {
		a := answer{}
		a.Outcome = retry.Outcome{Kind: retry.Answered, Status: 429}
		a.Header = http.Header{"Retry-After": {header}}
		if got := a.pause(time.Second); got != want {
			t.Errorf("pause after Retry-After %q = %s; want %s", header, got, want)
		}
	}
}

// A case is worth the worst of its checks; advice alone is unspecified.
func TestResult(t *testing.T) {
	for _, tt := range []struct {
		checks []reports.Verdict
		want   reports.Verdict
	}{
		{nil, reports.Skip},
		{[]reports.Verdict{reports.Unspecified}, reports.Unspecified},
		{[]reports.Verdict{reports.Unspecified, reports.Pass}, reports.Pass},
		{[]reports.Verdict{reports.Pass, reports.Inconclusive}, reports.Inconclusive},
		{[]reports.Verdict{reports.Inconclusive, reports.Fail, reports.Pass}, reports.Fail},
	} {
		r := answering(t, 200)
		for _, v := range tt.checks {
			r.checks = append(r.checks, reports.Check{Rule: "rcv-2xx", Verdict: v, Title: "a check"})
		}
		if c := r.result(0); c.Verdict != tt.want {
			t.Errorf("%v make %s; want %s", tt.checks, c.Verdict, tt.want)
		}
	}
}

// Only 404 says that there is no such profile: an error is not an empty state.
func TestReadURL(t *testing.T) {
	status := 200
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"a":1}`))
	}))
	defer server.Close()
	for code, want := range map[int]struct{ there, fails bool }{200: {true, false}, 404: {false, false}, 500: {false, true}, 302: {false, true}, 401: {false, true}} {
		status = code
		state, err := readURL(context.Background(), server.Client(), scenarios.ReadBack{URL: server.URL}, "1", "")
		if (state != nil) != want.there || (err != nil) != want.fails {
			t.Errorf("%d: state %v, error %v; want there %t, an error %t", code, state, err, want.there, want.fails)
		}
	}
}

// A key that came, went or has another value is a difference, at its path; what
// is ignored is not.
func TestDifference(t *testing.T) {
	object := func(pairs ...any) map[string]any {
		out := map[string]any{}
		for i := 0; i < len(pairs); i += 2 {
			out[pairs[i].(string)] = pairs[i+1]
		}
		return out
	}
	for _, tt := range []struct {
		name          string
		before, after any
		ignore        []string
		want          bool
	}{
		{"the same", object("a", "1"), object("a", "1"), nil, false},
		{"a key that came", object("a", "1"), object("a", "1", "b", "2"), nil, true},
		{"a key that went", object("a", "1", "b", "2"), object("a", "1"), nil, true},
		{"a key that came within", object("a", object()), object("a", object("b", "2")), nil, true},
		{"another value", object("a", "1"), object("a", "2"), nil, true},
		{"another value that is ignored", object("a", "1", "seen", "1"), object("a", "1", "seen", "2"), []string{"seen"}, false},
		{"another value beside one that is ignored", object("a", "1", "seen", "1"), object("a", "2", "seen", "2"), []string{"seen"}, true},
		{"everything gone", object("a", "1"), nil, nil, true},
	} {
		if got := difference(tt.before, tt.after, tt.ignore); (got != "") != tt.want {
			t.Errorf("%s: difference %q; want one: %t", tt.name, got, tt.want)
		}
	}
}
