package simulate

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/check"
)

const generated = `
title: generated members of a mapped audience, and a late one
rules: [all-identities, backfill-hour]
seed: 5
audiences: {delorean: {}, scifi: {}, late: {}}
dataflow: {audiences: [delorean], attributes: [person, personalEmail, loyalty], requireMembership: false}
profiles:
  m-{1..2000}:
    generate: {audiences: {delorean: 30%, late: 0.005}}
    attributes: {person: {name: {lastName: "Nr {n}"}}}
    identities: {local: "l-{n}"}
others: allowed
history:
  - {at: 1h, set: person.name.firstName, to: "N{n}", profiles: "m-{1..50}"}
  - {at: 2h, addIdentity: {crm: "second-{n}"}, profiles: "m-{40..60}"}
  - {at: 3h, map: late}
expect:
  - {profiles: "m-{1..50}", because: attribute, payload: {person: {name: {firstName: "N{n}", lastName: "Nr {n}"}}}}
`

func parsed(t *testing.T, content string) *scenarios.Scenario {
	t.Helper()
	sc, err := scenarios.Parse("generated.yaml", []byte(content))
	if err != nil {
		t.Fatal(err)
	}
	return sc
}

// The judge replays the identities of generated profiles and finds each in
// every body, whatever the seed and the number of shards.
func TestGeneratedProfiles(t *testing.T) {
	rules, err := scenarios.Rules()
	if err != nil {
		t.Fatal(err)
	}
	first := ""
	for i, seed := range []uint64{5, 5, 6} {
		sc := parsed(t, generated).WithSeed(seed)
		lines, err := Play(context.Background(), sc, memory.New(), []int{1, 5, 1}[i])
		if err != nil {
			t.Fatal(err)
		}
		backfilled, bodies := 0, ""
		for _, l := range lines {
			if l.Export != nil && l.Export.Because[0] == "backfill" {
				backfilled++
			}
			if l.Attempt != nil {
				bodies += l.Attempt.Body + "\n"
			}
		}
		if c := check.Judge(sc, rules, lines); c.Verdict != reports.Pass || backfilled == 0 || backfilled > 30 {
			t.Errorf("seed %d: %s, %d exports of the backfill: %v", seed, c.Verdict, backfilled, c)
		}
		if first == "" {
			first = bodies
		}
		if same := bodies == first; same != (seed == 5) {
			t.Errorf("seed %d: the same bodies: %v", seed, same)
		}
	}
}

// A list of members is the profiles that start in the audience, or are in it by
// now; making it registers nobody with the endpoint.
func TestMembersOnlyRead(t *testing.T) {
	sc := parsed(t, generated)
	_, refs := directory(sc)
	s := memory.New()
	p := newPopulation(sc, refs, s)
	late := refs["late"]
	var want []profile.ID
	for name := range sc.Profiles[0].Names.All() {
		if p.initial(name).In(late) {
			want = append(want, profile.ID(name))
		}
	}
	in := func() map[profile.ID]bool {
		ids, err := p.members([]profile.AudienceRef{late})
		if err != nil {
			t.Fatal(err)
		}
		set := map[profile.ID]bool{}
		for _, id := range ids {
			set[id] = true
		}
		return set
	}
	got := in()
	if len(want) == 0 || len(got) != len(want) {
		t.Errorf("%d members; want %d", len(got), len(want))
	}
	for _, id := range want {
		if !got[id] {
			t.Errorf("%s is missing", id)
		}
	}
	if len(p.directory) > 0 {
		t.Errorf("the endpoint knows %v", p.directory)
	}

	// Committed requests count, not started ones.
	left, outsider := p.initial(string(want[0])), p.initial("m-2000")
	outsider.Memberships = left.Memberships
	left.Memberships = nil
	if err := s.Commit([]engine.State{{Profile: left, Version: 1}, {Profile: outsider, Version: 1}}, nil); err != nil {
		t.Fatal(err)
	}
	delete(got, want[0])
	got["m-2000"] = true
	if diff := cmp.Diff(got, in()); diff != "" {
		t.Errorf("after a change: -want +got\n%s", diff)
	}
	if _, err := p.load("m-1"); err != nil || len(p.directory) < 4 {
		t.Errorf("the endpoint knows %v of a profile that was loaded, %v", p.directory, err)
	}
}
