package mutants

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/scenarios"
)

// unmeasured are the mutants that the matrix does not have as they are now, and
// the matrix without what is gone. It is for a mutant that was added after
// everything was measured: with other cases the whole is measured anew.
func unmeasured(t *testing.T, all []Mutant, cases []*scenarios.Scenario) ([]Mutant, Matrix) {
	t.Helper()
	x, err := LastMeasured()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range x.Stale(all, cases) {
		if strings.HasPrefix(line, "case ") {
			t.Fatalf("%s: run make mutants without MISSING", line)
		}
	}
	missing, kept := x.split(all)
	if len(missing) == 0 {
		t.Fatal("the matrix has every mutant as it is now")
	}
	return missing, kept
}

// split is the mutants that were not measured as they are, and what was
// measured of the others.
func (x Matrix) split(all []Mutant) (missing []Mutant, kept Matrix) {
	kept.Cases = x.Cases
	for _, m := range all {
		if played, ok := x.Find(m); ok {
			kept.Mutants = append(kept.Mutants, played)
		} else {
			missing = append(missing, m)
		}
	}
	return missing, kept
}

// with is a matrix with the mutants of another one, in the order of their ids.
func (x Matrix) with(other Matrix) Matrix {
	x.Mutants = slices.Concat(x.Mutants, other.Mutants)
	slices.SortFunc(x.Mutants, func(a, b Measured) int { return strings.Compare(a.ID, b.ID) })
	return x
}

func TestSplitAndWith(t *testing.T) {
	x := Matrix{Cases: []string{"a/b"}, Mutants: []Measured{{ID: "changed", Digest: "1"}, {ID: "gone", Digest: "1"}, {ID: "kept", Digest: "1"}}}
	missing, kept := x.split([]Mutant{{ID: "added", Digest: "1"}, {ID: "changed", Digest: "2"}, {ID: "kept", Digest: "1"}})
	if len(missing) != 2 || missing[0].ID != "added" || missing[1].ID != "changed" {
		t.Errorf("missing %v; want added and changed", missing)
	}
	got := Matrix{Cases: x.Cases, Mutants: []Measured{{ID: "added"}, {ID: "changed", Digest: "2"}}}.with(kept)
	want := Matrix{Cases: x.Cases, Mutants: []Measured{{ID: "added"}, {ID: "changed", Digest: "2"}, {ID: "kept", Digest: "1"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("with (-want +got):\n%s", diff)
	}
}
