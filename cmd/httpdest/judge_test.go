package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// played is a history with a message that fails three times and two that
// arrive; what is wrong with a sender of it is put into its recording.
const played = `
title: Three failures, and two deliveries
rules: [max-3, only-mapped-attributes, changed-audience-present, unmapped-same-policy, trig-enter]
audiences: {delorean: {}, scifi: {}}
destination: {headers: "X-Tenant:acme", queryParameters: source=aep, auth: {type: bearer, token: s3cret}}
dataflow: {audiences: [delorean], attributes: [person.name]}
profiles:
  doc: {audiences: [scifi], attributes: {person: {name: {firstName: Emmett}, age: 65}}}
  marty: {audiences: [scifi], attributes: {person: {name: {firstName: Marty}, age: 17}}}
endpoint: {tls: plain, faults: [{profile: doc, requests: 1-3, status: 500}]}
history:
  - {at: 1h, profile: doc, qualify: delorean}
  - {at: 2h, profile: marty, qualify: delorean}
  - {at: 3h, profile: marty, exit: delorean}
until: 4h
expect:
  - {profile: doc, outcomes: [500, 500, 500], rule: max-3}
  - {profile: marty, times: 2, outcomes: 200, rule: trig-enter}
`

// editedRecording is a recording that is about to be doctored.
type editedRecording []recording.Line

// body is what an attempt or a request carries; nil for other lines.
func carried(l recording.Line) *string {
	switch {
	case l.Attempt != nil:
		return &l.Attempt.Body
	case l.Request != nil:
		return &l.Request.Body
	}
	return nil
}

// of finds the lines, by index, that carry a text in their bodies.
func (t editedRecording) of(text string) (attempts, requests []int) {
	for i, l := range t {
		if b := carried(l); b != nil && strings.Contains(*b, text) {
			if l.Attempt != nil {
				attempts = append(attempts, i)
			} else {
				requests = append(requests, i)
			}
		}
	}
	return attempts, requests
}

func (t editedRecording) without(gone ...int) editedRecording {
	var out editedRecording
	for i, l := range t {
		if !slices.Contains(gone, i) {
			out = append(out, l)
		}
	}
	return out
}

// lastRetryRemoved leaves out the third attempt.
func (t editedRecording) lastRetryRemoved() editedRecording {
	attempts, requests := t.of("Emmett")
	return t.without(attempts[2], requests[2])
}

// fourthAttempt repeats the third 30 s after it failed, and lets the message
// be dropped after that.
func (t editedRecording) fourthAttempt() editedRecording {
	attempts, requests := t.of("Emmett")
	a, r := *t[attempts[2]].Attempt, *t[requests[2]].Request
	t[attempts[2]].Attempt.Retry = true
	a.Number, a.At, a.EndedAt = 4, a.EndedAt.Add(30*time.Second), a.EndedAt.Add(30*time.Second)
	r.Number, r.At, r.AnsweredAt = r.Number+1, a.At, a.At
	var out editedRecording
	for _, l := range t {
		if l.Drop != nil {
			l.Drop.At = a.EndedAt
			out = append(out, recording.Line{Request: &r}, recording.Line{Attempt: &a})
		}
		out = append(out, l)
	}
	return out
}

// leakedAttribute adds one that is not mapped to the bodies of one profile.
func (t editedRecording) leakedAttribute() editedRecording {
	for _, l := range t {
		if b := carried(l); b != nil {
			*b = strings.Replace(*b, `"firstName":"Marty"}`, `"firstName":"Marty"},"age":17`, 1)
		}
	}
	return t
}

// missingAudience takes the entries that hold a text out of the bodies of one
// profile.
func (t editedRecording) missingAudience(text string) editedRecording {
	for _, l := range t {
		b := carried(l)
		if b == nil || !strings.Contains(*b, "Marty") {
			continue
		}
		from := strings.Index(*b, `"ups":{`) + len(`"ups":{`)
		entries := (*b)[from : from+strings.Index((*b)[from:], "}}")+1]
		var kept []string
		for _, e := range strings.SplitAfter(entries, "}") {
			if e = strings.TrimPrefix(e, ","); e != "" && !strings.Contains(e, text) {
				kept = append(kept, e)
			}
		}
		*b = strings.Replace(*b, entries, strings.Join(kept, ","), 1)
	}
	return t
}

// request is the nth request of a profile, from 0.
func (t editedRecording) request(text string, n int) *recording.Request {
	_, requests := t.of(text)
	return t[requests[n]].Request
}

// again repeats the nth request of a profile after a while, as it is.
func (t editedRecording) again(text string, n int, later time.Duration) editedRecording {
	r := *t.request(text, n)
	r.Number, r.At, r.AnsweredAt = r.Number+100, r.At.Add(later), r.AnsweredAt.Add(later)
	last := len(t) - 1
	return append(t[:last:last], recording.Line{Request: &r}, t[last])
}

// on changes the nth request of a profile.
func on(text string, n int, change func(*recording.Request)) func(editedRecording) editedRecording {
	return func(t editedRecording) editedRecording {
		change(t.request(text, n))
		return t
	}
}

func header(name string) func(*recording.Request) {
	return func(r *recording.Request) {
		r.Headers = slices.DeleteFunc(r.Headers, func(h recording.Header) bool { return h.Name == name })
	}
}

// endpointsSide is what the mock endpoint would have recorded of it.
func (t editedRecording) endpointsSide() editedRecording {
	var out editedRecording
	for _, l := range t {
		switch {
		case l.Run != nil:
			run := *l.Run
			run.Side = "endpoint"
			out = append(out, recording.Line{Run: &run})
		case l.Request != nil || l.Handshake != nil || l.End != nil:
			out = append(out, l)
		}
	}
	return out
}

// verdictsOf judges a recording and lists the rules with a verdict.
func verdictsOf(t *testing.T, dir string, lines editedRecording, args ...string) (failed, open []string, r *reports.Report) {
	t.Helper()
	file, report := filepath.Join(dir, "played.jsonl"), filepath.Join(dir, "report.json")
	var text bytes.Buffer
	if err := recording.Write(&text, lines); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	args = append([]string{"judge", file, "--scenario", filepath.Join(dir, "played.yaml"), "--report", "json=" + report}, args...)
	code := run(t.Context(), args, &stdout, &stderr, func(string) string { return "" })
	f, err := os.Open(report)
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	defer func() { _ = f.Close() }()
	if r, err = reports.ReadJSON(f); err != nil {
		t.Fatal(err)
	}
	for _, rule := range r.Rules {
		switch rule.Verdict {
		case reports.Fail:
			failed = append(failed, rule.ID)
		case reports.Unspecified:
			open = append(open, rule.ID)
		}
	}
	if code != status(r.Verdict) {
		t.Errorf("exit status %d with verdict %s", code, r.Verdict)
	}
	return failed, open, r
}

// record plays the history.
func record(t *testing.T) (dir string, lines func() editedRecording) {
	t.Helper()
	dir = t.TempDir()
	scenario := filepath.Join(dir, "played.yaml")
	if err := os.WriteFile(scenario, []byte(played), 0o644); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), []string{"run", scenario, "--out", dir}, &stdout, &stderr, func(string) string { return "" }); code != exitPass {
		t.Fatalf("exit status %d: %s%s", code, stdout.String(), stderr.String())
	}
	var content []byte
	err := filepath.WalkDir(filepath.Join(dir, "recordings"), func(file string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			content, err = os.ReadFile(file)
		}
		return err
	})
	if err != nil || len(content) == 0 {
		t.Fatalf("no recording: %v", err)
	}
	return dir, func() editedRecording {
		lines, err := recording.Read(bytes.NewReader(content))
		if err != nil {
			t.Fatal(err)
		}
		return lines
	}
}

// A recording that was doctored fails the rule it breaks and no other: a whole
// one, and the requests alone, with and without the time the scenario began.
func TestDoctoredRecordings(t *testing.T) {
	dir, original := record(t)
	const start = "2026-01-15T09:00:00Z"
	for _, tt := range []struct {
		name   string
		doctor func(editedRecording) editedRecording
		whole  []string // that fail in the recording of a run
		alone  []string // that fail in the requests alone
		open   []string // that are unspecified there
	}{
		{name: "as it was", doctor: func(t editedRecording) editedRecording { return t }},
		{name: "last retry removed", doctor: editedRecording.lastRetryRemoved, whole: []string{"max-3", "retry-codes"}, alone: []string{"max-3"}, open: []string{"retry-codes"}},
		{name: "a fourth attempt", doctor: editedRecording.fourthAttempt, whole: []string{"max-3", "drop-after"}, alone: []string{"max-3"}, open: []string{"drop-after"}},
		{name: "a leaked attribute", doctor: editedRecording.leakedAttribute, whole: []string{"only-mapped-attributes"}, alone: []string{"only-mapped-attributes"}},
		{name: "a missing audience that changed", doctor: func(t editedRecording) editedRecording { return t.missingAudience("exited") },
			whole: []string{"changed-audience-present"}, alone: []string{"changed-audience-present"}},
		{name: "a missing audience of the same merge policy", doctor: func(t editedRecording) editedRecording { return t.missingAudience(scenarios.AudienceID(1, "scifi")) },
			whole: []string{"unmapped-same-policy"}, open: []string{"unmapped-same-policy"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			failed, _, _ := verdictsOf(t, dir, tt.doctor(original()))
			if diff := cmp.Diff(tt.whole, failed); diff != "" {
				t.Errorf("the recording of a run fails (-want +got):\n%s", diff)
			}
			for _, args := range [][]string{nil, {"--start", start}} {
				failed, open, _ := verdictsOf(t, dir, tt.doctor(original()).endpointsSide(), args...)
				if diff := cmp.Diff(tt.alone, failed); diff != "" {
					t.Errorf("the requests alone fail with %v (-want +got):\n%s", args, diff)
				}
				if diff := cmp.Diff(tt.open, open); diff != "" {
					t.Errorf("the requests alone leave open with %v (-want +got):\n%s", args, diff)
				}
			}
		})
	}
}

// A sender with one defect that only an endpoint can see.
func TestDoctoredRequests(t *testing.T) {
	dir, original := record(t)
	shift := func(d time.Duration) func(*recording.Request) {
		return func(r *recording.Request) { r.At, r.AnsweredAt = r.At.Add(d), r.AnsweredAt.Add(d) }
	}
	for _, tt := range []struct {
		name         string
		doctor       func(editedRecording) editedRecording
		failed, open []string
		verdict      reports.Verdict
	}{
		{name: "sent again after a success", doctor: func(t editedRecording) editedRecording { return t.again("Marty", 0, 15*time.Second) }, failed: []string{"stop-on-success"}},
		{name: "sent again a day after it was given up", doctor: func(t editedRecording) editedRecording { return t.again("Emmett", 2, 2*time.Hour) }, failed: []string{"max-3"}, open: []string{"drop-after"}},
		{name: "a retry too soon", doctor: on("Emmett", 1, shift(-10*time.Second)), open: []string{"retry-delays"}},
		{name: "the second retry 30 s after the first attempt", doctor: on("Emmett", 2, shift(-15*time.Second))},
		// Its first byte may have come in time, which no capture shows and one reading takes.
		{name: "an answer that was waited for", doctor: on("Marty", 1, func(r *recording.Request) { r.AnsweredAt = r.AnsweredAt.Add(5 * time.Second) }),
			open: []string{"timeout-2s"}},
		{name: "a header less on a retry", doctor: on("Emmett", 1, header("X-Tenant")), failed: []string{"custom-headers-every-call", "retry-same"}},
		{name: "a header less", doctor: on("Marty", 0, header("X-Tenant")), failed: []string{"custom-headers-every-call"}},
		{name: "no credentials", doctor: on("Marty", 0, header("Authorization")), failed: []string{"bearer-header"}},
		{name: "the wrong token", doctor: on("Marty", 0, func(r *recording.Request) { r.Authorization = "wrong" }), failed: []string{"bearer-header"}},
		{name: "another query", doctor: on("Marty", 0, func(r *recording.Request) { r.Target = "/profiles" }), failed: []string{"query-every-call"}},
		{name: "an export of a stranger", doctor: func(t editedRecording) editedRecording {
			t = t.again("Marty", 1, time.Minute)
			r := t[len(t)-2].Request
			r.Body = `{"segmentMembership":{},"identityMap":{"ecid":[{"id":"7"}]}}`
			return t
		}, failed: []string{"incremental"}},
		{name: "an export that nothing calls for", doctor: func(t editedRecording) editedRecording {
			t = t.again("Marty", 1, time.Minute)
			r := t[len(t)-2].Request
			r.Body = strings.Replace(r.Body, "Marty", "Calvin", 1)
			return t
		}, failed: []string{"incremental"}},
		{name: "an export that is not there", doctor: func(t editedRecording) editedRecording {
			_, requests := t.of("Marty")
			return t.without(requests[1])
		}, failed: []string{"trig-exit"}},
		{name: "an attribute with another value", doctor: on("Marty", 0, func(r *recording.Request) {
			r.Body = strings.Replace(r.Body, `"firstName":"Marty"`, `"firstName":"Martin"`, 1)
		}),
			failed: []string{"all-mapped-attributes"}},
		// No page promises that an object can be mapped whole: without any of it the rule is open.
		{name: "a whole object that is not there", doctor: on("Marty", 0, func(r *recording.Request) {
			r.Body = strings.Replace(r.Body, `"person":{"name":{"firstName":"Marty"}},`, "", 1)
		}),
			open: []string{"nested-attributes"}, verdict: reports.Pass},
		{name: "cut off", doctor: func(t editedRecording) editedRecording { return t[:len(t)-1] }, verdict: reports.Inconclusive},
	} {
		t.Run(tt.name, func(t *testing.T) {
			failed, open, r := verdictsOf(t, dir, tt.doctor(original()).endpointsSide())
			if diff := cmp.Diff(tt.failed, failed); diff != "" {
				t.Errorf("failed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.open, open); diff != "" {
				t.Errorf("unspecified (-want +got):\n%s", diff)
			}
			if tt.verdict != "" && r.Verdict != tt.verdict {
				t.Errorf("verdict %s; want %s", r.Verdict, tt.verdict)
			}
		})
	}
	// --partial judges the requests of a recording that was cut off, and reports no later export as missing.
	failed, _, r := verdictsOf(t, dir, original().endpointsSide()[:3], "--partial")
	if failed != nil || r.Verdict != reports.Pass {
		t.Errorf("cut off after two requests, --partial: %s, failed %q", r.Verdict, failed)
	}
}
