package oracle_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/oracle"
)

// scene parses a scenario whose profile doc has the given history, written as
// the rest of a scenario file.
func scene(t *testing.T, rest string) *scenarios.Scenario {
	t.Helper()
	sc, err := scenarios.Parse("scene.yaml", []byte("title: A history\nrules: [trig-enter]\nuntil: 40d\nexpect: []\nothers: allowed\n"+rest))
	if err != nil {
		t.Fatal(err)
	}
	return sc
}

const oneAudience = `
audiences: {mapped: {}, later: {}}
dataflow: {audiences: [mapped], attributes: [email]}
`

// The obligations of single histories, derived by hand from the page and not
// from what the engine does.
func TestObligations(t *testing.T) {
	for _, tt := range []struct {
		name, rest string
		want       []string
	}{
		{"an exit from an audience that was unmapped before", oneAudience + `
profiles: {doc: {audiences: [mapped]}}
history: [{at: 1h, unmap: mapped}, {at: 2h, exit: mapped, profile: doc}]`,
			[]string{"2h0m0s must not unmap-silent []"}},
		{"an entry into an audience that was never mapped", oneAudience + `
profiles: {doc: {}}
history: [{at: 2h, qualify: later, profile: doc}]`,
			[]string{"2h0m0s must not trig-unmapped-audience []"}},
		{"an entry after the dataflow was deleted", oneAudience + `
profiles: {doc: {}}
history: [{at: 1h, delete: true}, {at: 2h, qualify: mapped, profile: doc}]`,
			[]string{"2h0m0s must not delete-unmaps []"}},
		{"an entry in a pause", oneAudience + `
profiles: {doc: {}}
history: [{at: 1h, disable: true}, {at: 2h, qualify: mapped, profile: doc}]`,
			[]string{"2h0m0s must not disabled-silent []"}},
		{"a backfill whose hour a pause of two hours interrupts", oneAudience + `
profiles: {doc: {audiences: [later]}}
history: [{at: 1h, map: later}, {at: 70m, disable: true}, {at: 190m, enable: true}]`,
			[]string{"1h0m0s may backfill-new-audience [backfill] by 4h0m0s", "1h0m0s may backfill-new-audience [backfill] by 4h0m0s"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sc := scene(t, tt.rest)
			var got []string
			for _, x := range oracle.New(sc, oracle.Planned(sc)).Possible("doc") {
				text := fmt.Sprintf("%s %s %s %v", x.From.Sub(sc.Start), x.Obligation, x.Clause, x.Because)
				if !x.To.Equal(x.From) {
					text += fmt.Sprintf(" by %s", x.To.Sub(sc.Start))
				}
				got = append(got, text)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Possible(doc) (-want +got):\n%s", diff)
			}
		})
	}
}

// The effects of uploads on a planned history: rows become members two
// hours after the file, and leave when their days are over.
func TestPlannedUploads(t *testing.T) {
	const rest = `
audiences: {vip: {upload: {identity: crm, rows: "crm\nA1\nA2\nA1\n", ttl: 10d}}}
dataflow: {audiences: [vip], attributes: [email]}
profiles: {doc: {identities: {crm: [A1, A2]}}}
history: [{at: 2d, refresh: vip}, {at: 3d, set: email, to: x, profile: doc}]`
	sc := scene(t, rest)
	var got []string
	for _, e := range oracle.Planned(sc) {
		if e.Update == nil {
			continue
		}
		for _, c := range e.Update.Changes {
			got = append(got, fmt.Sprintf("%s %s %s", e.At().Sub(sc.Start), e.Update.Profile, c.Op))
		}
	}
	// Three rows of one profile make it a member once. A refresh before the
	// last seven days changes nothing.
	want := []string{"2h0m0s doc qualify", "72h0m0s doc set", "240h0m0s doc exit"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Planned (-want +got):\n%s", diff)
	}
}

// Writes of whole objects and of parts of them, judged by the body that has to
// follow: written by hand, with what must not be there any more.
func TestAttributesAfterWrites(t *testing.T) {
	for _, tt := range []struct{ name, steps, right, wrong string }{
		{"a removed object takes its parts along",
			`{at: 1h, remove: person.name, profile: doc}`,
			`{"person":{"age":65}}`, `{"person":{"age":65,"name":{"first":"Emmett"}}}`},
		{"an object in the place of a text",
			`{at: 1h, set: person.age.years, to: 65, profile: doc}`,
			`{"person":{"name":{"first":"Emmett"},"age":{"years":65}}}`, `{"person":{"name":{"first":"Emmett"},"age":65}}`},
		{"a text in the place of an object",
			`{at: 1h, set: person.name, to: Emmett, profile: doc}`,
			`{"person":{"name":"Emmett","age":65}}`, `{"person":{"name":{"first":"Emmett"},"age":65}}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sc := scene(t, `
audiences: {mapped: {id: mapped}}
dataflow: {audiences: [mapped], attributes: [person]}
profiles: {doc: {audiences: [mapped], identities: {crm: D1}, attributes: {person: {age: 65, name: {first: Emmett}}}}}
history: [`+tt.steps+`]`)
			for body, want := range map[string]bool{tt.right: true, tt.wrong: false} {
				findings := oracle.Judge(sc, []oracle.Seen{{Profile: "doc", ID: "doc", Body: whole(t, sc, body)}})
				if (len(findings) == 0) != want {
					t.Errorf("%s: right is %t, findings %+v", body, want, findings)
				}
			}
		})
	}
}

// whole is attributes with the membership and the identities of doc.
func whole(t *testing.T, sc *scenarios.Scenario, attributes string) string {
	t.Helper()
	object := map[string]any{}
	if err := json.Unmarshal([]byte(attributes), &object); err != nil {
		t.Fatal(err)
	}
	start, _ := sc.Initial("doc")
	identities := map[string][]map[string]string{}
	for _, id := range start.Identities {
		identities[id.Namespace] = append(identities[id.Namespace], map[string]string{"id": id.ID})
	}
	object["identityMap"] = identities
	object["segmentMembership"] = map[string]any{"ups": map[string]any{"mapped": map[string]any{
		"status": "realized", "lastQualificationTime": sc.Start.Add(-start.Memberships[0].Qualified).UTC().Format("2006-01-02T15:04:05Z")}}}
	out, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// An export need not be seen where the dataflow was enabled for no more than five
// minutes after its change: what waits then is never sent. Pauses do not count, and
// neither does a moment in which the dataflow is enabled between two of them.
func TestAnExportIsNotOwedThatAPauseCameBefore(t *testing.T) {
	for _, tt := range []struct {
		name, actions string
		owed          bool
	}{
		{"never disabled", "", true},
		{"disabled at once", "{at: 1h, disable: true}", false},
		{"disabled after four minutes", "{at: 1h4m, disable: true}", false},
		{"disabled after six minutes", "{at: 1h6m, disable: true}", true},
		{"enabled again", "{at: 1h, disable: true}, {at: 2h, enable: true}", true},
		{"enabled again for a moment", "{at: 1h, disable: true}, {at: 2h, enable: true}, {at: 2h, disable: true}", false},
		{"enabled again for four minutes", "{at: 1h, disable: true}, {at: 2h, enable: true}, {at: 2h4m, disable: true}", false},
		{"enabled for twice four minutes", "{at: 1h4m, disable: true}, {at: 2h, enable: true}, {at: 2h4m, disable: true}", true},
		{"enabled again for six minutes", "{at: 1h, disable: true}, {at: 2h, enable: true}, {at: 2h6m, disable: true}", true},
		{"deleted in the pause", "{at: 1h, disable: true}, {at: 2h, delete: true}", false},
		{"deleted after a moment between two pauses",
			"{at: 1h, disable: true}, {at: 2h, enable: true}, {at: 2h, disable: true}, {at: 3h, delete: true}", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sc := scene(t, `
audiences: {mapped: {id: mapped}}
dataflow: {audiences: [mapped], attributes: [email]}
profiles: {doc: {identities: {crm: D1}, attributes: {email: doc@example.com}}}
history: [{at: 1h, qualify: mapped, profile: doc}`+strings.TrimSuffix(", "+tt.actions, ", ")+`]
`)
			verdicts, _ := oracle.Exports(sc, nil, oracle.Clock{Began: sc.Start})
			owed := slices.ContainsFunc(verdicts.Findings, func(f oracle.Finding) bool { return f.Clause == "trig-enter" })
			if owed != tt.owed {
				t.Errorf("owed: %t; want %t: %+v", owed, tt.owed, verdicts.Findings)
			}
		})
	}
}
