package mutants

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/httpdest/httpdest/internal/share"
	"github.com/httpdest/httpdest/scenarios"
)

//go:embed durability/*.yaml judge/*.yaml mock/*.yaml secrets/*.yaml
var testedFiles embed.FS

// part chooses a share of the mutants: "2/4" plays every fourth one, from the
// third on. CI rotates through the shares with the commit.
var part share.Share

func init() {
	flag.Var(&part, "part", "with -mutants, for the mutants that tests must find and with -named: play only share K of N")
}

// tested is a mutant that no scenario can find: one of durability, since a
// scenario has no disk and no crash, one of the judge, since a scenario is what
// the judge judges, or one of the mock endpoint, where our sender does not show
// it: it is never an unknown client, and never sees the admin page. A test of the layer it belongs to must find it.
// One of secrets shows a credential, which the suite of all commands must find.
type tested struct {
	ID     string `yaml:"-"`
	Title  string `yaml:"title"`
	Clause string `yaml:"clause"` // of rules.yaml that it proves; "" for none
	Test   string `yaml:"test"`   // package and test that must turn red
	Says   string `yaml:"says"`   // regular expression of what it then says: red for another reason proves nothing
	File   string `yaml:"file"`
	Old    string `yaml:"old"`
	New    string `yaml:"new"`
}

func (m tested) mutant() Mutant { return Mutant{ID: m.ID, File: m.File, Old: m.Old, New: m.New} }

// in is the package of the test, and name the test in it.
func (m tested) in() string   { return strings.Fields(m.Test)[0] }
func (m tested) name() string { return strings.Fields(m.Test)[1] }

func readTested(t *testing.T, folder string) []tested {
	t.Helper()
	names, err := fs.Glob(testedFiles, folder+"/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("no mutants in %s: %v", folder, err)
	}
	all := make([]tested, len(names))
	for i, name := range names {
		content, err := testedFiles.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[i].ID = strings.TrimSuffix(path.Base(name), ".yaml")
		if err := yaml.Load(content, &all[i], yaml.WithKnownFields()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return all
}

func TestTestedMutantsAreWellFormed(t *testing.T) {
	rules, err := scenarios.Rules()
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range []string{"durability", "judge", "mock", "secrets"} {
		for _, m := range readTested(t, folder) {
			if c, known := rules.Clause(m.Clause); m.Clause != "" && (!known || c.ID == scenarios.RuleOf(c.ID) || folder != "judge") {
				t.Errorf("%s: only a mutant of the judge proves a clause, and %q must be one in rules.yaml", m.ID, m.Clause)
			}
			if _, err := m.mutant().Apply(root); err != nil {
				t.Error(err)
			}
			if _, err := regexp.Compile(m.Says); err != nil || m.Title == "" || m.Says == "" || len(strings.Fields(m.Test)) != 2 || m.Old == m.New {
				t.Errorf("%s: a mutant has a title, names a package, its test and what that says, and changes something", m.ID)
			}
		}
	}
}

// layers are the parts of the judge, with the format whose ids and lint it relies on. A mutant of one must be found by tests of
// that package alone, which see neither of the other layers: the tests of
// check judge without the oracle, those of oracle without the checks.
var layers = []string{
	"scenarios", "scenarios/conformance", "scenarios/check", "scenarios/oracle", "scenarios/capture", "scenarios/exercise", "scenarios/recording",
	"scenarios/probe", "scenarios/probe/histories", "loadtest", "reports", "scenarios/mutants",
}

func TestJudgeMutantsStayInTheirLayer(t *testing.T) {
	all := readTested(t, "judge")
	for _, m := range all {
		if layer := path.Dir(m.File); !slices.Contains(layers, layer) || m.in() != "./"+layer {
			t.Errorf("%s changes %s and is found by %s: a test of the same layer must find it", m.ID, m.File, m.Test)
		}
	}
	const least = 120
	if len(all) < least {
		t.Errorf("%d mutants of the judge; at least %d are required", len(all), least)
	}
}

// Each of them turns its test red, and the tests are green without them.
func TestDurabilityMutants(t *testing.T) { playTested(t, "durability") }

// Each of them turns its test red, and the tests are green without them.
func TestJudgeMutants(t *testing.T) { playTested(t, "judge") }

// Each of them turns its test red, and the tests are green without them.
func TestMockMutants(t *testing.T) { playTested(t, "mock") }

// Each of them turns its test red, and the tests are green without them.
func TestSecretsMutants(t *testing.T) { playTested(t, "secrets") }

func playTested(t *testing.T, folder string) {
	if !*run {
		t.Skipf("needs the flag -mutants: a build for each package; `make %s-mutants` gives it", folder)
	}
	byPackage := map[string][]tested{}
	for _, m := range shareOf(t, readTested(t, folder)) {
		byPackage[m.in()] = append(byPackage[m.in()], m)
	}
	var packages []string
	played := 0
	for name, mutants := range byPackage {
		packages, played = append(packages, name), played+len(mutants)
	}
	if played == 0 {
		t.Fatalf("no mutant of %s is called %q in part %s", folder, *only, &part)
	}
	slices.Sort(packages)
	killed := 0
	for _, name := range packages {
		killed += playPackage(t, name, byPackage[name])
	}
	fmt.Printf("%d mutants of %s, %d killed\n", played, folder, killed)
	if killed != played {
		t.Errorf("%d of %d mutants of %s were not killed", played-killed, played, folder)
	}
}

// shareOf are the mutants that -only and -part choose.
func shareOf(t *testing.T, all []tested) []tested {
	t.Helper()
	wanted := regexp.MustCompile(*only)
	return share.Of(&part, slices.DeleteFunc(all, func(m tested) bool { return !wanted.MatchString(m.ID) }))
}

// playPackage plays the mutants that tests of one package must find, as many at
// a time as there are processors, and returns how many were killed. Those that
// lie within a function share one test binary.
func playPackage(t *testing.T, name string, mutants []tested) (killed int) {
	plain := make([]Mutant, len(mutants))
	for i, m := range mutants {
		plain[i] = m.mutant()
	}
	b, ok := buildsOf(t, plain, "many mutants", buildTestOf(name))
	if !ok {
		return 0
	}
	for _, test := range namesOf(mutants) {
		if out, err := runTest(b.many, name, test, 0); err != nil {
			t.Errorf("%s %s is red without any mutant: %v\n%s", name, test, err, out)
			return 0
		}
	}
	results := make([]string, len(mutants))
	b.each(every, func(i int, binary string, number int) { results[i] = verdictOn(t, mutants[i], binary, number) })
	for i, m := range mutants {
		fmt.Printf("%-44s %-28s %s\n", m.ID, m.in(), results[i])
		if strings.HasPrefix(results[i], "killed") {
			killed++
		}
	}
	return killed
}

// namesOf are the different tests that mutants name.
func namesOf(mutants []tested) []string {
	var out []string
	for _, m := range mutants {
		if !slices.Contains(out, m.name()) {
			out = append(out, m.name())
		}
	}
	return out
}

// verdictOn runs a mutant's test under it.
func verdictOn(t *testing.T, m tested, binary string, number int) string {
	out, err := runTest(binary, m.in(), m.name(), number)
	said := regexp.MustCompile(m.Says).Find(out)
	switch {
	case err == nil:
		t.Errorf("mutant %s (%s): %s does not find it", m.ID, m.Title, m.Test)
		return "SURVIVED"
	case !bytes.Contains(out, []byte("--- FAIL")) && !bytes.Contains(out, []byte("[FAIL]")):
		t.Errorf("mutant %s: the test did not run to its end: %v\n%s", m.ID, err, out)
		return "NOT RUN"
	case said == nil:
		t.Errorf("mutant %s: %s is red, and does not say %q:\n%s", m.ID, m.Test, m.Says, out)
		return "UNSEEN"
	}
	return fmt.Sprintf("killed by %s: %s", m.name(), bytes.TrimSpace(said))
}

// buildTestOf builds the tests of a package with files put in the place of those of
// the tree; "" after an error.
func buildTestOf(name string) func(t *testing.T, what string, files map[string]string) string {
	return func(t *testing.T, what string, files map[string]string) string {
		dir := t.TempDir()
		list, err := Overlay(root, dir, files)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			return ""
		}
		binary := filepath.Join(dir, "tests")
		c := exec.Command("go", "test", "-c", "-trimpath", "-vet=off", "-ldflags=-s -w", "-overlay", list, "-o", binary, name)
		c.Dir = root
		if out, err := c.CombinedOutput(); err != nil {
			t.Errorf("%s: the tests of %s do not build: %v\n%s", what, name, err, out)
			return ""
		}
		return binary
	}
}

// runTest runs one test of a test binary in its package's folder, under the
// mutant of a number; 0: without a mutant. Red is an error, and so is a missing
// test.
func runTest(binary, name, test string, number int) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, binary, "-test.run", "^("+test+")$", "-test.count=1", "-test.v")
	c.Dir = filepath.Join(root, filepath.FromSlash(name))
	c.Env = append(os.Environ(), fmt.Sprintf("%s=%d", SwitchEnv, number))
	out, err := c.CombinedOutput()
	if err == nil && !bytes.Contains(out, []byte("=== RUN")) {
		err = errors.New("there is no such test")
	}
	return out, err
}
