package exercise

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// The configuration with which attempts and requests are compared.
const (
	slow     = time.Second         // half of what an attempt may take (R81)
	reissued = 60 * 24 * time.Hour // before the expiry of a certificate (R133)
	lifetime = 90 * 24 * time.Hour // of a run (R125)
)

// undecided and noToken mark attempts that ended before they began on the wire.
const (
	undecided = "mtls-undecided"
	noToken   = "no-token"
)

// retried are the statuses that the policy best-effort retries (R83).
var retried = []int{403, 408, 409, 429, 500, 502, 503, 504}

// policy is how often a message may be tried, and which statuses are retried;
// none stands for every one that is not a success.
func policy(r scenarios.Retry) (most int, statuses []int) {
	switch r.Policy {
	case "custom":
		return len(r.Delays) + 1, r.Statuses
	case "best-effort":
		return 3, retried
	}
	return 3, nil
}

// statusOf is the status that an attempt ended with; 0 for none.
func statusOf(outcome string) int {
	status, err := strconv.Atoi(outcome)
	if err != nil || len(outcome) != 3 {
		return 0
	}
	return status
}

func (o *Observer) attempt(a *recording.Attempt) {
	what := fmt.Sprintf("%s, attempt %d", a.Message, a.Number)
	status := statusOf(a.Outcome)
	unsent := a.Outcome == noToken || a.Reason == undecided
	if !unsent && (a.Socket > 0 || status > 0) {
		o.call(a, what)
	}
	if !unsent && a.EndedAt.Sub(a.At) >= slow {
		o.note("slow-answer", a.At, what)
	}
	delete(o.waiting, a.Message)
	o.settle(a, status, what)
}

// call notes the content of a request that left: the contents of its exports,
// once each, and how full it was.
func (o *Observer) call(a *recording.Attempt, what string) {
	o.note("data-call", a.At, what)
	o.connected(a.At)
	if o.issued && o.served {
		o.note("token-needed-again", a.At, what)
	}
	o.served = o.issued
	if a.Certificate {
		o.certificateUsed(a.At, what)
	}
	most := o.scenario.Destination.MaxProfilesPerRequest
	if most > 1 && len(a.Exports) < most {
		o.note("message-with-room", a.At, what)
	}
	for _, id := range a.Exports {
		if x := o.exports[id]; x != nil && !x.sent {
			x.sent = true
			for _, word := range x.tells {
				o.note(word, a.At, id)
			}
		}
	}
}

// settle notes how an attempt ended, and what the policy makes of it.
func (o *Observer) settle(a *recording.Attempt, status int, what string) {
	m := o.messages[a.Message]
	if m == nil {
		m = &attempts{}
		o.messages[a.Message] = m
		o.others(o.profilesOf(a.Exports), a.At, what)
		o.pending -= len(a.Exports)
	}
	if a.Outcome == "" {
		return // a capture may not contain it
	}
	if status >= 200 && status < 300 {
		o.note("message-delivered", a.At, what)
		for _, id := range a.Exports {
			if x := o.exports[id]; x != nil && x.removal {
				o.note("removal-delivered", a.At, id)
			}
		}
		return
	}
	m.failed++
	if status == 0 && a.Outcome != noToken {
		o.note("network-failure", a.At, what)
	}
	if status >= 300 && status < 400 {
		o.note("redirect", a.At, what)
	}
	most, statuses := policy(o.scenario.Destination.Retry)
	again := status == 0 || len(statuses) == 0 || slices.Contains(statuses, status)
	if status > 0 && len(statuses) > 0 {
		o.note(map[bool]string{true: "retryable-status", false: "final-status"}[again], a.At, what)
	}
	if again && m.failed < most {
		o.note("attempt-failed", a.At, what)
		o.waiting[a.Message] = waiting{o.profilesOf(a.Exports), a.EndedAt}
		return
	}
	o.note("message-lost", a.At, what)
	if m.failed >= most {
		o.note("attempts-exhausted", a.At, what)
	}
}

func (o *Observer) profilesOf(exports []string) []string {
	var out []string
	for _, id := range exports {
		if x := o.exports[id]; x != nil {
			out = append(out, x.profile)
		}
	}
	return out
}

func (o *Observer) token(t *recording.Token) {
	o.note("token-request", t.At, t.Grant)
	if o.issued {
		o.note("token-renewed", t.At, t.Grant)
	}
	if slices.Contains([]string{"timeout", "unreachable", "tls"}, t.Result) {
		o.note("network-failure", t.At, "token request: "+t.Result)
	}
	o.issued = o.issued || t.Result == "issued"
}

// request notes what only the endpoint saw. In a recording of both ends the
// sender's own lines have said the rest.
func (o *Observer) request(r *recording.Request) {
	what := fmt.Sprintf("request %d on socket %d", r.Number, r.Socket)
	if r.TLS != "" {
		o.connected(r.At)
	}
	switch {
	case r.TokenRequest != nil:
		o.note("token-request", r.At, what)
	case r.Method != "OPTIONS":
		o.note("data-call", r.At, what)
	}
}

// connected notes a connection to the endpoint.
func (o *Observer) connected(at time.Time) {
	if o.scenario.Endpoint.TLS != "plain" {
		o.note("tls-met", at, "")
	}
	if o.scenario.Endpoint.Unverifiable() {
		o.note("server-unverifiable", at, "")
	}
}

// certificateUsed notes that a certificate was looked up or presented after one
// was reissued.
func (o *Observer) certificateUsed(at time.Time, what string) {
	for _, c := range o.scenario.Platform.Certificates {
		if !at.Before(c.Expires.Add(-reissued)) {
			o.note("certificate-reissued", at, what)
			return
		}
	}
}

// shown notes what monitoring and the platform show.
func (o *Observer) shown(l recording.Line) {
	switch {
	case l.FlowRun != nil:
		o.note("flow-run", l.FlowRun.At, l.FlowRun.ProviderRefID)
		if l.FlowRun.Status == "completed" {
			o.note("completed-run", l.FlowRun.At, l.FlowRun.ProviderRefID)
		}
	case l.Totals != nil:
		expired := func(hour time.Time) bool { return !hour.Add(time.Hour + lifetime).After(l.Totals.At) }
		if slices.ContainsFunc(o.hours, expired) {
			o.note("run-expired", l.Totals.At, "totals")
		}
	case l.Lookup.What == "egress-addresses":
		o.note("address-lookup", l.Lookup.At, "")
	default:
		o.note("certificate-lookup", l.Lookup.At, l.Lookup.Query)
		if len(l.Lookup.Certificates) > 0 {
			o.note("certificate-found", l.Lookup.At, l.Lookup.Query)
			o.certificateUsed(l.Lookup.At, "lookup")
		}
	}
}
