package probe

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
)

// refreshing issues tokens with refresh tokens, and does wrong what wrong says.
type refreshing struct {
	mu    sync.Mutex
	wrong string
	n     int
	valid []string
}

func (s *refreshing) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q.URL.Path != "/token" {
		bearer, _ := strings.CutPrefix(q.Header.Get("Authorization"), "Bearer ")
		if !slices.Contains(s.valid, bearer) {
			w.WriteHeader(http.StatusUnauthorized)
		}
		return
	}
	refresh := q.FormValue("grant_type") == "refresh_token"
	if refresh && (s.wrong == "refuses" || q.FormValue("refresh_token") != "refresh") || !refresh && q.FormValue("client_secret") != "s3cret" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.n++
	access := fmt.Sprintf("access-%d", s.n)
	switch {
	case refresh && s.wrong == "turns away":
	case refresh && s.wrong == "ends the token before":
		s.valid = []string{access}
	default:
		s.valid = append(s.valid, access)
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 86400, "refresh_token": "refresh"})
}

// The token that a refresh token is exchanged for is used for a message; that of the
// grant may end with it.
func TestRefreshToken(t *testing.T) {
	rules, err := scenarios.Rules()
	if err != nil {
		t.Fatal(err)
	}
	for wrong, want := range map[string][]string{
		"":                      {"pass ", "pass "},
		"ends the token before": {"pass ", "pass "},
		"refuses":               {"unspecified "},
		"turns away":            {"pass ", "fail credentials"},
	} {
		server := httptest.NewServer(&refreshing{wrong: wrong})
		p := New(Config{Destination: dataflow.Destination{Name: "probe", Endpoint: server.URL + "/profiles", MTLS: dataflow.Never, Retry: retry.Documented(), MaxProfilesPerRequest: 1,
			Auth: dataflow.Auth{Kind: dataflow.AuthClientCredentials, ClientID: "id", ClientSecret: "s3cret", TokenURL: server.URL + "/token"}},
			Limits: scenarios.Limits{Rate: 1000, Requests: 100, Burst: 5}, Rules: rules, Pause: time.Millisecond, Only: regexp.MustCompile("^(token|message/(plain|headers)|auth)")})
		r, err := p.Run(context.Background())
		server.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range r.Cases {
			switch {
			case c.ID == "token/refresh":
				var got []string
				for _, k := range c.Checks {
					got = append(got, string(k.Verdict)+" "+k.Class)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%q (-want +got):\n%s", wrong, diff)
				}
			case c.Verdict == reports.Fail:
				t.Errorf("%q: %s fails: %s", wrong, c.ID, c.Checks[0].Title)
			}
		}
	}
}
