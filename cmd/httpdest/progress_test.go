package main

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/httpdest/httpdest/reports"
)

// Progress comes after a second, ten times a second at most, and leaves nothing.
func TestProgress(t *testing.T) {
	var b bytes.Buffer
	now := time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)
	p := &progress{w: &b, now: func() time.Time { return now }, total: 5, began: now}
	for _, step := range []struct {
		after time.Duration
		v     reports.Verdict
		want  string
	}{
		{900 * time.Millisecond, reports.Pass, ""},
		{200 * time.Millisecond, reports.Pass, "\r2 of 5 cases, 1 s\x1b[K"},
		{50 * time.Millisecond, reports.Fail, ""},
		{2 * time.Second, reports.Pass, "\r4 of 5 cases, 1 failed, 3 s\x1b[K"},
	} {
		now = now.Add(step.after)
		b.Reset()
		if p.add(reports.Case{Verdict: step.v}); b.String() != step.want {
			t.Errorf("after %v: %q; want %q", step.after, b.String(), step.want)
		}
	}
	b.Reset()
	if p.end(); b.String() != "\r\x1b[K" {
		t.Errorf("at the end: %q", b.String())
	}
}

// Progress is printed only on a terminal and without --quiet.
func TestProgressWhereNobodyLooks(t *testing.T) {
	environment := func(string) string { return "" }
	if p := (&app{stderr: &bytes.Buffer{}, getenv: environment}).watch(3, false); p != nil {
		t.Error("into a file")
	}
	null, err := os.Open(os.DevNull) // a character device, as a terminal is
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	a := &app{stderr: null, getenv: environment}
	if a.watch(3, true) != nil {
		t.Error("with --quiet")
	}
	if p := a.watch(3, false); p == nil {
		t.Error("not on a terminal")
	}
	a.getenv = func(string) string { return "dumb" }
	if a.watch(3, false) != nil {
		t.Error("on a dumb terminal")
	}
	var none *progress
	none.add(reports.Case{})
	none.end()
}
