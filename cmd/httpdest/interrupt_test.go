package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/reports"
)

// Ctrl-C must leave a report of what was played so far, and its own status.
func TestInterrupt(t *testing.T) {
	out := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	if got := run(ctx, []string{"run", "--out", out}, &stdout, &stderr, func(string) string { return "" }); got != exitInterrupted {
		t.Errorf("exit status %d; want %d", got, exitInterrupted)
	}
	if !strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("stderr = %q", stderr.String())
	}
	f, err := os.Open(filepath.Join(out, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	r, err := reports.ReadJSON(f)
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != reports.Inconclusive || len(r.Cases) < 100 || r.Summary.Inconclusive != len(r.Cases) {
		t.Errorf("report of nothing: %s, %+v", r.Verdict, r.Summary)
	}
	if want := fmt.Sprintf("????  %d cases not judged: the run was interrupted\n", len(r.Cases)); !strings.Contains(stdout.String(), want) || strings.Contains(stdout.String(), "verdict: pass") {
		t.Errorf("stdout = %q", stdout.String())
	}
}
