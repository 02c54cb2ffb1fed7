package profile

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var (
	noon     = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	morning  = noon.Add(-4 * time.Hour)
	delorean = AudienceRef{"ups", "delorean"}
	scifi    = AudienceRef{"ups", "scifi"}
)

func doc() Profile {
	return Profile{
		ID:         "doc",
		Attributes: map[string]any{"person": map[string]any{"name": map[string]any{"firstName": "Emmett"}}},
		Identities: map[string][]string{"crm": {"A1", "B2"}},
		Memberships: map[string]map[string]Membership{"ups": {
			"delorean": {Status: Realized, LastQualified: morning},
		}},
	}
}

func TestApply(t *testing.T) {
	tests := []struct {
		name   string
		change Change
		want   Delta
		check  func(Profile) bool
	}{
		{"enter", Change{Op: Qualify, Audience: scifi}, Delta{Entered: []AudienceRef{scifi}},
			func(p Profile) bool { m, _ := p.Membership(scifi); return p.In(scifi) && m.LastQualified.Equal(noon) }},
		{"still qualified", Change{Op: Qualify, Audience: delorean}, Delta{},
			func(p Profile) bool { m, _ := p.Membership(delorean); return m.LastQualified.Equal(morning) }},
		{"exit keeps the qualification time", Change{Op: Exit, Audience: delorean}, Delta{Left: []AudienceRef{delorean}},
			func(p Profile) bool {
				m, _ := p.Membership(delorean)
				return m.Status == Exited && m.LastQualified.Equal(morning) && m.ExitedAt.Equal(noon)
			}},
		{"exit of a stranger", Change{Op: Exit, Audience: scifi}, Delta{},
			func(p Profile) bool { _, ok := p.Membership(scifi); return !ok }},
		{"overwrite is a write", Change{Op: Set, Path: "person.name.firstName", Value: "Emmett"}, Delta{Written: []Path{"person.name.firstName"}},
			func(p Profile) bool { return true }},
		{"set makes the objects on its way", Change{Op: Set, Path: "a.b.c", Value: int64(1)}, Delta{Written: []Path{"a.b.c"}},
			func(p Profile) bool { v, ok := Lookup(p.Attributes, "a.b.c"); return ok && v == int64(1) }},
		{"set below a scalar replaces it", Change{Op: Set, Path: "person.name.firstName.short", Value: "Em"}, Delta{Written: []Path{"person.name.firstName.short"}},
			func(p Profile) bool { v, _ := Lookup(p.Attributes, "person.name.firstName.short"); return v == "Em" }},
		{"remove", Change{Op: Remove, Path: "person.name"}, Delta{Written: []Path{"person.name"}},
			func(p Profile) bool { _, ok := Lookup(p.Attributes, "person.name"); return !ok }},
		{"remove what is not there", Change{Op: Remove, Path: "loyalty.tier"}, Delta{},
			func(p Profile) bool { return cmp.Equal(p, doc()) }},
		{"add an identity", Change{Op: AddIdentity, Identity: Identity{"ECID", "42"}}, Delta{Identities: true},
			func(p Profile) bool { return p.HasIdentity(Identity{"ecid", "42"}) }},
		{"add one it has", Change{Op: AddIdentity, Identity: Identity{"crm", "A1"}}, Delta{}, func(p Profile) bool { return cmp.Equal(p, doc()) }},
		{"replace an identity keeps its place", Change{Op: ReplaceIdentity, Identity: Identity{"crm", "A1"}, To: "A2"}, Delta{Identities: true},
			func(p Profile) bool { return cmp.Equal(p.Identities["crm"], []string{"A2", "B2"}) }},
		{"remove an identity", Change{Op: RemoveIdentity, Identity: Identity{"crm", "B2"}}, Delta{Identities: true},
			func(p Profile) bool { return cmp.Equal(p.Identities["crm"], []string{"A1"}) }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := doc()
			after, delta := Apply(before, Update{Profile: "doc", Changes: []Change{tt.change}}, noon, false)
			if diff := cmp.Diff(tt.want, delta); diff != "" {
				t.Errorf("delta (-want +got):\n%s", diff)
			}
			if !tt.check(after) {
				t.Errorf("Apply(%+v) = %+v", tt.change, after)
			}
			if diff := cmp.Diff(doc(), before); diff != "" {
				t.Errorf("the profile before was modified:\n%s", diff)
			}
		})
	}
}

// A namespace without identities must not travel as an empty list.
func TestLastIdentityTakesItsNamespaceWithIt(t *testing.T) {
	p, _ := Apply(doc(), Update{Changes: []Change{
		{Op: RemoveIdentity, Identity: Identity{"crm", "A1"}}, {Op: RemoveIdentity, Identity: Identity{"crm", "B2"}},
	}}, noon, false)
	if _, ok := p.Identities["crm"]; ok {
		t.Errorf("identities = %v; want no namespace crm", p.Identities)
	}
}

func TestCanonical(t *testing.T) {
	const digest = "3cc67f58f97cd8aca3769f06902bda70ca4d13c68e70605058fa82d0179ca73e" // printf doc.brown@example.com | sha256sum
	tests := []struct{ in, want Identity }{
		{Identity{"ECID", "7"}, Identity{"ecid", "7"}},
		{Identity{"LoyaltyCard", "DMC-12"}, Identity{"LoyaltyCard", "DMC-12"}},
		{Identity{"Email_LC_SHA256", " Doc.Brown@Example.COM "}, Identity{"email_lc_sha256", digest}},
		{Identity{"email_lc_sha256", digest}, Identity{"email_lc_sha256", digest}},
		{Identity{"Email", "Doc@Example.COM"}, Identity{"email", "Doc@Example.COM"}},
	}
	for _, tt := range tests {
		if got := tt.in.Canonical(); got != tt.want {
			t.Errorf("%v.Canonical() = %v; want %v", tt.in, got, tt.want)
		}
	}
}

// Whatever is applied, the profile before stays as it was: decisions of other
// shards and the caller's own copy depend on it.
func TestApplyNeverModifiesItsInput(t *testing.T) {
	change := rapid.Custom(anyChange)
	rapid.Check(t, func(t *rapid.T) {
		p := doc()
		for _, c := range rapid.SliceOfN(change, 1, 20).Draw(t, "changes") {
			before := clone(p)
			after, _ := Apply(p, Update{Changes: []Change{c}}, noon, false)
			if diff := cmp.Diff(before, p); diff != "" {
				t.Fatalf("%+v modified its input:\n%s", c, diff)
			}
			p = after
		}
	})
}

// clone copies a profile in depth, by a way of its own.
func clone(p Profile) Profile {
	out := Profile{ID: p.ID, Attributes: cloneMap(p.Attributes), Identities: map[string][]string{}, Memberships: map[string]map[string]Membership{}}
	for namespace, ids := range p.Identities {
		out.Identities[namespace] = append([]string{}, ids...)
	}
	for namespace, entries := range p.Memberships {
		out.Memberships[namespace] = map[string]Membership{}
		for id, m := range entries {
			out.Memberships[namespace][id] = m
		}
	}
	return out
}

func cloneMap(m map[string]any) map[string]any {
	out := map[string]any{}
	for key, value := range m {
		if child, ok := value.(map[string]any); ok {
			value = cloneMap(child)
		}
		out[key] = value
	}
	return out
}

func TestCovers(t *testing.T) {
	for _, tt := range []struct {
		p, q Path
		want bool
	}{
		{"person", "person.name", true}, {"person.name", "person.name", true},
		{"person.name", "person", false}, {"person", "personalEmail", false},
	} {
		if got := tt.p.Covers(tt.q); got != tt.want {
			t.Errorf("%q.Covers(%q) = %v; want %v", tt.p, tt.q, got, tt.want)
		}
	}
}
