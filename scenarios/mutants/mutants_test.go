package mutants

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/library"
)

// The volume of builds is not for every test run; `make mutants` asks for it.
var (
	run  = flag.Bool("mutants", false, "build and run every mutant")
	only = flag.String("only", "", "with -mutants: those whose id matches the regular expression")
)

const root = "../.."

// A mutant whose patch no longer applies, or that names a rule or case that is
// gone, would silently prove nothing.
func TestMutantsAreWellFormed(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 15 {
		t.Errorf("%d mutants; the library is proved by at least 15", len(all))
	}
	rules, err := scenarios.Rules()
	if err != nil {
		t.Fatal(err)
	}
	cases, err := scenarios.FindFS(library.Files, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if _, err := m.Apply(root); err != nil {
			t.Error(err)
		}
		if m.Title == "" || len(m.Kills) == 0 || m.Old == m.New {
			t.Errorf("%s: a mutant has a title, kills at least one case, and changes something", m.ID)
		}
		if !slices.ContainsFunc(rules, func(r scenarios.Rule) bool { return r.ID == m.Rule }) {
			t.Errorf("%s: rule %q is not in rules.yaml", m.ID, m.Rule)
		}
		for _, id := range m.Kills {
			i := slices.IndexFunc(cases, func(c *scenarios.Scenario) bool { return c.ID == id })
			if i < 0 || !slices.Contains(cases[i].Rules, m.Rule) {
				t.Errorf("%s: case %s does not exist or does not cite %s", m.ID, id, m.Rule)
			}
		}
	}
}

func TestMutants(t *testing.T) {
	if !*run {
		t.Skip("needs the flag -mutants: a build for each; `make mutants` gives it")
	}
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	wanted, err := regexp.Compile(*only)
	if err != nil {
		t.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(m Mutant) bool { return !wanted.MatchString(m.ID) })
	if len(all) == 0 {
		t.Fatalf("no mutant matches %q", *only)
	}
	if red := play(t, "unchanged", nil); len(red) > 0 {
		t.Fatalf("cases are red without any mutant: %v", red)
	}
	red := make([][]string, len(all))
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.NumCPU())
	for i, m := range all {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			red[i] = play(t, m.ID, &m)
		})
	}
	wg.Wait()
	killed := 0
	kills := map[string][]string{} // case -> mutants it kills
	for i, m := range all {
		for _, id := range red[i] {
			kills[id] = append(kills[id], m.ID)
		}
		missing := slices.DeleteFunc(slices.Clone(m.Kills), func(id string) bool { return slices.Contains(red[i], id) })
		verdict := "killed"
		if len(missing) > 0 {
			verdict = "SURVIVED " + strings.Join(missing, ", ")
			t.Errorf("mutant %s (%s) breaks %s, and these cases do not see it: %s", m.ID, m.Title, m.Rule, strings.Join(missing, ", "))
		} else {
			killed++
		}
		fmt.Printf("%-32s %-26s %-9s by %s\n", m.ID, m.Rule, verdict, strings.Join(red[i], " "))
	}
	if *only == "" {
		distinct(t, kills)
	}
	fmt.Printf("%d mutants, %d killed\n", len(all), killed)
}

// distinct fails for a case that kills no mutant, and for two that kill the
// same ones: it proves nothing that is not proved without it.
func distinct(t *testing.T, kills map[string][]string) {
	cases, err := scenarios.FindFS(library.Files, ".")
	if err != nil {
		t.Fatal(err)
	}
	by := map[string]string{}
	for _, c := range cases {
		set := strings.Join(kills[c.ID], " ")
		switch twin, there := by[set]; {
		case set == "":
			t.Errorf("case %s kills no mutant: add the mutant it is there for", c.ID)
		case there:
			t.Errorf("cases %s and %s kill the same mutants: %s", twin, c.ID, set)
		}
		by[set] = c.ID
	}
}

// play builds httpdest with the mutant's overlay, nil for none, runs the
// library, and returns the cases that failed. A mutant that crashes or hangs
// the run leaves no report, which is an error: it would prove nothing about
// the checks.
func play(t *testing.T, id string, m *Mutant) []string {
	dir := t.TempDir()
	binary, report := filepath.Join(dir, "httpdest"), filepath.Join(dir, "report.json")
	build := exec.Command("go", "build", "-o", binary)
	if m != nil {
		build.Args = append(build.Args, "-overlay", overlay(t, dir, *m))
	}
	build.Args = append(build.Args, "./cmd/httpdest")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("mutant %s does not build: %v\n%s", id, err, out)
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, binary, "run", "--quiet", "--jobs", "1", "--report", "json="+report).CombinedOutput()
	content, readErr := os.ReadFile(report)
	if readErr != nil {
		t.Errorf("mutant %s left no report: %v\n%s", id, err, out)
		return nil
	}
	var r reports.Report
	if err := json.Unmarshal(content, &r); err != nil {
		t.Errorf("mutant %s: %v", id, err)
		return nil
	}
	var red []string
	for _, c := range r.Cases {
		if c.Verdict == reports.Fail {
			red = append(red, c.ID)
		}
	}
	return red
}

// overlay writes the mutated file and the overlay that puts it in place.
func overlay(t *testing.T, dir string, m Mutant) string {
	content, err := m.Apply(root)
	if err != nil {
		t.Fatal(err)
	}
	mutated, list := filepath.Join(dir, "mutated.go"), filepath.Join(dir, "overlay.json")
	original, err := filepath.Abs(filepath.Join(root, filepath.FromSlash(m.File)))
	if err != nil {
		t.Fatal(err)
	}
	j, err := json.Marshal(map[string]map[string]string{"Replace": {original: mutated}})
	if err != nil {
		t.Fatal(err)
	}
	for path, data := range map[string][]byte{mutated: content, list: j} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return list
}
