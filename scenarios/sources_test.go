package scenarios

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every rule rests on a source of the list, and every source bears a rule.
func TestSources(t *testing.T) {
	all, err := Sources()
	if err != nil {
		t.Fatal(err)
	}
	rules := map[string]bool{}
	for _, s := range all {
		if len(s.Rules) == 0 {
			t.Errorf("no rule rests on %s", s.Name)
		}
		if s.Path == "" && len(s.Versions) > 0 {
			t.Errorf("%s has versions without a page", s.Name)
		}
		for _, r := range s.Rules {
			rules[r] = true
		}
	}
	catalogue, err := Rules()
	if err != nil {
		t.Fatal(err)
	}
	if want := len(catalogue.All()); len(rules) != want {
		t.Errorf("%d rules and clauses have a source; want %d", len(rules), want)
	}
	sdk := slices.IndexFunc(all, func(s Source) bool { return s.Name == "Destination SDK, rate limiting and retry policy" })
	if want := []string{"R83", "R84", "R86", "R88", "R104"}; !slices.Equal(all[sdk].Rules, want) {
		t.Errorf("%s bears %v; want %v", all[sdk].Name, all[sdk].Rules, want)
	}
}

// A source that nobody listed is named with the place of its rule.
func TestAttribute(t *testing.T) {
	rules := Catalogue{{ID: "a", Ref: "R1", Source: "A page, part; A", Pos: Position{File: "rules.yaml", Line: 3, Column: 3}}}
	all := []Source{{Name: "A"}, {Name: "A page"}}
	if err := attribute(all, rules); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]Source{{Name: "A", Rules: []string{"R1"}}, {Name: "A page", Rules: []string{"R1"}}}, all); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	rules[0].Source = "A pager"
	want := `rules.yaml:3:3: a: source "A pager" is not in sources.yaml`
	if err := attribute(all, rules); err == nil || err.Error() != want {
		t.Errorf("got %v; want %s", err, want)
	}
}

// A broken list names every place.
func TestSourcesAreStrict(t *testing.T) {
	_, err := parseSources("s.yaml", []byte("- {name: a}\n- {name: a, page: b}\n- {path: c}\n"))
	for _, want := range []string{"s.yaml:2:3: a is also in line 1", `unknown key "page"`, "a source has no name"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v; want %s", err, want)
		}
	}
}
