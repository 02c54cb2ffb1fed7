package export

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/httpdest/httpdest/engine/audience"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/profile"
)

var (
	now     = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	mapped  = profile.AudienceRef{Namespace: "ups", ID: "mapped"}
	second  = profile.AudienceRef{Namespace: "ups", ID: "second"}
	sibling = profile.AudienceRef{Namespace: "ups", ID: "sibling"}
	foreign = profile.AudienceRef{Namespace: "uploads", ID: "foreign"}
)

// flow maps two audiences of different policies; each has an unmapped sibling.
func flow(change func(*dataflow.Dataflow)) *dataflow.Snapshot {
	d := audience.NewDirectory(
		audience.Audience{Ref: mapped, Name: "Mapped", MergePolicy: "p", CreatedAt: now.Add(-time.Hour), UpdatedAt: now.Add(-time.Minute)},
		audience.Audience{Ref: second, Name: "Second", MergePolicy: "q"},
		audience.Audience{Ref: sibling, Name: "Sibling", MergePolicy: "p"},
		audience.Audience{Ref: foreign, Name: "Foreign", MergePolicy: "q"},
	)
	f := dataflow.Dataflow{Audiences: []profile.AudienceRef{mapped, second}, Attributes: []profile.Path{"person.name", "email"}}
	if change != nil {
		change(&f)
	}
	s, _ := dataflow.NewSnapshot(f, d).Activate(now.Add(-24 * time.Hour))
	return s
}

func member(of ...profile.AudienceRef) profile.Profile {
	p := profile.Profile{ID: "doc", Attributes: map[string]any{"person": map[string]any{"name": "Emmett", "age": int64(65)}},
		Identities: map[string][]string{"ecid": {"42"}}, Memberships: map[string]map[string]profile.Membership{}}
	for _, ref := range of {
		if p.Memberships[ref.Namespace] == nil {
			p.Memberships[ref.Namespace] = map[string]profile.Membership{}
		}
		p.Memberships[ref.Namespace][ref.ID] = profile.Membership{Status: profile.Realized, LastQualified: now}
	}
	return p
}

func off(kinds dataflow.Suppressed) *dataflow.Snapshot { return flow(nil).Suppress(kinds) }

// A backfill is not a change, and no switch keeps it back (R53).
func TestBackfillWithEverythingOff(t *testing.T) {
	got := DetermineBackfill(member(mapped), []profile.AudienceRef{mapped}, off(dataflow.Suppressed{Attribute: true, Audience: true, Identity: true}), now)
	if diff := cmp.Diff([]Trigger{Backfill}, got.Triggers); diff != "" {
		t.Errorf("triggers (-want +got):\n%s", diff)
	}
}

func TestDetermine(t *testing.T) {
	in := member(mapped)
	tests := []struct {
		name  string
		after profile.Profile
		delta profile.Delta
		flow  *dataflow.Snapshot
		want  []Trigger
	}{
		{"nothing happened", in, profile.Delta{}, flow(nil), nil},
		{"entered", in, profile.Delta{Entered: []profile.AudienceRef{mapped}}, flow(nil), []Trigger{Audience}},
		{"left, and in none now", member(), profile.Delta{Left: []profile.AudienceRef{mapped}}, flow(nil), []Trigger{Audience}},
		{"left, with an attribute: only the audience counts", member(), profile.Delta{Left: []profile.AudienceRef{mapped}, Written: []profile.Path{"email"}}, flow(nil), []Trigger{Audience}},
		{"entered an unmapped one", in, profile.Delta{Entered: []profile.AudienceRef{sibling}}, flow(nil), nil},
		{"identity", in, profile.Delta{Identities: true}, flow(nil), []Trigger{Identity}},
		{"identity of a stranger", member(sibling), profile.Delta{Identities: true}, flow(nil), nil},
		{"identity of a stranger, any profile", member(), profile.Delta{Identities: true}, flow(func(f *dataflow.Dataflow) { f.AnyProfile = true }), []Trigger{Identity}},
		{"all three, sorted", in, profile.Delta{Entered: []profile.AudienceRef{mapped}, Identities: true, Written: []profile.Path{"email"}}, flow(nil), []Trigger{Attribute, Audience, Identity}},
		{"at a mapped attribute", in, profile.Delta{Written: []profile.Path{"person.name"}}, flow(nil), []Trigger{Attribute}},
		{"within a mapped attribute", in, profile.Delta{Written: []profile.Path{"person.name.first"}}, flow(nil), []Trigger{Attribute}},
		{"above a mapped attribute that is there", in, profile.Delta{Written: []profile.Path{"person"}}, flow(nil), []Trigger{Attribute}},
		{"beside a mapped attribute", in, profile.Delta{Written: []profile.Path{"person.age", "emails"}}, flow(nil), nil},
		{"attributes off", in, profile.Delta{Written: []profile.Path{"email"}}, off(dataflow.Suppressed{Attribute: true}), nil},
		{"identities off", in, profile.Delta{Identities: true}, off(dataflow.Suppressed{Identity: true}), nil},
		{"segmentation off", in, profile.Delta{Entered: []profile.AudienceRef{mapped}}, off(dataflow.Suppressed{Audience: true}), nil},
		{"identities off, with an entry", in, profile.Delta{Entered: []profile.AudienceRef{mapped}, Identities: true}, off(dataflow.Suppressed{Identity: true}), []Trigger{Audience}},
		{"one of three on", in, profile.Delta{Entered: []profile.AudienceRef{mapped}, Identities: true, Written: []profile.Path{"email"}}, off(dataflow.Suppressed{Audience: true, Identity: true}), []Trigger{Attribute}},
		{"all off", in, profile.Delta{Entered: []profile.AudienceRef{mapped}, Identities: true, Written: []profile.Path{"email"}}, off(dataflow.Suppressed{Attribute: true, Audience: true, Identity: true}), nil},
		{"others off", in, profile.Delta{Identities: true}, off(dataflow.Suppressed{Attribute: true, Audience: true}), []Trigger{Identity}},
		{"disabled", in, profile.Delta{Entered: []profile.AudienceRef{mapped}}, flow(nil).SetEnabled(false), nil},
	}
	for _, tt := range tests {
		got := Determine(in, tt.after, tt.delta, tt.flow)
		if diff := cmp.Diff(tt.want, got.Triggers, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

// A write above a mapped attribute that is absent before and after touches
// nothing that travels.
func TestWriteAboveAnAbsentAttribute(t *testing.T) {
	p := member(mapped)
	p.Attributes = map[string]any{"person": map[string]any{"age": int64(65)}}
	if got := Determine(p, p, profile.Delta{Written: []profile.Path{"person"}}, flow(nil)); got.Triggers != nil {
		t.Errorf("Determine = %v; want nothing", got.Triggers)
	}
}

func body(t *testing.T, p profile.Profile, r Reasons, f *dataflow.Snapshot) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal(Body(p, r, f, now), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestBodyAttributes(t *testing.T) {
	f := flow(func(f *dataflow.Dataflow) {
		f.Attributes = []profile.Path{"person", "person.name", "a.b", "a", "absent", "empty", "deep"}
	})
	p := member()
	p.Attributes["a"] = map[string]any{"b": int64(9007199254740993), "c": "<&>"}
	p.Attributes["empty"] = ""
	p.Attributes["deep"] = map[string]any{"x": map[string]any{"y": []any{"", map[string]any{}}}}
	want := `{"a":{"b":9007199254740993,"c":"<&>"},"identityMap":{"ecid":[{"id":"42"}]},"person":{"age":65,"name":"Emmett"},"segmentMembership":{}}`
	if got := string(Body(p, Reasons{}, f, now)); got != want {
		t.Errorf("Body =\n%s\nwant\n%s", got, want)
	}
	if diff := cmp.Diff(map[string]any{"b": int64(9007199254740993), "c": "<&>"}, p.Attributes["a"]); diff != "" {
		t.Errorf("building the body modified the profile:\n%s", diff)
	}
}

// audiences lists namespace/id of every entry of a body.
func audiences(b map[string]any) map[string]bool {
	out := map[string]bool{}
	for namespace, entries := range b["segmentMembership"].(map[string]any) {
		for id := range entries.(map[string]any) {
			out[namespace+"/"+id] = true
		}
	}
	return out
}

func TestCompanions(t *testing.T) {
	p := member(mapped, second, sibling, foreign)
	both := map[string]bool{"ups/mapped": true, "ups/second": true}
	with := func(extra ...string) map[string]bool {
		out := map[string]bool{"ups/mapped": true, "ups/second": true}
		for _, e := range extra {
			out[e] = true
		}
		return out
	}
	tests := []struct {
		name string
		r    Reasons
		flow *dataflow.Snapshot
		want map[string]bool
	}{
		{"of the audience that triggered", Reasons{Triggers: []Trigger{Audience}, Audiences: []profile.AudienceRef{mapped}}, flow(nil), with("ups/sibling")},
		{"of the other one", Reasons{Triggers: []Trigger{Audience}, Audiences: []profile.AudienceRef{second}}, flow(nil), with("uploads/foreign")},
		{"of all, for an attribute", Reasons{Triggers: []Trigger{Attribute}}, flow(nil), with("ups/sibling", "uploads/foreign")},
		{"of all, for an identity", Reasons{Triggers: []Trigger{Identity}}, flow(nil), with("ups/sibling", "uploads/foreign")},
		{"of the backfilled one", Reasons{Triggers: []Trigger{Backfill}, Audiences: []profile.AudienceRef{mapped}}, flow(nil), with("ups/sibling")},
		{"none with the toggle", Reasons{Triggers: []Trigger{Attribute}}, flow(func(f *dataflow.Dataflow) { f.Destination.IncludeMappedAudiencesOnly = true }), both},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, audiences(body(t, p, tt.r, tt.flow))); diff != "" {
			t.Errorf("companions %s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func TestExitedEntries(t *testing.T) {
	const month = 30 * 24 * time.Hour
	for _, tt := range []struct {
		ago  time.Duration
		want bool
	}{{0, true}, {month, true}, {month + time.Second, false}} {
		p := member()
		exited := profile.Membership{Status: profile.Exited, LastQualified: now.Add(-1000 * time.Hour), ExitedAt: now.Add(-tt.ago)}
		p.Memberships = map[string]map[string]profile.Membership{"ups": {"mapped": exited, "sibling": exited}}
		got := audiences(body(t, p, Reasons{Triggers: []Trigger{Attribute}}, flow(nil)))
		if got["ups/mapped"] != tt.want || got["ups/sibling"] {
			t.Errorf("exited %s ago: %v; want the mapped one %v, the unmapped one never", tt.ago, got, tt.want)
		}
	}
}
