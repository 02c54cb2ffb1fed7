package oracle_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/oracle"
)

const merging = `
title: t
rules: [merge-gains]
audiences: {delorean: {id: delorean}, scifi: {id: scifi}, books: {id: books}}
dataflow: {audiences: [delorean, scifi, books], attributes: [name, city]}
profiles:
  doc: {identities: {crm: A}, audiences: [delorean], attributes: {name: Emmett}}
  doc-2: {identities: {crm: B}, audiences: {scifi: {qualified: 2h}, books: {qualified: 3h, exited: 1h}}, attributes: {name: Doc, city: Hill Valley}}
  marty: {identities: {crm: M}, audiences: [delorean]}
history:
  - {at: 1h, merge: {from: doc-2, into: doc}}
  - {at: 2h, forget: marty}
  - {at: 3h, profile: marty, addIdentity: {crm: M}, qualify: scifi}
expect: []
others: allowed
`

// The documentation leaves much of a merge open: there a sender that is not ours is
// unspecified. Its rules about identities and bodies bind after a merge as well.
func TestMergesOfAForeignSender(t *testing.T) {
	sc, err := scenarios.Parse("s.yaml", []byte(merging))
	if err != nil {
		t.Fatal(err)
	}
	ecid := func(names ...string) string {
		var all []string
		for _, name := range names {
			all = append(all, `{"id":"`+scenarios.ECID(sc.Seed, name)+`"}`)
		}
		return `"ecid":[` + strings.Join(all, ",") + `]`
	}
	delorean := `"delorean":{"lastQualificationTime":"2026-01-14T09:00:00Z","status":"realized"}`
	merged := `{"name":"Emmett","city":"Hill Valley","segmentMembership":{` + ups(delorean+","+in("scifi", "realized", "10:00:00")) +
		`},"identityMap":{"crm":[{"id":"A"},{"id":"B"}],` + ecid("doc", "doc-2") + `}}`
	back := `{"segmentMembership":{` + ups(in("scifi", "realized", "12:00:00")) + `},"identityMap":{"crm":[{"id":"M"}]}}`
	replace := strings.NewReplacer
	one := func(profile string, at time.Duration, body string) oracle.Seen {
		when := sc.Start.Add(at)
		return oracle.Seen{Profile: profile, At: when, Sent: when, Ended: when, ID: profile + when.String(), Outcome: oracle.Delivered, Body: body}
	}
	for name, c := range map[string]struct {
		doc, back string
		more      []oracle.Seen
		want      []string
	}{
		"right":                    {merged, back, nil, nil},
		"no export":                {"", back, nil, []string{"merge-gains"}},
		"the other one's value":    {replace("Emmett", "Doc").Replace(merged), back, nil, []string{"merge-gains/values"}},
		"without the new value":    {replace(`"city":"Hill Valley",`, "").Replace(merged), back, nil, []string{"merge-gains/values"}},
		"the other one's time":     {replace("2026-01-15T10:00:00Z", "2026-01-15T07:00:00Z").Replace(merged), back, nil, []string{"merge-gains/values"}},
		"what the other had left":  {replace(`"scifi":`, `"books":{"lastQualificationTime":"2026-01-15T06:00:00Z","status":"exited"},"scifi":`).Replace(merged), back, nil, []string{"merge-gains/values"}},
		"without its identity":     {replace(`,{"id":"B"}`, "").Replace(merged), back, nil, []string{"all-identities"}},
		"an exit of the other":     {merged, back, []oracle.Seen{one("doc-2", time.Hour, replace(`"realized"`, `"exited"`).Replace(merged))}, []string{"merge-silent"}},
		"an exit of the forgotten": {merged, back, []oracle.Seen{one("marty", 2*time.Hour, replace(`"realized"`, `"exited"`).Replace(back))}, []string{"forget-silent"}},
		"what was forgotten": {merged, replace(`"identityMap":{`, `"identityMap":{`+ecid("marty")+`,`).Replace(back), nil,
			[]string{"all-identities"}},
	} {
		var all []oracle.Seen
		if c.doc != "" {
			all = append(all, one("doc", time.Hour, c.doc))
		}
		all = append(append(all, c.more...), one("marty", 3*time.Hour, c.back))
		var got []string
		verdicts, _ := oracle.Exports(sc, all, oracle.Clock{Began: sc.Start})
		for _, f := range verdicts.Findings {
			got = append(got, f.Clause)
		}
		slices.Sort(got)
		if got = slices.Compact(got); !slices.Equal(got, c.want) {
			t.Errorf("%s: breaks %q; want %q: %+v", name, got, c.want, verdicts.Findings)
		}
	}
}

// The possible exports of profiles that merge, and of one that is forgotten.
func TestPossibleOfMerges(t *testing.T) {
	sc, err := scenarios.Parse("s.yaml", []byte(merging))
	if err != nil {
		t.Fatal(err)
	}
	o := oracle.New(sc, oracle.Planned(sc))
	got := map[string]string{}
	for _, name := range []string{"doc", "doc-2", "marty"} {
		for _, x := range o.Possible(name) {
			got[name] += string(x.Obligation) + " " + strings.Join(x.Because, "+") + " " + x.Clause + "; "
		}
	}
	want := map[string]string{
		"doc":   "must attribute+audience+identity merge-gains; ",
		"doc-2": "must not  merge-silent; ",
		"marty": "must not  forget-silent; must audience+identity trig-enter; ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// A merge decides nothing about attributes that are written after it.
func TestWrittenAfterAMerge(t *testing.T) {
	sc, err := scenarios.Parse("s.yaml", []byte(strings.Replace(merging, "expect:", "  - {at: 4h, profile: doc, set: name, to: Brown}\nexpect:", 1)))
	if err != nil {
		t.Fatal(err)
	}
	o := oracle.New(sc, oracle.Planned(sc))
	if n := len(o.Possible("doc")); n != 2 {
		t.Fatalf("%d possible exports of doc; want 2", n)
	}
	at := sc.Start.Add(4 * time.Hour)
	x := oracle.Seen{Profile: "doc", At: at, Sent: at, Ended: at, ID: "1", Outcome: oracle.Delivered, Body: `{"name":"Doc","city":"Elsewhere",` +
		`"segmentMembership":{` + ups(in("scifi", "realized", "10:00:00")) + `},"identityMap":{"crm":[{"id":"A"},{"id":"B"}]}}`}
	verdicts, _ := oracle.Exports(sc, []oracle.Seen{x}, oracle.Clock{Began: sc.Start})
	got := map[string]string{}
	for _, f := range verdicts.Findings {
		got[f.What] = f.Clause
	}
	if got["name"] != "all-mapped-attributes" || got["city"] != "merge-gains/values" {
		t.Errorf("name breaks %q, city breaks %q; want the rule about attributes, and that about merges", got["name"], got["city"])
	}
}
