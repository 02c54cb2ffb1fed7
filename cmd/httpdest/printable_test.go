package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Text on stderr has no escapes but those of this program.
func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"plain\n":                    "plain\n",
		"\r\x1b[K5 accepted":         "\r\x1b[K5 accepted",
		"\x1b[31mFAIL\x1b[0m x\n":    "\x1b[31mFAIL\x1b[0m x\n",
		"a\n::error::x\n":            "a\n\\::error::x\n",
		"a\n  ::error::x\n":          "a\n  \\::error::x\n",
		"\x1b]0;title\x07\x1b[2J":    "␛]0;title␇␛[2J",
		"over\rwritten\n":            "over␍written\n",
		"windows\r\n":                "windows\n",
		"turned \u202egnp.exe\n":     "turned \uFFFDgnp.exe\n",
		"bad \xff\n":                 "bad \uFFFD\n",
		"httpdest: a::b is a name\n": "httpdest: a::b is a name\n",
	} {
		var whole, pieces bytes.Buffer
		if n, err := (&printable{to: &whole}).Write([]byte(text)); err != nil || n != len(text) || whole.String() != want {
			t.Errorf("%q is written as %q, %d, %v; want %q", text, whole.String(), n, err, want)
		}
		p := &printable{to: &pieces}
		for line := range strings.Lines(text) {
			_, _ = io.WriteString(p, line)
		}
		if pieces.String() != want {
			t.Errorf("%q in lines is written as %q; want %q", text, pieces.String(), want)
		}
	}
}

// A line that is written in pieces has one start.
func TestPrintableInPieces(t *testing.T) {
	var out bytes.Buffer
	p := &printable{to: &out}
	for _, piece := range []string{"a ", "::not a command", "\n", "  ", "::error::x\n"} {
		_, _ = io.WriteString(p, piece)
	}
	if want := "a ::not a command\n  \\::error::x\n"; out.String() != want {
		t.Errorf("written as %q; want %q", out.String(), want)
	}
}

// The name of a file cannot be a command of the CI runner that shows the error.
func TestFileNamesAreNotCommands(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("such names cannot be made")
	}
	name := filepath.Join(t.TempDir(), "x\n::error::owned\x1b[2J\u202e.yaml")
	if err := os.WriteFile(name, []byte("title: x\nnonsense: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"run", name}, {"scenario", "lint", name}, {"scenario", "show", name}, {"judge", name}, {"serve", "--config", name, "--store", "memory"},
		{"mock", "--scenario", name}, {"load", "http://127.0.0.1:1/", "--config", name}, {"probe", "--config", name}, {"audience", "check", name, "--identity", "email"}, {"report", name}, {"report", "compare", name, name}, {"nonsense\n::error::owned"}} {
		var stdout, stderr bytes.Buffer
		run(context.Background(), args, &stdout, &stderr, func(string) string { return "" })
		for _, said := range []string{stdout.String(), stderr.String()} {
			for line := range strings.Lines(said) {
				if strings.HasPrefix(strings.TrimSpace(line), "::") || strings.ContainsAny(line, "\x1b\u202e") {
					t.Errorf("httpdest %s says %q", args[:len(args)-1], line)
				}
			}
		}
		if stderr.Len()+stdout.Len() == 0 {
			t.Errorf("httpdest %s says nothing", args[0])
		}
	}
}
