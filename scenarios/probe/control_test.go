package probe

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/scenarios"
)

// marked is in the message that a test is about, and not in the plain one.
const marked = "the message in question"

// receiverOf starts a receiver that answers by whether the request carries the
// message in question, and by its number; the round is about it.
func receiverOf(t *testing.T, rate int, answer func(w http.ResponseWriter, message bool, n int)) *caseRun {
	t.Helper()
	var mu sync.Mutex
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		mu.Lock()
		defer mu.Unlock()
		n++
		answer(w, strings.Contains(string(body), marked), n)
	}))
	t.Cleanup(server.Close)
	rules, err := scenarios.Rules()
	if err != nil {
		t.Fatal(err)
	}
	p := New(Config{Destination: dataflow.Destination{Name: "probe", Endpoint: server.URL, MTLS: dataflow.Auto, Retry: retry.Documented(), MaxProfilesPerRequest: 1, Auth: dataflow.Auth{Kind: dataflow.AuthNone}},
		Limits: scenarios.Limits{Rate: rate, Requests: 1000, Burst: 20}, Rules: rules, Pause: 20 * time.Millisecond})
	t.Cleanup(p.close)
	return &caseRun{Prober: p}
}

// classesOf are the verdict, the rule and the class of each check.
func classesOf(r *caseRun) []string {
	var out []string
	for _, k := range r.checks {
		out = append(out, strings.TrimSpace(string(k.Verdict)+" "+k.Rule+" "+k.Class))
	}
	return out
}

// A refusal is compared with the plain message before the form of the message is
// blamed.
func TestClasses(t *testing.T) {
	status := func(code int) func(http.ResponseWriter) { return func(w http.ResponseWriter) { w.WriteHeader(code) } }
	refusing := func(when func(message bool, n int) bool, code int) func(http.ResponseWriter, bool, int) {
		return func(w http.ResponseWriter, message bool, n int) {
			if when(message, n) {
				status(code)(w)
			}
		}
	}
	for _, tt := range []struct {
		name   string
		answer func(http.ResponseWriter, bool, int)
		want   []string
	}{
		{"accepted", refusing(func(bool, int) bool { return false }, 400), []string{"pass rcv-schema"}},
		{"the form", refusing(func(message bool, _ int) bool { return message }, 400), []string{"fail rcv-schema form"}},
		{"a server error for the form", refusing(func(message bool, _ int) bool { return message }, 500), []string{"fail rcv-schema form"}},
		{"an error once", refusing(func(_ bool, n int) bool { return n == 1 }, 500), []string{"fail rcv-2xx flaky", "pass rcv-schema"}},
		{"an error once, and once for the plain message", refusing(func(_ bool, n int) bool { return n == 1 || n == 2 }, 500), []string{"fail rcv-2xx flaky", "pass rcv-schema"}},
		{"throttled once", refusing(func(_ bool, n int) bool { return n == 1 }, 429), []string{"unspecified rcv-2s throttled", "pass rcv-schema"}},
		{"throttled with the plain message", refusing(func(_ bool, n int) bool { return n < 4 }, 503), []string{"unspecified rcv-2s throttled", "pass rcv-schema"}},
		{"everything from then on", refusing(func(bool, int) bool { return true }, 500), []string{"fail rcv-2xx down"}},
		{"throttled for ever", refusing(func(bool, int) bool { return true }, 429), []string{"inconclusive rcv-2xx"}},
		{"locked out", refusing(func(bool, int) bool { return true }, 401), []string{"fail rcv-2xx credentials"}},
		{"the connection ends once", func(_ http.ResponseWriter, _ bool, n int) {
			if n == 1 {
				panic(http.ErrAbortHandler)
			}
		}, []string{"fail rcv-2xx flaky", "pass rcv-schema"}},
		{"the connection ends for the form", func(_ http.ResponseWriter, message bool, _ int) {
			if message {
				panic(http.ErrAbortHandler)
			}
		}, []string{"fail rcv-schema form"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := receiverOf(t, 1000, tt.answer)
			r.insist(context.Background(), r.main, "rcv-schema", "a message", "", []byte(`{"a":"`+marked+`"}`))
			if diff := cmp.Diff(tt.want, classesOf(r)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A receiver that limits the rate with a status that does not say so refuses
// whatever comes too early. None of twenty messages may be blamed for its form.
func TestThrottledWithAnotherStatus(t *testing.T) {
	for _, code := range []int{400, 401, 403, 404} {
		var last time.Time
		r := receiverOf(t, 200, func(w http.ResponseWriter, _ bool, _ int) { // 100 a second
			if now := time.Now(); now.Sub(last) < 10*time.Millisecond {
				w.WriteHeader(code)
			} else {
				last = now
			}
		})
		for range 20 {
			r.insist(context.Background(), r.main, "rcv-schema", "a message", "", []byte(`{"a":"`+marked+`"}`))
		}
		for _, k := range classesOf(r) {
			if strings.HasPrefix(k, "fail") && k != "fail rcv-retry-advice throttled" {
				t.Errorf("%d: %s", code, k)
			}
		}
		if !r.saidThrottles {
			t.Errorf("%d: it is not said that the receiver throttles: %v", code, classesOf(r))
		}
	}
}

// A receiver that fails now and then, whatever the message, is flaky; no form is
// blamed.
func TestFlaky(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	r := receiverOf(t, 1000, func(w http.ResponseWriter, _ bool, _ int) {
		if random.IntN(5) == 0 {
			w.WriteHeader(500)
		}
	})
	for range 20 {
		r.insist(context.Background(), r.main, "rcv-schema", "a message", "", []byte(`{"a":"`+marked+`"}`))
	}
	flakes := 0
	for _, k := range classesOf(r) {
		if k == "fail rcv-2xx flaky" {
			flakes++
		} else if strings.HasPrefix(k, "fail") {
			t.Error(k)
		}
	}
	if flakes == 0 {
		t.Error("it is not said that the receiver is flaky")
	}
}
