package differential

import (
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/oracle"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// wrongKind is one way to be a wrong sender.
type wrongKind struct {
	name string
	// rules: one of them is found broken; "" is the one that the tamper names.
	// Those of a default of httpdest are unspecified.
	rules []string
	// also are rules that are broken by the same act.
	also []string
	// breakIt breaks a capture; false when it has nothing to break.
	breakIt func(t *tamper) bool
}

// wrongKinds are all of them.
var wrongKinds = slices.Concat(wrongSendings, wrongAttempts, wrongContents)

var backfills = []string{"backfill-new-audience", "backfill-new-dest", "backfill-hour"}

// Too many, too few, too late.
var wrongSendings = []wrongKind{
	{"sent again after its delivery", []string{"stop-on-success"}, nil, func(t *tamper) bool {
		m := t.pick(func(m *sending) bool { return ok(m.last()) && !t.twice(m) && !t.claims(m) && !t.resumed(m) })
		return m != nil && t.send(m.last(), m.last().AnsweredAt.Add(3*time.Second)) != nil
	}},
	{"one profile of a message sent again", []string{"stop-on-success"}, nil, func(t *tamper) bool {
		m := t.pick(func(m *sending) bool {
			return ok(m.last()) && !m.single() && !t.twice(m) && !t.claims(m) && !t.resumed(m)
		})
		if m == nil {
			return false
		}
		r := t.send(m.last(), m.last().AnsweredAt.Add(3*time.Second))
		all, join := bodies(r.Body)
		r.Body = join(all[:1])
		return true
	}},
	{"a profile twice in a request", []string{"batch-split"}, nil, func(t *tamper) bool {
		m := t.pick(func(m *sending) bool {
			all, _ := bodies(m.first().Body)
			return m.atOnce() && t.sc.Destination.MaxProfilesPerRequest > 1 && len(all) < 10 && !t.claims(m)
		})
		if m == nil {
			return false
		}
		all, join := bodies(m.first().Body)
		m.first().Body = join(append(all, all[0]))
		return true
	}},
	{"an export is missing", nil, backfills, // it also met a claim to a backfill
		func(t *tamper) bool {
			m := t.pick(func(m *sending) bool { return m.single() && t.due(m, 0) != "" && t.handshakes() == 0 })
			if m == nil {
				return false
			}
			t.want = t.due(m, 0)
			t.drop(m.attempts...)
			return true
		}},
	{"a profile is missing in a message", nil, backfills, func(t *tamper) bool {
		m := t.pick(func(m *sending) bool { return !m.single() && t.due(m, 0) != "" && t.handshakes() == 0 })
		if m == nil {
			return false
		}
		t.want = t.due(m, 0)
		for _, r := range m.attempts {
			all, join := bodies(r.Body)
			r.Body = join(all[1:])
		}
		return true
	}},
	{"a backfill is missing", backfills, nil, func(t *tamper) bool {
		m := t.pick(func(m *sending) bool { return m.single() && !m.live() && t.firm(m) && t.handshakes() == 0 })
		if m == nil {
			return false
		}
		t.drop(m.attempts...)
		return true
	}},
	{"a backfill two hours late", []string{"backfill-hour"}, nil, func(t *tamper) bool {
		const late = 2 * time.Hour
		m := t.pick(func(m *sending) bool {
			return m.atOnce() && m.single() && !m.live() && t.firm(m) && t.alone(m, m.first().At, m.first().At.Add(late+time.Minute))
		})
		return m != nil && shift(late, m.first())
	}},
	{"an export five hours late", []string{"dispatch-asap"}, []string{"backfill-hour"}, func(t *tamper) bool {
		const late = 5 * time.Hour
		m := t.pick(func(m *sending) bool {
			at := m.first().At
			return t.handshakes() == 0 && m.atOnce() && m.single() && t.due(m, 0) != "" && t.quiet(at, at.Add(late)) && t.silent(m, at, at.Add(late+10*time.Minute)) &&
				at.Add(late+time.Hour).Before(t.end)
		})
		return m != nil && shift(late, m.first())
	}},
	{"an export after the next of its profile", []string{"next-unaffected"}, nil, overtakeOne},
	{"an export for a change that calls for none", nil, nil, uncalledFor},
	{"an export out of nothing", []string{"incremental", "backfill-once"}, nil, func(t *tamper) bool {
		const later = 3 * time.Hour
		m := t.pick(func(m *sending) bool {
			at := m.last().At
			return m.single() && m.live() && t.onlyUpdate(m.profiles[0], m.exports[0].At) && ok(m.last()) &&
				t.alone(m, m.exports[0].At, at.Add(later+time.Hour)) && !slices.ContainsFunc(t.actions, within(at, 2*time.Hour)) && t.quiet(at, at.Add(2*later))
		})
		return m != nil && t.send(m.last(), m.last().At.Add(later)) != nil
	}},
	{"an export of an unknown profile", []string{"incremental"}, nil, func(t *tamper) bool {
		m := t.pick(func(m *sending) bool { return m.single() })
		if m == nil {
			return false
		}
		r := t.send(m.last(), m.last().AnsweredAt.Add(time.Minute))
		r.Profiles = nil
		return edit(func(o object) bool {
			o["identityMap"] = object{"crm": []any{object{"id": "nobody"}}}
			return true
		}, r)
	}},
}

// due is the rule that requires the nth export of a message, where nothing
// allows to drop it; "" for a backfill, and for an export that only a default
// of httpdest requires.
func (t *tamper) due(m *sending, n int) string {
	x := m.exports[n]
	for _, p := range t.oracle.Possible(x.Profile) {
		settles := m.last().AnsweredAt
		quiet := t.quiet(p.From, p.From.Add(6*time.Minute)) && !t.backfilledNext(m, p.From)
		if p.Obligation == oracle.Must && t.stated(p.Clause) && p.From.Equal(x.At) && quiet && t.clear(m, n, settles) {
			return scenarios.RuleOf(p.Clause)
		}
	}
	return ""
}

// backfilledNext reports whether the next message of a profile of m is a backfill
// while the dataflow has run for less than an hour and a half: several backfills may
// be one, and the body of the first may then be that of a change, late.
func (t *tamper) backfilledNext(m *sending, from time.Time) bool {
	for _, other := range t.messages[slices.Index(t.messages, m)+1:] {
		if slices.ContainsFunc(other.profiles, func(p string) bool { return slices.Contains(m.profiles, p) }) {
			return !other.live() && t.running(from, other.exports[0].At) < 90*time.Minute
		}
	}
	return false
}

// stated reports whether the documentation states a clause.
func (t *tamper) stated(clause string) bool {
	c, _ := t.rules.Clause(clause)
	return c.Level == "must"
}

// clear reports whether no other export of the profile is decided, or sent, so
// close to the nth of a message that one could be taken for the other.
func (t *tamper) clear(m *sending, n int, until time.Time) bool {
	x := m.exports[n]
	for _, other := range t.exports {
		if other != x && other.Profile == x.Profile && other.At.Sub(x.At).Abs() < 10*time.Minute {
			return false
		}
	}
	return t.silent(m, x.At.Add(-10*time.Minute), until.Add(10*time.Minute))
}

// handshakes counts the connections that were refused, behind which an export
// may have waited.
func (t *tamper) handshakes() int {
	n := 0
	for _, l := range t.rest {
		if l.Handshake != nil {
			n++
		}
	}
	return n
}

// firm reports whether nothing happens to the profile of a backfill, or to the
// dataflow, from the mapping until after its hour, and nothing else did at its
// instant: one export meets the claims to all backfills before it, and one
// within half an hour after the hour still may (A56).
func (t *tamper) firm(m *sending) bool {
	var mapped time.Time
	for _, s := range t.sc.History {
		at := t.sc.Start.Add(s.At)
		if (s.Action == "map" || s.Action == "activate") && !at.After(m.exports[0].At) {
			mapped = at
		}
	}
	once := 0
	for _, at := range t.actions {
		if at.Equal(mapped) {
			once++
		}
	}
	return once == 1 && !slices.ContainsFunc(t.updates[m.profiles[0]], mapped.Equal) && t.silent(m, mapped.Add(-time.Nanosecond), mapped) &&
		t.silent(m, mapped, mapped.Add(time.Hour+31*time.Minute)) &&
		m.exports[0].At.Sub(mapped) < time.Hour && t.alone(m, mapped, mapped.Add(time.Hour+time.Minute)) &&
		t.alone(m, mapped.Add(-time.Hour-time.Minute), mapped.Add(-time.Second)) && t.quiet(mapped.Add(-time.Second), mapped.Add(2*time.Hour)) &&
		mapped.Add(4*time.Hour).Before(t.end)
}

// within reports whether a time is no longer than that before another.
func within(at time.Time, long time.Duration) func(time.Time) bool {
	return func(other time.Time) bool { return !other.After(at) && at.Sub(other) <= long }
}

func shift(by time.Duration, requests ...*recording.Request) bool {
	for _, r := range requests {
		r.At, r.AnsweredAt = r.At.Add(by), r.AnsweredAt.Add(by)
	}
	return true
}

// overtakeOne lets an export come after the next one of its profile.
func overtakeOne(t *tamper) bool {
	next := func(m *sending) *sending {
		for _, other := range t.messages[slices.Index(t.messages, m)+1:] {
			if slices.Contains(other.profiles, m.profiles[0]) {
				return other
			}
		}
		return nil
	}
	m := t.pick(func(m *sending) bool {
		n := next(m)
		if n == nil || !m.atOnce() || !m.single() || !n.single() || !n.atOnce() || !m.live() || !n.live() || m.first().Body == n.first().Body {
			return false
		}
		apart := n.first().At.Sub(m.first().At)
		return t.settled(m) && t.settled(n) && apart > 5*time.Second && apart < 8*time.Minute && t.quiet(m.exports[0].At.Add(-5*time.Minute), n.first().At.Add(6*time.Minute)) &&
			t.silent(n, m.first().At, n.first().At.Add(10*time.Minute)) && t.owed(m) && t.owed(n) &&
			!t.forgotten(m.profiles[0], m.exports[0].At, n.exports[0].At) && n.first().At.Add(time.Hour).Before(t.end)
	})
	if m == nil {
		return false
	}
	return shift(next(m).first().At.Sub(m.first().At)+10*time.Second, m.first())
}

// owed reports whether the history calls for the export of a message.
func (t *tamper) owed(m *sending) bool {
	return slices.ContainsFunc(t.oracle.Possible(m.profiles[0]), func(p oracle.Possible) bool {
		return p.Obligation == oracle.Must && p.From.Equal(m.exports[0].At)
	})
}

// uncalledFor repeats the last body of a profile right after a change that
// calls for no export, long after the message that had it.
func uncalledFor(t *tamper) bool {
	type place struct {
		message *sending
		at      time.Time
		rule    string
	}
	var all []place
	for _, m := range t.messages {
		if m.hidden > 0 || len(m.attempts) == 0 || !ok(m.last()) || !m.single() || t.nameless(m.profiles[0]) || t.blurred(m) {
			continue
		}
		if t.merged(m) && len(t.policies()) > 1 {
			continue // what a merge brought is a default, and so a body for each merge policy may explain it as well (A50)
		}
		for _, p := range t.oracle.Possible(m.profiles[0]) {
			least := m.last().AnsweredAt.Add(6 * time.Minute)
			quiet := t.alone(m, m.exports[0].At, p.From.Add(-time.Nanosecond)) && t.alone(m, p.From, p.From.Add(10*time.Minute))
			quiet = quiet && !slices.ContainsFunc(t.actions, within(p.From, 2*time.Hour))
			quiet = quiet && t.silent(m, m.first().At.Add(-time.Nanosecond), m.first().At) // or it may not be the last body
			if p.Obligation == oracle.MustNot && p.From.After(least) && quiet && t.onlyUpdate(m.profiles[0], p.From) && t.quiet(m.exports[0].At, p.From) {
				all = append(all, place{m, p.From, p.Clause})
			}
		}
	}
	if len(all) == 0 {
		return false
	}
	p := all[t.random.IntN(len(all))]
	t.want = p.rule
	return t.send(p.message.last(), p.at.Add(time.Second)) != nil
}

// policies are the merge policies of the audiences.
func (t *tamper) policies() map[string]bool {
	out := map[string]bool{}
	for _, a := range t.sc.Audiences {
		out[a.MergePolicy] = true
	}
	return out
}

// onlyUpdate reports whether a profile has one update at a time.
func (t *tamper) onlyUpdate(profile string, at time.Time) bool {
	n := 0
	for _, u := range t.updates[profile] {
		if u.Equal(at) {
			n++
		}
	}
	return n == 1
}

// retried is a message with another attempt that the endpoint saw.
func (t *tamper) retried(fits func(m *sending) bool) *sending {
	return t.pick(func(m *sending) bool { return len(m.attempts) > 1 && fits(m) })
}

func whichever(*sending) bool { return true }

// onRetry changes the second attempt of a message.
func onRetry(change func(r *recording.Request) bool) func(*tamper) bool {
	return func(t *tamper) bool {
		m := t.retried(func(m *sending) bool {
			probe := *m.attempts[1]
			probe.Headers = slices.Clone(probe.Headers)
			return change(&probe)
		})
		return m != nil && change(m.attempts[1])
	}
}

// Attempts.
var wrongAttempts = []wrongKind{
	{"a retry with another time of qualification", []string{"retry-same"}, nil, onRetry(func(r *recording.Request) bool {
		return edit(func(o object) bool {
			e := entryOf(o, func(_, _ string, e object) bool { return true })
			if e != nil {
				e["lastQualificationTime"] = later(e["lastQualificationTime"], 15*time.Second)
			}
			return e != nil
		}, r)
	})},
	{"a retry with another value", []string{"retry-same"}, nil, onRetry(func(r *recording.Request) bool {
		return edit(func(o object) bool {
			name := attribute(o)
			if name == "" {
				return false
			}
			o[name] = "changed since"
			return true
		}, r)
	})},
	{"a retry without an identity", []string{"retry-same"}, nil, onRetry(func(r *recording.Request) bool {
		return edit(func(o object) bool { return dropIdentity(o) }, r)
	})},
	{"a retry with its keys in another order", []string{"retry-same"}, nil, onRetry(func(r *recording.Request) bool {
		r.Body = strings.Replace(r.Body, `"identityMap":`, `"identityMap": `, 1)
		return strings.Contains(r.Body, `"identityMap": `)
	})},
	{"a retry of a part of the message", []string{"retry-same"}, nil, onRetry(func(r *recording.Request) bool {
		all, join := bodies(r.Body)
		if len(all) < 2 {
			return false
		}
		r.Body = join(all[1:])
		return true
	})},
	{"a retry without a header", []string{"retry-same"}, []string{"custom-headers-every-call"}, onRetry(func(r *recording.Request) bool {
		r.Headers = slices.DeleteFunc(r.Headers, func(h recording.Header) bool { return h.Name == "X-Tenant" })
		return true
	})},
	{"a retry to another URL", []string{"retry-same"}, nil, onRetry(func(r *recording.Request) bool {
		r.Target = "/elsewhere"
		return true
	})},
	{"a fourth attempt", []string{"max-3"}, nil, func(t *tamper) bool {
		m := t.retried(func(m *sending) bool {
			return len(m.attempts) == 3 && !t.twice(m) && !slices.ContainsFunc(m.attempts, t.succeeded) && t.silent(m, m.last().At, m.last().At.Add(10*time.Minute))
		})
		return m != nil && t.send(m.last(), m.last().AnsweredAt.Add(30*time.Second)) != nil
	}},
	{"no retry", []string{"max-3"}, nil, func(t *tamper) bool {
		m := t.retried(func(m *sending) bool {
			r := m.first()
			return t.agreedFailure(r) && !headAlone(r) && t.quiet(r.At.Add(-2*time.Second), r.At.Add(2*time.Minute)) &&
				t.silent(m, r.At, r.At.Add(10*time.Minute)) && r.At.Add(time.Hour).Before(t.end)
		})
		if m == nil {
			return false
		}
		t.drop(m.attempts[1:]...)
		return true
	}},
	{"a head taken for the answer", []string{"timeout-2s"}, nil, func(t *tamper) bool {
		m := t.retried(func(m *sending) bool {
			r := m.first()
			return headAlone(r) && t.quiet(r.At.Add(-2*time.Second), r.At.Add(2*time.Minute)) && t.silent(m, r.At, r.At.Add(10*time.Minute)) &&
				r.At.Add(time.Hour).Before(t.end)
		})
		if m == nil {
			return false
		}
		t.drop(m.attempts[1:]...)
		return true
	}},
	{"a retry too early", []string{"retry-delays"}, nil, func(t *tamper) bool {
		m := t.retried(func(m *sending) bool {
			return t.quiet(m.first().At, m.last().At) && !slices.ContainsFunc(t.actions, within(m.exports[0].At, 24*time.Hour))
		})
		return m != nil && shift(-10*time.Second, m.attempts[1])
	}},
	{"a retry too late", []string{"retry-delays"}, nil, func(t *tamper) bool {
		m := t.retried(func(m *sending) bool {
			at := m.last().At
			if slices.ContainsFunc(t.actions, within(m.exports[0].At, 24*time.Hour)) {
				return false // it might be taken for a backfill
			}
			return t.quiet(m.first().At, at.Add(2*time.Minute)) && t.silent(m, m.first().At.Add(-1), at.Add(time.Minute)) && at.Add(time.Hour).Before(t.end)
		})
		return m != nil && shift(25*time.Second, m.last())
	}},
	{"an answer that was waited for", []string{"timeout-2s"}, nil, func(t *tamper) bool {
		m := t.pick(func(m *sending) bool { return m.atOnce() })
		if m != nil {
			m.first().AnsweredAt = m.first().At.Add(5 * time.Second)
		}
		return m != nil
	}},
	{"a request without a header", []string{"custom-headers-every-call"}, nil, func(t *tamper) bool {
		m := t.pick(func(m *sending) bool { return len(m.attempts) == 1 })
		if m != nil {
			m.first().Headers = slices.DeleteFunc(m.first().Headers, func(h recording.Header) bool { return h.Name == "X-Tenant" })
		}
		return m != nil
	}},
	{"a request with credentials", []string{"none-no-authorization"}, nil, func(t *tamper) bool {
		m := t.pick(whichever)
		if m != nil {
			m.first().Headers = append(m.first().Headers, recording.Header{Name: "Authorization", Value: "Bearer [redacted]"})
		}
		return m != nil
	}},
	{"another method", []string{"post-json"}, nil, func(t *tamper) bool {
		m := t.pick(func(m *sending) bool { return len(m.attempts) == 1 })
		if m != nil {
			m.first().Method = "PUT"
		}
		return m != nil
	}},
	{"a list around one profile", []string{"no-envelope"}, nil, func(t *tamper) bool {
		m := t.pick(func(m *sending) bool { return len(m.attempts) == 1 && t.sc.Destination.MaxProfilesPerRequest <= 1 })
		if m != nil {
			m.first().Body = "[" + m.first().Body + "]"
		}
		return m != nil
	}},
}

// succeeded reports whether an attempt was answered by a 2xx, whole or not.
func (t *tamper) succeeded(r *recording.Request) bool {
	return !r.Disconnected && r.Status >= 200 && r.Status < 300
}

// agreedFailure reports whether every source has a failure retried.
func (t *tamper) agreedFailure(r *recording.Request) bool {
	return r.Disconnected || r.Status == 0 || slices.Contains([]int{403, 408, 409, 429, 500, 502, 503, 504}, r.Status)
}

// headAlone is true where the head of a success came, and the sender left in the
// body.
func headAlone(r *recording.Request) bool {
	return r.Disconnected && r.Status >= 200 && r.Status <= 299
}

func later(value any, by time.Duration) any {
	at, err := time.Parse(time.RFC3339, value.(string))
	if err != nil {
		panic(err)
	}
	return at.Add(by).Format(time.RFC3339)
}

// dropIdentity takes out one that is not the ecid, which the profile is known
// by.
func dropIdentity(o object) bool {
	all, _ := o["identityMap"].(object)
	if all["ecid"] == nil || len(all) < 2 {
		return false
	}
	for _, namespace := range sortedNames(all) {
		if namespace != "ecid" {
			delete(all, namespace)
			return true
		}
	}
	return false
}
