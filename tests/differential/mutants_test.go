package differential

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/httpdest/httpdest/scenarios/mutants"
)

var (
	mutated = flag.Bool("mutants", false, "build every wrong decider and show that the histories find it")
	only    = flag.String("only", "", "with -mutants: those whose id matches the regular expression")
)

const root = "../.."

// decides reports whether a file is part of the decider: what turns an update
// of a profile into an export and its content.
func decides(file string) bool {
	return file == "engine/decider.go" || file == "engine/dataflow/snapshot.go" || strings.HasPrefix(file, "engine/export/") || strings.HasPrefix(file, "engine/profile/")
}

// marker begins the line by which a run tells its counter-example.
const marker = "counter-example: the history of seed "

// TestDeciderMutants: the histories and the oracle know nothing of the library,
// and find every wrong decider without it.
func TestDeciderMutants(t *testing.T) {
	if !*mutated {
		t.Skip("needs the flag -mutants: a build for each; `make differential-mutants` gives it")
	}
	all, err := mutants.All()
	if err != nil {
		t.Fatal(err)
	}
	wanted, err := regexp.Compile(*only)
	if err != nil {
		t.Fatal(err)
	}
	all = slices.DeleteFunc(all, func(m mutants.Mutant) bool { return !decides(m.File) || !wanted.MatchString(m.ID) })
	if len(all) == 0 {
		t.Fatalf("no mutant of the decider matches %q", *only)
	}
	found := make([]string, len(all))
	files, apart, err := mutants.Together(root, all)
	if err != nil {
		t.Fatal(err)
	}
	shared := build(t, "all together", files)
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.NumCPU())
	for i, m := range all {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			binary := shared
			if slices.ContainsFunc(apart, func(a mutants.Mutant) bool { return a.ID == m.ID }) {
				content, err := m.Apply(root)
				if err != nil {
					t.Error(err)
					return
				}
				binary = build(t, m.ID, map[string]string{m.File: string(content)})
			}
			found[i] = hunt(t, m.ID, binary, i+1)
		})
	}
	wg.Wait()
	if seed := hunt(t, "none", shared, 0); seed != "" {
		t.Errorf("without a mutant the history of seed %s is a counter-example", seed)
	}
	killed := 0
	for i, m := range all {
		verdict := "SURVIVED"
		if found[i] != "" {
			verdict = "found in the history of seed " + found[i]
			killed++
		} else {
			t.Errorf("mutant %s (%s) breaks %s, and no history of %d shows it", m.ID, m.Title, m.Rule, *count)
		}
		fmt.Printf("%-40s %-28s %s\n", m.ID, m.Rule, verdict)
	}
	fmt.Printf("%d mutants of the decider, %d found\n", len(all), killed)
}

// build builds this test with files put in the place of those of the tree, and
// returns the path of the binary; "" after an error.
func build(t *testing.T, what string, files map[string]string) string {
	dir := t.TempDir()
	list, err := mutants.Overlay(root, dir, files)
	if err != nil {
		t.Error(err)
		return ""
	}
	binary := filepath.Join(dir, "differential.test")
	cmd := exec.Command("go", "test", "-vet=off", "-trimpath", "-ldflags=-s -w", "-c", "-overlay", list, "-o", binary, "./tests/differential")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: does not build: %v\n%s", what, err, out)
		return ""
	}
	return binary
}

// hunt plays histories with the mutant of a number, 0 for none, until one is a
// counter-example, whose seed it returns; "" when none is. A mutant that
// crashes or hangs shows nothing.
func hunt(t *testing.T, what, binary string, number int) string {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	run := exec.CommandContext(ctx, binary, "-test.run", "^Test(Histories|SeveralDataflows)$", "-quick", "-histories", strconv.Itoa(*count), "-seed", strconv.Itoa(*seed))
	run.Env = append(os.Environ(), fmt.Sprintf("%s=%d", mutants.SwitchEnv, number))
	out, err := run.CombinedOutput()
	if err == nil {
		return ""
	}
	_, rest, there := strings.Cut(string(out), marker)
	if !there {
		t.Errorf("mutant %s ended without a verdict: %v\n%.2000s", what, err, out)
		return ""
	}
	failed, _, _ := strings.Cut(rest, "\n")
	return failed
}
