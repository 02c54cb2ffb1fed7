package export

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/engine/profile"
)

// By a reading a change is exported once for each merge policy that it concerns
// (A50), and each body has the audiences of its policy alone.
func TestPerPolicy(t *testing.T) {
	refs := func(all ...profile.AudienceRef) []profile.AudienceRef { return all }
	of := func(policy string, audiences []profile.AudienceRef, triggers ...Trigger) Reasons {
		return Reasons{Triggers: triggers, Audiences: audiences, OnePolicy: true, Policy: policy}
	}
	for _, tt := range []struct {
		name   string
		member []profile.AudienceRef
		whole  Reasons
		want   []Reasons
	}{
		{"audiences of two policies", refs(mapped, second), Reasons{Triggers: []Trigger{Audience}, Audiences: refs(second, mapped)},
			[]Reasons{of("p", refs(mapped), Audience), of("q", refs(second), Audience)}},
		{"an attribute of a member of two", refs(mapped, second), Reasons{Triggers: []Trigger{Attribute}},
			[]Reasons{of("p", nil, Attribute), of("q", nil, Attribute)}},
		{"an audience and an identity", refs(mapped, second), Reasons{Triggers: []Trigger{Audience, Identity}, Audiences: refs(mapped)},
			[]Reasons{of("p", refs(mapped), Audience, Identity), of("q", nil, Identity)}},
		{"the last audience is left with a new attribute", nil, Reasons{Triggers: []Trigger{Attribute, Audience}, Audiences: refs(mapped)},
			[]Reasons{of("p", refs(mapped), Attribute, Audience)}},
		{"one is left while the attribute is of another", refs(second), Reasons{Triggers: []Trigger{Attribute, Audience}, Audiences: refs(mapped)},
			[]Reasons{of("p", refs(mapped), Audience), of("q", nil, Attribute)}},
		{"no mapped audience", refs(sibling), Reasons{Triggers: []Trigger{Attribute}}, []Reasons{{Triggers: []Trigger{Attribute}}}},
		{"a backfill", refs(mapped, second), Reasons{Triggers: []Trigger{Backfill}, Audiences: refs(second)},
			[]Reasons{of("q", refs(second), Backfill)}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, PerPolicy(member(tt.member...), tt.whole, flow(nil))); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestBodyOfOnePolicy(t *testing.T) {
	p := member(mapped, second, sibling, foreign)
	got := string(Body(p, Reasons{Triggers: []Trigger{Identity}, OnePolicy: true, Policy: "q"}, flow(nil), now))
	want := `{"identityMap":{"ecid":[{"id":"42"}]},"person":{"name":"Emmett"},"segmentMembership":{` +
		`"uploads":{"foreign":{"lastQualificationTime":"2026-03-01T09:00:00Z","status":"realized"}},` +
		`"ups":{"second":{"lastQualificationTime":"2026-03-01T09:00:00Z","status":"realized"}}}}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
