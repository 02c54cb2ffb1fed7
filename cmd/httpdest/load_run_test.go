package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// While a load runs, Prometheus finds its metrics at the address that is printed.
func TestLoadMetrics(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	said, stderr := io.Pipe()
	ended := make(chan int, 1)
	go func() { // ends with stop
		ended <- run(ctx, []string{"load", "mock", "--rate", "200", "--for", "1h", "--prometheus-addr", "127.0.0.1:0", "-q"}, io.Discard, stderr, func(string) string { return "" })
	}()
	lines := bufio.NewScanner(said)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "httpdest: metrics on http://127.0.0.1:") {
		t.Fatalf("it said %q", lines.Text())
	}
	go func() { _, _ = io.Copy(io.Discard, said) }() // ends with the pipe
	address := strings.TrimPrefix(lines.Text(), "httpdest: metrics on ")
	for found := ""; !strings.Contains(found, `httpdest_load_attempts_total{outcome="200"}`); { // as soon as there is one
		response, err := http.Get(address)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if found = string(body); err != nil || response.StatusCode != http.StatusOK {
			t.Fatalf("%d, %v: %s", response.StatusCode, err, found)
		}
		select {
		case status := <-ended:
			t.Fatalf("exit status %d before there were metrics:\n%s", status, found)
		default:
		}
	}
	stop()
	if status := <-ended; status != exitInterrupted {
		t.Errorf("exit status %d; want %d", status, exitInterrupted)
	}
	if err := stderr.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := http.Get(address); err == nil {
		t.Error("the metrics are there after the load")
	}
}

// A load that is interrupted before its --start-at has sent nothing, and ends as one
// that was interrupted.
func TestLoadInterruptedBeforeItsStart(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	said, stderr := io.Pipe()
	ended := make(chan int, 1)
	var stdout strings.Builder
	go func() { // ends with stop
		at := strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10)
		ended <- run(ctx, []string{"load", "mock", "--rate", "5", "--for", "1s", "--start-at", at}, &stdout, stderr, func(string) string { return "" })
		_ = stderr.Close() // a pipe of io has no error
	}()
	lines, all := bufio.NewScanner(said), ""
	for lines.Scan() {
		if all += lines.Text() + "\n"; strings.HasPrefix(lines.Text(), "httpdest: ready; the load begins in ") {
			stop()
		}
	}
	if status := <-ended; status != exitInterrupted || stdout.Len() > 0 || !strings.Contains(all, "ended before its start") {
		t.Errorf("exit status %d; want %d\n%s%s", status, exitInterrupted, all, stdout.String())
	}
}
