package simulate

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

var updateList = flag.Bool("update-list", false, "write the lists of the cases that cannot be played through the live engine and serve")

// keptList holds lines against a file of testdata.
func keptList(t *testing.T, name string, lines []string) {
	t.Helper()
	slices.Sort(lines)
	got := strings.Join(lines, "\n") + "\n"
	file := filepath.Join("testdata", name)
	if *updateList {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), got); diff != "" {
		t.Errorf("the cases in %s changed; -args -update-list writes the list (-want +got):\n%s", name, diff)
	}
}
