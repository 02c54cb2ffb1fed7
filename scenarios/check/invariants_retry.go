package check

import (
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

// policy is the delays after each failure.
func (v *view) policy() []time.Duration {
	if r := v.scenario.Destination.Retry; r.Policy == "custom" {
		return r.Delays
	}
	return []time.Duration{15 * time.Second, 30 * time.Second}
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
	most := len(v.policy()) + 1
	v.eachMessage(func(m *message) {
		f.note(len(m.attempts) <= most, "%s had %d attempts", m.id, len(m.attempts))
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
	policy := v.policy()
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

// held says whether something kept an attempt that was due from starting: a
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
		for _, a := range m.attempts[1:] {
			same := a.Method == first.Method && a.URL == first.URL && a.Body == first.Body &&
				slices.Equal(withoutToken(a.Headers), withoutToken(first.Headers))
			f.note(same, "attempt %d of %s differs from the first", a.Number, m.id)
		}
		v.sameArrived(m, f)
	})
}

// sameArrived compares what the endpoint saw of a message: the sender's word
// for what it sent is not enough.
func (v *view) sameArrived(m *message, f *findings) {
	var first *recording.Request
	for _, a := range m.attempts {
		switch r := v.carried[a]; {
		case r == nil:
		case first == nil:
			first = r
		default:
			same := r.Method == first.Method && r.Target == first.Target && r.Body == first.Body &&
				slices.Equal(withoutToken(r.Headers), withoutToken(first.Headers))
			f.note(same, "attempt %d of %s arrived otherwise than the first", a.Number, m.id)
		}
	}
}

// withoutToken leaves out what may be renewed between two attempts.
func withoutToken(all []recording.Header) []recording.Header {
	return slices.DeleteFunc(slices.Clone(all), func(h recording.Header) bool { return strings.EqualFold(h.Name, "Authorization") })
}

func (v *view) dropped(f *findings) {
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

func (v *view) stopped(f *findings) {
	v.eachMessage(func(m *message) {
		for _, a := range m.attempts {
			if success(a.Outcome) {
				f.note(a == m.attempts[len(m.attempts)-1] && !a.Retry && m.drop == nil, "%s went on after %s", m.id, a.Outcome)
			}
		}
	})
}

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
