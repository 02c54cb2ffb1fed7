package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/httpdest/httpdest/reports"
)

// sampledECID is one of a message that is read back.
var sampledECID = regexp.MustCompile(`"ecid":\[\{"id":"(00000000\d{30})"`)

// storingReceiver keeps the ECIDs that it was sent, and shows them to who has the
// token; broken: it shows nothing.
func storingReceiver(t *testing.T, broken bool) (url string, read func() int) {
	t.Helper()
	var mu sync.Mutex
	stored, reads := map[string]bool{}, 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // of a request of the test
		mu.Lock()
		defer mu.Unlock()
		ecid, isRead := strings.CutPrefix(r.URL.Path, "/state/")
		switch {
		case r.Header.Get("Authorization") != "Bearer right":
			w.WriteHeader(http.StatusUnauthorized)
		case !isRead:
			if m := sampledECID.FindSubmatch(body); m != nil {
				stored[string(m[1])] = true
			}
		case broken:
			w.WriteHeader(http.StatusInternalServerError)
		case !stored[ecid]:
			w.WriteHeader(http.StatusNotFound)
		default:
			reads++
			_, _ = w.Write([]byte(`{"person":{}}`)) // the load reads it
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, func() int {
		mu.Lock()
		defer mu.Unlock()
		return reads
	}
}

// Some messages of a load are read back, by profiles that no other load has sent,
// and the report has the times until they were stored.
func TestLoadReadsBack(t *testing.T) {
	url, reads := storingReceiver(t, false)
	var stdout, stderr bytes.Buffer
	out := t.TempDir()
	status := run(t.Context(), []string{"load", url + "/p", "--rate", "50", "--for", "3s", "--bearer", "right", "--read-back", url + "/state", "--out", out},
		&stdout, &stderr, func(string) string { return "" })
	content, err := os.ReadFile(filepath.Join(out, "report.json"))
	if err != nil {
		t.Fatalf("exit status %d, %v: %s", status, err, stderr.String())
	}
	var r reports.Report
	if err := json.Unmarshal(content, &r); err != nil {
		t.Fatal(err)
	}
	if s := r.Load.Stored; s == nil || s.Missing > 0 || s.Time == nil || s.Time.Count < 10 || int(s.Time.Count) != reads() {
		t.Errorf("%+v after %d reads: %s", s, reads(), stdout.String())
	}
	for _, want := range []string{"\nstored, from the 2xx ", "  stored.max<10s  "} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("the text lacks %q:\n%s", want, stdout.String())
		}
	}
	merged := filepath.Join(out, "merged.json")
	again := strings.Replace(string(content), `"run": "`, `"run": "other`, 1)
	other := filepath.Join(out, "other.json")
	if err := os.WriteFile(other, []byte(again), 0o600); err != nil {
		t.Fatal(err)
	}
	stdout.Reset()
	run(t.Context(), []string{"load", "merge", filepath.Join(out, "report.json"), other, "--report", "json=" + merged}, &stdout, &stderr, func(string) string { return "" })
	var both reports.Report
	if content, err = os.ReadFile(merged); err != nil || json.Unmarshal(content, &both) != nil || both.Load.Stored == nil || both.Load.Stored.Time.Count != 2*r.Load.Stored.Time.Count {
		t.Errorf("merged: %v: %s%s", err, stdout.String(), stderr.String())
	}
}

// A read-back that does not work is the reason of an inconclusive verdict; a search
// does not begin.
func TestLoadWithABrokenReadBack(t *testing.T) {
	url, _ := storingReceiver(t, true)
	for _, more := range [][]string{{"--rate", "50", "--for", "1s"}, {"--search", "--from", "20", "--to", "40", "--for", "1s"}} {
		var stdout, stderr bytes.Buffer
		status := run(t.Context(), append([]string{"load", url + "/p", "--bearer", "right", "--read-back", url + "/state"}, more...), &stdout, &stderr, func(string) string { return "" })
		if status != exitUnjudged || !strings.Contains(stdout.String()+stderr.String(), "/state/ECID answers 500") {
			t.Errorf("%v: exit status %d: %s%s", more, status, stdout.String(), stderr.String())
		}
	}
}

// The token is for the receiver: a read-back on another host is not sent it.
func TestLoadReadBackElsewhere(t *testing.T) {
	url, _ := storingReceiver(t, false)
	other := strings.Replace(url, "127.0.0.1", "localhost", 1)
	var stdout, stderr bytes.Buffer
	status := run(t.Context(), []string{"load", url + "/p", "--bearer", "right", "--read-back", other + "/state", "--rate", "50", "--for", "1s"}, &stdout, &stderr, func(string) string { return "" })
	if status != exitUnjudged || !strings.Contains(stdout.String(), "/state/ECID answers 401") {
		t.Errorf("exit status %d: %s%s", status, stdout.String(), stderr.String())
	}
}

func TestLoadReadBackUsage(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"http://127.0.0.1:1/ --read-back nowhere", "--read-back is not the URL of a stored state"},
		{"http://127.0.0.1:1/ --read-back http://192.0.2.1/state", "192.0.2.1 is not of this machine"},
		{"http://127.0.0.1:1/ --slo stored.max<5s", "give --read-back URL too"},
		{"mock --read-back http://127.0.0.1:1/", "--read-back is of no use for mock"},
		{"mock --time virtual --read-back http://127.0.0.1:1/", "--read-back is of no use with --time virtual"},
		{"mock --through-engine --read-back http://127.0.0.1:1/", "--read-back is of no use with --through-engine"},
	} {
		var stdout, stderr bytes.Buffer
		if status := run(t.Context(), append([]string{"load"}, strings.Fields(tt.args)...), &stdout, &stderr, func(string) string { return "" }); status != exitUsage || !strings.Contains(stderr.String(), tt.want) {
			t.Errorf("%s: exit status %d: %s", tt.args, status, stderr.String())
		}
	}
}
