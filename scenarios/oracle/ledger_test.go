package oracle_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/oracle"
)

// entered is a scenario in which doc enters a mapped audience after an hour,
// and the body that has to follow.
func entered(t *testing.T) (*scenarios.Scenario, string) {
	t.Helper()
	sc := scene(t, `
audiences: {mapped: {id: mapped}}
dataflow: {audiences: [mapped], attributes: [email]}
profiles: {doc: {identities: {crm: D1}, attributes: {email: doc@example.com}}}
history: [{at: 1h, qualify: mapped, profile: doc}]`)
	at := sc.Start.Add(time.Hour).UTC().Format("2006-01-02T15:04:05Z")
	return sc, `{"email":"doc@example.com","identityMap":{"crm":[{"id":"D1"}]},"segmentMembership":{"ups":{"mapped":{"lastQualificationTime":"` + at + `","status":"realized"}}}}`
}

// sent is a body that was sent a time after the start of the history and
// answered at once.
func sent(sc *scenarios.Scenario, body string, after time.Duration, outcome oracle.Outcome, request int) oracle.Seen {
	at := sc.Start.Add(after)
	return oracle.Seen{Profile: "doc", ID: "doc", Body: body, At: at, Sent: at, Ended: at, Outcome: outcome, Request: request}
}

// Every body has one role: the attempts at an export count up, and what repeats
// a delivered one is a duplicate, in the same request or in the next.
func TestRoles(t *testing.T) {
	sc, body := entered(t)
	clock := oracle.Clock{Began: sc.Start}
	for _, tt := range []struct {
		name string
		seen []oracle.Seen
		want []string
	}{
		{"a retry", []oracle.Seen{sent(sc, body, time.Hour, oracle.Failed, 1), sent(sc, body, time.Hour+15*time.Second, oracle.Delivered, 2)},
			[]string{"attempt 1 of 1", "attempt 2 of 1"}},
		{"twice in a request", []oracle.Seen{sent(sc, body, time.Hour, oracle.Delivered, 1), sent(sc, body, time.Hour, oracle.Delivered, 1)},
			[]string{"attempt 1 of 1", "duplicate of 1"}},
		{"again after a delivery", []oracle.Seen{sent(sc, body, time.Hour, oracle.Delivered, 1), sent(sc, body, time.Hour+time.Second, oracle.Delivered, 2)},
			[]string{"attempt 1 of 1", "duplicate of 1"}},
		{"another body that nothing calls for", []oracle.Seen{sent(sc, body, time.Hour, oracle.Delivered, 1),
			sent(sc, `{"email":"other@example.com","identityMap":{"crm":[{"id":"D1"}]},"segmentMembership":{}}`, 5*time.Hour, oracle.Delivered, 2)},
			[]string{"attempt 1 of 1", "unexplained"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			verdicts, roles := oracle.Exports(sc, tt.seen, clock)
			got := rolesOf(roles)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("roles (-want +got):\n%s", diff)
			}
			surplus := false
			for _, f := range verdicts.Findings {
				surplus = surplus || f.Clause == "incremental"
			}
			if want := tt.want[len(tt.want)-1] == "unexplained"; surplus != want {
				t.Errorf("findings %+v; want one of incremental: %t", verdicts.Findings, want)
			}
		})
	}
}

// A live export is in time within ten minutes, open up to an hour and a half,
// and wrong after that; by an estimated start lateness is only ever open. Two
// failed attempts that no endpoint saw may have come before it: 15 s and 30 s of
// waiting and twice the 2 s of an attempt are not counted.
func TestLateness(t *testing.T) {
	const unseen = 15*time.Second + 30*time.Second + 2*2*time.Second
	sc, body := entered(t)
	for _, tt := range []struct {
		after     time.Duration
		estimated bool
		want      string
	}{
		{10*time.Minute + unseen, false, "in time"},
		{10*time.Minute + unseen + 1, false, "open"},
		{90*time.Minute + unseen, false, "open"},
		{90*time.Minute + unseen + 1, false, "wrong"},
		{5 * time.Hour, false, "wrong"},
		{5 * time.Hour, true, "open"},
	} {
		verdicts, _ := oracle.Exports(sc, []oracle.Seen{sent(sc, body, time.Hour+tt.after, oracle.Delivered, 1)}, oracle.Clock{Began: sc.Start, Estimated: tt.estimated})
		got := "in time"
		for _, f := range verdicts.Findings {
			switch f.Clause {
			case "dispatch-asap":
				got = "wrong"
			case "dispatch-asap/within-ten-minutes":
				got = "open"
			}
		}
		if got != tt.want {
			t.Errorf("%s after the change (estimated: %t) is %s; want %s: %+v", tt.after, tt.estimated, got, tt.want, verdicts.Findings)
		}
	}
}

// rolesOf words the roles of some bodies.
func rolesOf(roles []oracle.Role) (out []string) {
	for _, r := range roles {
		switch r.Kind {
		case oracle.Attempt:
			out = append(out, fmt.Sprintf("attempt %d of %d", r.Attempt, r.Export))
		case oracle.Duplicate:
			out = append(out, fmt.Sprintf("duplicate of %d", r.Export))
		default:
			out = append(out, "unexplained")
		}
	}
	return out
}

// A pause keeps the retry that is due in it, and no other: a body that comes
// hours after a pause is not the retry of one that failed, and was retried, long
// before it.
func TestAPauseKeepsTheRetryThatIsDueInIt(t *testing.T) {
	_, body := entered(t)
	for _, tt := range []struct {
		name, pause string
		sent        []time.Duration // the first of them fails
		want        []string
	}{
		{"due in the pause", "{at: 1h10s, disable: true}, {at: 3h, enable: true}", []time.Duration{time.Hour, 3 * time.Hour},
			[]string{"attempt 1 of 1", "attempt 2 of 1"}},
		{"due before the pause", "{at: 2h, disable: true}, {at: 3h, enable: true}", []time.Duration{time.Hour, time.Hour + 15*time.Second, 5 * time.Hour},
			[]string{"attempt 1 of 1", "attempt 2 of 1", "unexplained"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sc := scene(t, `
audiences: {mapped: {id: mapped}}
dataflow: {audiences: [mapped], attributes: [email]}
profiles: {doc: {identities: {crm: D1}, attributes: {email: doc@example.com}}}
history: [{at: 1h, qualify: mapped, profile: doc}, `+tt.pause+`]`)
			var all []oracle.Seen
			for i, at := range tt.sent {
				outcome := oracle.Delivered
				if i == 0 {
					outcome = oracle.Failed
				}
				all = append(all, sent(sc, body, at, outcome, i+1))
			}
			_, roles := oracle.Exports(sc, all, oracle.Clock{Began: sc.Start})
			if diff := cmp.Diff(tt.want, rolesOf(roles)); diff != "" {
				t.Errorf("roles (-want +got):\n%s", diff)
			}
		})
	}
}

// A body that repeats one which failed, and comes when its retry is due, is the
// retry, though a backfill with the same content may come as well, and though the
// failure may as well be final.
func TestAPunctualRepetitionIsARetry(t *testing.T) {
	sc := scene(t, `
audiences: {mapped: {id: mapped}, later: {id: later}}
dataflow: {audiences: [mapped], attributes: [email]}
profiles: {doc: {audiences: [mapped, later], identities: {crm: D1}, attributes: {email: doc@example.com}}}
history: [{at: 1h, map: later}, {at: 1h5m, set: email, to: doc@example.com, profile: doc}]`)
	since := sc.Start.Add(-24 * time.Hour).UTC().Format("2006-01-02T15:04:05Z")
	entry := `{"lastQualificationTime":"` + since + `","status":"realized"}`
	body := `{"email":"doc@example.com","identityMap":{"crm":[{"id":"D1"}]},"segmentMembership":{"ups":{"later":` + entry + `,"mapped":` + entry + `}}}`
	const first = time.Hour + 5*time.Minute
	for name, second := range map[string]string{"the same": body, "spelt in another way": strings.Replace(body, ",", ", ", 1)} {
		for _, outcome := range []oracle.Outcome{oracle.Failed, oracle.FailedOne} {
			_, roles := oracle.Exports(sc, []oracle.Seen{sent(sc, body, first, outcome, 1), sent(sc, second, first+15*time.Second, outcome, 2),
				sent(sc, body, first+45*time.Second, oracle.Delivered, 3)}, oracle.Clock{Began: sc.Start})
			if diff := cmp.Diff([]string{"attempt 1 of 1", "attempt 2 of 1", "attempt 3 of 1"}, rolesOf(roles)); diff != "" {
				t.Errorf("%s, outcome %d (-want +got):\n%s", name, outcome, diff)
			}
		}
	}
}

// A body that nobody can tell the profile of excuses the exports that it may be,
// and no others: by its time, by its content, and by whom it may be of.
func TestUnclaimedBodiesExcuseWhatTheyMayBe(t *testing.T) {
	sc := scene(t, `
audiences: {mapped: {id: mapped}, new: {id: new}}
dataflow: {audiences: [mapped], attributes: [email, person.name]}
profiles:
  doc: {audiences: [new], identities: none, attributes: {email: doc@example.com, person: {name: {firstName: Emmett, lastName: Brown}}}}
history: [{at: 1h, map: new}, {at: 5h, qualify: mapped, profile: doc}]`)
	body := func(since time.Duration, audience string) string {
		at := sc.Start.Add(since).UTC().Format("2006-01-02T15:04:05Z")
		return `{"email":"doc@example.com","person":{"name":{"firstName":"Emmett","lastName":"Brown"}},"identityMap":{},"segmentMembership":{"ups":{"` +
			audience + `":{"lastQualificationTime":"` + at + `","status":"realized"}}}}`
	}
	backfill, live := body(-24*time.Hour, "new"), body(5*time.Hour, "mapped")
	live = strings.Replace(live, `"ups":{`, `"ups":{"new":{"lastQualificationTime":"`+sc.Start.Add(-24*time.Hour).UTC().Format("2006-01-02T15:04:05Z")+`","status":"realized"},`, 1)
	all := func(string) bool { return true }
	none := func(string) bool { return false }
	unclaimed := func(body string, after time.Duration, of func(string) bool) oracle.Seen {
		s := sent(sc, body, after, oracle.Delivered, 0)
		s.Profile, s.ID, s.Of = "", "", of
		return s
	}
	for _, tt := range []struct {
		name string
		seen []oracle.Seen
		want []string
	}{
		{"nothing", nil, []string{"trig-enter", "backfill-new-audience"}},
		{"both", []oracle.Seen{unclaimed(backfill, 90*time.Minute, all), unclaimed(live, 5*time.Hour, all)}, nil},
		{"of another profile", []oracle.Seen{unclaimed(backfill, 90*time.Minute, none), unclaimed(live, 5*time.Hour, none)}, []string{"trig-enter", "backfill-new-audience"}},
		{"before it was due", []oracle.Seen{unclaimed(backfill, 30*time.Minute, all), unclaimed(live, 5*time.Hour, all)}, []string{"backfill-new-audience"}},
		{"after its hour", []oracle.Seen{unclaimed(backfill, 4*time.Hour, all), unclaimed(live, 5*time.Hour, all)}, []string{"backfill-new-audience"}},
		{"of another content", []oracle.Seen{unclaimed(backfill, 90*time.Minute, all), unclaimed(`{"email":"biff@example.com","identityMap":{},"segmentMembership":{}}`, 5*time.Hour, all)},
			[]string{"trig-enter"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			verdicts, roles := oracle.Exports(sc, tt.seen, oracle.Clock{Began: sc.Start})
			var got []string
			for _, f := range verdicts.Findings {
				got = append(got, f.Rule())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("findings (-want +got):\n%s", diff)
			}
			for i, r := range roles {
				if r.Kind != oracle.Unexplained {
					t.Errorf("body %d has role %+v", i, r)
				}
			}
		})
	}
}

// inBoth is a scenario of one profile that is in two audiences of one merge
// policy, of which one may be mapped later, and the body of all its exports.
func inBoth(t *testing.T, history string) (*scenarios.Scenario, string) {
	t.Helper()
	sc := scene(t, `
audiences: {mapped: {id: mapped}, later: {id: later}}
dataflow: {audiences: [mapped], attributes: [email]}
profiles: {doc: {audiences: [mapped, later], identities: {crm: D1}, attributes: {email: doc@example.com}}}
history: [`+history+`]`)
	since := sc.Start.Add(-24 * time.Hour).UTC().Format("2006-01-02T15:04:05Z")
	entry := `{"lastQualificationTime":"` + since + `","status":"realized"}`
	return sc, `{"email":"doc@example.com","identityMap":{"crm":[{"id":"D1"}]},"segmentMembership":{"ups":{"later":` + entry + `,"mapped":` + entry + `}}}`
}

// Of two explanations that fit alike, the one in which the exports of a profile
// keep their order is the right one: a third attempt that a pause kept, and then
// the backfill of what was mapped in it, with the same body.
func TestExportsThatOvertakeEachOtherAreTheWorseExplanation(t *testing.T) {
	sc, body := inBoth(t, "{at: 1h, set: email, to: doc@example.com, profile: doc}, {at: 1h30s, disable: true}, {at: 2h, map: later}, {at: 3h, enable: true}")
	var all []oracle.Seen
	for i, at := range []time.Duration{time.Hour, time.Hour + 17*time.Second, 3 * time.Hour, 3*time.Hour + 2*time.Second, 3*time.Hour + 19*time.Second, 3*time.Hour + 51*time.Second} {
		s := sent(sc, body, at, oracle.Failed, i+1)
		s.Ended = s.Sent.Add(2 * time.Second)
		all = append(all, s)
	}
	_, roles := oracle.Exports(sc, all, oracle.Clock{Began: sc.Start})
	want := []string{"attempt 1 of 1", "attempt 2 of 1", "attempt 3 of 1", "attempt 1 of 2", "attempt 2 of 2", "attempt 3 of 2"}
	if diff := cmp.Diff(want, rolesOf(roles)); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
}

// The same holds where the later export is delivered at once: a pause keeps the
// retry of the one before it, and both come when it ends.
func TestARetryThatAPauseKeptComesBeforeTheNextExport(t *testing.T) {
	sc, body := inBoth(t, "{at: 1h, set: email, to: doc@example.com, profile: doc}, {at: 1h5s, disable: true}, {at: 2h, enable: true}, {at: 2h, set: email, to: doc@example.com, profile: doc}")
	_, roles := oracle.Exports(sc, []oracle.Seen{sent(sc, body, time.Hour, oracle.Failed, 1), sent(sc, body, 2*time.Hour, oracle.Delivered, 2), sent(sc, body, 2*time.Hour, oracle.Delivered, 3)},
		oracle.Clock{Began: sc.Start})
	if diff := cmp.Diff([]string{"attempt 1 of 1", "attempt 2 of 1", "attempt 1 of 2"}, rolesOf(roles)); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
}

// An export that a pause held was decided with its change, before the mapping:
// the backfill that follows it is not its duplicate.
func TestAnExportOfAChangeMeetsNoLaterClaim(t *testing.T) {
	sc, body := inBoth(t, `{at: 1h, set: email, to: doc@example.com, profile: doc}, {at: 1h10s, set: email, to: doc@example.com, profile: doc},
  {at: 1h10s, disable: true}, {at: 1h10m, map: later}, {at: 2h, enable: true}`)
	all := []oracle.Seen{sent(sc, body, time.Hour, oracle.Failed, 1)}
	for n := 2; n <= 4; n++ {
		all = append(all, sent(sc, body, 2*time.Hour, oracle.Delivered, n))
	}
	_, roles := oracle.Exports(sc, all, oracle.Clock{Began: sc.Start})
	if diff := cmp.Diff([]string{"attempt 1 of 1", "attempt 2 of 1", "attempt 1 of 2", "attempt 1 of 3"}, rolesOf(roles)); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
	for _, r := range roles {
		if r.Overtaken {
			t.Errorf("out of order: %+v", roles)
		}
	}
}

// Where nobody knows when a body came, it is rather the backfill that was owed
// than a later one that may as well not come.
func TestWithoutTimesABackfillMeetsTheClaimInItsHour(t *testing.T) {
	sc, body := inBoth(t, "{at: 1h, unmap: mapped}, {at: 2h, map: later}, {at: 9h, map: mapped}, {at: 10h, delete: true}, {at: 11h, map: [mapped, later]}, {at: 11h, activate: true}, {at: 11h1m, disable: true}")
	s := sent(sc, body, 0, oracle.Delivered, 1)
	s.At = time.Time{}
	_, roles := oracle.Exports(sc, []oracle.Seen{s}, oracle.Clock{})
	if due := roles[0].Due.Sub(sc.Start); due != 2*time.Hour {
		t.Errorf("the export was due after %s: %+v; want 2h", due, roles)
	}
}

// The body of a backfill says what held when it was sent or before, and nothing
// that came later within its hour.
func TestABackfillSaysNothingOfTheFuture(t *testing.T) {
	sc, body := inBoth(t, "{at: 1h, map: later}, {at: 1h30m, unmap: mapped}")
	sc.Destination.IncludeMappedAudiencesOnly = true
	at := strings.Index(body, `,"mapped"`)
	body = body[:at] + "}}}"
	for after, want := range map[time.Duration][]string{time.Hour: {"changed-audience-present"}, time.Hour + 31*time.Minute: nil} {
		verdicts, _ := oracle.Exports(sc, []oracle.Seen{sent(sc, body, after, oracle.Delivered, 1)}, oracle.Clock{Began: sc.Start})
		var got []string
		for _, f := range verdicts.Findings {
			got = append(got, f.Rule())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("sent after %s, findings (-want +got):\n%s", after, diff)
		}
	}
}

// Where pauses keep the attempts apart, the fourth is the one too many, and not
// the second.
func TestTheLastAttemptIsTheOneTooMany(t *testing.T) {
	_, body := entered(t)
	sc := scene(t, `
audiences: {mapped: {id: mapped}}
dataflow: {audiences: [mapped], attributes: [email]}
profiles: {doc: {identities: {crm: D1}, attributes: {email: doc@example.com}}}
history: [{at: 1h, qualify: mapped, profile: doc}, {at: 1h10s, disable: true}, {at: 2h, enable: true}, {at: 2h, disable: true}, {at: 3h, enable: true}]`)
	var all []oracle.Seen
	for i, at := range []time.Duration{time.Hour, 2 * time.Hour, 3 * time.Hour, 3*time.Hour + 30*time.Second} {
		all = append(all, sent(sc, body, at, oracle.Failed, i+1))
	}
	_, roles := oracle.Exports(sc, all, oracle.Clock{Began: sc.Start})
	if diff := cmp.Diff([]string{"attempt 1 of 1", "attempt 2 of 1", "attempt 3 of 1", "duplicate of 1"}, rolesOf(roles)); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
}

// A deleted dataflow sends no retry any more: what the next one backfills is its
// own export, with attempts of its own. A retry that a pause held until the
// instant of the deletion may have been sent just before it.
func TestARetryEndsWithItsDataflow(t *testing.T) {
	_, body := entered(t)
	for _, tt := range []struct {
		name, steps string
		sent        []time.Duration
		want        []string
	}{
		{"disabled until it was deleted", "{at: 3h, delete: true}, {at: 3h, map: mapped}, {at: 3h, activate: true}",
			[]time.Duration{0, 2 * time.Hour, 2*time.Hour + 15*time.Second, 2*time.Hour + 45*time.Second, 2*time.Hour + 75*time.Second},
			[]string{"attempt 1 of 1", "attempt 1 of 2", "attempt 2 of 2", "attempt 3 of 2", "duplicate of 2"}},
		{"enabled and deleted", "{at: 3h, enable: true}, {at: 3h, delete: true}", []time.Duration{0, 2 * time.Hour}, []string{"attempt 1 of 1", "attempt 2 of 1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sc := scene(t, `
audiences: {mapped: {id: mapped}}
dataflow: {audiences: [mapped], attributes: [email]}
profiles: {doc: {identities: {crm: D1}, attributes: {email: doc@example.com}}}
history: [{at: 1h, qualify: mapped, profile: doc}, {at: 1h10s, disable: true}, `+tt.steps+`]`)
			var all []oracle.Seen
			for i, after := range tt.sent {
				s := sent(sc, body, time.Hour+after, oracle.Failed, i+1)
				s.At = s.At.Add(time.Second) // as far as clocks may differ
				all = append(all, s)
			}
			_, roles := oracle.Exports(sc, all, oracle.Clock{Began: sc.Start, Tolerance: time.Second})
			if diff := cmp.Diff(tt.want, rolesOf(roles)); diff != "" {
				t.Errorf("roles (-want +got):\n%s", diff)
			}
		})
	}
}

// One backfill meets the claims to all mappings before it: what comes again a
// moment later is a duplicate, and not the backfill of another one.
func TestOneBackfillMeetsAllClaims(t *testing.T) {
	for _, tt := range []struct {
		name, history string
		want          []string
	}{
		{"mapped before the first export", "{at: 1h, delete: true}, {at: 1h, map: mapped}, {at: 1h, activate: true}, {at: 1h10m, map: later}",
			[]string{"attempt 1 of 1", "duplicate of 1"}},
		{"mapped between the two", "{at: 1h, delete: true}, {at: 1h, map: mapped}, {at: 1h, activate: true}, {at: 1h30m1s, map: later}",
			[]string{"attempt 1 of 1", "attempt 1 of 2"}},
	} {
		sc, body := inBoth(t, tt.history)
		_, roles := oracle.Exports(sc, []oracle.Seen{sent(sc, body, 90*time.Minute, oracle.Delivered, 1), sent(sc, body, 90*time.Minute+3*time.Second, oracle.Delivered, 2)},
			oracle.Clock{Began: sc.Start})
		if diff := cmp.Diff(tt.want, rolesOf(roles)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
