package simulate

import (
	"context"
	"strconv"
	"testing"

	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/check"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// tokenDay is a day of deliveries every three minutes, on a token endpoint that
// is down, slow and wrong by turns, whose tokens live for twenty minutes and
// are revoked every 95.
const tokenDay = `
title: a day of expiry, renewal and revocation on a token endpoint that fails
rules: [token-required, token-cache, refresh-optional]
audiences: {delorean: {}}
destination:
  auth: {type: oauth2-client-credentials, credentials: basic-authorization, clientID: hill-valley, clientSecret: flux-capacitor}
dataflow: {audiences: [delorean], attributes: [person.name]}
profiles: {"m-{1..5}": {audiences: [delorean]}}
endpoint:
  token: {expiresIn: 20m, refresh: true, rotate: true}
  faults:
    - {on: token, probability: 0.15, status: 503}
    - {on: token, probability: 0.1, latency: 12s}
    - {on: token, probability: 0.1, latency: 9s}
    - {on: token, probability: 0.1, answer: not-json}
    - {on: token, probability: 0.1, reset: true}
    - {on: token, at: handshake, connections: 20-30, reset: true}
    - {probability: 0.05, status: 503}
history:
  - {at: 1m, profiles: "m-{1..5}", set: person.name, to: Marty, every: 3m, times: 479}
  - {at: 47m, revoke: true, every: 95m, times: 15}
others: allowed
expect: []
`

// Every delivery of a day carried a token that was good when it was sent, or
// was retried: what the endpoint itself saw, and not what the sender says.
func TestADayOfTokens(t *testing.T) {
	if testing.Short() {
		t.Skip("two days of messages take seconds")
	}
	rules, err := scenarios.Rules()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, seed := range []uint64{1, 2} {
		sc := parsed(t, tokenDay).WithSeed(seed)
		lines, err := Play(context.Background(), sc, memory.New(), 1)
		if err != nil {
			t.Fatal(err)
		}
		if c := check.Judge(sc, rules, lines); c.Verdict != reports.Pass {
			t.Errorf("seed %d: %s %s", seed, c.Verdict, c.Reason)
			for _, k := range c.Checks {
				if k.Verdict == reports.Fail {
					t.Errorf("%s: want %s, got %s", k.Title, k.Expected, k.Actual)
				}
			}
		}
		count(t, lines, seen)
	}
	t.Logf("%v", seen)
	for _, what := range []string{"accepted", "revoked", "issued", "refused", "timeout", "unreachable", "not-json", "refresh_token", "client_credentials", "no-token", "401 and again"} {
		if seen[what] < 10 {
			t.Errorf("%q happened %d times in two days; the test is about nothing", what, seen[what])
		}
	}
}

// count adds what happened to the tokens of a recording, and reports a data
// call that should not have been made.
func count(t *testing.T, lines []recording.Line, seen map[string]int) {
	t.Helper()
	for _, l := range lines {
		switch {
		case l.Token != nil:
			seen[l.Token.Result]++
			seen[l.Token.Grant]++
		case l.Request != nil && l.Request.Method == "POST" && l.Request.TokenRequest == nil:
			seen[l.Request.Authorization]++
			good := l.Request.Authorization == "accepted" || l.Request.Authorization == "revoked" && l.Request.Status != 200
			if !good {
				t.Errorf("a data call at %s with a token that is %s", l.Request.At, l.Request.Authorization)
			}
		case l.Attempt != nil && l.Attempt.Outcome == "no-token":
			seen["no-token"]++
			if !l.Attempt.Retry && l.Attempt.Number < 3 {
				t.Errorf("attempt %d of %s had no token, and was not retried", l.Attempt.Number, l.Attempt.Message)
			}
		case l.Attempt != nil && l.Attempt.Outcome == "401":
			if !l.Attempt.Retry && l.Attempt.Number < 3 {
				t.Errorf("attempt %d of %s was refused, and not retried", l.Attempt.Number, l.Attempt.Message)
			}
			if l.Attempt.Retry {
				seen["401 and again"]++
			}
		}
	}
}

// A hundred deliveries that are due at the expiry of a token make one token
// request between them, counted by the endpoint.
func TestAHundredDeliveriesAtTokenExpiry(t *testing.T) {
	lines, err := Play(context.Background(), parsed(t, `
title: a hundred at the end of a token
rules: [token-cache]
audiences: {delorean: {}}
destination:
  auth: {type: oauth2-password, clientID: c, clientSecret: flux-capacitor, username: emmett, password: great-scott}
dataflow: {audiences: [delorean], maxInFlight: 100}
profiles: {first: {}, "p-{1..100}": {}}
endpoint:
  token: {expiresIn: 1h}
  faults: [{on: token, requests: 2, latency: 9s}]
history:
  - {at: 0, profile: first, qualify: delorean}
  - {at: 1h, profiles: "p-{1..100}", qualify: delorean}
others: allowed
expect: []
`), memory.New(), 4)
	if err != nil {
		t.Fatal(err)
	}
	requests, calls := 0, map[string]int{}
	for _, l := range lines {
		switch {
		case l.Request == nil || l.Request.Method != "POST":
		case l.Request.TokenRequest != nil:
			requests++
		default:
			calls[l.Request.Authorization+" token "+strconv.Itoa(l.Request.Token)]++
		}
	}
	if requests != 2 || calls["accepted token 1"] != 1 || calls["accepted token 2"] != 100 {
		t.Errorf("%d token requests, data calls %v; want 2, and 1 and 100 with the two tokens", requests, calls)
	}
}
