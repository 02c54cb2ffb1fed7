// Package token is an OAuth 2 token endpoint (RFC 6749) for the
// client credentials, password and refresh token grants: what it answers to a
// request, and which of its tokens are good at a time. It has no socket and no
// clock of its own; the mock endpoint serves it.
package token

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/httpdest/httpdest/internal/secret"
	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// Options say what the endpoint accepts and issues.
type Options struct {
	ClientID, ClientSecret string
	Username, Password     string        // "" and "": the password grant is not offered
	ExpiresIn              time.Duration // 0: not said, and tokens are good until revoked
	Refresh                bool          // a refresh token comes with the first access token
	Rotate                 bool          // each refresh gives a new refresh token and ends the old one
	Seed                   uint64        // of the tokens
}

// Issuer issues access tokens and knows which of them are good. It is safe for
// concurrent use.
type Issuer struct {
	options Options

	mu        sync.Mutex
	issued    int
	requests  int
	underWay  int // requests being answered
	most      int // of underWay
	access    map[string]*access
	refreshes map[string]bool // the refresh tokens that are good
	recent    []string        // of issued tokens, the random part

	redactor atomic.Pointer[secret.Redactor] // of issued tokens, replaced when there is another
}

// access is one access token.
type access struct {
	number  int // in order of issue, from 1
	expires time.Time
	revoked bool
}

// New returns an Issuer that has issued nothing.
func New(o Options) *Issuer {
	i := &Issuer{options: o, access: map[string]*access{}, refreshes: map[string]bool{}}
	i.redactor.Store(&secret.Redactor{Shape: form})
	return i
}

// Counts are what the endpoint was asked for so far. A herd of senders that all
// want a token at once shows in MostAtOnce.
type Counts struct {
	Requests   int // read
	MostAtOnce int // of them, under way at one moment
	Issued     int // access tokens
}

// Counts counts the token requests so far.
func (i *Issuer) Counts() Counts {
	i.mu.Lock()
	defer i.mu.Unlock()
	return Counts{Requests: i.requests, MostAtOnce: i.most, Issued: i.issued}
}

// Requests is how many token requests were read so far.
func (i *Issuer) Requests() int { return i.Counts().Requests }

// Answering counts a request as under way until done is called.
func (i *Issuer) Answering() (done func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.underWay++
	i.most = max(i.most, i.underWay)
	return func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.underWay--
	}
}

// Revoke ends every token issued so far, refresh tokens included.
func (i *Issuer) Revoke() {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, a := range i.access {
		a.revoked = true
	}
	clear(i.refreshes)
}

// Check holds the Authorization headers of a data call against the tokens
// issued. number is that of the token it carried, 0 for any other.
func (i *Issuer) Check(authorization []string, now time.Time) (result journal.Authorization, number int) {
	if len(authorization) == 0 {
		return journal.Missing, 0
	}
	scheme, value, _ := strings.Cut(authorization[0], " ")
	i.mu.Lock()
	defer i.mu.Unlock()
	a := i.access[value]
	switch {
	case len(authorization) > 1 || !strings.EqualFold(scheme, "Bearer") || a == nil:
		return journal.Wrong, 0
	case a.revoked:
		return journal.Revoked, a.number
	case !a.expires.IsZero() && !now.Before(a.expires):
		return journal.Expired, a.number
	}
	return journal.Accepted, a.number
}

// Answer is an answer of the token endpoint.
type Answer struct {
	Status  int
	Headers map[string]string
	Body    []byte
	Issued  int // number of the access token in it, 0 for none
}

// Answer answers a request at a time: with a token, or with the error that RFC
// 6749 §5.2 has for what is wrong with it.
func (i *Issuer) Answer(r Request, now time.Time) Answer {
	if r.problem != "" {
		return r.refuse()
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	renewal := ""
	switch o := i.options; r.Grant {
	case "client_credentials":
	case "password":
		if o.Username == "" || !same(r.form.Get("username"), o.Username) || !same(r.form.Get("password"), o.Password) {
			r.problem = "invalid_grant"
			return r.refuse()
		}
	case "refresh_token":
		renewal = r.form.Get("refresh_token")
		if !i.refreshes[renewal] {
			r.problem = "invalid_grant"
			return r.refuse()
		}
	default:
		r.problem = "unsupported_grant_type"
		return r.refuse()
	}
	lifetime := i.options.ExpiresIn
	if r.ExpiresIn != nil {
		lifetime = *r.ExpiresIn
	}
	return i.issue(renewal, lifetime, now)
}

// issue makes the next access token; renewal is the refresh token it was asked
// for with, "" for another grant. The caller holds the lock.
func (i *Issuer) issue(renewal string, lifetime time.Duration, now time.Time) Answer {
	i.issued++
	a := &access{number: i.issued}
	body := map[string]any{"access_token": i.made("access"), "token_type": "Bearer"}
	if lifetime > 0 {
		a.expires = now.Add(lifetime)
		body["expires_in"] = math.Ceil(lifetime.Seconds())
	}
	i.access[body["access_token"].(string)] = a
	if i.options.Refresh && (renewal == "" || i.options.Rotate) {
		delete(i.refreshes, renewal)
		refresh := i.made("refresh")
		i.refreshes[refresh] = true
		body["refresh_token"] = refresh
	}
	return Answer{Status: http.StatusOK, Body: marshal(body), Issued: a.number, Headers: map[string]string{"Cache-Control": "no-store", "Pragma": "no-cache"}}
}

// make is a token as random as its seed is secret: the same run has the same.
func (i *Issuer) make(kind string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\x00%s\x00%d", i.options.Seed, kind, i.issued))
	return fmt.Sprintf("%s-%x", kind, sum[:16])
}

// made is a new token, which is secret from now on.
func (i *Issuer) made(kind string) string {
	token := i.make(kind)
	i.learn(kind, token)
	return token
}

// form is what every token issued here looks like.
var form = regexp.MustCompile(`(access|refresh)-[0-9a-f]{32}`)

func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic("token: an answer that is not JSON: " + err.Error())
	}
	return b
}
