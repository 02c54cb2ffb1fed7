package probe

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/scenarios"
)

var quiet = log.New(io.Discard, "", 0)

// When the plain message is refused, one thing at a time is changed until it is
// accepted; what it was refused for is left out of what follows.
func TestPlainMessageRefused(t *testing.T) {
	token := dataflow.Auth{Kind: dataflow.AuthBearer, Token: "right-token"}
	with := func(header, value string) func(*http.Request, string, int) int {
		return func(q *http.Request, _ string, _ int) int {
			return map[bool]int{true: 200, false: 415}[strings.Contains(q.Header.Get(header), value)]
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*dataflow.Destination)
		status func(q *http.Request, body string, n int) int
		want   []string // failures, as rule: title
		class  string
	}{
		{"charset", nil, with("Content-Type", "charset=utf-8"), []string{"rcv-2xx: refused because Content-Type has no charset"}, "form"},
		{"accept", nil, with("Accept", "json"), []string{"rcv-2xx: refused because there is no Accept header"}, "form"},
		{"user agent", nil, with("User-Agent", "Mozilla"), []string{"rcv-2xx: refused because of the User-Agent"}, "form"},
		{"content encoding", nil, with("Content-Encoding", "identity"), []string{"rcv-2xx: refused because there is no Content-Encoding"}, "form"},
		{"accept encoding", nil, with("Accept-Encoding", "gzip"), []string{"rcv-2xx: refused because there is no Accept-Encoding"}, "form"},
		{"one header of three", func(d *dataflow.Destination) { d.Headers = "X-A:1,X-B:2,X-C:3" }, func(q *http.Request, _ string, _ int) int {
			return map[bool]int{true: 200, false: 400}[q.Header.Get("X-B") == ""]
		}, []string{"rcv-headers: refused because of the custom header X-B"}, "form"},
		{"a list is wanted", nil, func(_ *http.Request, body string, _ int) int {
			return map[bool]int{true: 200, false: 400}[strings.HasPrefix(body, "[")]
		}, []string{"rcv-batch: refused because the profile does not stand in a list"}, "form"},
		{"a slash", func(d *dataflow.Destination) { d.Endpoint += "/in" }, func(q *http.Request, _ string, _ int) int {
			return map[bool]int{true: 200, false: 404}[strings.HasSuffix(q.URL.Path, "/")]
		}, []string{"rcv-2xx: refused because of the slash at the end of the path"}, "form"},
		{"a cold start", nil, func(_ *http.Request, _ string, n int) int { return map[bool]int{true: 502, false: 200}[n == 1] },
			[]string{"rcv-2xx: the plain message is refused, and accepted 4.0 ms later"}, "flaky"},
		{"a longer start", nil, func(_ *http.Request, _ string, n int) int { return map[bool]int{true: 503, false: 200}[n <= 3] },
			[]string{"rcv-2xx: the plain message is refused several times, and then accepted"}, "flaky"},
		{"forbidden to everybody", func(d *dataflow.Destination) { d.Auth = token }, func(*http.Request, string, int) int { return 403 },
			[]string{"rcv-2xx: 403 with any credentials: nothing checks them"}, "gateway"},
		{"forbidden to this client", func(d *dataflow.Destination) { d.Auth = token }, func(q *http.Request, _ string, _ int) int {
			return map[bool]int{true: 403, false: 401}[q.Header.Get("Authorization") == "Bearer right-token"]
		}, []string{"rcv-auth: the credentials of the configuration are known, and not permitted"}, "credentials"},
		{"wrong credentials", func(d *dataflow.Destination) { d.Auth = token }, func(*http.Request, string, int) int { return 401 },
			[]string{"rcv-auth: the credentials of the configuration are refused"}, "credentials"},
		{"down", nil, func(*http.Request, string, int) int { return 500 }, []string{"rcv-2xx: the plain message is refused"}, "down"},
		{"no route", nil, func(*http.Request, string, int) int { return 404 }, []string{"rcv-2xx: the plain message is refused"}, "form"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := 0
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
				body, _ := io.ReadAll(q.Body)
				n++
				w.WriteHeader(tt.status(q, string(body), n))
			}))
			defer server.Close()
			rules, err := scenarios.Rules()
			if err != nil {
				t.Fatal(err)
			}
			d := dataflow.Destination{Name: "probe", Endpoint: server.URL, MTLS: dataflow.Auto, Retry: retry.Documented(), MaxProfilesPerRequest: 1, Auth: dataflow.Auth{Kind: dataflow.AuthNone}}
			if tt.change != nil {
				tt.change(&d)
			}
			p := New(Config{Destination: d, Limits: scenarios.Limits{Rate: 1000, Requests: 1000, Burst: 20}, Rules: rules, Pause: 2 * time.Millisecond})
			defer p.close()
			r := &caseRun{Prober: p}
			r.first(context.Background(), shapes(p.people, p.config)[0])
			var got []string
			for _, k := range r.checks {
				if k.Verdict == "fail" {
					got = append(got, k.Rule+": "+k.Title)
					if k.Class != tt.class {
						t.Errorf("class %q; want %q", k.Class, tt.class)
					}
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if goesOn := p.refused == nil; goesOn != (tt.class == "form" && tt.name != "no route" || tt.class == "flaky") {
				t.Errorf("goes on: %t", goesOn)
			}
			if p.refused == nil {
				if a, ok := r.send(context.Background(), p.main, "plain", r.timed()); !ok || !a.ok() {
					t.Errorf("what follows is refused as well: %s", a.says())
				}
			}
		})
	}
}
