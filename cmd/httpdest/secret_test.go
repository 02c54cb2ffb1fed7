package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

// A secret comes from the environment or a file, and no error repeats it.
func TestSecretOf(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"token": "s3cret\n", "windows": "s3cret\r\n", "bare": "s3cret", "empty": "\n", "two": "s3cret\nother\n"} {
		write(t, filepath.Join(dir, name), content)
	}
	for text, c := range map[string]struct {
		want, problem string
		warned        bool
	}{
		"":             {},
		"s3cret":       {want: "s3cret", warned: true},
		"${TOKEN}":     {want: "of the environment"},
		"${OTHER}":     {problem: "the variable OTHER is not set"},
		"${TOKEN}x":    {want: "${TOKEN}x", warned: true},
		"@DIR/token":   {want: "s3cret"},
		"@DIR/windows": {want: "s3cret"},
		"@DIR/bare":    {want: "s3cret"},
		"@DIR/empty":   {problem: "is empty"},
		"@DIR/two":     {problem: "more than one line"},
		"@DIR/nowhere": {problem: "no such file"},
	} {
		var stderr bytes.Buffer
		a := &app{stderr: &stderr, getenv: func(name string) string { return map[string]string{"TOKEN": "of the environment"}[name] }}
		got, err := a.secretOf("--token", strings.Replace(text, "DIR", dir, 1))
		switch {
		case c.problem == "" && (err != nil || got != c.want):
			t.Errorf("%s is read as %q, %v; want %q", text, got, err, c.want)
		case c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem) || strings.Contains(err.Error(), "s3cret")):
			t.Errorf("%s: %v; want %q, and not the secret", text, err, c.problem)
		}
		if said := stderr.String(); (said != "") != c.warned || strings.Contains(said, "s3cret") {
			t.Errorf("%s: warning %q", text, said)
		}
	}
}
