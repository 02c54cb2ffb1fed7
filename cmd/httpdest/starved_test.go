//go:build linux

package main

import (
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/httpdest/httpdest/reports"
)

var starved = flag.Bool("starved", false, "stop, starve and nice the generator on the wall clock (two minutes)")

// The objective of these loads, and how fast their receivers answer.
const (
	inTime     = "response.p99<50ms"
	quickly    = 5 * time.Millisecond
	tooSlowly  = 150 * time.Millisecond
	neighbours = 4
)

// A generator that is stopped, starved or niced is not taken for a slow receiver,
// and a slow receiver is, on the wall clock. For make starved: the controls need a
// machine with a CPU to spare.
func TestStarvedGenerator(t *testing.T) {
	if !*starved {
		t.Skip("needs -starved, and two idle CPUs")
	}
	for _, tt := range []struct {
		name   string
		answer time.Duration
		before []string // of the command
		busy   int      // processes that want the CPU of the generator
		during func(t *testing.T, p *os.Process)
		want   reports.Verdict
		reason string
	}{
		{"a quick receiver", quickly, nil, 0, nil, reports.Pass, ""},
		{"a slow receiver", tooSlowly, nil, 0, nil, reports.Fail, "measured 15"},
		{"stopped for 0.8 s", quickly, nil, 0, stopped(800 * time.Millisecond), reports.Inconclusive, "without the time by which the generator was late"},
		{"stopped for 0.8 s, with a slow receiver", tooSlowly, nil, 0, stopped(800 * time.Millisecond), reports.Fail, "measured"},
		{"a fifth of the time", quickly, nil, 0, quota(20*time.Millisecond, 80*time.Millisecond), reports.Inconclusive, ""},
		{"starved by neighbours", quickly, []string{"taskset", "-c", "0"}, neighbours, nil, reports.Inconclusive, ""},
		{"niced next to neighbours", quickly, []string{"taskset", "-c", "0", "nice", "-n", "10"}, 1, nil, reports.Inconclusive, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				time.Sleep(tt.answer)
			}))
			defer receiver.Close()
			defer neighboursOn(t, tt.busy)()
			out := filepath.Join(t.TempDir(), "report.json")
			args := append(tt.before, "httpdest", "load", receiver.URL, "--rate", "200", "--for", "10s", "--slo", inTime, "--report", "json="+out)
			c := exec.Command(args[0], args[1:]...)
			var said strings.Builder
			c.Stdout, c.Stderr = &said, &said
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			if tt.during != nil {
				tt.during(t, c.Process)
			}
			_ = c.Wait() // its verdict is in the report
			f, err := os.Open(out)
			if err != nil {
				t.Fatalf("%v\n%s", err, said.String())
			}
			defer func() { _ = f.Close() }()
			r, err := reports.ReadJSON(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, o := range r.Load.Objectives {
				if o.Text == inTime && (o.Verdict != tt.want || !strings.Contains(o.Reason, tt.reason)) {
					t.Errorf("%s (%s); want %s\n%s", o.Verdict, o.Reason, tt.want, said.String())
				}
				if o.Text == inTime {
					t.Logf("p99 measured %.1f ms: %s (%s); late: %+v", o.Measured, o.Verdict, o.Reason, r.Load.Late)
				}
			}
		})
	}
}

// stopped stops a process in the middle of its load.
func stopped(length time.Duration) func(*testing.T, *os.Process) {
	return func(t *testing.T, p *os.Process) {
		time.Sleep(5 * time.Second)
		pause(t, p, length)
	}
}

// quota lets a process run for a time, and stops it for another, by turns.
func quota(runs, stands time.Duration) func(*testing.T, *os.Process) {
	return func(t *testing.T, p *os.Process) {
		time.Sleep(2 * time.Second)
		for range 60 {
			time.Sleep(runs)
			pause(t, p, stands)
		}
	}
}

func pause(t *testing.T, p *os.Process, length time.Duration) {
	for i, s := range []os.Signal{syscall.SIGSTOP, syscall.SIGCONT} {
		if i > 0 {
			time.Sleep(length)
		}
		if err := p.Signal(s); err != nil {
			t.Fatal(err)
		}
	}
}

// neighboursOn keeps the first CPU busy with so many processes, until the end.
func neighboursOn(t *testing.T, n int) (end func()) {
	var all []*exec.Cmd
	for range n {
		c := exec.Command("taskset", "-c", "0", "sh", "-c", "while :; do :; done")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return func() {
		for _, c := range all {
			_ = c.Process.Kill()
			_ = c.Wait()
		}
	}
}
