package oracle_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/scenarios/oracle"
)

// passed is a history in which the identity of doc-2 becomes that of doc, who loses
// its own: by its identities alone a body with crm B is of either.
const passed = `
audiences: {mapped: {id: mapped}}
dataflow: {audiences: [mapped], attributes: [email]}
profiles: {doc: {identities: {crm: A}%s}, doc-2: {identities: {crm: B}}}
history:
  - {at: 1h, profile: doc-2, qualify: mapped}
  - {at: 1h, profile: doc, qualify: mapped}
  - {at: 2h, merge: {from: doc-2, into: doc}}
  - {at: 3h, profile: doc, removeIdentity: {crm: A}}`

// A body is of the profile whose export it is, be it late, and where it may be that of
// both, of the one that lacks it. Nothing is wrong with any of these senders.
func TestBodiesOfMergedProfiles(t *testing.T) {
	const email = `"email":"doc@example.com",`
	body := func(email string, ids ...string) string {
		list := ""
		for _, id := range ids {
			list += fmt.Sprintf(`,{"id":%q}`, id)
		}
		return `{` + email + `"identityMap":{"crm":[` + list[1:] + `]},"segmentMembership":{"ups":{"mapped":{"lastQualificationTime":"2026-01-15T10:00:00Z","status":"realized"}}}}`
	}
	other, both, own := body("", "B"), body("", "A", "B"), body("", "A")
	for _, tt := range []struct {
		name  string
		email string // that doc starts with
		seen  []string
		after []time.Duration
		want  []string
		parts []int // attempts
	}{
		{"one after the other", "", []string{other, own, both, other},
			[]time.Duration{time.Hour, time.Hour, 2 * time.Hour, 3 * time.Hour}, []string{"doc-2", "doc", "doc", "doc"}, []int{1, 1, 1, 1}},
		{"an export that comes after the merge", "", []string{own, other, both, other},
			[]time.Duration{time.Hour, 2*time.Hour + time.Second, 2*time.Hour + 2*time.Second, 3 * time.Hour}, []string{"doc", "doc-2", "doc", "doc"}, []int{1, 1, 1, 1}},
		{"a retry that comes after the merge", email, []string{body(email, "A"), other, other, body(email, "A", "B"), body(email, "B")},
			[]time.Duration{time.Hour, 2*time.Hour - 5*time.Second, 2*time.Hour + 10*time.Second, 2*time.Hour + 11*time.Second, 3 * time.Hour},
			[]string{"doc", "doc-2", "doc-2", "doc", "doc"}, []int{1, 1, 2, 1, 1}},
	} {
		for _, timed := range []bool{true, false} {
			start := ""
			if tt.email != "" {
				start = ", attributes: {email: doc@example.com}"
			}
			sc := scene(t, fmt.Sprintf(passed, start))
			var all []oracle.Seen
			for i, text := range tt.seen {
				outcome := oracle.Delivered
				if i+1 < len(tt.parts) && tt.parts[i+1] > 1 {
					outcome = oracle.Failed
				}
				s := sent(sc, text, tt.after[i], outcome, i+1)
				if s.Profile = ""; !timed {
					s.At = time.Time{}
				}
				if s.Among = []string{"doc-2", "doc"}; text == own {
					s.Profile, s.Among = "doc", nil
				}
				all = append(all, s)
			}
			clock := oracle.Clock{Began: sc.Start}
			if !timed {
				clock.Began = time.Time{}
			}
			verdicts, roles := oracle.Exports(sc, all, clock)
			var names []string
			var attempts []int
			for _, r := range roles {
				names, attempts = append(names, r.Profile), append(attempts, r.Attempt)
			}
			if diff := cmp.Diff(tt.want, names) + cmp.Diff(tt.parts, attempts); diff != "" {
				t.Errorf("%s, with times: %t (-want +got):\n%s", tt.name, timed, diff)
			}
			for _, f := range verdicts.Findings {
				if f.Clause != "dispatch-asap/within-ten-minutes" {
					t.Errorf("%s, with times: %t: %+v", tt.name, timed, f)
				}
			}
		}
	}
}

// Two bodies of forgotten profiles are each that of the other at first sight, since an
// estimated start allows for earlier times; together they tell.
func TestBodiesOfForgottenProfiles(t *testing.T) {
	sc := scene(t, `
audiences: {mapped: {id: mapped}, later: {id: later}}
dataflow: {audiences: [mapped]}
profiles: {doc: {identities: {crm: A}}, marty: {identities: {crm: M}}}
history:
  - {at: 1h, forget: doc}
  - {at: 1h, forget: marty}
  - {at: 2h, profile: doc, qualify: later}
  - {at: 6h, profile: marty, qualify: later}
  - {at: 10h, map: later}`)
	body := func(hour string) string {
		return `{"identityMap":{},"segmentMembership":{"ups":{"later":{"lastQualificationTime":"2026-01-15T` + hour + `:00:00Z","status":"realized"}}}}`
	}
	for _, attempts := range [][]time.Duration{{0}, {0, 15 * time.Second, 45 * time.Second}} {
		var all []oracle.Seen
		for i, hour := range []string{"15", "11"} {
			for n, after := range attempts {
				outcome := oracle.Failed
				if n == len(attempts)-1 {
					outcome = oracle.Delivered
				}
				s := sent(sc, body(hour), 10*time.Hour+time.Duration(i)*20*time.Minute+after, outcome, len(all)+1)
				s.Profile, s.Among = "", []string{"doc", "marty"}
				all = append(all, s)
			}
		}
		verdicts, roles := oracle.Exports(sc, all, oracle.Clock{Began: sc.Start, Estimated: true})
		if last := len(roles) - 1; roles[0].Profile != "marty" || roles[last].Profile != "doc" || roles[last].Attempt != len(attempts) || len(verdicts.Findings) > 0 {
			t.Errorf("%d attempts each are of %q and %q; want marty and doc: %+v", len(attempts), roles[0].Profile, roles[last].Profile, verdicts.Findings)
		}
	}
}

// An export of a profile that became part of another one is because of the merge, even
// where it repeats an earlier body: the documentation does not forbid it.
func TestACopyAtTheEndOfAProfile(t *testing.T) {
	sc := scene(t, `
audiences: {mapped: {id: mapped}}
dataflow: {audiences: [mapped], attributes: [email, city]}
profiles: {doc: {identities: {crm: A}}, doc-2: {identities: {crm: B}, attributes: {email: doc@example.com, city: Hill Valley}}}
history:
  - {at: 1h, profile: doc-2, qualify: mapped}
  - {at: 2h, merge: {from: doc-2, into: doc}}`)
	body := func(ids, since string) string {
		return `{"email":"doc@example.com","city":"Hill Valley","identityMap":{"crm":[` + ids + `]},"segmentMembership":{"ups":{"mapped":` +
			`{"lastQualificationTime":"2026-01-15T` + since + `:00:00Z","status":"realized"}}}}`
	}
	var all []oracle.Seen
	for i, s := range []struct {
		name, body string
		after      time.Duration
	}{{"doc-2", body(`{"id":"B"}`, "10"), time.Hour}, {"doc", body(`{"id":"A"},{"id":"B"}`, "11"), 2 * time.Hour},
		{"doc-2", body(`{"id":"B"}`, "10"), 2*time.Hour + time.Second}} {
		one := sent(sc, s.body, s.after, oracle.Delivered, i+1)
		one.Profile = s.name
		all = append(all, one)
	}
	verdicts, _ := oracle.Exports(sc, all, oracle.Clock{Began: sc.Start})
	if len(verdicts.Findings) != 1 || verdicts.Findings[0].Clause != "merge-silent" {
		t.Errorf("findings %+v; want one of merge-silent", verdicts.Findings)
	}
}
