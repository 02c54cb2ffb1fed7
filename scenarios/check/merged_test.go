package check

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// A profile is known by the names and the synthetic identities of all that became part
// of it, and enters by a merge what the other was in.
func TestPartsOfAProfile(t *testing.T) {
	sc, err := scenarios.Parse("s.yaml", []byte(`
title: t
rules: [merge-gains]
audiences: {a: {id: a}, b: {id: b}, c: {id: c}, d: {id: d}, e: {id: e}}
profiles: {doc: {}, doc-2: {audiences: [a, b]}, doc-3: {audiences: {c: {qualified: 2h, exited: 1h}, e: {}}}, marty: {audiences: [d]}}
expect: []
others: allowed
`))
	if err != nil {
		t.Fatal(err)
	}
	var lines []recording.Line
	for _, u := range []struct {
		profile string
		change  recording.Change
	}{
		{"doc-2", recording.Change{Op: "exit", Audience: "a"}},
		{"doc-3", recording.Change{Op: "forget"}},
		{"doc-3", recording.Change{Op: "qualify", Audience: "d"}},
		{"doc-2", recording.Change{Op: "merge", From: "doc-3"}},
		{"doc-3", recording.Change{Op: "merged", To: "doc-2"}},
		{"doc", recording.Change{Op: "merge", From: "doc-2"}},
		{"doc-2", recording.Change{Op: "merged", To: "doc"}},
	} {
		at := sc.Start.Add(time.Duration(len(lines)) * time.Minute)
		lines = append(lines, recording.Line{Update: &recording.Update{At: at, Profile: u.profile, Changes: []recording.Change{u.change}}})
	}
	v := newView(sc, lines)
	if diff := cmp.Diff([]string{"doc", "doc-2", "doc-3"}, v.parts("doc")); diff != "" {
		t.Errorf("parts of doc: -want +got\n%s", diff)
	}
	for pair, want := range map[[2]string]bool{{"doc", "doc"}: true, {"doc", "doc-3"}: true, {"doc-3", "doc"}: true, {"doc", "marty"}: false, {"marty", "doc"}: false} {
		if got := v.same(pair[0], pair[1]); got != want {
			t.Errorf("same%v = %t; want %t", pair, got, want)
		}
	}
	for name, want := range map[string]bool{"doc": true, "doc-2": true, "doc-3": true, "marty": false} {
		if got := v.synthetic("doc", "ecid:"+scenarios.ECID(sc.Seed, name)); got != want {
			t.Errorf("the ecid of %s is one of doc: %t; want %t", name, got, want)
		}
	}
	last := v.updatesOf["doc"][0]
	want := map[string]string{"b": "realized", "d": "realized"}
	if diff := cmp.Diff(want, v.changedBy(last.Changes[0], last)); diff != "" {
		t.Errorf("what doc enters by the merge: -want +got\n%s", diff)
	}
	if g := v.identitiesAt(last); len(g) != 2 { // doc-3 was forgotten with its own
		t.Errorf("doc has the identities %v; want its own and that of doc-2", g)
	}
}

// An identity of a row whose profile was forgotten before the upload is that of the
// profile that the row makes.
func TestRowsOfForgottenProfiles(t *testing.T) {
	sc, err := scenarios.Parse("s.yaml", []byte(`
title: t
rules: [upload-latency]
audiences: {vip: {upload: {at: 1h, identity: crm, rows: "crm\nA\nB\n"}}}
profiles: {doc: {identities: {crm: A}}, marty: {identities: {crm: B}}}
history: [{at: 2h, forget: doc}, {at: 4h, forget: marty}]
expect: []
others: allowed
`))
	if err != nil {
		t.Fatal(err)
	}
	known := knownIdentities(sc)
	if a, b := known["crm:A"], known["crm:B"]; a[len(a)-1].name != "vip-row-1" || len(b) != 1 || b[0].name != "marty" {
		t.Errorf("the rows are of %v and %v; want a new profile, and marty", a, b)
	}
}
