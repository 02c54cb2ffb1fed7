package mutants

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
)

// elsewhere is a zone east of Greenwich and a quarter of an hour off: what depends on
// the zone of the machine shows.
const elsewhere = "TZ=Asia/Kathmandu"

// build builds httpdest with files put in the place of those of the tree, by
// their path below root, and returns the path of the binary; "" after an error.
func build(t *testing.T, what string, files map[string]string) string {
	dir := t.TempDir()
	list, err := Overlay(root, dir, files)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return ""
	}
	// Without symbols the linker has less to write. -trimpath makes the result,
	// and so the build cache, the same in every folder.
	binary := filepath.Join(dir, "httpdest")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-overlay", list, "-o", binary, "./cmd/httpdest")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: does not build: %v\n%s", what, err, out)
		return ""
	}
	return binary
}

// play runs cases, of the library all where none is named, with a binary, under
// the mutant of that number (0: none), and returns those that failed. A run
// that got stuck for want of a processor says nothing, and is repeated: what is
// measured must not depend on what else the machine does.
func play(t *testing.T, what, binary string, number int, cases ...string) []string {
	const most = 3
	for i := 1; ; i++ {
		r, err := report(filepath.Join(t.TempDir(), "report.json"), binary, fmt.Sprintf("%s=%d", SwitchEnv, number), cases)
		if err != nil {
			t.Errorf("mutant %s left no report: %v", what, err)
			return nil
		}
		var red []string
		stuck := false
		for _, c := range r.Cases {
			if c.Verdict == reports.Fail {
				red = append(red, c.ID)
			}
			stuck = stuck || slices.ContainsFunc(c.Checks, func(c reports.Check) bool {
				return c.Verdict == reports.Inconclusive && strings.Contains(c.Title, "of wall time while")
			})
		}
		if !stuck || i == most {
			slices.Sort(red)
			return red
		}
	}
}

// report plays cases once. A mutant that crashes or hangs the run leaves no
// report: it would prove nothing about the checks.
func report(path, binary, env string, cases []string) (reports.Report, error) {
	var r reports.Report
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	// Two of them run at a time, so one processor for each; what a play leaves
	// behind is little, and it is over before it matters.
	arguments := []string{"run", "--quiet", "--jobs", "1", "--report", "json=" + path}
	for _, id := range cases {
		arguments = append(arguments, filepath.Join(root, "scenarios", "library", filepath.FromSlash(id)+".yaml"))
	}
	cmd := exec.CommandContext(ctx, binary, arguments...)
	cmd.Env = append(os.Environ(), env, "GOMAXPROCS=1", "GOGC=400", elsewhere)
	out, runErr := cmd.CombinedOutput()
	content, err := os.ReadFile(path)
	if err != nil {
		return r, fmt.Errorf("%v\n%s", runErr, out)
	}
	return r, json.Unmarshal(content, &r)
}

// reach plays each case by itself without a mutant, and returns which cases
// come by which mutant: without it and with it a case that does not is the
// same, and need not be played.
func reach(t *testing.T, binary string, cases []*scenarios.Scenario) map[int][]string {
	by := map[int][]string{}
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, runtime.NumCPU())
	for _, c := range cases {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			dir := t.TempDir()
			file := filepath.Join(dir, "reached")
			r, err := report(filepath.Join(dir, "report.json"), binary, ReachEnv+"="+file, []string{c.ID})
			if err != nil || len(r.Cases) != 1 || r.Cases[0].Verdict != reports.Pass {
				t.Errorf("%s by itself, without a mutant: %v, %+v", c.ID, err, r.Cases)
				return
			}
			content, err := os.ReadFile(file)
			if err != nil && !errors.Is(err, fs.ErrNotExist) { // of a few mutants it may come by none
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			for _, line := range strings.Fields(string(content)) {
				number, err := strconv.Atoi(line)
				if err != nil {
					t.Error(err)
				}
				by[number] = append(by[number], c.ID)
			}
		})
	}
	wg.Wait()
	return by
}
