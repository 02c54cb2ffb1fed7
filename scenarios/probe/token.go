package probe

import (
	"context"
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

// fetches says whether there is a token endpoint.
func (p *Prober) fetches() bool { return p.config.Destination.Auth.FetchesTokens() }

// request asks the token endpoint by a lane. No client certificate is shown to
// it (R31).
func (t *round) request(ctx context.Context, l *lane) (answer, bool) {
	if t.stopped(t.budget.take(ctx, 1)) {
		return answer{}, false
	}
	a := l.perform(ctx, engine.Operation{Kind: engine.Token, Grant: t.grant()})
	t.redact.learn(a)
	return a, ctx.Err() == nil
}

// access is the token of the moment, renewed a while before it ends (R29, A69).
func (t *round) access(ctx context.Context) (dataflow.Secret, error) {
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
	k.access, k.fetched, k.life = dataflow.Secret(a.Issued.Access), time.Now(), a.Issued.ExpiresIn
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
func (p *Prober) tokens() []trial {
	return []trial{
		{id: "token/issued", title: "The token endpoint answers the documented request with a token", rules: []string{"rcv-token"}, requests: 1, unless: noTokens, run: issued},
		{id: "token/wrong-secret", title: "The token endpoint refuses a wrong secret", rules: []string{"rcv-auth"}, requests: 1, unless: noTokens, run: wrongSecret},
	}
}

func issued(ctx context.Context, t *round) {
	a, ok := t.request(ctx, t.main)
	if !ok {
		return
	}
	const want = "200 with JSON that has an access_token, within 10 s"
	if a.Issued == nil {
		t.fail("rcv-token", "no token: "+tokenProblem(a), want, &a)
		t.refused = fmt.Errorf("the token endpoint issues no token: mend that first")
		return
	}
	t.pass("rcv-token", "issued a token", a.says())
	t.token.access, t.token.fetched, t.token.life = dataflow.Secret(a.Issued.Access), time.Now(), a.Issued.ExpiresIn
	switch life := a.Issued.ExpiresIn; {
	case life == 0:
		t.advise("rcv-token", "the token endpoint does not say how long a token lives", "no expires_in", "say expires_in; the sender takes an hour for granted", nil)
	case life < advisedLife:
		t.advise("rcv-token", "tokens live for less than the advised 24 hours", "expires_in: "+life.String(), "let tokens live for 24 hours or more: each renewal is one more thing that can fail", nil)
	}
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
	case "of-another-type":
		return "the token_type is not Bearer"
	}
	return a.says()
}

func wrongSecret(ctx context.Context, t *round) {
	d := t.config.Destination
	d.Auth.ClientSecret = wrongCredential
	a, ok := t.request(ctx, t.lane(d, nil))
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
