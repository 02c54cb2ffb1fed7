package probe

import (
	"context"
	"time"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/retry"
)

// wrongCredential is one that nobody has.
const wrongCredential dataflow.Secret = "httpdest-probe-wrong-credential"

// noCredentials is why cases about credentials are not tried.
func noCredentials(p *Prober) string {
	if p.config.Destination.Auth.Kind == dataflow.AuthNone {
		return "the destination has no authentication"
	}
	return ""
}

// noExpired is why an expired token is not shown.
func noExpired(p *Prober) string {
	switch why := noCredentials(p); {
	case why != "":
		return why
	case p.config.Expired != "":
		return ""
	case p.token.life > 0 && p.token.life <= longestWait:
		return ""
	}
	return "no expired token is known: set expiredToken"
}

// credentials are the cases about accepted clients. They come late: some
// receivers block a client that sent wrong credentials.
func (p *Prober) credentials() []probeCase {
	rules := []string{"rcv-auth"}
	return []probeCase{
		{id: "token/refresh", title: "The receiver accepts its refresh token, and the token that it is exchanged for", rules: []string{"rcv-token"}, requests: 3, unless: noTokens, run: refreshed},
		{id: "auth/missing", title: "A message without credentials is refused", rules: rules, requests: 1, unless: noCredentials, run: func(ctx context.Context, t *caseRun) {
			d := t.config.Destination
			d.Auth = dataflow.Auth{Kind: dataflow.AuthNone}
			t.turnedAway(ctx, "without credentials", d, "")
		}},
		{id: "auth/wrong", title: "A message with wrong credentials is refused", rules: rules, requests: 1, unless: noCredentials, run: func(ctx context.Context, t *caseRun) {
			t.turnedAway(ctx, "with wrong credentials", t.with(wrongCredential), wrongCredential)
		}},
		{id: "auth/key-missing", title: "A message without its key is refused", rules: rules, requests: 1 + following, unless: noKey, run: keyless},
		{id: "auth/key-wrong", title: "A message with a wrong key is refused", rules: rules, requests: 1 + following, unless: noKey, run: keyed},
		{id: "auth/expired", title: "A token that has expired is refused", rules: rules, requests: 1, unless: noExpired, run: expired},
	}
}

// with is the destination with another bearer token.
func (t *caseRun) with(token dataflow.Secret) dataflow.Destination {
	d := t.config.Destination
	if d.Auth.Kind == dataflow.AuthBearer {
		d.Auth.Token = token
	}
	return d
}

func expired(ctx context.Context, t *caseRun) {
	old := t.config.Expired
	if old == "" {
		old = t.token.access
		// A second of grace: clocks of hosts differ.
		if wait(ctx, time.Until(t.token.fetched.Add(t.token.life+2*time.Second))) != nil {
			return
		}
		t.token.access = "" // the next message fetches another
	}
	t.turnedAway(ctx, "with an expired token", t.with(old), old)
}

// turnedAway sends a message that is fine but for its credentials. 401 is what
// is wanted: it also makes a sender fetch a new token (R106).
func (t *caseRun) turnedAway(ctx context.Context, how string, d dataflow.Destination, access dataflow.Secret) {
	if !t.fetches() {
		access = ""
	}
	t.refusedFor(ctx, how, t.senderFor(d, t.certificate()), access)
}

// refusedFor is turnedAway by a sender.
func (t *caseRun) refusedFor(ctx context.Context, how string, l *configuredSender, access dataflow.Secret) {
	who := t.people.next()
	s := t.shaper()
	a, ok := t.sendWith(ctx, l, access, "plain", s.single(who.document(map[string]entry{s.audience(0): s.in("realized", qualified)})))
	if !ok {
		return
	}
	switch {
	case a.ok():
		t.fail("rcv-auth", "a message "+how+" is accepted", "401", &a)
	case a.status() == 401:
		t.pass("rcv-auth", "a message "+how+" is refused", a.says())
		t.notStored(ctx, how, who)
		t.afterwards(ctx, "a message "+how)
	case a.Outcome.Kind != retry.Answered:
		t.unclear("rcv-auth", "a message "+how+" was not answered: "+a.says(), "answer it with 401")
	case a.status() >= 500 || a.status() < 400:
		t.fail("rcv-auth", "a message "+how+" is not refused as such", "401", &a)
	default:
		t.advise("rcv-auth", "a message "+how+" is refused with another status than 401", a.says(),
			"answer 401: it makes the sender fetch a new token, and 403 is sent again twice under the policy best-effort", &a)
	}
}

// notStored looks whether a refused message was stored all the same.
func (t *caseRun) notStored(ctx context.Context, how string, who person) {
	if t.config.ReadBack == nil || t.broken != "" {
		return
	}
	state, err := t.read(ctx, who.ECID)
	if err == nil && state != nil {
		t.check(failed("rcv-auth", "a message "+how+" is refused and stored nevertheless", "nothing is stored", "the profile is there"), nil)
	}
}
