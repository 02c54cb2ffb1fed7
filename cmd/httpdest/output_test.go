package main

import (
	"bytes"
	"io/fs"
	"strings"
	"syscall"
	"testing"
)

// full is a stdout on a full disk.
type full struct{}

func (full) Write([]byte) (int, error) {
	return 0, &fs.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.ENOSPC}
}

// A verdict that nobody can read is no pass, and the usage is not to blame.
func TestStdoutThatCannotBeWritten(t *testing.T) {
	for _, args := range [][]string{{"run", "--run", "^trigger/enter$"}, {"run", "--run", "^trigger/enter$", "--report", "json=-"}, {"rules", "list"}} {
		var stderr bytes.Buffer
		if got := run(t.Context(), args, full{}, &stderr, func(string) string { return "" }); got != exitUsage {
			t.Errorf("%v: exit status %d; want %d", args, got, exitUsage)
		}
		if !strings.Contains(stderr.String(), "no space left") || strings.Contains(stderr.String(), "httpdest help") {
			t.Errorf("%v: stderr = %q", args, stderr.String())
		}
	}
}
