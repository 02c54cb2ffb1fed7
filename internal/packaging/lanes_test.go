package packaging

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// fakeMake stands in for make: each stage notes when it begins and ends. "first"
// waits for the end of "third", and "bad" fails.
const fakeMake = `#!/usr/bin/env bash
echo "begin $1" >>order
echo "$1 prints $*, HISTORIES=${HISTORIES:-}"
[ "$1" != first ] || read -r _ <gate
echo "$1 prints its end" >&2
echo "end $1" >>order
[ "$1" != third ] || echo ended >gate
[ "$1" != bad ] || exit 7
`

// lanes runs a script with the functions of .ci/run, two lanes and fakeMake, and
// returns its output, the order of the stages, and whether it failed.
func lanes(t *testing.T, script string) (out, order string, failed bool) {
	t.Helper()
	functions, err := filepath.Abs(root + "/.ci/lanes")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "make"), []byte(fakeMake), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // where "third" is never begun
	defer cancel()
	script = "set -euo pipefail\nmkfifo gate\n. " + functions + "\ntrap stop EXIT\n" + script
	cmd := exec.CommandContext(ctx, "bash", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "LANES=2")
	said, err := cmd.CombinedOutput()
	noted, readErr := os.ReadFile(filepath.Join(dir, "order"))
	if readErr != nil {
		t.Fatalf("%v\n%s", readErr, said)
	}
	return string(said), string(noted), err != nil
}

// The stages of .ci/run are played in lanes: one that waits does not hold up the
// others, and the output of each comes whole.
func TestLanes(t *testing.T) {
	out, order, failed := lanes(t, "play first PART=1/2\nplay second\necho two play\n"+
		"HISTORIES=5 play third\necho third was begun\nall\nplay alone\nfinish")
	if failed {
		t.Fatalf("it failed:\n%s", out)
	}
	for _, whole := range []string{
		"first prints first PART=1/2, HISTORIES=\nfirst prints its end\n",
		"third prints third, HISTORIES=5\nthird prints its end\n",
	} {
		if !strings.Contains(out, whole) {
			t.Errorf("the output is not whole; want %q in\n%s", whole, out)
		}
	}
	_, times, _ := strings.Cut(out, "\n== 4 stages in ")
	for _, stage := range []string{"first", "second", "third", "alone"} {
		if !regexp.MustCompile(`(?m)^` + stage + `: \d+ s, \d+\+\d+ s of CPU$`).MatchString(times) {
			t.Errorf("no time of %s at the end of\n%s", stage, out)
		}
	}
	if !strings.HasSuffix(order, "\nbegin alone\nend alone\n") || strings.Count(order, "\n") != 8 {
		t.Errorf("alone was not played alone:\n%s", order)
	}
	if _, after, _ := strings.Cut(out, "two play\n"); !strings.HasPrefix(after, "\n== second: ") {
		t.Errorf("with two lanes, a third stage was begun before another had ended:\n%s", out)
	}
}

// A stage that fails fails the script, and keeps no other from being played.
func TestLanesFail(t *testing.T) {
	out, order, failed := lanes(t, "play bad\nuntil_ended bad\nplay good\nfinish\necho not reached")
	if !failed || strings.Contains(out, "not reached") || !strings.HasSuffix(out, "failed: bad\n") {
		t.Errorf("want a failure; it printed\n%s", out)
	}
	if !strings.Contains(out, "of CPU, FAILED with status 7\nbad prints bad") ||
		order != "begin bad\nend bad\nbegin good\nend good\n" {
		t.Errorf("it printed\n%s\nand played\n%s", out, order)
	}
}
