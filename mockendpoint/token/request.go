package token

import (
	"crypto/subtle"
	"encoding/base64"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/httpdest/httpdest/internal/secret"

	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// Request is a token request as it was read.
type Request struct {
	Grant string // "" when it names none
	// Credentials is where the client credentials stand: "body", "basic" (as
	// they are), "basic-url-encoded" (each form-encoded first, RFC 6749
	// §2.3.1), "both", or "none".
	Credentials   string
	Authorization journal.Authorization // of the client
	// ExpiresIn is the lifetime of a token issued to this request, instead of
	// Options.ExpiresIn; nil: as the options have it.
	ExpiresIn *time.Duration

	form    url.Values
	problem string // error code of RFC 6749 §5.2; "" when the client is known
	method  string
}

// Read reads a token request and checks its form and its client, before
// anything is issued.
func (i *Issuer) Read(r *http.Request, body []byte) Request {
	i.mu.Lock()
	i.requests++
	i.mu.Unlock()
	out := Request{method: r.Method, Credentials: "none", Authorization: journal.Missing}
	values, wellFormed := parseForm(r, body)
	out.form, out.Grant = values, values.Get("grant_type")
	authorization := r.Header.Values("Authorization")
	inBody := values.Has("client_id") || values.Has("client_secret")
	switch {
	case len(authorization) > 0 && inBody:
		out.Credentials = "both"
	case len(authorization) > 0:
		out.Credentials, out.Authorization = i.basic(authorization)
	case inBody:
		out.Credentials, out.Authorization = "body", i.client(values.Get("client_id"), values.Get("client_secret"))
	}
	switch {
	case r.Method != http.MethodPost, !wellFormed, out.Credentials == "both", out.Grant == "":
		out.problem = "invalid_request"
	case out.Authorization != journal.Accepted:
		out.problem = "invalid_client"
	}
	return out
}

// parseForm reads the body as a form; a repeated parameter makes it invalid
// (§3.2).
func parseForm(r *http.Request, body []byte) (url.Values, bool) {
	media, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset, given := parameters["charset"]; err != nil || media != "application/x-www-form-urlencoded" || given && !strings.EqualFold(charset, "utf-8") {
		return nil, false
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, false
	}
	for _, all := range values {
		if len(all) > 1 {
			return values, false
		}
	}
	return values, true
}

// basic checks Basic credentials as they are, and each form-decoded: clients
// do both (A67).
func (i *Issuer) basic(authorization []string) (string, journal.Authorization) {
	scheme, encoded, _ := strings.Cut(authorization[0], " ")
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	id, secret, colon := strings.Cut(string(decoded), ":")
	if len(authorization) > 1 || !strings.EqualFold(scheme, "Basic") || err != nil || !colon {
		return "basic", journal.Wrong
	}
	if i.client(id, secret) == journal.Accepted {
		return "basic", journal.Accepted
	}
	plainID, err := url.QueryUnescape(id)
	plainSecret, err2 := url.QueryUnescape(secret)
	if err == nil && err2 == nil && i.client(plainID, plainSecret) == journal.Accepted {
		return "basic-url-encoded", journal.Accepted
	}
	return "basic", journal.Wrong
}

func (i *Issuer) client(id, secret string) journal.Authorization {
	// Both are always compared: the time taken must not reveal which differs.
	sameID, sameSecret := same(id, i.options.ClientID), same(secret, i.options.ClientSecret)
	if sameID && sameSecret {
		return journal.Accepted
	}
	return journal.Wrong
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// refuse is the error answer of RFC 6749 §5.2.
func (r Request) refuse() Answer {
	a := Answer{Status: http.StatusBadRequest, Body: marshal(map[string]string{"error": r.problem}),
		Headers: map[string]string{"Cache-Control": "no-store", "Pragma": "no-cache"}}
	switch {
	case r.method != http.MethodPost:
		a.Status = http.StatusMethodNotAllowed
		a.Headers["Allow"] = http.MethodPost
	case r.problem == "invalid_client":
		// Every 401 names a scheme (RFC 9110, 15.5.2), also where the credentials came in
		// the body: Basic is the one that RFC 6749, 2.3.1 demands of the endpoint.
		a.Status = http.StatusUnauthorized
		a.Headers["WWW-Authenticate"] = `Basic realm="token"`
	}
	return a
}

// Secrets are the credentials that the endpoint wants.
func (i *Issuer) Secrets() []string { return []string{i.options.ClientSecret, i.options.Password} }

// newest is how many issued tokens are searched in every spelling.
const newest = 64

// learn makes an issued token secret in every spelling, in place of the oldest where
// there are many. The mutex is held. Of a token the part that is its own is searched:
// its beginning may be a word of the data.
func (i *Issuer) learn(kind, token string) {
	i.recent = append(i.recent, token[len(kind)+1:])
	i.recent = i.recent[max(0, len(i.recent)-newest):]
	r := secret.NewRedactor(i.recent...)
	r.Shape = form
	i.redactor.Store(r)
}

// Hide is a text without the tokens that were issued: the newest in every spelling,
// and all others unless they are in base64 or cut off.
func (i *Issuer) Hide(text string) string { return i.redactor.Load().Text(text) }
