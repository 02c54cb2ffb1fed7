package check

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/capture"
)

// changing is a history in which identities pass from profile to profile, and one loses all.
const changing = `
title: Identities that pass on
rules: [trig-enter]
audiences: {delorean: {id: delorean}}
dataflow: {audiences: [delorean]}
profiles:
  doc: {identities: {crm: A}}
  doc-2: {identities: {crm: B}}
  marty: {identities: {crm: M}}
  biff: {identities: {crm: F}}
history:
  - {at: 1h, profile: doc, qualify: delorean}
  - {at: 2h, merge: {from: doc-2, into: doc}}
  - {at: 3h, profile: doc, removeIdentity: {crm: A}}
  - {at: 4h, forget: marty}
  - {at: 5h, profile: marty, qualify: delorean}
  - {at: 6h, profile: biff, addIdentity: {crm: M}}
  - {at: 7h, profile: biff, qualify: delorean}
expect: []
others: allowed
`

// A body may be of every profile that had one of its identities up to then, and one
// without an identity of every profile that was forgotten up to then.
func TestWhoseABodyMayBe(t *testing.T) {
	sc, err := scenarios.Parse("s.yaml", []byte(changing))
	if err != nil {
		t.Fatal(err)
	}
	s := NewSender(catalogue(t), SenderOptions{Scenario: sc, Began: sc.Start})
	s.identifying, s.synthetic = true, true
	for _, tt := range []struct {
		ids   string
		until time.Duration
		want  []string
	}{
		{"A", time.Hour, []string{"doc"}},
		{"B", time.Hour, []string{"doc-2"}},
		{"B", 2 * time.Hour, []string{"doc-2", "doc"}},
		{"M", 5 * time.Hour, []string{"marty"}},
		{"M", endless, []string{"marty", "biff"}},
		{"", 3 * time.Hour, nil},
		{"", 4 * time.Hour, []string{"marty"}},
		{"Z", endless, nil},
	} {
		ids := ""
		if tt.ids != "" {
			ids = fmt.Sprintf(`"crm":[{"id":%q}]`, tt.ids)
		}
		name, got := s.nameOf(readMessage(`{"identityMap":{` + ids + `}}`).profiles[0].body, tt.until)
		if name != "" {
			got = []string{name}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("crm %q at %s (-want +got):\n%s", tt.ids, tt.until, diff)
		}
	}
}

// Judged by the history, a sender whose profiles merge and are forgotten breaks
// nothing when it is right, and is told what is missing and whose it is when not.
func TestSenderOfMergedAndForgottenProfiles(t *testing.T) {
	const first = `{"run":{"schema":"httpdest/recording/v1","scenario":"mock","title":"t","seed":1,` +
		`"start":"2026-01-15T09:00:00Z","endpoint":"mock","side":"endpoint"}}` + "\n"
	const last = `{"end":{"at":"2026-01-16T09:00:00Z"}}`
	sc, err := scenarios.Parse("s.yaml", []byte(changing))
	if err != nil {
		t.Fatal(err)
	}
	clock := func(at time.Duration) string { return sc.Start.Add(at).Format(time.RFC3339) }
	request := func(at, qualified time.Duration, ids ...string) string {
		identities := ""
		for _, id := range ids {
			identities += fmt.Sprintf(`,{"id":%q}`, id)
		}
		if identities != "" {
			identities = `"crm":[` + identities[1:] + `]`
		}
		body := fmt.Sprintf(`{"segmentMembership":{"ups":{"delorean":{"lastQualificationTime":%q,"status":"realized"}}},`+
			`"identityMap":{%s}}`, clock(qualified), identities)
		return fmt.Sprintf(`{"request":{"at":%q,"answeredAt":%q,"method":"POST","target":"/profiles",`+
			`"headers":[{"name":"Content-Type","value":"application/json"}],"body":%q,"status":200}}`,
			clock(at), clock(at), body)
	}
	const h = time.Hour
	right := []string{request(h, h, "A"), request(2*h, h, "A", "B"), request(3*h, h, "B"), request(5*h, 5*h),
		request(7*h, 7*h, "F", "M")}
	without := func(n int) []string { return slices.Delete(slices.Clone(right), n, n+1) }
	instead := func(n int, line string) []string { return slices.Replace(slices.Clone(right), n, n+1, line) }
	for _, tt := range []struct {
		name  string
		lines []string
		want  []string
		says  string
	}{
		{"right", right, nil, ""},
		{"without the one that lost its own identity", without(2), []string{"trig-identity-any"}, "doc, due 3h"},
		{"without that of the forgotten", without(3), []string{"trig-enter"}, "marty, due 5h"},
		{"with what was forgotten", instead(3, request(5*h, 5*h, "M")), []string{"all-identities"}, "marty (line 5)"},
		{"with what it lost", instead(2, request(3*h, h, "A", "B")), []string{"all-identities"}, "doc (line 4)"},
		{"with none of its own", instead(4, request(7*h, 7*h, "M")), []string{"all-identities"}, "biff (line 6)"},
	} {
		for _, began := range []time.Time{sc.Start, {}} {
			text := first + strings.Join(append(tt.lines, last), "\n")
			c := judged(t, text, capture.Options{}, SenderOptions{Scenario: sc, Began: began})
			if got := rulesWith(c, reports.Fail); !slices.Equal(got, tt.want) {
				t.Errorf("%s, start known %t: fails %q; want %q: %+v", tt.name, !began.IsZero(), got, tt.want, c.Checks)
			}
			says := func(k reports.Check) bool { return strings.Contains(k.Actual, tt.says) }
			if tt.says != "" && !slices.ContainsFunc(c.Checks, says) {
				t.Errorf("%s, start known %t: no check says %q", tt.name, !began.IsZero(), tt.says)
			}
		}
	}
}
