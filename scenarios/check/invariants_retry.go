package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios/recording"
)

// budget is what an attempt may take (R81).
const budget = 2 * time.Second

// undecided marks an attempt that ended with the mTLS decision it waited for,
// before it began on the wire; noToken is the outcome of one that ended with the
// token request it waited for.
const (
	undecided = "mtls-undecided"
	noToken   = "no-token"
)

func (v *view) budget(f *findings) {
	for _, a := range v.attempts {
		if a.Reason == undecided || a.Outcome == noToken {
			continue
		}
		took := a.EndedAt.Sub(a.At)
		late := a.Outcome == "timeout"
		f.note(took <= budget+v.tolerance && (!late || v.near(took, budget)), "attempt %d of %s: %s after %s", a.Number, a.Message, a.Outcome, duration(took))
	}
}

// eachMessage calls look for every message in the order of its first attempt.
func (v *view) eachMessage(look func(m *message)) {
	seen := map[string]bool{}
	for _, a := range v.attempts {
		if !seen[a.Message] {
			seen[a.Message] = true
			look(v.messages[a.Message])
		}
	}
}

func (v *view) maxAttempts(f *findings) {
	p := policyOf(v.scenario.Destination.Retry)
	v.eachTry(func(t try) {
		lastAttempt(evidence{own: f}, t, p)
		toTheLast(evidence{own: f}, t, p)
	})
	v.eachMessage(func(m *message) {
		for n, a := range m.attempts {
			f.note(a.Number == n+1, "%s: attempt %d is counted as %d", m.id, n+1, a.Number)
		}
		// Given up with a retry to come, it had an attempt too few, unless its
		// dataflow was deleted.
		last := m.attempts[len(m.attempts)-1]
		f.note(m.drop == nil || !last.Retry || v.deletedAt(m.drop.At), "%s was dropped after attempt %d, and another was to follow", m.id, last.Number)
	})
	// A second message would have three attempts of its own.
	for _, x := range v.exports {
		f.note(!x.twice || v.batches(), "%s was part of two messages", x.ID)
	}
	// Nothing resends behind the sender's back.
	for _, r := range v.stray {
		f.note(false, "%s belongs to no attempt", place(r))
	}
}

func success(outcome string) bool { return len(outcome) == 3 && outcome[0] == '2' }

func (v *view) delays(f *findings) {
	policy := policyOf(v.scenario.Destination.Retry).waits
	v.eachMessage(func(m *message) {
		for n := 1; n < len(m.attempts) && n <= len(policy); n++ {
			before, a := m.attempts[n-1], m.attempts[n]
			due := before.EndedAt.Add(policy[n-1])
			gap := a.At.Sub(before.EndedAt)
			ok := v.near(gap, policy[n-1]) || a.At.After(due) && v.held(due, a.At)
			if v.scenario.Destination.Retry.ObserveRetryAfter {
				ok = gap >= policy[n-1]-v.tolerance
			}
			f.note(ok, "%s: attempt %d came %s after the failure, not %s", m.id, a.Number, duration(gap), duration(policy[n-1]))
		}
	})
}

// held reports whether something kept an attempt that was due from starting: a
// pause, an mTLS decision or a token request under way, or the limit of attempts
// under way.
func (v *view) held(due, started time.Time) bool {
	for _, p := range v.pauses() {
		if p.overlap(due, started) > 0 {
			return true
		}
	}
	for _, d := range v.decisions {
		if !d.At.After(started) && d.EndedAt.After(due) {
			return true
		}
	}
	for _, t := range v.tokens {
		if !t.At.After(started) && t.EndedAt.After(due) {
			return true
		}
	}
	return v.underWay.at(due) >= v.scenario.Dataflow.MaxInFlight
}

func (v *view) sameAgain(f *findings) {
	v.eachMessage(func(m *message) {
		first := m.attempts[0]
		for n, a := range m.attempts[1:] {
			v.repeated(f, fmt.Sprintf("attempt %d of %s", n+2, m.id), first.Body, a.Body,
				sentParts(first.Method, first.URL, first.Headers), sentParts(a.Method, a.URL, a.Headers))
		}
		v.sameArrived(m, f)
	})
}

// sameArrived compares what the endpoint saw of a message: the sender's word
// for what it sent is not enough.
func (v *view) sameArrived(m *message, f *findings) {
	var first *recording.Request
	for n, a := range m.attempts {
		switch r := v.carried[a]; {
		case r == nil:
		case first == nil:
			first = r
		default:
			v.repeated(f, fmt.Sprintf("attempt %d of %s, as it arrived,", n+1, m.id), first.Body, r.Body,
				sentParts(first.Method, first.Target, first.Headers), sentParts(r.Method, r.Target, r.Headers))
		}
	}
}

// repeated holds a request against the one that it repeats, by all headers but
// that of the token, which may be renewed between two attempts.
func (v *view) repeated(f *findings, what, was, is string, first, again requestParts) {
	r := repetition{what: what, of: "the first"}
	if was != is {
		r.body = "its body is not that of the first"
	}
	r.part = otherPart(first, again, slices.DeleteFunc(append(first.names(), again.names()...), func(name string) bool { return strings.EqualFold(name, "Authorization") }))
	sameAgain(evidence{own: f}, r)
}

func (v *view) dropped(f *findings) {
	v.eachTry(func(t try) { lastAttempt(evidence{own: f}, t, policyOf(v.scenario.Destination.Retry)) })
	v.eachMessage(func(m *message) {
		last := m.attempts[len(m.attempts)-1]
		for _, a := range m.attempts[:len(m.attempts)-1] {
			if !success(a.Outcome) {
				f.note(a.Retry, "attempt %d of %s was final, and another followed", a.Number, m.id)
			}
		}
		if m.drop != nil {
			f.note(!last.EndedAt.After(m.drop.At), "%s was tried after it was dropped", m.id)
		}
		if !success(last.Outcome) && !last.Retry {
			f.note(m.drop != nil, "%s failed for good, and no drop is recorded", m.id)
		}
	})
}

func (v *view) stopped(f *findings) { v.eachTry(func(t try) { stopOnSuccess(evidence{own: f}, t) }) }

func (v *view) redirects(f *findings) {
	if v.run == nil {
		return
	}
	path, _, _ := strings.Cut(v.run.Endpoint, "?")
	if _, rest, ok := strings.Cut(path, "://"); ok {
		_, path, _ = strings.Cut(rest, "/")
	}
	v.eachMessage(func(m *message) {
		for _, a := range m.attempts {
			if len(a.Outcome) == 3 && a.Outcome[0] == '3' {
				f.note(a.Retry || m.drop != nil, "%s: %s counted as delivered", m.id, a.Outcome)
			}
		}
	})
	if f.looked == 0 {
		return
	}
	for _, r := range v.requests {
		target, _, _ := strings.Cut(r.Target, "?")
		f.note(target == "/"+path, "%s went to %s", place(r), r.Target)
	}
}
