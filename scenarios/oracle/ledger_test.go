package oracle_test

import (
	"fmt"
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
			var got []string
			for _, r := range roles {
				switch r.Kind {
				case oracle.Attempt:
					got = append(got, fmt.Sprintf("attempt %d of %d", r.Attempt, r.Export))
				case oracle.Duplicate:
					got = append(got, fmt.Sprintf("duplicate of %d", r.Export))
				default:
					got = append(got, "unexplained")
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("roles (-want +got):\n%s", diff)
			}
			surplus := false
			for _, f := range verdicts.Findings {
				surplus = surplus || f.Rule == "incremental"
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
			if f.Rule == "dispatch-asap" {
				got = map[bool]string{true: "open", false: "wrong"}[f.Default]
			}
		}
		if got != tt.want {
			t.Errorf("%s after the change (estimated: %t) is %s; want %s: %+v", tt.after, tt.estimated, got, tt.want, verdicts.Findings)
		}
	}
}
