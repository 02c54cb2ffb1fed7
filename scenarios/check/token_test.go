package check

import (
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// fetch gets a token when no token is valid for long: the wire form is
// that of the documented samples, written by hand.
func (p *editedRecording) fetch(at time.Time) {
	if at.Before(p.tokenUntil) {
		return
	}
	p.tokens++
	p.tokenUntil = at.Add(time.Hour - 30*time.Second)
	a := p.sc.Destination.Auth
	grant := map[string]string{"oauth2-password": "password", "oauth2-client-credentials": "client_credentials"}[a.Type]
	r := recording.Request{At: at, AnsweredAt: at, Socket: 1000 + p.tokens, Number: 1, Method: "POST", Target: "/token", Proto: "HTTP/1.1",
		Status: 200, Authorization: "accepted", Token: p.tokens, TokenRequest: &recording.TokenRequest{Grant: grant, Credentials: "body"},
		Headers: []recording.Header{{Name: "Content-Type", Value: "application/x-www-form-urlencoded"}}}
	refresh := p.sc.Endpoint.Token.Refresh
	if refresh && p.tokens > 1 {
		grant, r.TokenRequest.Grant = "refresh_token", "refresh_token"
	}
	fields := []string{"grant_type=" + grant}
	switch grant {
	case "password":
		fields = append(fields, "username=emmett%20brown", "password=[redacted]")
	case "refresh_token":
		fields = append(fields, "refresh_token=[redacted]")
	}
	if a.Credentials == "basic-authorization" {
		r.Headers = []recording.Header{{Name: "Content-Type", Value: "application/x-www-form-urlencoded; charset=UTF-8"}, {Name: "Authorization", Value: "Basic [redacted]"}}
		r.TokenRequest.Credentials = "basic"
	} else {
		fields = append(fields, "client_id=hill%20valley", "client_secret=[redacted]")
	}
	r.Body = strings.Join(fields, "&")
	p.add(recording.Line{Request: &r})
	p.add(recording.Line{Token: &recording.Token{At: at, EndedAt: at, Grant: grant, Result: "issued", Outcome: "200", ExpiresIn: 3600, Refresh: refresh, Waiting: 1, Asked: new(true)}})
}

func oauth(kind, credentials string) func(*scenarios.Scenario) {
	return func(s *scenarios.Scenario) {
		s.Destination.Auth = scenarios.Auth{Type: kind, Credentials: credentials, TokenURL: "mock", ClientID: "hill valley", ClientSecret: "flux+capacitor"}
		if kind == "oauth2-password" {
			s.Destination.Auth.Username, s.Destination.Auth.Password = "emmett brown", "great scott"
		}
		s.Endpoint.Bearer, s.Endpoint.Token = "", scenarios.TokenEndpoint{ExpiresIn: time.Hour, ClientSecret: "flux+capacitor"}
	}
}

var (
	inBody   = oauth("oauth2-client-credentials", "body-form-encoded")
	inHeader = oauth("oauth2-client-credentials", "basic-authorization")
	password = oauth("oauth2-password", "")
)

func refreshing(s *scenarios.Scenario) {
	inBody(s)
	s.Endpoint.Token.Refresh = true
}

// tokenCall is the nth request to the token endpoint, tokenLine the sender's
// own line about it.
func (p *editedRecording) tokenCall(n int) *recording.Request { return p.lines[p.tokenAt(n)-1].Request }
func (p *editedRecording) tokenLine(n int) *recording.Token   { return p.lines[p.tokenAt(n)].Token }

func (p *editedRecording) tokenAt(n int) int {
	for i, l := range p.lines {
		if l.Token == nil {
			continue
		}
		if n--; n == 0 {
			return i
		}
	}
	panic("the recording has no such token request")
}

// call breaks the first token request.
func call(change func(*recording.Request)) func(*editedRecording) {
	return func(p *editedRecording) { change(p.tokenCall(1)) }
}

func instead(old, with string) func(*recording.Request) {
	return func(r *recording.Request) { r.Body = strings.Replace(r.Body, old, with, 1) }
}

var tokensBroken = []broken{
	{"cc-body", "no form", inBody, call(func(r *recording.Request) { r.Headers[0].Value = "application/json" })},
	{"cc-body", "a GET", inBody, call(func(r *recording.Request) { r.Method = "GET" })},
	{"cc-body", "a scope", inBody, call(func(r *recording.Request) { r.Body += "&scope=all" })},
	{"cc-body", "a field twice", inBody, call(func(r *recording.Request) { r.Body += "&client_id=hill%20valley" })},
	{"cc-body", "no grant", inBody, call(instead("grant_type=client_credentials&", ""))},
	{"cc-body", "another client", inBody, call(instead("hill%20valley", "courthouse"))},
	{"cc-body", "in the header as well", inBody, call(func(r *recording.Request) {
		r.Headers = append(r.Headers, recording.Header{Name: "Authorization", Value: "Basic [redacted]"})
	})},
	{"cc-body", "a secret that arrives mangled", inBody, call(func(r *recording.Request) { r.Authorization = "wrong" })},
	{"cc-basic", "no charset", inHeader, call(func(r *recording.Request) { r.Headers[0].Value = formType })},
	{"cc-basic", "credentials in the body as well", inHeader, call(func(r *recording.Request) { r.Body += "&client_id=hill%20valley&client_secret=[redacted]" })},
	{"cc-basic", "no credentials", inHeader, call(func(r *recording.Request) { r.Headers = r.Headers[:1] })},
	{"cc-basic", "encoded before it is joined", inHeader, call(func(r *recording.Request) { r.TokenRequest.Credentials = "basic-url-encoded" })},
	{"password-grant", "no password", password, call(instead("&password=[redacted]", ""))},
	{"password-grant", "another user", password, call(instead("emmett%20brown", "doc"))},
	{"password-grant", "refused for its form", password, call(func(r *recording.Request) { r.Status = 400 })},
	{"token-required", "no token", inBody, request(func(r *recording.Request) { r.Token, r.Authorization = 0, "missing" })},
	{"token-required", "a token that has run out", inBody, request(func(r *recording.Request) { r.Authorization = "expired" })},
	{"token-required", "a token not issued yet", inBody, func(p *editedRecording) { p.request("doc#1", 1).Token = 3 }},
	{"token-required", "the token that was refused, again", inBody, func(p *editedRecording) {
		p.attempt("marty#1", 1).Outcome, p.request("marty#1", 1).Status = "401", 401
	}},
	{"token-cache", "two at once", inBody, func(p *editedRecording) {
		t := *p.tokenLine(1)
		t.EndedAt = p.tokenLine(2).At.Add(time.Minute)
		p.lines[p.tokenAt(1)].Token = &t
		p.shift("marty#1", 1, 0)
	}},
	{"token-cache", "one more than needed", inBody, func(p *editedRecording) {
		t := *p.tokenLine(1)
		t.At, t.EndedAt = t.At.Add(time.Minute), t.EndedAt.Add(time.Minute)
		p.lines = slices.Insert(p.lines, p.tokenAt(2), recording.Line{Token: &t})
	}},
	{"token-cache", "used to the end", inBody, func(p *editedRecording) { p.tokenLine(1).ExpiresIn = 10 }},
	{"refresh-optional", "the grant again", refreshing, func(p *editedRecording) {
		p.tokenLine(2).Grant = "client_credentials"
	}},
	{"refresh-optional", "a refresh without a refresh token", inBody, func(p *editedRecording) { p.tokenLine(2).Grant = "refresh_token" }},
	{"refresh-optional", "no refresh token sent", refreshing, func(p *editedRecording) { instead("&refresh_token=[redacted]", "")(p.tokenCall(2)) }},
	{"token-no-clientcert", "a certificate", inBody, call(func(r *recording.Request) { r.Peer = &recording.Peer{CommonName: "client"} })},
	{"token-no-clientcert", "a token endpoint that does not ask", inBody, func(p *editedRecording) { p.tokenLine(1).Asked = new(false) }},
	{"secrets-redacted", "the secret in a form", inBody, call(instead("[redacted]", "flux%2Bcapacitor"))},
	{"secrets-redacted", "the password as it is", password, func(p *editedRecording) { p.tokenLine(1).Reason = "great scott" }},
	{"secrets-redacted", "the credentials in base64", inHeader, call(func(r *recording.Request) {
		r.Target = "/token?x=aGlsbCB2YWxsZXk6Zmx1eCtjYXBhY2l0b3I="
	})},
	{"secrets-redacted", "an access token", inBody, func(p *editedRecording) { p.tokenLine(1).Reason = "access-0123456789abcdef0123456789abcdef" }},
	{"secrets-redacted", "a bearer token in full", nil, request(func(r *recording.Request) { r.Headers[4].Value = "Bearer s3cret" })},
	{"secrets-redacted", "a token nobody knows", inBody, func(p *editedRecording) { p.attempt("griff#1", 1).Headers[4].Value = "Bearer forty-two" }},
}
