package mutants

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/scenarios"
)

// unmeasured are, of the cases that each mutant is played with, those that the
// matrix lacks: all of them for a mutant that it does not have as it is
// now, and the new cases for any other.
func (x Matrix) unmeasured(all []Mutant, cases []*scenarios.Scenario, near [][]string) [][]string {
	var added []string
	for _, c := range cases {
		if !slices.Contains(x.Cases, c.ID) {
			added = append(added, c.ID)
		}
	}
	out := slices.Clone(near)
	for i, m := range all {
		if _, known := x.Find(m); !known {
			continue
		}
		out[i] = []string{}
		for _, id := range added {
			if near[i] == nil || slices.Contains(near[i], id) {
				out[i] = append(out[i], id)
			}
		}
	}
	return out
}

// with adds to what turned red now what the matrix has of each mutant as it is, in
// the order of the cases; a case that is gone is left out.
func (x Matrix) with(red [][]string, all []Mutant, cases []*scenarios.Scenario) [][]string {
	out := make([][]string, len(red))
	for i, m := range all {
		known, _ := x.Find(m)
		for _, c := range cases {
			if known.Red(c.ID) || slices.Contains(red[i], c.ID) {
				out[i] = append(out[i], c.ID)
			}
		}
	}
	return out
}

func TestUnmeasuredAndWith(t *testing.T) {
	x := Matrix{Cases: []string{"old", "gone"}, Mutants: []Measured{{ID: "changed", Digest: "1", By: []string{"old"}},
		{ID: "kept", Digest: "1", By: []string{"gone"}, Also: []string{"old"}}, {ID: "apart", Digest: "1"}, {ID: "far", Digest: "1"}}}
	all := []Mutant{{ID: "added", Digest: "1"}, {ID: "changed", Digest: "2"}, {ID: "kept", Digest: "1"}, {ID: "apart", Digest: "1"}, {ID: "far", Digest: "1"}}
	cases := []*scenarios.Scenario{{ID: "old"}, {ID: "new"}}
	both := []string{"new", "old"}
	got := x.unmeasured(all, cases, [][]string{both, nil, both, nil, {"old"}})
	if diff := cmp.Diff([][]string{both, nil, {"new"}, {"new"}, {}}, got); diff != "" {
		t.Errorf("unmeasured (-want +got):\n%s", diff)
	}
	red := x.with([][]string{{"new"}, nil, {"new"}, {"new"}, nil}, all, cases)
	if diff := cmp.Diff([][]string{{"new"}, nil, {"old", "new"}, {"new"}, nil}, red); diff != "" {
		t.Errorf("with (-want +got):\n%s", diff)
	}
}
