package profile

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A profile that another becomes part of has what either had, its own where both
// have it; neither argument changes.
func TestMerge(t *testing.T) {
	now := time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)
	before := now.Add(-time.Hour)
	films := AudienceRef{"ups", "films"}
	realized := func(at time.Time) Membership { return Membership{Status: Realized, LastQualified: at} }
	exited := Membership{Status: Exited, LastQualified: before, ExitedAt: before}
	doc := Profile{ID: "doc", Identities: map[string][]string{"ecid": {"1"}},
		Attributes:  map[string]any{"name": map[string]any{"first": "Emmett"}, "city": "Hill Valley", "empty": map[string]any{}, "list": []any{"a"}, "leaf": "x"},
		Memberships: map[string]map[string]Membership{"ups": {"cars": realized(before), "films": exited}}}
	other := Profile{ID: "doc-2", Identities: map[string][]string{"ecid": {"1", "2"}, "crm": {"A"}},
		Attributes: map[string]any{"name": map[string]any{"first": "Doc", "last": "Brown"}, "city": "Elsewhere", "empty": map[string]any{"n": json.Number("1")},
			"list": []any{"b"}, "leaf": map[string]any{"in": "it"}, "new": map[string]any{"a": "b"}},
		Memberships: map[string]map[string]Membership{"ups": {"cars": realized(now.Add(-time.Minute)), "films": realized(before), "books": exited}}}
	kept := []string{asJSON(t, doc), asJSON(t, other)}
	got, d := Apply(doc, Update{"doc", []Change{{Op: Merge, Other: &other}}}, now, true)
	want := Profile{ID: "doc", Identities: map[string][]string{"ecid": {"1", "2"}, "crm": {"A"}},
		Attributes: map[string]any{"name": map[string]any{"first": "Emmett", "last": "Brown"}, "city": "Hill Valley", "empty": map[string]any{"n": json.Number("1")},
			"list": []any{"a"}, "leaf": "x", "new": map[string]any{"a": "b"}},
		Memberships: map[string]map[string]Membership{"ups": {"cars": realized(before), "films": realized(now)}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("profile (-want +got):\n%s", diff)
	}
	wantDelta := Delta{Entered: []AudienceRef{films}, Identities: true, Written: []Path{"empty.n", "name.last", "new"}}
	if diff := cmp.Diff(wantDelta, d); diff != "" {
		t.Errorf("delta (-want +got):\n%s", diff)
	}
	if now := []string{asJSON(t, doc), asJSON(t, other)}; !cmp.Equal(kept, now) {
		t.Errorf("the profiles before changed: %s; want %s", now, kept)
	}

	if again, d := Apply(got, Update{"doc", []Change{{Op: Merge, Other: &Profile{ID: "nobody"}}}}, now, true); !cmp.Equal(again, got) || !cmp.Equal(d, Delta{}) {
		t.Errorf("a merge with a profile without anything: %v, %v", again, d)
	}
}

// Nothing stays of a profile that became part of another, or is forgotten, and
// none of it counts as a change.
func TestForget(t *testing.T) {
	p := Profile{ID: "doc", Identities: map[string][]string{"ecid": {"1"}}, Attributes: map[string]any{"a": "b"},
		Memberships: map[string]map[string]Membership{"ups": {"cars": {Status: Realized}}}}
	for _, op := range []Op{Merged, Forget} {
		got, d := Apply(p, Update{"doc", []Change{{Op: op, Other: &Profile{ID: "other"}}}}, time.Time{}, true)
		if !cmp.Equal(got, Profile{ID: "doc"}) || !cmp.Equal(d, Delta{}) {
			t.Errorf("%s: %v, %v; want nothing, and no change", op, got, d)
		}
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
