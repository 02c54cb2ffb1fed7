package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/httpdest/httpdest/loadtest"
	"github.com/httpdest/httpdest/reports"
)

// A line never reaches the last column: a terminal would go on to the next
// line, which nothing clears. The most important parts are the last to be left
// out.
func TestLoadLine(t *testing.T) {
	counts := loadtest.Counts{Due: 180_000, Begun: 179_000, Over: 178_500, Failed: 42, InFlight: 64}
	for _, tt := range []struct {
		at, drain time.Duration
		width     int
		want      string
	}{
		{12 * time.Second, 0, 120, "18s left, 180000 due, 178500 ended, 42 attempts failed, 64 on the wire, 179000 begun"},
		{12 * time.Second, 0, 80, "18s left, 180000 due, 178500 ended, 42 attempts failed, 64 on the wire"},
		{12 * time.Second, 0, 71, "18s left, 180000 due, 178500 ended, 42 attempts failed, 64 on the wire"},
		{12 * time.Second, 0, 70, "18s left, 180000 due, 178500 ended, 42 attempts failed"},
		{12 * time.Second, 0, 40, "18s left, 180000 due, 178500 ended"},
		{12 * time.Second, 0, 9, "18s left"},
		{12 * time.Second, 0, 8, ""},
		{29_700 * time.Millisecond, 0, 10, "0s left"},
		{30 * time.Second, 0, 40, "draining, 180000 due, 178500 ended"},
		{31 * time.Second, 2 * time.Minute, 60, "draining, at most 1m59s more, 180000 due, 178500 ended"},
		{30 * time.Second, 2 * time.Minute, 40, "draining, at most 2m more, 180000 due"},
		{10 * time.Minute, 2 * time.Minute, 40, "draining, at most 0s more, 180000 due"},
	} {
		got := loadLine(tt.at, 30*time.Second, tt.drain, counts, tt.width)
		if got != tt.want || len(got) >= tt.width {
			t.Errorf("at %s, %d columns: %q; want %q", tt.at, tt.width, got, tt.want)
		}
	}
	counts.Failed = 0
	if got := loadLine(0, time.Hour, 0, counts, 80); got != "1h0m left, 180000 due, 178500 ended, 64 on the wire, 179000 begun" {
		t.Errorf("%q", got)
	}
}

// The line is written over and taken away, and has no colour to turn off.
func TestLoadProgress(t *testing.T) {
	var b bytes.Buffer
	p := &loadProgress{w: &b, width: func() int { return 30 }}
	p.begin(20 * time.Second)
	p.callback(10*time.Second)(time.Second, loadtest.Counts{Due: 5})
	p.begin(time.Second)
	p.clear()
	if got := b.String(); got != "\r9s left, 5 due, 0 ended\x1b[K\r\x1b[K" {
		t.Errorf("%q", got)
	}
	var none *loadProgress
	none.begin(time.Second)
	none.clear()
	if none.callback(0) != nil {
		t.Error("nobody looks, and is told")
	}
}

func TestLoadProgressWhereNobodyLooks(t *testing.T) {
	null, err := os.Open(os.DevNull) // a character device, as a terminal is
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = null.Close() }()
	env := map[string]string{}
	a := &app{stderr: null, getenv: func(name string) string { return env[name] }}
	if p := a.watchLoad(0, false); p == nil || p.width() != 80 {
		t.Errorf("on what may be a terminal of no known width: %+v", p)
	}
	env["COLUMNS"], env["NO_COLOR"] = "40", "1"
	if p := a.watchLoad(0, false); p == nil || p.width() != 40 {
		t.Errorf("with COLUMNS: %+v", p)
	}
	if a.watchLoad(0, true) != nil {
		t.Error("with --quiet")
	}
	env["TERM"] = "dumb"
	if a.watchLoad(0, false) != nil {
		t.Error("on a dumb terminal")
	}
	if (&app{stderr: &bytes.Buffer{}, getenv: a.getenv}).watchLoad(0, false) != nil {
		t.Error("into a file")
	}
}

// clock tells one time after the other, the last of them for ever.
func clock(times ...time.Duration) func() time.Time {
	n := -1
	return func() time.Time {
		n = min(n+1, len(times)-1)
		return time.Unix(1, 0).Add(times[n])
	}
}

// One signal ends a load with what there was, also where it comes twice at the
// same moment; a later one does not wait for it.
func TestInterruptible(t *testing.T) {
	signals := make(chan os.Signal, 2)
	want := &reports.Load{Interrupted: true}
	signals <- os.Interrupt
	l, err := interruptible(t.Context(), signals, clock(0), func(ctx context.Context) (*reports.Load, error) { <-ctx.Done(); return want, nil })
	if l != want || err != nil {
		t.Errorf("%v, %v", l, err)
	}
	signals <- syscall.SIGTERM
	signals <- syscall.SIGTERM
	l, err = interruptible(t.Context(), signals, clock(0, time.Millisecond), func(ctx context.Context) (*reports.Load, error) {
		<-ctx.Done()
		for len(signals) > 0 {
			runtime.Gosched()
		}
		return want, nil
	})
	if l != want || err != nil {
		t.Errorf("the same signal twice: %v, %v", l, err)
	}
	signals <- os.Interrupt
	signals <- os.Interrupt
	hangs := make(chan struct{})
	defer close(hangs)
	_, err = interruptible(t.Context(), signals, clock(0, time.Second), func(context.Context) (*reports.Load, error) { <-hangs; return nil, nil })
	var f failure
	if !errors.As(err, &f) || f.status != exitInterrupted || !strings.Contains(f.Error(), "no report was written") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if l, _ = interruptible(ctx, signals, clock(0), func(ctx context.Context) (*reports.Load, error) { <-ctx.Done(); return want, nil }); l != want {
		t.Errorf("%v", l)
	}
}
