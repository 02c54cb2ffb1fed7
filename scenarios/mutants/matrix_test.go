package mutants

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/scenarios"
)

// A matrix is stale for everything that was added, changed or removed since it
// was measured, each in a line of its own.
func TestStale(t *testing.T) {
	x := Matrix{Cases: []string{"a/kept", "a/gone"}, Mutants: []Measured{{ID: "kept", Digest: "1"}, {ID: "changed", Digest: "1"}, {ID: "gone", Digest: "1"}}}
	all := []Mutant{{ID: "kept", Digest: "1"}, {ID: "changed", Digest: "2"}, {ID: "new", Digest: "1"}}
	want := []string{
		"mutant changed has changed since it was measured",
		"mutant new was not measured",
		"mutant gone was measured and is gone",
		"case a/new was not measured",
		"case a/gone was measured and is gone",
	}
	if diff := cmp.Diff(want, x.Stale(all, []*scenarios.Scenario{{ID: "a/kept"}, {ID: "a/new"}})); diff != "" {
		t.Errorf("Stale (-want +got):\n%s", diff)
	}
	if got := x.Stale([]Mutant{{ID: "kept", Digest: "1"}, {ID: "changed", Digest: "1"}, {ID: "gone", Digest: "1"}},
		[]*scenarios.Scenario{{ID: "a/kept"}, {ID: "a/gone"}}); len(got) > 0 {
		t.Errorf("a matrix of everything that is there is stale: %v", got)
	}
}

// A patch applies to exactly one place: none is a mutant whose code has moved,
// two would leave it to chance which one is broken.
func TestApplyInOnePlace(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.go"), []byte("one two two"), 0o600); err != nil {
		t.Fatal(err)
	}
	for old, want := range map[string]string{"one": "1 two two", "two": "", "three": ""} {
		got, err := Mutant{ID: "m", File: "a.go", Old: old, New: "1"}.Apply(dir)
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("Apply of %q = %q, %v; want %q", old, got, err, want)
		}
	}
}
