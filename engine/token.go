package engine

import (
	"time"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/retry"
)

// TokenBudget is what getting an access token may take, the second request
// after a refused refresh included (A71: the two seconds are those of the data
// endpoint).
const TokenBudget = 10 * time.Second

// DefaultLifetime is that of a token whose answer does not say (A69).
const DefaultLifetime = time.Hour

// renewalLead is how long before its expiry a token is renewed, at most a tenth
// of its lifetime (A69).
const renewalLead = 30 * time.Second

// Grant is the OAuth 2 grant of a token request, in its word on the wire.
type Grant string

// NoGrant needs no access token; the others are those of the documented
// authentications, and Refresh renews what either of them gave.
const (
	NoGrant           Grant = ""
	ClientCredentials Grant = "client_credentials"
	Password          Grant = "password"
	Refresh           Grant = "refresh_token"
)

// Issued is what a token endpoint answered.
type Issued struct {
	Access    dataflow.Secret // not empty
	Refresh   dataflow.Secret // "": none came
	ExpiresIn time.Duration   // 0: it did not say
}

// Fetched is a finished token request.
type Fetched struct {
	Started   time.Time
	Grant     Grant
	Outcome   retry.Outcome
	Reason    string // why no token came of it, low cardinality; "" when one did
	ExpiresIn time.Duration
	Refresh   bool // a refresh token came
	Waiting   int  // attempts that wait for it
	Asked     bool // the token endpoint asked for a client certificate
}

// tokenState is the access token of one dispatcher, a gate: known, being fetched,
// or neither.
type tokenState struct {
	waitingRoom
	own     Grant           // of the destination; NoGrant: attempts need no token
	access  dataflow.Secret // "": none
	until   time.Time       // when it is not used any more
	refresh dataflow.Secret // "": none

	running OperationID // 0: none
	grant   Grant       // of the request under way
	began   time.Time   // the first request of this flight
	asked   time.Time   // the request under way
}

// attempted discards the token that a data call was refused with, unless another
// has taken its place meanwhile (design §4).
func (t *tokenState) attempted(used dataflow.Secret, o retry.Outcome) {
	if o.Kind == retry.Answered && o.Status == 401 && used == t.access {
		t.access = ""
	}
}

// pass has the attempt carry the token.
func (t *tokenState) pass(now time.Time, op Operation) (_ Operation, ok bool) {
	op.Token, ok = t.accessToken(now)
	return op, ok
}

// accessToken is what an attempt starting now carries; known is false when a
// token must be fetched first.
func (t *tokenState) accessToken(now time.Time) (token dataflow.Secret, known bool) {
	if t.own == NoGrant {
		return "", true
	}
	return t.access, t.access != "" && now.Before(t.until)
}

// ask asks for a token: with the refresh token where there is one.
func (t *tokenState) ask(d *Dispatcher, now time.Time) (op Operation, asks bool) {
	if t.running != 0 {
		return op, false
	}
	t.began = now
	grant := t.own
	if t.refresh != "" {
		grant = Refresh
	}
	return t.request(d, now, grant), true
}

// owns reports whether it is the token request under way.
func (t *tokenState) owns(request OperationID) bool { return t.running != 0 && t.running == request }

func (t *tokenState) request(d *Dispatcher, now time.Time, grant Grant) Operation {
	op := Operation{ID: d.nextID(), Kind: Token, Grant: grant, Budget: TokenBudget - now.Sub(t.began)}
	if grant == Refresh {
		op.Token = t.refresh
	}
	t.running, t.grant, t.asked = op.ID, grant, now
	return op
}

// completed takes the end of a token request. A refresh that failed is followed by
// the grant itself, within the same budget; without a token the attempts that wait
// have failed.
func (t *tokenState) completed(d *Dispatcher, now time.Time, c Completion, e *Effects) {
	reason := noToken(c)
	f := &Fetched{Started: t.asked, Grant: t.grant, Outcome: c.Outcome, Waiting: len(t.waiting), Asked: c.Asked}
	e.Fetched = f
	t.running = 0
	if reason == "" {
		f.ExpiresIn, f.Refresh = c.Issued.ExpiresIn, c.Issued.Refresh != ""
		if until := usableUntil(t.asked, c.Issued.ExpiresIn); until.After(now) {
			t.keep(c.Issued, until)
			return
		}
		// Fetching again would only go round in circles.
		reason = "token-expired"
	}
	f.Reason = reason
	if t.grant == Refresh {
		t.refresh = "" // used up or refused: either way not to be tried again
		if now.Sub(t.began) < TokenBudget {
			e.Send = append(e.Send, t.request(d, now, t.own))
			return
		}
	}
	d.fail(now, &t.waitingRoom, retry.Outcome{Kind: retry.NoToken, Reason: reason}, e)
}

// keep takes a token over. A refresh without a new refresh token leaves the old
// one in force (RFC 6749 §6).
func (t *tokenState) keep(i *Issued, until time.Time) {
	t.access, t.until = i.Access, until
	if i.Refresh != "" || t.grant != Refresh {
		t.refresh = i.Refresh
	}
}

// usableUntil is when a token is renewed. Its lifetime is counted from when it
// was asked for: the endpoint may have issued it at once.
func usableUntil(asked time.Time, lifetime time.Duration) time.Time {
	if lifetime == 0 {
		lifetime = DefaultLifetime
	}
	return asked.Add(lifetime - min(renewalLead, lifetime/10))
}

// noToken is the reason why a token request returned no token; "" when it did.
// Only 200 with a token is a success (Destination SDK, OAuth 2 authorization).
func noToken(c Completion) string {
	switch o := c.Outcome; {
	case o.Kind == retry.Answered && o.Status == 200 && c.Issued != nil:
		return ""
	case o.Kind == retry.Answered && o.Status == 200:
		return "token-" + o.Reason
	case o.Kind == retry.Answered:
		return "token-refused"
	case o.Kind == retry.Timeout, o.Kind == retry.TLS, o.Kind == retry.TooLarge:
		return "token-" + string(o.Kind)
	}
	return "token-unreachable"
}
