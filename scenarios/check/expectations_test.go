package check

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// line is a line of `expect:` that holds for the recording, and the same line wrong
// in one field.
type line struct {
	field    string
	profiles string // comma-separated; each but the last is met by a line that says nothing more
	right    scenarios.Expectation
	wrong    func(*scenarios.Expectation)
	title    string
	expected string
	actual   string
}

func span(d time.Duration) *time.Duration { return &d }

func TestEveryFieldOfAnExpectation(t *testing.T) {
	tested := map[string]bool{}
	for _, l := range lines {
		t.Run(strings.ReplaceAll(l.field+"/"+l.title, " ", "-"), func(t *testing.T) {
			right := judgeLine(t, l, nil)
			if len(right) != 1 || right[0].Verdict != reports.Pass || right[0].Rule != "trig-enter" {
				t.Fatalf("the right line gives %+v; want one pass in line 40", right)
			}
			wrong := judgeLine(t, l, l.wrong)
			if len(wrong) == 0 {
				t.Fatal("the wrong line gives no check")
			}
			got := reports.Check{Rule: wrong[0].Rule, Verdict: wrong[0].Verdict, Title: wrong[0].Title, Expected: wrong[0].Expected,
				Actual: wrong[0].Actual, File: wrong[0].File, Line: wrong[0].Line, Column: wrong[0].Column}
			want := reports.Check{Rule: "trig-enter", Verdict: reports.Fail, Title: l.title, Expected: l.expected, Actual: l.actual,
				File: "tape.yaml", Line: 40, Column: 5}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("check of the wrong line (-want +got):\n%s", diff)
			}
			if wrong[0].Fix == "" {
				t.Error("the failure names a rule and has no fix")
			}
		})
		tested[l.field] = true
	}
	for _, field := range []string{"profiles", "exports", "times", "because", "at", "within", "outcomes", "after", "payload", "audiences",
		"attributes", "identities", "absent", "certificate", "decision", "token", "grant", "handshakes", "reason"} { // monitoring_test.go has the lines about monitoring
		if !tested[field] {
			t.Errorf("no line tests %s", field)
		}
	}
}

// judgeLine returns the checks of the last line of a scenario that expects
// the earlier exports of the profile first.
func judgeLine(t *testing.T, l line, change func(*scenarios.Expectation)) []reports.Check {
	t.Helper()
	p := newTape(nil)
	p.lines = append(p.lines[:len(p.lines)-1],
		recording.Line{Handshake: &recording.Handshake{Socket: 90, Reason: "certificate-required"}},
		recording.Line{Handshake: &recording.Handshake{Socket: 91, Reason: "unknown-ca"}},
		recording.Line{Token: &recording.Token{At: began, EndedAt: began, Grant: "password", Result: "refused", Outcome: "400"}}, p.lines[len(p.lines)-1])
	names := strings.Split(l.profiles, ",")
	for i, n := range names {
		e := scenarios.Expectation{}
		if i == len(names)-1 {
			e = l.right
			e.Rule = "trig-enter"
		}
		e.Profiles = scenarios.NameRange{Prefix: n}
		e.Pos = scenarios.Position{File: "tape.yaml", Line: 40 - (len(names) - 1 - i), Column: 5}
		if i == len(names)-1 && change != nil {
			change(&e)
		}
		p.sc.Expect = append(p.sc.Expect, e)
	}
	var out []reports.Check
	for _, k := range judgeOnce(p.sc, catalogue(t), p.lines).Checks {
		if k.Line == 40 {
			out = append(out, k)
		}
	}
	return out
}

type expectation = scenarios.Expectation

var lines = []line{
	{"profiles", "doc", expectation{}, func(e *expectation) { e.Profiles.Prefix = "biff" },
		"export 1 of biff", "an export", "biff was exported 0 times"},
	{"profiles", "doc", expectation{Because: []string{"audience"}}, func(e *expectation) { e.Profiles.Prefix = "griff" },
		"griff#1: because", "audience", "backfill"},
	{"exports", "biff", expectation{None: true}, func(e *expectation) { e.Profiles.Prefix = "doc" },
		"doc is never exported", "no export", "export 1 of doc, 2h after start because audience"},
	{"times", "marty", expectation{Times: 3}, func(e *expectation) { e.Times = 4 },
		"export 4 of marty", "an export", "marty was exported 3 times"},
	{"because", "marty,marty", expectation{Because: []string{"identity"}}, func(e *expectation) { e.Because = []string{"identity", "audience"} },
		"marty#2: because", "audience, identity", "identity"},
	{"at", "griff", expectation{At: span(3*time.Hour + 30*time.Minute)}, func(e *expectation) { e.At = span(3 * time.Hour) },
		"griff#1: time of the decision, after start", "3h", "3h30m"},
	{"within", "griff", expectation{Within: span(30 * time.Minute)}, func(e *expectation) { e.Within = span(30*time.Minute - 1) },
		"griff#1: first attempt, after the mapping", "within 29m59.999999999s", "30m"},
	{"within", "doc", expectation{Within: span(0), At: span(2 * time.Hour)}, func(e *expectation) { e.Within = span(-1) },
		"doc#1: first attempt, after start+2h", "within -1ns", "0s"},
	{"outcomes", "marty", expectation{Outcomes: []string{"503", "timeout", "200"}}, func(e *expectation) { e.Outcomes = []string{"503", "200"} },
		"marty#1: outcomes of its attempts", "[503 200]", "[503 timeout 200]"},
	{"outcomes", "doc", expectation{Outcomes: []string{"302", "500", "500"}}, func(e *expectation) { e.Outcomes = []string{"302", "500", "500", "200"} },
		"doc#1: outcomes of its attempts", "[302 500 500 200]", "[302 500 500]"},
	{"after", "marty", expectation{After: []time.Duration{0, 15 * time.Second, 30 * time.Second}}, func(e *expectation) { e.After[2]++ },
		"marty#1: waits before its attempts", "[0s 15s 30.000000001s]", "[0s 15s 30s]"},
	{"payload", "doc", expectation{Payload: map[string]any{"person": map[string]any{"name": map[string]any{"firstName": "doc", "age": 17.0}}}},
		func(e *expectation) {
			e.Payload = map[string]any{"person": map[string]any{"name": map[string]any{"age": int64(18)}}}
		},
		"doc#1: a part of the body", `{"person":{"name":{"age":18}}}`, `{"person":{"name":{"age":17}}}`},
	{"payload", "doc", expectation{Payload: map[string]any{"person": map[string]any{"name": map[string]any{"age": int64(17)}}}},
		func(e *expectation) {
			e.Payload = map[string]any{"person": map[string]any{"name": map[string]any{"age": "17"}}}
		},
		"doc#1: a part of the body", `{"person":{"name":{"age":"17"}}}`, `{"person":{"name":{"age":17}}}`},
	{"audiences", "marty", expectation{HasAudience: true, Audiences: []scenarios.AudienceEntry{{Audience: "scifi", Status: "realized"}, {Audience: "delorean", Status: "realized"}}},
		func(e *expectation) { e.Audiences = e.Audiences[1:] },
		"marty#1: audiences", "{delorean: realized}", "{delorean: realized, scifi: realized}"},
	{"audiences", "marty,marty,marty", expectation{HasAudience: true, Audiences: []scenarios.AudienceEntry{{Audience: "scifi", Status: "realized"}, {Audience: "delorean", Status: "exited"}}},
		func(e *expectation) { e.Audiences[1].Status = "realized" },
		"marty#3: audiences", "{delorean: realized, scifi: realized}", "{delorean: exited, scifi: realized}"},
	{"audiences", "marty", expectation{HasAudience: true, Audiences: []scenarios.AudienceEntry{{Audience: "scifi", Status: "realized", Detailed: true},
		{Audience: "delorean", Status: "realized", Detailed: true, Name: "All of delorean", Timestamps: true}}},
		func(e *expectation) { e.Audiences[1].Name = "Cars" },
		"marty#1: name of audience delorean", "Cars", "All of delorean"},
	{"audiences", "griff", expectation{HasAudience: true, Audiences: []scenarios.AudienceEntry{{Audience: "scifi", Status: "realized"},
		{Audience: "fans", Status: "realized", Detailed: true, Name: "All of fans", Timestamps: true}}},
		func(e *expectation) { e.Audiences[1].Timestamps = false },
		"griff#1: createdAt of audience fans", "absent", "there"},
	{"attributes", "doc", expectation{Attributes: map[string]any{"person": map[string]any{"name": map[string]any{"firstName": "doc", "age": int64(17)}}}},
		func(e *expectation) {
			e.Attributes = map[string]any{"person": map[string]any{"name": map[string]any{"firstName": "doc"}}}
		},
		"doc#1: attributes", `{"person":{"name":{"firstName":"doc"}}}`, `{"person":{"name":{"age":17,"firstName":"doc"}}}`},
	{"identities", "marty", expectation{HasIdentity: true, Identities: []scenarios.Identity{{Namespace: "email_lc_sha256", ID: hash}, {Namespace: "Loyalty", ID: "M1"}}},
		func(e *expectation) { e.Identities = e.Identities[1:] },
		"marty#1: identities besides the synthetic ecid", "[Loyalty:M1]", "[Loyalty:M1 email_lc_sha256:" + hash + "]"},
	{"identities", "doc", expectation{HasIdentity: true}, func(e *expectation) { e.Identities = []scenarios.Identity{{Namespace: "ecid", ID: "1"}} },
		"doc#1: identities besides the synthetic ecid", "[ecid:1]", "[]"},
	{"absent", "doc", expectation{Absent: []string{"person.name.lastName", "homeAddress"}}, func(e *expectation) { e.Absent = []string{"person.name.firstName"} },
		"doc#1: person.name.firstName", "absent", `"doc"`},
	{"certificate", "doc", expectation{Certificate: "presented"}, func(e *expectation) { e.Certificate = "none" },
		"doc#1: certificate of attempt 1", "none", "presented"},
	{"decision", "doc", expectation{Decision: "mtls-only"}, func(e *expectation) { e.Decision = "tls-enabled" },
		"mTLS decision 1", "tls-enabled", "mtls-only (200 )"},
	{"token", "doc", expectation{Token: "refused"}, func(e *expectation) { e.Token = "issued" },
		"token request 1", "issued", "refused (400 )"},
	{"grant", "doc", expectation{Token: "refused", Grant: "password"}, func(e *expectation) { e.Grant = "refresh_token" },
		"token request 1: grant", "refresh_token", "password"},
	{"times", "doc", expectation{Token: "refused"}, func(e *expectation) { e.Times = 2 },
		"token request 2", "refused", "1 token requests were made"},
	{"handshakes", "doc", expectation{Handshakes: "refused", Times: 2}, func(e *expectation) { e.Times = 1 },
		"refused handshakes", "1", "2 (map[certificate-required:1 unknown-ca:1])"},
	{"reason", "doc", expectation{Handshakes: "refused", Reason: "unknown-ca", Times: 1}, func(e *expectation) { e.Reason = "bad-certificate" },
		"refused handshakes because bad-certificate", "1", "0 (map[certificate-required:1 unknown-ca:1])"},
	lookupLine("lookup", func(l *scenarios.LookedUp) { l.What = "egress-addresses" }, "what is looked up", "egress-addresses", "public-certificate"),
	lookupLine("status", func(l *scenarios.LookedUp) { l.Status = 403 }, "status", "403", "200"),
	lookupLine("total", func(l *scenarios.LookedUp) { l.Total = new(int64(1)) }, "total", "1", "2"),
	lookupLine("count", func(l *scenarios.LookedUp) { l.Count = new(int64(2)) }, "count", "2", "1"),
	lookupLine("links", func(l *scenarios.LookedUp) { l.Links = nil }, "links", "[]", "[next page]"),
	lookupLine("allowed", func(l *scenarios.LookedUp) { l.Allowed = new(true) }, "allowed", "true", "nothing"),
	lookupLine("certificates", func(l *scenarios.LookedUp) { l.Certificates = nil }, "number of certificates", "0", "1"),
	lookupLine("certificates", func(l *scenarios.LookedUp) { l.Certificates[0].CommonName = "sender" }, "certificate 1: common name", "sender", "client, and in the PEM client"),
	lookupLine("certificates", func(l *scenarios.LookedUp) { l.Certificates[0].SAN = []string{"other.test"} }, "certificate 1: SAN in the PEM", "[other.test]", "[client.test]"),
	lookupLine("certificates", func(l *scenarios.LookedUp) { l.Certificates[0].Expires = began }, "certificate 1: expiry", "2026-01-15T09:00:00Z",
		"2026-03-11T09:00:00Z, and in the PEM 2026-03-11T09:00:00Z"),
}

// lookupLine is a line about the first lookup of the recording, and one that is
// wrong.
func lookupLine(field string, wrong func(*scenarios.LookedUp), what, want, got string) line {
	right := func() *scenarios.LookedUp {
		return &scenarios.LookedUp{What: "public-certificate", Status: 200, Total: new(int64(2)), Count: new(int64(1)), HasResults: true, HasLinks: true,
			Certificates: []scenarios.ExpectedCertificate{{CommonName: "client", SAN: []string{"client.test"}, Expires: began.AddDate(0, 0, 55)}}, Links: []string{"page", "next"}}
	}
	return line{field, "doc", expectation{Lookup: right()}, func(e *expectation) {
		e.Lookup = right()
		wrong(e.Lookup)
	}, "lookup 1: " + what, want, got}
}

// A lookup that no line is about is a failure where there are lines at all, and
// so is a line without a lookup.
func TestLookupsAreCounted(t *testing.T) {
	p := newTape(nil)
	about := func(what string) expectation { return expectation{Lookup: &scenarios.LookedUp{What: what}} }
	p.sc.Expect = []expectation{about("public-certificate")}
	if got := failed(judgeOnce(p.sc, catalogue(t), p.lines)); len(got) != 1 || got[0].Expected != "1 lookups" || got[0].Actual != "4" {
		t.Errorf("three lookups that no line expects give %+v", got)
	}
	certificates := about("public-certificate")
	p.sc.Expect = []expectation{certificates, certificates, certificates, about("egress-addresses"), certificates}
	if got := failed(judgeOnce(p.sc, catalogue(t), p.lines)); len(got) != 1 || got[0].Title != "lookup 5" || got[0].Actual != "4 lookups were made" {
		t.Errorf("a fifth lookup that is not there gives %+v", got)
	}
}

// A certificate is judged at both ends: the endpoint's word counts too.
func TestCertificateTheEndpointSaw(t *testing.T) {
	p := newTape(nil)
	p.sc.Expect = []expectation{{Profiles: scenarios.NameRange{Prefix: "griff"}, Certificate: "presented", Pos: scenarios.Position{Line: 40}}}
	p.request("griff#1", 1).Peer = nil
	c := judgeOnce(p.sc, catalogue(t), p.lines)
	for _, k := range c.Checks {
		if k.Line == 40 && k.Verdict == reports.Fail && k.Actual == "none" {
			return
		}
	}
	t.Errorf("a certificate that never arrived passes: %+v", c.Checks)
}

// An export that was never attempted has no body to compare.
func TestContentOfWhatWasNeverAttempted(t *testing.T) {
	p := newTape(nil)
	p.sc.Expect = []expectation{{Profiles: scenarios.NameRange{Prefix: "griff"}, Absent: []string{"x"}, Within: span(time.Hour), Pos: scenarios.Position{Line: 40}}}
	p.remove(func(l recording.Line) bool { return l.Attempt != nil && l.Attempt.Message == "griff#1" })
	var got []string
	for _, k := range judgeOnce(p.sc, catalogue(t), p.lines).Checks {
		if k.Line == 40 {
			got = append(got, k.Title+": "+k.Actual)
		}
	}
	want := []string{"griff#1: first attempt, after the mapping: it was never attempted", "griff#1: body: it was never attempted"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatNoLineExpects(t *testing.T) {
	p := newTape(nil)
	p.sc.OthersAllowed = false
	named := func(s string, times int) expectation {
		return expectation{Profiles: scenarios.NameRange{Prefix: s}, Times: times}
	}
	p.sc.Expect = []expectation{named("marty", 3), named("doc", 1), named("griff", 1)}
	rules := catalogue(t)
	if c := judgeOnce(p.sc, rules, p.lines); c.Verdict != reports.Pass {
		t.Fatalf("all exports are expected, and the verdict is %s: %+v", c.Verdict, c.Checks)
	}
	p.sc.Expect = p.sc.Expect[:2]
	p.sc.Expect[0].Times = 2
	want := reports.Check{Verdict: reports.Fail, Title: "something happened that no line expects",
		Expected: "no export but those that a line expects",
		Actual:   "export 1 of griff, 3h30m after start because backfill; export 3 of marty, 7h after start because audience",
		Fix:      "expect it, or write `others: allowed`", File: "tape.yaml", Line: 1, Column: 1}
	if diff := cmp.Diff([]reports.Check{want}, failed(judgeOnce(p.sc, rules, p.lines))); diff != "" {
		t.Error(diff)
	}
	p.sc.OthersAllowed = true
	if got := failed(judgeOnce(p.sc, rules, p.lines)); len(got) > 0 {
		t.Errorf("others are allowed, and fail: %+v", got)
	}
	p.sc.Expect = []expectation{{Decision: "mtls-only"}}
	p.add(recording.Line{Decision: &recording.Decision{Result: "mtls-only"}})
	if got := failed(judgeOnce(p.sc, rules, p.lines)); len(got) != 1 || got[0].Expected != "1 mTLS decisions" || got[0].Actual != "2" {
		t.Errorf("a second decision that no line expects gives %+v", got)
	}
}

func failed(c reports.Case) []reports.Check {
	var out []reports.Check
	for _, k := range c.Checks {
		if k.Verdict == reports.Fail {
			out = append(out, k)
		}
	}
	return out
}

// On the wall clock times hold within the tolerance of the recording, no more.
func TestTolerance(t *testing.T) {
	for late, want := range map[time.Duration]reports.Verdict{900 * time.Millisecond: reports.Pass, 1100 * time.Millisecond: reports.Fail} {
		p := newTape(nil)
		p.lines[0].Run.Clock, p.lines[0].Run.ToleranceMs = "wall", 1000
		p.sc.Expect = []expectation{{Profiles: scenarios.NameRange{Prefix: "marty"}, After: []time.Duration{0, 15 * time.Second, 30 * time.Second}}}
		p.shift("marty#1", 3, late)
		if got := judgeOnce(p.sc, catalogue(t), p.lines).Verdict; got != want {
			t.Errorf("a retry late by %s gives %s; want %s", late, got, want)
		}
	}
}
