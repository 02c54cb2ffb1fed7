package oracle_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/scenarios/oracle"
)

const twoPolicies = `
audiences: {web: {mergePolicy: web}, stores: {mergePolicy: stores}, fans: {mergePolicy: web}}
organisation: {mergePolicies: {default: {default: true}, web: {}, stores: {}}}
destination: {readings: {mergePolicyBodies: each}}
`

// With a body for each merge policy a change is exported by those that it concerns,
// and by no other one.
func TestObligationsPerPolicy(t *testing.T) {
	for _, tt := range []struct {
		name, rest string
		want       []string
	}{
		{"an entry of one policy", `
dataflow: {audiences: [web, stores], attributes: [email]}
profiles: {doc: {audiences: [stores]}}
history: [{at: 1h, qualify: web, profile: doc}]`,
			[]string{"must not one-body []", "must trig-enter [audience]", "must not one-body []"}},
		{"an attribute of a profile in the audiences of one policy", `
dataflow: {audiences: [web, stores], attributes: [email]}
profiles: {doc: {audiences: [stores]}}
history: [{at: 1h, set: email, to: a@example.com, profile: doc}]`,
			[]string{"must trig-attr-add [attribute]", "must not one-body []", "must not one-body []"}},
		{"an attribute of a profile in no audience, which is exported all the same", `
dataflow: {audiences: [web, stores], attributes: [email], requireMembership: false}
profiles: {doc: {audiences: [fans]}}
history: [{at: 1h, set: email, to: a@example.com, profile: doc}]`,
			[]string{"must not one-body []", "must not one-body []", "must trig-attr-add [attribute]"}},
		{"an attribute with the exit from the last audience", `
dataflow: {audiences: [web, stores], attributes: [email], requireMembership: false}
profiles: {doc: {audiences: [web]}}
history: [{at: 1h, exit: web, set: email, to: a@example.com, profile: doc}]`,
			[]string{"must not one-body []", "must trig-exit [attribute audience]", "must not one-body []"}},
		{"an unmapped audience", `
dataflow: {audiences: [web, stores], attributes: [email]}
profiles: {doc: {audiences: [web, stores]}}
history: [{at: 1h, qualify: fans, profile: doc}]`,
			[]string{"must not trig-unmapped-audience []", "must not trig-unmapped-audience []", "must not trig-unmapped-audience []"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sc := scene(t, twoPolicies+tt.rest)
			var got []string
			for _, x := range oracle.New(sc, oracle.Planned(sc)).Possible("doc") {
				got = append(got, fmt.Sprintf("%s %s %v", x.Obligation, x.Clause, x.Because))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("of stores, of web and of no policy (-want +got):\n%s", diff)
			}
		})
	}
}

// A sender is judged by the one of the two readings that it follows, and what is
// wrong by both is not excused.
func TestWrongByBothReadings(t *testing.T) {
	web := in("delorean", "realized", "10:00:00") + "," + in("fans", "realized", "09:00:00")
	stores := in("shops", "realized", "10:00:00")
	left := arrival{2 * time.Hour, membership(ups(in("delorean", "exited", "10:00:00") + "," + in("fans", "realized", "09:00:00")))}
	for _, tt := range []struct {
		name string
		sent []arrival
		want []oracle.Finding
	}{
		{"the body of one policy is missing", []arrival{{time.Hour, membership(ups(web))}, left},
			[]oracle.Finding{{Clause: "changed-audience-present"}, {Clause: "changed-audience-present/other-mapped"}}},
		{"one body for all policies, twice", []arrival{{time.Hour, membership(ups(web + "," + stores))}, {90 * time.Minute, membership(ups(web + "," + stores))}, left},
			[]oracle.Finding{{Clause: "incremental"}, {Clause: "changed-audience-present/other-mapped"}}},
		{"the body of a policy that nothing concerns", []arrival{{time.Hour, membership(ups(web))}, {time.Hour, membership(ups(stores))}, left,
			{2 * time.Hour, membership(ups(stores))}},
			[]oracle.Finding{{Clause: "one-body"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := readingCase{key: "mergePolicyBodies", scenario: entersTwoPolicies, sent: tt.sent}
			if diff := cmp.Diff(tt.want, c.judge(t, "")); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
