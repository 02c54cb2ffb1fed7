package check

import (
	"maps"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/scenarios/capture"
)

// configured judges a request by the destination of the scenario. Values of
// headers are not told: they may be credentials.
func (s *Sender) configured(x capture.Exchange) {
	d := s.Scenario.Destination
	if x.Told.Credentials && x.Header("Authorization") {
		s.authorization(x)
	}
	custom := customHeaders(d.Headers)
	for _, name := range slices.Sorted(maps.Keys(custom)) {
		if x.Header(name) && !s.secret(name, custom[name]) {
			s.note("custom-headers-every-call", slices.Equal(headers(&x.Request, name), custom[name]), x.Line, "%s is not there as configured", name)
		}
	}
	want := strings.TrimPrefix(strings.TrimSpace(d.QueryParameters), "?")
	if _, got, _ := strings.Cut(x.Request.Target, "?"); want != "" && x.Told.Query && !s.secret("", []string{want}) && !(!x.Told.Credentials && capture.HoldsCredential(want)) {
		s.note("query-every-call", got == want || strings.HasSuffix(got, "&"+want), x.Line, "the query is not, or does not end with, what is configured")
	}
}

// authorization: none without credentials, and the token with them.
func (s *Sender) authorization(x capture.Exchange) {
	d := s.Scenario.Destination
	got := headers(&x.Request, "Authorization")
	switch _, custom := customHeaders(d.Headers)["authorization"]; {
	case d.Auth.Type == "none" && !custom:
		s.note("none-no-authorization", len(got) == 0, x.Line, "a request with an Authorization header")
	case d.Auth.Type == "bearer":
		bearer := len(got) == 1 && strings.HasPrefix(got[0], "Bearer ")
		// What the endpoint accepts may be another token than the sender's.
		same := s.Scenario.Endpoint.Bearer.Reveal() == d.Auth.Token.Reveal()
		refused := same && (x.Request.Authorization == "wrong" || x.Request.Authorization == "missing")
		s.note("bearer-header", bearer && !refused, x.Line, "the Authorization header is missing, of another scheme, or has another token")
	}
}

// secret says whether a header is not in a capture as it was sent.
func (s *Sender) secret(name string, values []string) bool {
	return slices.Contains([]string{"authorization", "proxy-authorization", "cookie"}, name) ||
		slices.ContainsFunc(values, (&view{scenario: s.Scenario}).secretive)
}

// customHeaders reads h1:v1,h2:v2: lower-case name -> values in order.
func customHeaders(line string) map[string][]string {
	out := map[string][]string{}
	for _, part := range strings.Split(line, ",") {
		name, value, ok := strings.Cut(part, ":")
		if name = strings.ToLower(strings.TrimSpace(name)); ok {
			out[name] = append(out[name], strings.TrimSpace(value))
		}
	}
	return out
}
