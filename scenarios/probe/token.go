package probe

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/retry"
)

// token is the access token that data calls carry.
type token struct {
	mu      sync.Mutex
	access  dataflow.Secret
	fetched time.Time
	life    time.Duration // 0: not said
	refresh dataflow.Secret
	taken   bool // a data call with it was accepted
	early   bool // it is said that a token ended before its time
}

// use takes a token for the next data calls.
func (k *token) use(i *engine.Issued) {
	k.access, k.fetched, k.life = i.Access, time.Now(), i.ExpiresIn
	if i.Refresh != "" {
		k.refresh = i.Refresh
	}
}

// advisedLife is the least life of an access token that the documentation
// advises (R107).
const advisedLife = 24 * time.Hour

// longestWait is the longest life of a token whose end is waited for.
const longestWait = 90 * time.Second

// grant is the one that the authentication asks with.
func (p *Prober) grant() engine.Grant {
	if p.config.Destination.Auth.Kind == dataflow.AuthPassword {
		return engine.Password
	}
	return engine.ClientCredentials
}

// fetches reports whether there is a token endpoint.
func (p *Prober) fetches() bool { return p.config.Destination.Auth.FetchesTokens() }

// request asks the token endpoint by a sender. No client certificate is shown to
// it (R31).
func (t *caseRun) request(ctx context.Context, l *configuredSender) (answer, bool) {
	if t.stopped(t.budget.take(ctx, 1)) {
		return answer{}, false
	}
	a := l.perform(ctx, engine.Operation{Kind: engine.Token, Grant: t.grant()})
	t.redact.learn(a)
	if a.Issued == nil && a.Outcome.Reason == otherType {
		a.Issued = lenient(a.Body)
	}
	return a, ctx.Err() == nil
}

// otherType is the reason of an answer whose token_type is not Bearer.
const otherType = "of-another-type"

// lenient reads a token whatever its type: the documentation requires 200 and a
// token, and no type.
func lenient(body []byte) *engine.Issued {
	var fields struct {
		Access  string  `json:"access_token"`
		Expires float64 `json:"expires_in"`
		Refresh string  `json:"refresh_token"`
	}
	if json.Unmarshal(body, &fields) != nil && fields.Access == "" || fields.Access == "" {
		return nil
	}
	return &engine.Issued{Access: dataflow.Secret(fields.Access), Refresh: dataflow.Secret(fields.Refresh), ExpiresIn: time.Duration(fields.Expires * float64(time.Second))}
}

// access is the token of the moment, renewed a while before it ends (R29, A69).
func (t *caseRun) access(ctx context.Context) (dataflow.Secret, error) {
	if !t.fetches() {
		return "", nil
	}
	k := &t.token
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.access != "" && (k.life == 0 || time.Since(k.fetched) < k.life-min(30*time.Second, k.life/10)) {
		return k.access, nil
	}
	a, ok := t.request(ctx, t.main)
	if !ok {
		return "", ctx.Err()
	}
	if a.Issued == nil {
		t.fail("rcv-token", "no token for a data call", "an access_token", &a)
		return "", fmt.Errorf("no token")
	}
	k.use(a.Issued)
	return k.access, nil
}

// noTokens is why cases about tokens are not tried.
func noTokens(p *Prober) string {
	if !p.fetches() {
		return "the destination fetches no tokens"
	}
	return ""
}

// tokens are the cases about the token endpoint.
func (p *Prober) tokens() []probeCase {
	return []probeCase{
		{id: "token/issued", title: "The token endpoint answers the documented request with a token", rules: []string{"rcv-token"}, requests: 1, unless: noTokens, run: issued},
		{id: "token/wrong-secret", title: "The token endpoint refuses a wrong secret", rules: []string{"rcv-auth"}, requests: 1, unless: noTokens, run: wrongSecret},
	}
}

func issued(ctx context.Context, t *caseRun) {
	a, ok := t.request(ctx, t.main)
	if !ok {
		return
	}
	const want = "200 with JSON that has an access_token, within 10 s"
	if a.Issued == nil {
		t.fail("rcv-token", "no token: "+tokenProblem(a), want, &a)
		t.refused = fmt.Errorf("the token endpoint issues no token: fix that first")
		return
	}
	t.pass("rcv-token", "issued a token", a.says())
	if a.Outcome.Reason == otherType {
		t.advise("rcv-token", "the token_type is not Bearer", "", "answer \"token_type\": \"Bearer\": a sender that follows RFC 6749 does not use a token of a type that it does not know", &a)
	}
	t.token.use(a.Issued)
	switch life := a.Issued.ExpiresIn; {
	case life == 0:
		t.advise("rcv-token", "the token endpoint does not return the lifetime of the token", "no expires_in", "return expires_in: without it the sender assumes an hour", nil)
	case life < advisedLife:
		t.advise("rcv-token", "tokens live for less than the advised 24 hours", "expires_in: "+life.String(), "let tokens live for 24 hours or more: each renewal is one more thing that can fail", nil)
	}
}

// refreshed asks for a token with the refresh token, where one was issued, and sends
// a message with it, as the sender does when a token ends. It comes late: the end of
// the token before may come with it.
func refreshed(ctx context.Context, t *caseRun) {
	if t.token.refresh == "" {
		t.skipped("no refresh token was issued")
		return
	}
	if t.stopped(t.budget.take(ctx, 1)) {
		return
	}
	a := t.main.perform(ctx, engine.Operation{Kind: engine.Token, Grant: engine.Refresh, Token: t.token.refresh})
	t.redact.learn(a)
	switch {
	case ctx.Err() != nil:
	case a.Issued != nil:
		t.pass("rcv-token", "a refresh token is accepted", a.says())
		t.letsIn(ctx, a.Issued)
	default:
		t.advise("rcv-token", "the refresh token that was just issued is refused", a.says(), "accept it, or issue none: each renewal takes two requests now", &a)
	}
}

// letsIn sends a message with a token that a refresh token was exchanged for.
func (t *caseRun) letsIn(ctx context.Context, i *engine.Issued) {
	a, ok := t.sendWith(ctx, t.main, i.Access, "plain", t.timed())
	switch {
	case !ok:
		return
	case a.ok():
		t.pass("rcv-token", "a token from the refresh token is accepted", a.says())
		t.token.use(i)
		return
	}
	t.token.access = "" // the next message fetches another
	other, ok := t.send(ctx, t.main, "plain", t.timed())
	switch {
	case !ok:
	case other.ok():
		k := t.refusal("rcv-token", "a token from the refresh token is refused, and one from the grant is accepted", "2xx with each token that is issued", a)
		k.Class, k.Fix = string(credentials), "let data calls accept the tokens that refresh tokens are exchanged for: every export fails once each time a token ends"
		t.check(k, &a)
	default:
		t.unclear("rcv-token", "a token from the refresh token was not accepted, and neither was one from the grant: "+other.says(), "look at the receiver's log for the time of the request")
	}
}

// renewed sends a message again with a new token, where one that should still be
// good is refused. It says so once; what follows is judged with the new one.
func (t *caseRun) renewed(ctx context.Context, l *configuredSender, message string, body []byte, refused answer) (answer, bool) {
	k := &t.token
	k.mu.Lock()
	age := time.Since(k.fetched)
	still := k.taken && (k.life == 0 || age < k.life)
	k.access = ""
	k.mu.Unlock()
	if !still {
		return refused, true
	}
	access, err := t.access(ctx)
	if err != nil {
		return refused, ctx.Err() == nil
	}
	a, ok := t.sendWith(ctx, l, access, message, body)
	if ok && a.ok() && !k.early {
		k.early = true
		c := t.refusal("rcv-token", "a token is refused "+ms(age)+" after it was issued, and a new one is accepted", "2xx: a token is good until expires_in", refused)
		c.Class, c.Fix = string(credentials), "return the true lifetime in expires_in, and let every replica accept the tokens of all replicas"
		t.check(c, &refused)
	}
	return a, ok
}

// tokenProblem says what is wrong with an answer of the token endpoint.
func tokenProblem(a answer) string {
	switch a.Outcome.Reason {
	case "not-json":
		return "the answer is not JSON"
	case "missing":
		return "the answer has no access_token"
	case "malformed":
		return "the access_token cannot stand in a header"
	}
	return a.says()
}

func wrongSecret(ctx context.Context, t *caseRun) {
	d := t.config.Destination
	d.Auth.ClientSecret = wrongCredential
	a, ok := t.request(ctx, t.senderFor(d, nil))
	switch {
	case !ok:
	case a.Issued != nil:
		t.fail("rcv-auth", "a token for a wrong client secret", "400 or 401, and no token", &a)
	case a.Outcome.Kind != retry.Answered:
		t.unclear("rcv-auth", "a wrong client secret was not answered: "+a.says(), "answer it with 401")
	default:
		t.pass("rcv-auth", "no token for a wrong client secret", a.says())
	}
}
