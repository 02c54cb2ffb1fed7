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
	"github.com/httpdest/httpdest/scenarios/oracle"
)

// told is the history that the captures of these tests are held against.
const ledgerHistory = `
title: Two that enter, one of them at a bad moment
rules: [trig-enter]
audiences: {fans: {id: fans}, crew: {id: crew, mergePolicy: other}}
organisation: {mergePolicies: {default: {default: true}, other: {}}}
destination: {maxProfilesPerRequest: 10}
dataflow: {audiences: [fans], attributes: [person.name]}
profiles:
  marty: {identities: {crm: M1}}
  biff: {identities: {crm: B1}}
history:
  - {at: 1h, profile: marty, qualify: fans}
  - {at: 1h, profile: biff, qualify: fans}
  - {at: 3h, profile: marty, set: person.age, to: 17}
until: 9h
expect: [{profile: marty}, {profile: biff}]
`

func parsed(t *testing.T, text string) *scenarios.Scenario {
	t.Helper()
	sc, err := scenarios.Parse("given.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return sc
}

// marty and biff as a sender that does not know their synthetic ecid sends them.
func sentAs(id, since string) string {
	return fmt.Sprintf(`{"segmentMembership":{"ups":{"fans":{"lastQualificationTime":"%s","status":"realized"}}},"identityMap":{"crm":[{"id":"%s"}]}}`, since, id)
}

// posted is a line of NDJSON: some profiles in a list, at a time of the day.
func postedAt(at string, status int, profiles ...string) string {
	return fmt.Sprintf(`{"method":"POST","target":"/","headers":{"Content-Type":"application/json"},"body":[%s],"status":%d,"time":"2026-01-15T%sZ","durationMs":10}`,
		strings.Join(profiles, ","), status, at)
}

// Each slip of a sender of batches fails the rule that its author would name,
// and no other.
func TestLedgerNamesTheSlip(t *testing.T) {
	const since = "2026-01-15T10:00:00Z"
	marty, biff := sentAs("M1", since), sentAs("B1", since)
	both := postedAt("10:00:01", 200, marty, biff)
	for _, tt := range []struct {
		name        string
		lines       []string
		wrong, open []string
		says        string
	}{
		{name: "as it should be", lines: []string{both}},
		{name: "a failure and its retry", lines: []string{postedAt("10:00:01", 503, marty, biff), postedAt("10:00:16", 200, marty, biff)}},
		{name: "again in other company", lines: []string{both, postedAt("10:00:03", 200, biff), postedAt("10:00:05", 200, biff, marty)},
			wrong: []string{"stop-on-success"}, says: "line 2: biff sent again after the delivery on line 1"},
		{name: "twice in one list", lines: []string{postedAt("10:00:01", 200, marty, marty, biff)}, wrong: []string{"batch-split"}, says: "marty twice"},
		{name: "a retry that was built anew", lines: []string{postedAt("10:00:01", 503, marty, biff), postedAt("10:00:16", 200, sentAs("M1", "2026-01-15T10:00:16Z"), biff)},
			wrong: []string{"retry-same"}, says: `line 2: attempt 2 of marty, biff: segmentMembership.ups.fans.lastQualificationTime is "2026-01-15T10:00:16Z"`},
		{name: "a retry of a half", lines: []string{postedAt("10:00:01", 503, marty, biff), postedAt("10:00:16", 200, biff)}, wrong: []string{"retry-same"}, says: "not together"},
		{name: "no retry", lines: []string{postedAt("10:00:01", 503, marty), postedAt("10:00:01", 200, biff), postedAt("13:00:00", 200, sentAs("X", since))},
			wrong: []string{"incremental", "max-3"}, open: []string{"retry-codes"}, says: "attempt 1 of marty failed with 503 and was not retried"},
		{name: "for an attribute that is not mapped", lines: []string{both, postedAt("12:00:01", 200, marty)}, wrong: []string{"trig-attr-unmapped"}},
		{name: "for nothing at all", lines: []string{both, postedAt("11:00:01", 200, biff)}, wrong: []string{"incremental"}},
		{name: "five hours late", lines: []string{postedAt("10:00:01", 200, marty), postedAt("15:00:01", 200, biff)}, wrong: []string{"dispatch-asap"},
			says: "sent 5h0m1s after the change"},
		{name: "half an hour late", lines: []string{postedAt("10:00:01", 200, marty), postedAt("10:30:01", 200, biff)}, open: []string{"dispatch-asap"}},
		{name: "a time of another year", lines: []string{postedAt("10:00:01", 200, sentAs("M1", "2019-01-15T10:00:00Z"), biff)}, wrong: []string{"lqt-value"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sc := parsed(t, ledgerHistory)
			c := judged(t, strings.Join(tt.lines, "\n"), capture.Options{Format: capture.NDJSON}, SenderOptions{Scenario: sc, Began: time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)})
			if diff := cmp.Diff(tt.wrong, slices.Sorted(slices.Values(rulesWith(c, reports.Fail))), nilIsEmpty); diff != "" {
				t.Errorf("failed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.open, rulesWith(c, reports.Unspecified), nilIsEmpty); diff != "" {
				t.Errorf("unspecified (-want +got):\n%s", diff)
			}
			if !slices.ContainsFunc(c.Checks, func(k reports.Check) bool { return strings.Contains(k.Actual, tt.says) }) {
				t.Errorf("no check says %q: %+v", tt.says, c.Checks)
			}
		})
	}
}

var nilIsEmpty = cmp.Transformer("nil", func(s []string) []string { return append([]string{}, s...) })

// Where only gaps are known lateness is said, and fails nothing.
func TestLedgerByGapsAlone(t *testing.T) {
	lines := postedAt("20:00:01", 200, sentAs("M1", "2026-01-15T20:00:00Z")) + "\n" + postedAt("23:30:01", 200, sentAs("B1", "2026-01-15T20:00:00Z"))
	c := judged(t, lines, capture.Options{Format: capture.NDJSON}, SenderOptions{Scenario: parsed(t, ledgerHistory)})
	if failed, open := rulesWith(c, reports.Fail), rulesWith(c, reports.Unspecified); failed != nil || !slices.Equal(open, []string{"dispatch-asap"}) {
		t.Errorf("failed %q, unspecified %q", failed, open)
	}
}

// Two profiles without an identity that a sender knows: the profile of a body
// cannot be determined unless an attribute shows it, and the verdict is not a
// pass.
func TestOnlyASyntheticIdentity(t *testing.T) {
	text := strings.NewReplacer("{identities: {crm: M1}}", "{}", "{identities: {crm: B1}}", "{attributes: {person: {name: {firstName: Biff}}}}").Replace(ledgerHistory)
	own := func(name, ecid string) string {
		return strings.Replace(strings.Replace(sentAs("M1", "2026-01-15T10:00:00Z"), `"crm":[{"id":"M1"}]`, `"ecid":[{"id":"`+ecid+`"}]`, 1), "{", "{"+name, 1)
	}
	biff := own(`"person":{"name":{"firstName":"Biff"}},`, "7")
	for body, want := range map[string]reports.Verdict{biff: reports.Fail, own("", "8"): reports.Inconclusive} {
		c := judged(t, postedAt("10:00:01", 200, body), capture.Options{Format: capture.NDJSON}, SenderOptions{Scenario: parsed(t, text)})
		if c.Verdict != want || slices.Contains(rulesWith(c, reports.Fail), "all-identities") {
			t.Errorf("%s: %s, failed %q; want %s", body, c.Verdict, rulesWith(c, reports.Fail), want)
		}
	}
}

// A ledger that does not add up says so.
func TestUnbalancedLedger(t *testing.T) {
	x := &exchange{Exchange: capture.Exchange{Line: 1}}
	entry := func(kind oracle.RoleKind, export, attempt int) *posting {
		return &posting{exchange: x, name: "doc", role: oracle.Role{Kind: kind, Export: export, Attempt: attempt}}
	}
	first, second := entry(oracle.Attempt, 1, 1), entry(oracle.Attempt, 1, 2)
	lost, twin := entry(0, 0, 0), entry(oracle.Duplicate, 1, 0)
	for name, tt := range map[string]struct {
		ledger ledger
		wrong  bool
	}{
		"right":                  {ledger{[]*posting{first, second}, 2}, false},
		"a body without a role":  {ledger{[]*posting{first, lost}, 2}, true},
		"a body without entry":   {ledger{[]*posting{first}, 2}, true},
		"one attempt twice":      {ledger{[]*posting{first, first}, 2}, true},
		"a second without first": {ledger{[]*posting{second}, 1}, true},
		"a twin of nothing":      {ledger{[]*posting{first, twin}, 2}, true},
	} {
		if got := tt.ledger.unbalanced(); got != "" != tt.wrong {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// A retry that is due while as many requests are under way as the dataflow has at
// once waits for one of them to end; with room for it, it comes late.
func TestARetryWaitsForTheRequestsUnderWay(t *testing.T) {
	marty, biff := sentAs("M1", "2026-01-15T10:00:00Z"), sentAs("B1", "2026-01-15T10:00:00Z")
	slow := strings.Replace(postedAt("10:00:16", 503, marty), `"durationMs":10`, `"durationMs":2000`, 1)
	lines := []string{postedAt("10:00:01", 503, marty), postedAt("10:00:01", 503, biff), slow, postedAt("10:00:18", 200, biff), postedAt("10:00:48", 200, marty)}
	for inFlight, want := range map[string][]string{"1": nil, "2": {"retry-delays"}} {
		sc := parsed(t, strings.Replace(ledgerHistory, "dataflow: {", "dataflow: {maxInFlight: "+inFlight+", ", 1))
		c := judged(t, strings.Join(lines, "\n"), capture.Options{Format: capture.NDJSON}, SenderOptions{Scenario: sc, Began: time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)})
		if diff := cmp.Diff(want, rulesWith(c, reports.Unspecified), nilIsEmpty); diff != "" {
			t.Errorf("%s at once, unspecified (-want +got):\n%s", inFlight, diff)
		}
	}
}
