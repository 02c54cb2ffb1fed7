package mutants

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/internal/share"
	"github.com/httpdest/httpdest/scenarios"
)

// playNamed plays every mutant with the cases that must find it. That is a
// fraction of what the matrix takes, and enough to fail when a mutant survives
// or a case finds none; that two cases find the same mutants is for the whole.
func playNamed(t *testing.T, all []Mutant, cases []*scenarios.Scenario) {
	measured, err := LastMeasured()
	if err != nil {
		t.Fatal(err)
	}
	wanted, idle := finders(all, cases, measured)
	all = share.Of(&part, all)
	if *only == "" && len(idle) > 0 {
		t.Errorf("no mutant is known that these cases find: %s; add the mutants they are there for, and run make mutants", strings.Join(idle, ", "))
	}
	chosen := make([][]string, len(all))
	for i, m := range all {
		chosen[i] = wanted[m.ID]
	}
	red := playAll(t, all, func(string, []Mutant) [][]string { return chosen })
	if red == nil {
		return // not built
	}
	for i, m := range all {
		if missing := without(chosen[i], red[i]); len(missing) > 0 {
			t.Errorf("mutant %s (%s) breaks %s, and these cases do not see it: %s", m.ID, m.Title, m.Rule, strings.Join(missing, ", "))
		}
	}
	fmt.Printf("%d mutants (%s), each played with the cases that must find it\n", len(all), areas(all))
}

// without are those of ids that are not in others.
func without(ids, others []string) []string {
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(others, id) })
}

// finders are the cases that must find each mutant, by its id: those its file
// names, and for a case that no file names the first mutant it found when all
// was measured. idle are cases that found none.
func finders(all []Mutant, cases []*scenarios.Scenario, measured Matrix) (wanted map[string][]string, idle []string) {
	wanted, named := map[string][]string{}, map[string]bool{}
	for _, m := range all {
		wanted[m.ID] = slices.Clone(m.Kills)
		for _, id := range m.Kills {
			named[id] = true
		}
	}
	for _, c := range cases {
		if named[c.ID] {
			continue
		}
		i := slices.IndexFunc(all, func(m Mutant) bool {
			o, ok := measured.Find(m)
			return ok && o.Red(c.ID)
		})
		if i < 0 {
			idle = append(idle, c.ID)
			continue
		}
		wanted[all[i].ID] = append(wanted[all[i].ID], c.ID)
	}
	return wanted, idle
}

func TestFinders(t *testing.T) {
	all := []Mutant{{ID: "a", Digest: "1", Kills: []string{"x"}}, {ID: "b", Digest: "2", Kills: []string{"x", "y"}}}
	cases := []*scenarios.Scenario{{ID: "x"}, {ID: "y"}, {ID: "z"}, {ID: "idle"}}
	wanted, idle := finders(all, cases, Matrix{Mutants: []Measured{{ID: "a", Digest: "0", By: []string{"z"}}, {ID: "b", Digest: "2", Also: []string{"z"}}}})
	if got := fmt.Sprint(wanted, idle); got != "map[a:[x] b:[x y z]] [idle]" {
		t.Error(got)
	}
}
