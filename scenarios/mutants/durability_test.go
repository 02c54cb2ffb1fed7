package mutants

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

//go:embed durability/*.yaml
var durabilityFiles embed.FS

// durability is a mutant that no scenario can find, since a scenario has no
// disk and no crash: a test of the engine must.
type durability struct {
	ID    string `yaml:"-"`
	Title string `yaml:"title"`
	Test  string `yaml:"test"` // package and test that must turn red
	Says  string `yaml:"says"` // regular expression of what it then says: red for another reason proves nothing
	File  string `yaml:"file"`
	Old   string `yaml:"old"`
	New   string `yaml:"new"`
}

func (d durability) mutant() Mutant { return Mutant{ID: d.ID, File: d.File, Old: d.Old, New: d.New} }

func durabilityMutants(t *testing.T) []durability {
	t.Helper()
	names, err := fs.Glob(durabilityFiles, "durability/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no mutants of durability: %v", err)
	}
	all := make([]durability, len(names))
	for i, name := range names {
		content, err := durabilityFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[i].ID = strings.TrimSuffix(filepath.Base(name), ".yaml")
		if err := yaml.Load(content, &all[i], yaml.WithKnownFields()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return all
}

func TestDurabilityMutantsAreWellFormed(t *testing.T) {
	for _, d := range durabilityMutants(t) {
		if _, err := d.mutant().Apply(root); err != nil {
			t.Error(err)
		}
		if _, err := regexp.Compile(d.Says); err != nil || d.Title == "" || d.Says == "" || len(strings.Fields(d.Test)) != 2 || d.Old == d.New {
			t.Errorf("%s: a mutant has a title, names a package, its test and what that says, and changes something", d.ID)
		}
	}
}

// Each of them turns its test red, and the tests are green without them.
func TestDurabilityMutants(t *testing.T) {
	if !*run {
		t.Skip("needs the flag -mutants: a build for each; `make durability-mutants` gives it")
	}
	played := regexp.MustCompile(*only)
	green := map[string]bool{}
	for _, d := range durabilityMutants(t) {
		if !played.MatchString(d.ID) {
			continue
		}
		if !green[d.Test] {
			green[d.Test] = true
			if out, err := testWith(t, d.Test, ""); err != nil {
				t.Fatalf("%s is red without any mutant: %v\n%s", d.Test, err, out)
			}
		}
		list, err := d.mutant().Overlay(root, t.TempDir())
		if err != nil {
			t.Error(err)
			continue
		}
		out, err := testWith(t, d.Test, list)
		verdict, said := "killed", regexp.MustCompile(d.Says).Find(out)
		switch {
		case err == nil:
			verdict = "SURVIVED"
			t.Errorf("mutant %s (%s): %s does not see it", d.ID, d.Title, d.Test)
		case !bytes.Contains(out, []byte("--- FAIL")):
			verdict = "NOT RUN"
			t.Errorf("mutant %s: the test did not run: %v\n%s", d.ID, err, out)
		case said == nil:
			verdict = "UNSEEN"
			t.Errorf("mutant %s: %s is red, and does not say %q:\n%s", d.ID, d.Test, d.Says, out)
		}
		fmt.Printf("%-32s %-9s by %s: %s\n", d.ID, verdict, d.Test, said)
	}
	if len(green) == 0 {
		t.Errorf("no mutant of durability is called %q", *only)
	}
}

// testWith runs a test, with an overlay where one is given.
func testWith(t *testing.T, test, overlay string) ([]byte, error) {
	t.Helper()
	parts := strings.Fields(test)
	c := exec.Command("go", "test", "-trimpath", "-vet=off", "-count=1", "-timeout=10m", "-run", "^"+parts[1]+"$")
	if overlay != "" {
		c.Args = append(c.Args, "-overlay", overlay)
	}
	c.Args = append(c.Args, parts[0])
	c.Dir = root
	return c.CombinedOutput()
}
