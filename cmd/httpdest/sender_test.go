package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
)

// given is the history that another sender plays against the mock.
// Its delays are short, so that nobody waits.
const given = `
title: One that needs a retry, and one that enters and leaves
rules: [trig-enter]
audiences: {delorean: {id: delorean}}
destination: {auth: {type: bearer, token: s3cret}, headers: "X-Tenant:acme", retry: {delays: [10ms, 20ms]}}
dataflow: {audiences: [delorean], attributes: [person.name]}
profiles:
  doc: {attributes: {person: {name: {firstName: Emmett}}}}
  marty: {attributes: {person: {name: {firstName: Marty}}}}
endpoint: {tls: plain, faults: [{profile: doc, requests: 1, status: 503}]}
history:
  - {at: 1s, profile: doc, qualify: delorean}
  - {at: 2s, profile: marty, qualify: delorean}
  - {at: 3s, profile: marty, exit: delorean}
expect: [{profile: doc}, {profile: marty, times: 2}]
`

// naive is another sender: net/http, and bodies put together by hand. Each word
// switches on one of its defects.
type naive struct{ url, wrong string }

func (n naive) body(name, firstName, status string) string {
	if n.wrong == "status" && status == "exited" {
		status = "exiting"
	}
	more := ""
	if n.wrong == "leak" {
		more = `"age":17,`
	}
	body := `{"person":{` + more + `"name":{"firstName":"` + firstName + `"}},"segmentMembership":{"ups":{"delorean":{"lastQualificationTime":"2026-01-15T09:00:01Z","status":"` +
		status + `"}}},"identityMap":{"ecid":[{"id":"` + scenarios.ECID(1, name) + `"}]}}`
	if n.wrong == "comma" {
		body = strings.TrimSuffix(body, "}") + ",}"
	}
	return body
}

// send makes up to so many attempts.
func (n naive) send(t *testing.T, body string) {
	t.Helper()
	most := 3
	if n.wrong == "retries" {
		most = 1
	}
	for range most {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer s3cret")
		if n.wrong == "token" {
			r.Header.Set("Authorization", "Bearer secret")
		}
		if n.wrong != "headers" {
			r.Header.Set("X-Tenant", "acme")
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		if answer.StatusCode == http.StatusOK {
			break
		}
	}
}

func (n naive) play(t *testing.T) {
	n.send(t, n.body("doc", "Emmett", "realized"))
	n.send(t, n.body("marty", "Marty", "realized"))
	if n.wrong != "exit" {
		n.send(t, n.body("marty", "Marty", "exited"))
	}
}

// mocking runs httpdest mock while a sender plays, and returns the recording.
func mocking(t *testing.T, scenario string, play func(url string)) string {
	t.Helper()
	recorded := filepath.Join(t.TempDir(), "f.jsonl")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	out, in := io.Pipe()
	var stderr bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"mock", "--scenario", scenario, "--record", recorded, "--admin", "off"}, in, &stderr, func(string) string { return "" })
		_ = in.Close()
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	play(strings.TrimSuffix(strings.TrimPrefix(line, "listening on "), " (data)\n") + "/profiles")
	cancel()
	http.DefaultClient.CloseIdleConnections()
	code, want := <-ended, exitPass
	if strings.Contains(stderr.String(), unfulfilled) {
		want = exitUnjudged
	}
	if code != want {
		t.Fatalf("exit status %d: %s", code, stderr.String())
	}
	return recorded
}

// unfulfilled is said by a mock whose faults did not all fire, which ends with another
// status for it.
const unfulfilled = "the plan of faults is not fulfilled"

// A sender that we did not write is judged right when it is right, and fails
// what it gets wrong.
func TestForeignSender(t *testing.T) {
	scenario := filepath.Join(t.TempDir(), "given.yaml")
	if err := os.WriteFile(scenario, []byte(given), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		wrong  string
		failed []string
		code   int
	}{
		{"nothing", nil, exitPass},
		{"leak", []string{"only-mapped-attributes"}, exitFail},
		{"status", []string{"status-values"}, exitFail},
		{"headers", []string{"custom-headers-every-call"}, exitFail},
		{"token", []string{"bearer-header"}, exitFail},
		{"exit", []string{"trig-exit"}, exitFail},
		{"retries", nil, exitUnjudged}, // it could still have come
		// A body that is not JSON belongs to no export.
		{"comma", []string{"valid-json", "trig-enter", "trig-exit"}, exitFail},
	} {
		t.Run(tt.wrong, func(t *testing.T) {
			recorded := mocking(t, scenario, func(url string) { naive{url, tt.wrong}.play(t) })
			report := filepath.Join(t.TempDir(), "report.json")
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), []string{"judge", recorded, "--scenario", scenario, "--report", "json=" + report}, &stdout, &stderr, func(string) string { return "" })
			f, err := os.Open(report)
			if err != nil {
				t.Fatal(err, stderr.String())
			}
			defer func() { _ = f.Close() }()
			r, err := reports.ReadJSON(f)
			if err != nil {
				t.Fatal(err)
			}
			var failed []string
			for _, rule := range r.Rules {
				if rule.Verdict == reports.Fail {
					failed = append(failed, rule.ID)
				}
			}
			if diff := cmp.Diff(tt.failed, failed); diff != "" {
				t.Errorf("failed (-want +got):\n%s\n%s", diff, stdout.String())
			}
			if code != tt.code {
				t.Errorf("exit status %d; want %d: %s", code, tt.code, stdout.String())
			}
		})
	}
}
