package check

import (
	"maps"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/internal/secret"
	"github.com/httpdest/httpdest/scenarios/capture"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// verified: an endpoint whose certificate cannot be verified gets no request
// (R139). Connections that ended before one show it.
func (s *Sender) verified(in *capture.Reader) {
	if s.Scenario.Endpoint.Unverifiable() && s.requests == 0 && in.Refused() > 0 {
		s.note("verify-server", true, 0, "")
	}
}

// configured judges a request by the destination of the scenario. Values of
// headers are not reported: they may be credentials.
func (s *Sender) configured(x capture.Exchange) {
	d := s.Scenario.Destination
	if e := s.Scenario.Endpoint; e.Unverifiable() {
		s.note("verify-server", false, x.Line, "a request to a server whose certificate is %s", e.Certificate)
	}
	if x.Told.Credentials && x.Header("Authorization") {
		s.authorization(x)
	}
	custom := customHeaders(d.Headers)
	for _, name := range slices.Sorted(maps.Keys(custom)) {
		if x.Header(name) && !s.secret(name) {
			s.customHeader(x, name, custom[name])
		}
	}
	want := strings.TrimPrefix(strings.TrimSpace(d.QueryParameters), "?")
	if want != "" && x.Told.Query && !(!x.Told.Credentials && capture.HoldsCredential(want)) {
		s.query(x, want)
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
		// The endpoint may accept another token than the sender's.
		same := s.Scenario.Endpoint.Bearer.Reveal() == d.Auth.Token.Reveal()
		refused := same && (x.Request.Authorization == "wrong" || x.Request.Authorization == "missing")
		s.note("bearer-header", bearer && !refused, x.Line, "the Authorization header is missing, of another scheme, or has another token")
	}
}

// customHeader compares one header with what is configured. Of a value that
// the endpoint redacted nothing is known but whether it was what the endpoint
// requires.
func (s *Sender) customHeader(x capture.Exchange, name string, want []string) {
	got := headers(&x.Request, name)
	if slices.Contains(got, secret.Redacted) {
		if matched(&x.Request, "header", name) {
			s.note("custom-headers-every-call", true, x.Line, "")
		}
		return
	}
	for i, value := range want {
		want[i] = s.hidden.Text(value)
	}
	s.note("custom-headers-every-call", slices.Equal(got, want), x.Line, "%s is missing or differs from the configuration", name)
}

// query compares the end of the query with what is configured, likewise.
func (s *Sender) query(x capture.Exchange, configured string) {
	_, target, _ := strings.Cut(x.Request.Target, "?")
	got, want := strings.Split(target, "&"), strings.Split(s.hidden.Text(configured), "&")
	same := len(got) >= len(want)
	for i := range want {
		if !same {
			break
		}
		shown := got[len(got)-len(want)+i]
		name, value, _ := strings.Cut(shown, "=")
		key, _, _ := strings.Cut(want[i], "=")
		switch {
		case shown == want[i]:
		case value != secret.Redacted || name != key:
			same = false
		case !matched(&x.Request, "query", name):
			return // not known
		}
	}
	s.note("query-every-call", same, x.Line, "the query neither is nor ends with the configured one")
}

// matched reports whether the endpoint requires a field and found it right.
func matched(r *recording.Request, kind, name string) bool {
	return slices.ContainsFunc(r.Matched, func(field string) bool { return strings.EqualFold(field, kind+" "+name) })
}

// secret reports whether a header is not in a capture as it was sent.
func (s *Sender) secret(name string) bool {
	return slices.Contains([]string{"authorization", "proxy-authorization", "cookie"}, name)
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
