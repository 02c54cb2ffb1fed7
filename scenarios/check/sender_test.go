package check

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios/capture"
)

// judged is the case of a capture.
func judged(t *testing.T, text string, o capture.Options, s SenderOptions) reports.Case {
	t.Helper()
	s.File = "f.jsonl"
	in, err := capture.NewReader(s.File, strings.NewReader(text), o)
	if err != nil {
		t.Fatal(err)
	}
	sender := NewSender(catalogue(t), s)
	for {
		x, err := in.Next()
		if err != nil {
			if err.Error() != "EOF" {
				t.Fatal(err)
			}
			return sender.Judge(in)
		}
		sender.Exchange(x)
	}
}

// rulesWith are the rules of the checks with a verdict, in the order of the
// catalogue.
func rulesWith(c reports.Case, v reports.Verdict) []string {
	var out []string
	for _, k := range c.Checks {
		if k.Verdict == v {
			out = append(out, k.Rule)
		}
	}
	return out
}

const (
	entryOK   = `{"lastQualificationTime":"2026-01-15T09:00:00Z","status":"realized"}`
	bodyOK    = `{"person":{"name":{"firstName":"Emmett"}},"segmentMembership":{"ups":{"a1":` + entryOK + `}},"identityMap":{"ecid":[{"id":"1"}]}}`
	stampsAll = `"createdAt":1648553325000,"updatedAt":1648553330000,"mappingCreatedAt":1649856570000,"mappingUpdatedAt":1649856570000`
)

// with is the body whose one entry is another.
func with(entry string) string { return strings.Replace(bodyOK, entryOK, entry, 1) }

// replaced is the body with a part of it changed.
func replaced(old, text string) string { return strings.Replace(bodyOK, old, text, 1) }

// Without a history a body is judged by itself: each slip fails its own rule
// and no other, and what is only another habit than ours is left open.
func TestSenderWithoutAHistory(t *testing.T) {
	for _, tt := range []struct {
		name, lines     string
		wrong, open     []string
		passes, skipped []string
	}{
		{name: "as it should be", lines: bodyOK, passes: []string{"valid-json", "no-envelope", "batch-max-10", "membership-shape", "status-values",
			"lqt-format", "namespace-key", "all-identities", "lowercase-identity-ns", "absent-attributes", "nested-attributes"},
			skipped: []string{"names-off", "ts-off", "max-3", "trig-enter", "all-mapped-attributes", "names-mapped", "ts-on", "post-json", "hash"}},
		{name: "a trailing comma", lines: `{"body":"{\"identityMap\":{},}"}`, wrong: []string{"valid-json"}},
		{name: "a key twice", lines: replaced(`"status":"realized"`, `"status":"realized","status":"realized"`), wrong: []string{"valid-json"}},
		{name: "a null", lines: replaced(`"Emmett"`, `null`), open: []string{"valid-json", "absent-attributes"}},
		{name: "an empty text", lines: replaced(`"Emmett"`, `""`), open: []string{"valid-json", "absent-attributes"}},
		{name: "no identityMap", lines: replaced(`,"identityMap":{"ecid":[{"id":"1"}]}`, ``), open: []string{"valid-json"}},
		{name: "a list around one", lines: "[" + bodyOK + "]", open: []string{"no-envelope"}},
		{name: "a wrapper around one", lines: `{"profiles":[` + bodyOK + "]}", open: []string{"no-envelope"}},
		{name: "a wrapper around one, and around two", lines: "[" + bodyOK + "]\n[" + bodyOK + "," + bodyOK + "]", open: []string{"no-envelope"}},
		{name: "an envelope of another making", lines: `{"body":{"event":` + bodyOK + "}}", wrong: []string{"no-envelope"}},
		{name: "eleven", lines: "[" + strings.Repeat(bodyOK+",", 10) + bodyOK + "]", wrong: []string{"batch-max-10"}},
		{name: "a dotted key", lines: replaced(`"person":`, `"personalEmail.address":"x","person":`), wrong: []string{"nested-attributes"}},
		{name: "a map with dotted keys", lines: replaced(`"person":`, `"consents":{"idSpecific":{"a.b":1}},"person":`), passes: []string{"nested-attributes"}},
		{name: "identities without a list", lines: replaced(`[{"id":"1"}]`, `{"id":"1"}`), wrong: []string{"all-identities"}},
		{name: "identities with more than an id", lines: replaced(`{"id":"1"}`, `{"id":"1","primary":true}`), open: []string{"all-identities"}},
		{name: "an identity without an id", lines: replaced(`{"id":"1"}`, `{"primary":true}`), wrong: []string{"all-identities"}},
		{name: "a null where a key is twice", lines: replaced(`"Emmett"`, `null,"firstName":null`), wrong: []string{"valid-json"}, open: []string{"absent-attributes"}},
		{name: "a namespace in capitals", lines: replaced(`"ecid"`, `"ECID"`), open: []string{"lowercase-identity-ns"}},
		{name: "a namespace of one's own in capitals", lines: replaced(`"ecid"`, `"CRM_ID"`)},
		{name: "a short digest", lines: replaced(`"ecid":[{"id":"1"}]`, `"email_lc_sha256":[{"id":"655332b5fa2aea4498bf7a290cff017cb4"}]`), open: []string{"hash"}},
		{name: "a digest in capitals", lines: replaced(`"ecid":[{"id":"1"}]`, `"email_lc_sha256":[{"id":"`+strings.Repeat("A", 64)+`"}]`), open: []string{"hash"}},
		{name: "an address that is not hashed", lines: replaced(`"ecid":[{"id":"1"}]`, `"email_lc_sha256":[{"id":"doc@example.com"}]`), wrong: []string{"hash"}},
		{name: "no status", lines: with(`{"lastQualificationTime":"2026-01-15T09:00:00Z"}`), wrong: []string{"membership-shape"}},
		{name: "an entry that is a text", lines: with(`"realized"`), wrong: []string{"membership-shape"}},
		{name: "more of XDM", lines: with(strings.Replace(entryOK, "{", `{"validUntil":"2027-01-15T09:00:00Z",`, 1)), open: []string{"membership-shape"}},
		{name: "a status of before", lines: with(strings.Replace(entryOK, "realized", "existing", 1)), wrong: []string{"status-values"}},
		{name: "another documented time", lines: with(strings.Replace(entryOK, "00Z", "00+0000", 1)), open: []string{"lqt-format"}},
		{name: "a documented fraction", lines: with(strings.Replace(entryOK, "00Z", "00.000+0000", 1)), open: []string{"lqt-format"}},
		{name: "a time in no form", lines: with(strings.Replace(entryOK, "2026-01-15T09:00:00Z", "1768467600", 1)), wrong: []string{"lqt-format"}},
		{name: "a misspelt namespace", lines: replaced(`"ups"`, `"UPS"`), wrong: []string{"namespace-key"}},
		{name: "another namespace", lines: replaced(`"ups"`, `"Federated"`), open: []string{"namespace-key"}},
		{name: "names and timestamps", lines: with(strings.Replace(entryOK, "{", `{"name":"Fans",`+stampsAll+",", 1)),
			passes: []string{"names-mapped", "ts-on", "ts-order"}, skipped: []string{"names-off", "ts-off"}},
		{name: "a mapped one without its name", lines: with(strings.Replace(entryOK, "{", `{"name":"Fans",`+stampsAll+",", 1) + `,"a2":` + strings.Replace(entryOK, "{", "{"+stampsAll+",", 1)),
			wrong: []string{"names-mapped"}},
		{name: "an unmapped one with a name", lines: with(strings.Replace(entryOK, "{", `{"name":"Fans",`+stampsAll+",", 1) + `,"a2":` + strings.Replace(entryOK, "{", `{"name":"Others",`, 1)),
			wrong: []string{"names-unmapped"}},
		{name: "an unmapped one with timestamps", lines: with(strings.Replace(entryOK, "{", "{"+stampsAll+",", 1) + `,"a2":` + strings.Replace(entryOK, "{", `{"createdAt":1648553325000,`, 1)),
			open: []string{"ts-unmapped"}},
		{name: "timestamps in seconds", lines: with(strings.Replace(entryOK, "{", "{"+strings.ReplaceAll(stampsAll, "000,", ",")+",", 1)), wrong: []string{"ts-on"}},
		{name: "three of four timestamps", lines: with(strings.Replace(entryOK, "{", `{"createdAt":1648553325000,"updatedAt":1648553330000,"mappingCreatedAt":1649856570000,`, 1)),
			wrong: []string{"ts-on"}},
		{name: "updated before it was created", lines: with(strings.Replace(entryOK, "{", "{"+strings.Replace(stampsAll, `"updatedAt":1648553330000`, `"updatedAt":1648553320000`, 1)+",", 1)),
			open: []string{"ts-order"}},
		{name: "PUT", lines: `{"method":"PUT","headers":{"Content-Type":"application/json"},"body":` + bodyOK + `}`, open: []string{"post-json"}},
		{name: "text/plain", lines: `{"method":"POST","headers":{"Content-Type":"text/plain"},"body":` + bodyOK + `}`, open: []string{"post-json"}},
		{name: "a charset", lines: `{"method":"POST","headers":{"content-type":"application/json; charset=utf-8"},"body":` + bodyOK + `}`, passes: []string{"post-json"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := judged(t, tt.lines, capture.Options{Format: capture.NDJSON}, SenderOptions{})
			if diff := cmp.Diff(tt.wrong, rulesWith(c, reports.Fail)); diff != "" {
				t.Errorf("failed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.open, rulesWith(c, reports.Unspecified)); diff != "" {
				t.Errorf("unspecified (-want +got):\n%s", diff)
			}
			for _, rule := range tt.passes {
				if !slices.Contains(rulesWith(c, reports.Pass), rule) {
					t.Errorf("%s has not passed", rule)
				}
			}
			for _, rule := range tt.skipped {
				if !slices.Contains(rulesWith(c, reports.Skip), rule) {
					t.Errorf("%s was not skipped", rule)
				}
			}
			if want := map[bool]reports.Verdict{true: reports.Fail, false: reports.Pass}[len(tt.wrong) > 0]; c.Verdict != want {
				t.Errorf("verdict %s; want %s", c.Verdict, want)
			}
		})
	}
}

// An undecidable rule is reported as such, and a report without a message is
// not a pass.
func TestSenderSaysWhatItLacks(t *testing.T) {
	report := SenderReport(catalogue(t), []reports.Case{judged(t, bodyOK, capture.Options{}, SenderOptions{})})
	reasons := map[string]string{}
	for _, r := range report.Rules {
		if r.Verdict == reports.Skip {
			reasons[r.ID] = r.Reason
		}
	}
	for rule, want := range map[string]string{
		"all-mapped-attributes": "needs history: a scenario with the configuration of the destination and what happened to the profiles",
		"max-3": "needs history: a scenario with the configuration of the destination and what happened to the profiles; " +
			"status: the status of each answer, or that none came",
		"cc-body":      "needs method: the method of each request; headers: the headers of each request",
		"cert-api":     "needs platform: the answers of the platform's own services",
		"names-mapped": "the capture shows no names: the toggle is off, or no audience is mapped",
		"hash":         "no request in the capture concerns it",
		"rcv-2s":       "use probe",
	} {
		if reasons[rule] != want {
			t.Errorf("%s is skipped because %q; want %q", rule, reasons[rule], want)
		}
	}
	if c := judged(t, `{"method":"OPTIONS","url":"https://receiver.test/"}`, capture.Options{}, SenderOptions{}); c.Verdict != reports.Inconclusive || c.Reason == "" {
		t.Errorf("without a message: %s, %q", c.Verdict, c.Reason)
	}
}

// Without a body the rules on content are skipped with that reason, and the
// headers are judged. Without anything to judge nothing passes.
func TestSenderWithoutBodies(t *testing.T) {
	const line = `{"method":"POST","url":"https://receiver.test/","headers":{"Content-Type":"text/plain"},"status":200}`
	c := judged(t, line, capture.Options{}, SenderOptions{})
	if diff := cmp.Diff([]string{"post-json"}, rulesWith(c, reports.Unspecified)); diff != "" {
		t.Errorf("unspecified (-want +got):\n%s", diff)
	}
	if failed := rulesWith(c, reports.Fail); failed != nil {
		t.Errorf("failed %q", failed)
	}
	for _, k := range c.Checks {
		r, _ := catalogue(t).Find(k.Rule)
		if content := slices.Equal(r.Needs, []string{"body"}); content && (k.Verdict != reports.Skip || k.Title != "needs body: the body of each request, as its bytes were") {
			t.Errorf("%s: %s, %q", k.Rule, k.Verdict, k.Title)
		}
	}
	if c := judged(t, line+"\n"+bodyOK, capture.Options{}, SenderOptions{}); !slices.Contains(rulesWith(c, reports.Pass), "valid-json") {
		t.Error("the body that is there was not judged")
	}
	if c := judged(t, `{"url":"https://receiver.test/","status":200}`, capture.Options{}, SenderOptions{}); c.Verdict != reports.Inconclusive {
		t.Errorf("nothing to judge: %s", c.Verdict)
	}
}

// Many alike mistakes are one check, which tells the first few and counts.
func TestSenderCountsWhatIsAlike(t *testing.T) {
	c := judged(t, strings.Repeat(replaced(`"realized"`, `"existing"`)+"\n", 100), capture.Options{}, SenderOptions{})
	i := slices.IndexFunc(c.Checks, func(k reports.Check) bool { return k.Verdict == reports.Fail })
	if want := `line 1: ups/a1 is "existing"; line 2: ups/a1 is "existing"; line 3: ups/a1 is "existing"; ` +
		`line 4: ups/a1 is "existing"; line 5: ups/a1 is "existing"; and 95 more`; c.Checks[i].Actual != want || c.Checks[i].Line != 1 {
		t.Errorf("%q at line %d; want %q", c.Checks[i].Actual, c.Checks[i].Line, want)
	}
}
