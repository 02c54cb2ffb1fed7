package mutants

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/reports"
)

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

// play runs the library with a binary, under the mutant of that number (0:
// none), and returns the cases that failed. A run that got stuck for want of a
// processor says nothing, and is repeated: what is measured must not depend on
// what else the machine does.
func play(t *testing.T, what, binary string, number int) []string {
	const most = 3
	for i := 1; ; i++ {
		r, err := report(filepath.Join(t.TempDir(), "report.json"), binary, number)
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

// report plays the library once. A mutant that crashes or hangs the run leaves
// no report: it would prove nothing about the checks.
func report(path, binary string, number int) (reports.Report, error) {
	var r reports.Report
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "run", "--quiet", "--jobs", "1", "--report", "json="+path)
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d", SwitchEnv, number))
	out, runErr := cmd.CombinedOutput()
	content, err := os.ReadFile(path)
	if err != nil {
		return r, fmt.Errorf("%v\n%s", runErr, out)
	}
	return r, json.Unmarshal(content, &r)
}
