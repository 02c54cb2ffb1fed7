package check

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// formType is what both documented samples call their body.
const formType = "application/x-www-form-urlencoded"

// tokenRequests compares a line about token requests with the next ones.
func (v *view) tokenRequests(e *scenarios.Expectation, met int) (title string, wrong []mismatch) {
	times := max(1, e.Times)
	title = fmt.Sprintf("token request %d", met+1)
	if times > 1 {
		title = fmt.Sprintf("token requests %d to %d", met+1, met+times)
	}
	for n := met; n < met+times; n++ {
		what := fmt.Sprintf("token request %d", n+1)
		if n >= len(v.tokens) {
			return title, append(wrong, mismatch{what, e.Token, fmt.Sprintf("%d token requests were made", len(v.tokens))})
		}
		t := v.tokens[n]
		if t.Result != e.Token {
			wrong = append(wrong, mismatch{what, e.Token, fmt.Sprintf("%s (%s %s)", t.Result, t.Outcome, t.Reason)})
		}
		if e.Grant != "" && t.Grant != e.Grant {
			wrong = append(wrong, mismatch{what + ": grant", e.Grant, t.Grant})
		}
	}
	return title, wrong
}

// usable is when a token has to be renewed: 30 s before its expiry, or a tenth
// of its lifetime where that is less; an hour without a lifetime (A69).
func usable(t *recording.Token) time.Time {
	lifetime := time.Duration(t.ExpiresIn) * time.Second
	if lifetime == 0 {
		lifetime = time.Hour
	}
	return t.At.Add(lifetime - min(30*time.Second, lifetime/10))
}

// formOf reads the body of a token request: the names in order, and the values.
func formOf(r *recording.Request) (names []string, values url.Values) {
	values, err := url.ParseQuery(r.Body)
	if err != nil {
		return nil, nil
	}
	for _, pair := range strings.Split(r.Body, "&") {
		name, _, _ := strings.Cut(pair, "=")
		names = append(names, name)
	}
	return names, values
}

// form checks a token request that has exactly these fields, in any order, with
// the grant and, in the body, the client ID.
func (v *view) form(f *findings, r *recording.Request, contentType, grant string, fields ...string) {
	names, values := formOf(r)
	types := headers(r, "Content-Type")
	all := append([]string{"grant_type"}, fields...)
	f.note(r.Method == "POST" && slices.Equal(types, []string{contentType}), "%s: %s, %v", place(r), r.Method, types)
	f.note(slices.Equal(slices.Sorted(slices.Values(names)), slices.Sorted(slices.Values(all))), "%s: the body has %v, not %v", place(r), names, all)
	f.note(values.Get("grant_type") == grant, "%s: the grant is %q", place(r), values.Get("grant_type"))
	if slices.Contains(fields, "client_id") {
		f.note(values.Get("client_id") == v.redactor.Text(v.scenario.Destination.Auth.ClientID), "%s: the client ID is %q", place(r), values.Get("client_id"))
		f.note(len(headers(r, "Authorization")) == 0, "%s has an Authorization header", place(r))
		f.note(r.TokenRequest.Credentials == "body", "%s: the credentials are in %s", place(r), r.TokenRequest.Credentials)
	} else {
		got := headers(r, "Authorization")
		f.note(len(got) == 1 && strings.HasPrefix(got[0], "Basic "), "%s: %d Authorization headers, %v", place(r), len(got), got)
	}
	// The endpoint read the configured credentials, however they were encoded.
	if v.scenario.Endpoint.Token.ClientSecret.Reveal() == v.scenario.Destination.Auth.ClientSecret.Reveal() {
		f.note(r.Authorization == "accepted", "%s: the endpoint read %s credentials", place(r), r.Authorization)
		answered := r.Status == 200 || r.Fault != "" || r.Disconnected || grant == "refresh_token"
		f.note(answered, "%s was answered %d", place(r), r.Status)
	}
}

// eachGrant calls look for every request with the grant of the authentication.
func (v *view) eachGrant(kind, credentials string, look func(*recording.Request)) {
	a := v.scenario.Destination.Auth
	if a.Type != kind || a.Credentials != credentials {
		return
	}
	for _, r := range v.tokenCalls {
		if r.TokenRequest.Grant != "refresh_token" {
			look(r)
		}
	}
}

func (v *view) credentialsInBody(f *findings) {
	v.eachGrant("oauth2-client-credentials", "body-form-encoded", func(r *recording.Request) {
		v.form(f, r, formType, "client_credentials", "client_id", "client_secret")
	})
}

func (v *view) credentialsInHeader(f *findings) {
	a := v.scenario.Destination.Auth
	v.eachGrant("oauth2-client-credentials", "basic-authorization", func(r *recording.Request) {
		v.form(f, r, formType+"; charset=UTF-8", "client_credentials")
		if secret := a.ClientSecret.Reveal(); url.QueryEscape(a.ClientID) != a.ClientID || url.QueryEscape(secret) != secret {
			want := map[bool]string{false: "basic", true: "basic-url-encoded"}[a.URLEncodeBasic]
			f.note(r.Authorization != "accepted" || r.TokenRequest.Credentials == want, "%s: the credentials are %s, not %s", place(r), r.TokenRequest.Credentials, want)
		}
	})
}

func (v *view) passwordGrant(f *findings) {
	v.eachGrant("oauth2-password", "", func(r *recording.Request) {
		v.form(f, r, formType, "password", "username", "password", "client_id", "client_secret")
		_, values := formOf(r)
		f.note(values.Get("username") == v.scenario.Destination.Auth.Username, "%s: the username is %q", place(r), values.Get("username"))
	})
}

// refreshes: the form of a refresh, and that there is one exactly where there is
// a refresh token (R30).
func (v *view) refreshes(f *findings) {
	a := v.scenario.Destination.Auth
	if !a.FetchesTokens() {
		return
	}
	for _, r := range v.tokenCalls {
		switch {
		case r.TokenRequest.Grant != "refresh_token":
		case a.Credentials == "basic-authorization":
			v.form(f, r, formType+"; charset=UTF-8", "refresh_token", "refresh_token")
		default:
			v.form(f, r, formType, "refresh_token", "refresh_token", "client_id", "client_secret")
		}
	}
	have := false
	for n, t := range v.tokens {
		want := strings.ReplaceAll(strings.TrimPrefix(a.Type, "oauth2-"), "-", "_")
		if have {
			want = "refresh_token"
		}
		f.note(t.Grant == want, "token request %d asked for %s, not %s", n+1, t.Grant, want)
		switch {
		case t.Result == "issued" && (t.Grant != "refresh_token" || t.Refresh):
			have = t.Refresh
		case t.Result != "issued" && t.Grant == "refresh_token":
			have = false
		}
	}
}

// tokenRequired: no data call without a token the endpoint issued; one that has
// run out is the sender's fault, one that was revoked only after it was told
// (R28, design §4).
func (v *view) tokenRequired(f *findings) {
	if !v.scenario.Destination.Auth.FetchesTokens() {
		return
	}
	issued := map[int]time.Time{}
	for _, r := range v.tokenCalls {
		if r.Token > 0 {
			issued[r.Token] = r.AnsweredAt
		}
	}
	told := map[int]time.Time{} // when a token was first refused
	for _, r := range v.requests {
		at, known := issued[r.Token]
		f.note(known && !at.After(r.At), "%s carries no token that was issued", place(r))
		f.note(r.Authorization == "accepted" || r.Authorization == "revoked", "%s carries a token that is %s", place(r), r.Authorization)
		if r.Status == 401 && r.Token > 0 && !r.Disconnected && (told[r.Token].IsZero() || r.AnsweredAt.Before(told[r.Token])) {
			told[r.Token] = r.AnsweredAt
		}
	}
	for _, a := range v.attempts {
		if r := v.carried[a]; r != nil && !told[r.Token].IsZero() {
			f.note(!a.At.After(told[r.Token].Add(v.tolerance)), "attempt %d of %s carries a token that was refused before", a.Number, a.Message)
		}
		if a.Outcome == noToken {
			f.note(a.Socket == 0, "attempt %d of %s had no token, and was sent", a.Number, a.Message)
		}
	}
}

// tokenCache: a token is used until it has to be renewed or was refused, and is
// then fetched once, whoever waits (R29).
func (v *view) tokenCache(f *findings) {
	if !v.scenario.Destination.Auth.FetchesTokens() {
		return
	}
	var last *recording.Token // that brought a token
	for n, t := range v.tokens {
		if n > 0 {
			f.note(!t.At.Before(v.tokens[n-1].EndedAt), "token request %d began before the one before had ended", n+1)
		}
		if last != nil && t.At.Add(v.tolerance).Before(usable(last)) {
			f.note(v.refusedBetween(last.EndedAt, t.At), "token request %d came %s before the token had to be renewed", n+1, duration(usable(last).Sub(t.At)))
		}
		if t.Result == "issued" {
			last = t
		}
	}
	issued := slices.DeleteFunc(slices.Clone(v.tokens), func(t *recording.Token) bool { return t.Result != "issued" })
	for _, a := range v.attempts {
		if a.Socket == 0 {
			continue
		}
		n, _ := slices.BinarySearchFunc(issued, a.At.Add(v.tolerance+1), func(t *recording.Token, at time.Time) int { return t.EndedAt.Compare(at) })
		var in *recording.Token
		if n > 0 {
			in = issued[n-1]
		}
		f.note(in != nil && a.At.Before(usable(in).Add(v.tolerance)), "attempt %d of %s was sent with a token that had to be renewed", a.Number, a.Message)
	}
}

// refusedBetween reports whether a data call ended with 401 in the time given.
func (v *view) refusedBetween(from, to time.Time) bool {
	return slices.ContainsFunc(v.attempts, func(a *recording.Attempt) bool {
		return a.Outcome == "401" && !a.EndedAt.Before(from) && !a.EndedAt.After(to.Add(v.tolerance))
	})
}

// tokenCertificates: the token endpoint is shown no client certificate. That one
// is absent proves nothing where none was asked for: a sender presents it only
// on request (R31).
func (v *view) tokenCertificates(f *findings) {
	// The mock asks wherever there is TLS.
	onRequest := v.scenario.Destination.Readings.Of(scenarios.ReadingTokenCertificate) == "on-request" &&
		v.scenario.Endpoint.TLS != "plain" && v.scenario.Destination.ClientCertificate != "none"
	for _, r := range v.tokenCalls {
		if onRequest {
			f.note(r.Peer != nil, "%s came with none", place(r))
		} else if r.Peer != nil {
			f.note(false, "%s came with one", place(r))
		}
	}
	for n, t := range v.tokens {
		if answered := len(t.Outcome) == 3; answered && t.Asked != nil && v.scenario.Endpoint.TLS != "plain" {
			f.note(*t.Asked, "token request %d: the endpoint did not request one, so its absence proves nothing", n+1)
		}
	}
}
