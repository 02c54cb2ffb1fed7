package main

import (
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/reports"
)

// full is a stdout on a full disk.
type full struct{}

func (full) Write([]byte) (int, error) {
	return 0, &fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}
}

// A verdict that nobody can read does not count as a pass, and is not a fault
// of the usage.
func TestStdoutThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "report.json")
	if err := os.WriteFile(file, []byte(`{"schema": "httpdest/report/v1", "kind": "run", "verdict": "pass", "summary": {"cases": 0}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"run", "--run", "^trigger/enter$"}, {"run", "--run", "^trigger/enter$", "--report", "json=-"}, {"rules", "list"},
		{"report", file}, {"report", "--schema"}, {"report", file, "--report", "html=-"}, {"report", "compare", file, file}, {"report", "compare", file, file, "--report", "md=-"}} {
		var stderr bytes.Buffer
		if got := run(t.Context(), args, full{}, &stderr, func(string) string { return "" }); got != exitUsage {
			t.Errorf("%v: exit status %d; want %d", args, got, exitUsage)
		}
		if !strings.Contains(stderr.String(), "no space left") || strings.Contains(stderr.String(), "httpdest help") {
			t.Errorf("%v: stderr = %q", args, stderr.String())
		}
	}
}

// A new kind of report is in the help of --report, on the page about reports, and in the
// suite that searches every output for secrets.
func TestEveryFormatIsKnown(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/reports.md")
	if err != nil {
		t.Fatal(err)
	}
	kinds := slices.Sorted(maps.Keys(writers))
	for _, kind := range kinds {
		name := regexp.QuoteMeta(kind)
		if !regexp.MustCompile(`[ ,]` + name + `(,| \(| or |;)`).MatchString(reportUsage) {
			t.Errorf("the kind %q is not in reportUsage in output.go", kind)
		}
		if !regexp.MustCompile(`(?m)^    ` + name + `(  |$)`).Match(page) {
			t.Errorf("the kind %q has no line in docs/reference/reports.md", kind)
		}
	}
	if diff := cmp.Diff(kinds, slices.Sorted(slices.Values(everyFormat))); diff != "" {
		t.Errorf("bring everyFormat in secrets_commands_test.go up to date (-writers +everyFormat):\n%s", diff)
	}
}

// Every kind of report says when it could not be written: on a full disk, into
// a pipe that nobody reads, and into a folder that is gone.
func TestReportsThatCannotBeWritten(t *testing.T) {
	r := &reports.Report{Schema: reports.Schema, Kind: "run", Verdict: reports.Pass, Summary: reports.Summary{Cases: 1, Pass: 1},
		Load:  &reports.Load{ServiceTime: &reports.Distribution{Count: 1, Histogram: "HISTF"}},
		Cases: []reports.Case{{ID: "a/b", Verdict: reports.Fail, Metrics: map[string]float64{reports.Deliveries: 1, reports.LatencyP95Seconds: 2}}}}
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = writer.Close() })
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	gone := filepath.Join(t.TempDir(), "gone")
	for kind := range writers {
		a := &app{stdout: writer, getenv: func(string) string { return "" }}
		for _, c := range []struct {
			where, path string
			want        error
		}{
			{"a full disk", "/dev/full", syscall.ENOSPC},
			{"a closed pipe", "-", syscall.EPIPE},
			{"a folder that is gone", filepath.Join(gone, "report"), fs.ErrNotExist},
		} {
			if _, err := os.Stat("/dev/full"); err != nil && c.path == "/dev/full" {
				continue // only Linux has it
			}
			err := a.writeAll(r, []output{{kind, c.path}})
			var f failure
			if !errors.As(err, &f) || f.status != exitUsage || !errors.Is(err, c.want) || !strings.Contains(err.Error(), "--report "+kind) {
				t.Errorf("%s to %s: %v; want %v with exit status %d", kind, c.where, err, c.want, exitUsage)
			}
		}
	}
	if info, err := os.Stat("/dev/full"); err == nil && info.Mode().IsRegular() {
		t.Error("/dev/full was replaced by a file")
	}
}

// A device or a named pipe is written to, and a link is followed: neither is
// replaced.
func TestReportsReplaceOnlyFiles(t *testing.T) {
	r := &reports.Report{Schema: reports.Schema, Kind: "run", Verdict: reports.Pass}
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := os.WriteFile(file, []byte("before"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Skip("NOT CHECKED: no links here: ", err)
	}
	a := &app{getenv: func(string) string { return "" }}
	if err := a.writeAll(r, []output{{"json", link}, {"json", os.DevNull}}); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is one no more: %v %v", info, err)
	}
	if content, err := os.ReadFile(file); err != nil || !strings.HasPrefix(string(content), "{") {
		t.Errorf("the file behind the link has %q: %v", content, err)
	}
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode().IsRegular() {
		t.Errorf("%s was replaced: %v %v", os.DevNull, info, err)
	}
}
