package reports

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/joshdk/go-junit"
)

var update = flag.Bool("update", false, "write the golden files")

// mixedReport has a case of every verdict and texts that mean something in
// every format.
func mixedReport() *Report {
	return &Report{
		Schema: Schema, Kind: "run", Verdict: Fail,
		Summary: Summary{Cases: 7, Pass: 1, Fail: 2, Skip: 1, Inconclusive: 2, Unspecified: 1},
		Rules: []Rule{
			{ID: "trig-enter", Ref: "R41", Level: "must", Title: "entering sends `once` | never twice", Verdict: Fail, Cases: []string{"trigger/enter", "trigger/exit/late"}},
			{ID: "content-names", Ref: "R52", Level: "should", Title: "names are <unchanged>", Verdict: Inconclusive, Reason: "nothing was sent", Cases: []string{"content/names"}},
			{ID: "recv-status", Ref: "R70", Level: "must", Verdict: Skip, Reason: "use probe", Cases: nil},
		},
		Cases: []Case{
			{ID: "trigger/enter", Title: "enter & leave", File: "scenarios/enter.yaml", Line: 3, Rules: []string{"trig-enter"}, Verdict: Fail, DurationMs: 12.5,
				Checks: []Check{
					{Rule: "trig-enter", Verdict: Fail, Title: "one request, 100% of it: sent", Expected: "1 request", Actual: "2 requests:\n```json\n{\"a\": \"]]>\"}\n```\n",
						Fix: "send it once; see R41 | trig-enter", File: "scenarios/enter.yaml", Line: 12, Column: 7,
						Exchange: exchanged(), Reproduce: "curl -sk -H \"Authorization: Bearer $TOKEN\" \\\n  'https://receiver.test/in?a=b&c=<d>'",
						Class: "form", Said: "413 <b>too</b> large | `body`\n::error::x",
						Causes: []Cause{{"nginx", "client_max_body_size is *1m*", "raise it", true}, {"any", "the handler is | slow", "answer first, work later", false}}},
					{Rule: "trig-enter", Verdict: Pass, Title: "the status is 200"},
					{Verdict: Fail, Title: "the body ends", Expected: "a body", Actual: "\x00\x1b[31mred\r\nblue\uFFFE\xff"},
				}},
			{ID: "trigger/leave", Title: "leave", File: "scenarios/leave.yaml", Line: 1, Rules: []string{"trig-enter", "no-such-rule"}, Verdict: Pass, DurationMs: 0.25,
				Checks: []Check{{Verdict: Pass, Title: "nothing is sent"}}, Metrics: map[string]float64{Deliveries: 20, LatencyP95Seconds: 47.0125}, Timeline: timed()},
			{ID: "content/names", Title: "names", File: "scenarios/names.yaml", Line: 2, Rules: []string{"content-names"}, Verdict: Inconclusive, Reason: "nothing was sent", DurationMs: 3,
				Checks: []Check{{Rule: "content-names", Verdict: Inconclusive, Title: "names are unchanged", Fix: "check the address"}}},
			{ID: "trigger/exit/late", Title: "many", File: "scenarios/a,b:c.yaml", Line: 4, Rules: []string{"trig-enter"}, Verdict: Fail, DurationMs: 1000, Checks: failing(12)},
			{ID: "alone", Title: "without a group", File: "alone.yaml", Line: 1, Verdict: Skip, Reason: "receiver rules: use probe"},
			{ID: "content/free", Title: "a default", File: "scenarios/free.yaml", Line: 9, Verdict: Unspecified},
			{ID: "content/unreachable", Title: "nobody there", Verdict: Inconclusive, Reason: "connection refused"},
		},
		Metrics:     map[string]float64{"wallSeconds": 1.25, Deliveries: 20, LatencyP95Seconds: 47.0125},
		Environment: Environment{Version: "v1.0.0", Go: "go1.26.0", OS: "linux/amd64", CPUs: 2, Seed: 1},
	}
}

// exchanged is a request that was answered too late, with markup in all of it.
func exchanged() *Exchange {
	return &Exchange{Method: "POST", URL: "https://receiver.test/in?a=b&c=<d>", RequestHeaders: []string{"Content-Type: application/json", "X-Stage: a|b"},
		RequestBody: `{"a":"</script><b>"}`, Status: 503, Outcome: "503", ResponseHeaders: []string{"Retry-After: 1"}, ResponseBody: "```\nno\x1b[2J",
		Reused: false, DurationMs: 2010.5, Phases: []Phase{{"connect", 0, 1.5}, {"handshake", 1.5, 10}, {"wait", 10.25, 2010}, {"receive", 2010, 2010.5}}}
}

// timed is a timeline with every kind of event.
func timed() *Timeline {
	t := &Timeline{Start: time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC), EndMs: 7_200_000, Faults: []PlannedFault{{ID: "fault-1", Destination: "crm", Planned: 2, Fired: 1}}, LeftOutEvents: 3, LeftOutProfiles: 1}
	kinds := []EventKind{EventUpdate, EventAction, EventExport, EventBackfill, EventExcluded, EventDrop, EventDecision, EventToken, EventHandshake,
		EventFault, EventRun, EventAlert, EventLookup, EventProblem}
	for i, kind := range kinds {
		t.Events = append(t.Events, Event{AtMs: float64(i * 1000), Kind: kind, Text: "<i>" + string(kind), Profile: []string{"", "doc"}[i%2], Dataflow: []string{"", "loyalty"}[i%2]})
	}
	for i, outcome := range []string{"503", "timeout", "200"} {
		t.Events = append(t.Events, Event{AtMs: 3_600_000 + float64(i)*15_000, EndMs: 3_600_000 + float64(i)*15_000 + 250.125, Kind: EventAttempt, Profile: "doc", With: []string{"marty"},
			Export: "doc#1", Attempt: i + 1, AfterMs: float64(i) * 14_749.875, Retry: i < 2, Outcome: outcome, Failed: i < 2, Fault: []string{"fault-1", "", ""}[i]})
	}
	return t
}

func failing(n int) (all []Check) {
	for i := range n {
		all = append(all, Check{Rule: "trig-enter", Verdict: Fail, Title: fmt.Sprintf("request %d", i+1), Expected: "in time", Actual: "late", File: "scenarios/a,b:c.yaml", Line: 10 + i})
	}
	return all
}

var formats = []struct {
	name  string
	write func(io.Writer, *Report) error
}{
	{"junit", WriteJUnit},
	{"junit-strict", WriteJUnitStrict},
	{"github", WriteGitHub},
	{"markdown", WriteMarkdown},
}

func written(t testing.TB, write func(io.Writer, *Report) error, r *Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestFormatsGolden(t *testing.T) {
	empty := &Report{Schema: Schema, Kind: "run", Verdict: Inconclusive}
	for _, f := range formats {
		for _, c := range []struct {
			name string
			r    *Report
		}{{f.name, mixedReport()}, {f.name + "-empty", empty}} {
			t.Run(c.name, func(t *testing.T) {
				got := written(t, f.write, c.r)
				if again := written(t, f.write, c.r); again != got {
					t.Error("the same report gives other bytes the second time")
				}
				golden(t, c.name, got)
			})
		}
	}
}

// golden compares a text with testdata/<name>.golden, or writes it.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; -update writes it", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("differs from %s; -update writes it (-want +got):\n%s", path, diff)
	}
}

type brokenWriter struct{}

var errBroken = errors.New("broken")

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func TestFormatsReturnTheErrorOfTheWriter(t *testing.T) {
	for _, f := range formats {
		if err := f.write(brokenWriter{}, mixedReport()); !errors.Is(err, errBroken) {
			t.Errorf("%s: %v, want the writer's error", f.name, err)
		}
	}
}

// junitCounts are tests, failures, errors and skipped.
type junitCounts struct{ Tests, Failures, Errors, Skipped int }

func countsOf(s Summary) junitCounts {
	return junitCounts{s.Cases, s.Fail, s.Inconclusive, s.Skip + s.Unspecified}
}

// A foreign reader counts the elements itself; go-junit does not look at the
// attributes at all.
func TestJUnitReadByGoJUnit(t *testing.T) {
	r := mixedReport()
	suites, err := junit.Ingest([]byte(written(t, WriteJUnit, r)))
	if err != nil {
		t.Fatal(err)
	}
	var got junitCounts
	for _, s := range suites {
		got.Tests += s.Totals.Tests
		got.Failures += s.Totals.Failed
		got.Errors += s.Totals.Error
		got.Skipped += s.Totals.Skipped
	}
	if want := countsOf(r.Summary); got != want {
		t.Errorf("go-junit counts %+v, the summary has %+v", got, want)
	}
	first := suites[0].Tests[0]
	if first.Name != "enter" || first.Classname != "trigger" || first.Duration.Microseconds() != 12500 || first.Properties["line"] != "3" {
		t.Errorf("first case: %+v", first)
	}
	for _, part := range []string{"scenarios/enter.yaml:12:7: one request, 100% of it: sent", "expected: 1 request", `{"a": "]]>"}`, "fix: send it once", "the body ends"} {
		if !strings.Contains(first.Error.Error(), part) {
			t.Errorf("%q lacks %q", first.Error, part)
		}
	}
}

// The counts of elements, then those of the attributes of the suites, then
// those of the root.
const countWithPython = `
import sys, xml.etree.ElementTree as ET
root = ET.parse(sys.stdin.buffer).getroot()
names = ("tests", "failures", "errors", "skipped")
def elements(e):
    return [len(list(e.iter(n))) for n in ("testcase", "failure", "error", "skipped")]
def attributes(e):
    return [int(e.get(n)) for n in names]
for s in root:
    assert s.tag == "testsuite", s.tag
    assert elements(s) == attributes(s), (s.get("name"), elements(s), attributes(s))
    times = sum(float(c.get("time")) for c in s)
    assert abs(times - float(s.get("time"))) < 1e-5, s.get("name")
    for c in s:
        assert c.get("classname") == s.get("name")
        assert c.find("properties/property[@name='verdict']") is not None
times = sum(float(s.get("time")) for s in root)
assert abs(times - float(root.get("time"))) < 1e-5
print(*elements(root))
print(*[sum(n) for n in zip(*map(attributes, root))])
print(*attributes(root))
`

func TestJUnitReadByPython(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("NOT CHECKED: there is no python3 to read junit.xml with")
	}
	r := mixedReport()
	c := exec.Command(python, "-c", countWithPython)
	c.Stdin = strings.NewReader(written(t, WriteJUnit, r))
	got, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, got)
	}
	n := countsOf(r.Summary)
	line := fmt.Sprintf("%d %d %d %d\n", n.Tests, n.Failures, n.Errors, n.Skipped)
	if diff := cmp.Diff(strings.Repeat(line, 3), strings.ReplaceAll(string(got), "\r", "")); diff != "" {
		t.Errorf("elements, suites, root (-summary +python):\n%s", diff)
	}
}

func TestJUnitNames(t *testing.T) {
	for _, c := range []struct{ id, group, name string }{
		{"trigger/enter", "trigger", "enter"},
		{"trigger/exit/late", "trigger/exit", "late"},
		{"alone", "(root)", "alone"},
		{"/alone", "(root)", "alone"},
		{"", "(root)", ""},
	} {
		if group, name := splitID(c.id); group != c.group || name != c.name {
			t.Errorf("%q is %q in %q, want %q in %q", c.id, name, group, c.name, c.group)
		}
	}
}

func TestJUnitTimeIsANumber(t *testing.T) {
	for _, c := range []struct {
		ms   float64
		want string
	}{{1.2, "0.001200"}, {3.6e9, "3600000.000000"}, {0, "0.000000"}, {-1, "0.000000"}, {math.NaN(), "0.000000"}, {math.Inf(1), "0.000000"}} {
		got, _ := milliseconds(c.ms).MarshalText()
		raw, _ := seconds(c.ms / 1000).MarshalText()
		if string(got) != c.want || string(raw) != c.want {
			t.Errorf("%v ms are written as %s and %s, want %s", c.ms, got, raw, c.want)
		}
	}
}

// An unknown verdict must not look like a pass.
func TestJUnitUnknownVerdictIsAnError(t *testing.T) {
	got := written(t, WriteJUnit, &Report{Cases: []Case{{ID: "a/b", Verdict: "splendid"}}})
	if !strings.Contains(got, `errors="1"`) || !strings.Contains(got, "<error ") {
		t.Error(got)
	}
}

func TestXMLText(t *testing.T) {
	for in, want := range map[string]string{
		"plain ü 漢 😀":         "plain ü 漢 😀",
		"\t\n\r":              "\t\n\r",
		"\x00\x07\x1b\x1f":    "␀␇␛␟",
		"\x7f\u0080\u009b31m": "␡\uFFFD\uFFFD31m",
		"\uFFFE\uFFFF":        "\uFFFD\uFFFD",
		"a\xffb\xed\xa0\x80":  "a\uFFFDb\uFFFD\uFFFD\uFFFD",
	} {
		if got := xmlText(in); got != want {
			t.Errorf("xmlText(%q) = %q, want %q", in, got, want)
		}
	}
}

// FuzzJUnit: whatever the strings are, the file is well-formed, has as many
// elements as the report has cases, and what was written is read back.
func FuzzJUnit(f *testing.F) {
	f.Add("a/b", "title", "actual", "reason", byte(0))
	f.Add("a\x00/<b>", "]]>", "\x1b[0m\r\n]]>]]", "\uFFFE\xff&\"'", byte(1))
	f.Add("/", "<![CDATA[", "]]", "--> <?x ?>", byte(2))
	f.Add("", "", "", "", byte(3))
	verdicts := []Verdict{Pass, Fail, Inconclusive, Skip, Unspecified, "splendid"}
	f.Fuzz(func(t *testing.T, id, title, actual, reason string, n byte) {
		v := verdicts[int(n)%len(verdicts)]
		check := Check{Rule: reason, Verdict: v, Title: title, Expected: reason, Actual: actual, Fix: title, File: id, Line: 1}
		r := &Report{Kind: title, Cases: []Case{
			{ID: id, Title: title, File: actual, Line: int(n), Rules: []string{id, title}, Verdict: v, Reason: reason, Checks: []Check{check}},
			{ID: "fixed/failure", Title: title, Verdict: Fail, Checks: []Check{{Verdict: Fail, Title: title, Actual: actual}, check}},
		}}
		got := written(t, WriteJUnit, r)
		elements := map[string]int{}
		for d := xml.NewDecoder(strings.NewReader(got)); ; {
			token, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("%v in\n%q", err, got)
			}
			if e, ok := token.(xml.StartElement); ok {
				elements[e.Name.Local]++
			}
		}
		if elements["testsuites"] != 1 || elements["testcase"] != 2 || elements["failure"]+elements["error"]+elements["skipped"] > 2 {
			t.Fatalf("%v in\n%q", elements, got)
		}
		var back junitSuites
		if err := xml.Unmarshal([]byte(got), &back); err != nil {
			t.Fatal(err)
		}
		last := back.Suites[len(back.Suites)-1].Cases
		failure := last[len(last)-1].Failure
		if want := visible(strings.TrimRight(actual, "\n")); !strings.Contains(want, "\n") && !strings.Contains(failure.Text, want) {
			t.Errorf("%q lacks %q", failure.Text, want)
		}
		if _, name := splitID(id); back.Suites[0].Cases[0].Name != xmlText(name) {
			t.Errorf("name %q, want %q", back.Suites[0].Cases[0].Name, xmlText(name))
		}
	})
}

func TestGitHubEscaping(t *testing.T) {
	for _, c := range []struct{ in, message, property string }{
		{"plain", "plain", "plain"},
		{"100%", "100%25", "100%25"},
		{"%0A", "%250A", "%250A"},
		{"a\r\nb", "a%0D%0Ab", "a%0D%0Ab"},
		{"a:b,c", "a:b,c", "a%3Ab%2Cc"},
		{"\x1b[0m\xff", "␛[0m\uFFFD", "␛[0m\uFFFD"},
		{"::error::x", "::error::x", "%3A%3Aerror%3A%3Ax"},
	} {
		got := written(t, WriteGitHub, &Report{Cases: []Case{{ID: c.in, Verdict: Fail,
			Checks: []Check{{Verdict: Fail, Title: c.in, File: c.in, Line: 2, Column: 3}}}}})
		want := "::error file=" + c.property + ",line=2,col=3,title=" + c.property + "%3A fail::" + c.message + "\n"
		if got != want {
			t.Errorf("%q\n got %q\nwant %q", c.in, got, want)
		}
	}
}

func TestGitHubCountsWhatItLeavesOut(t *testing.T) {
	for _, c := range []struct {
		checks, lines int
		last          string
	}{{1, 1, "request 1"}, {10, 10, "request 10"}, {11, 10, "and 2 more checks"}, {100, 10, "and 91 more checks"}} {
		got := written(t, WriteGitHub, &Report{Verdict: Fail, Cases: []Case{{ID: "a/b", File: "a.yaml", Line: 1, Verdict: Fail, Checks: failing(c.checks)}}})
		lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
		if len(lines) != c.lines || !strings.Contains(lines[len(lines)-1], "::"+c.last) {
			t.Errorf("%d checks: %d lines, want %d; the last is %s", c.checks, len(lines), c.lines, lines[len(lines)-1])
		}
	}
}

// No failure is silent: neither a case without a check nor a report without a
// case. Everything else is silent.
func TestGitHubWithoutChecks(t *testing.T) {
	for _, c := range []struct {
		name, want string
		r          *Report
	}{
		{"case", "::error file=a.yaml,line=3,title=a/b%3A inconclusive::refused\n",
			&Report{Verdict: Inconclusive, Cases: []Case{{ID: "a/b", File: "a.yaml", Line: 3, Verdict: Inconclusive, Reason: "refused"}}}},
		{"report", "::error title=httpdest load%3A fail::no case failed, but the verdict is fail; cases: 0\n", &Report{Kind: "load", Verdict: Fail}},
		{"pass", "", &Report{Verdict: Pass, Cases: []Case{{ID: "a/b", Verdict: Pass}}}},
		{"skip", "", &Report{Verdict: Skip, Cases: []Case{{ID: "a/b", Verdict: Skip, Reason: "known to fail"}}}},
	} {
		if got := written(t, WriteGitHub, c.r); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

// blocksOf reads fenced code as CommonMark does: a fence is closed by a line of
// nothing but at least as many backticks.
func blocksOf(t *testing.T, text string) (blocks []string, outside string) {
	t.Helper()
	fence, block := "", ""
	for _, line := range strings.SplitAfter(text, "\n") {
		bare := strings.TrimRight(strings.TrimLeft(line, " "), " \t\r\n")
		ticks := len(bare) - len(strings.TrimLeft(bare, "`"))
		switch {
		case fence == "" && ticks >= 3:
			fence, block = bare[:ticks], ""
		case fence == "":
			outside += line
		case ticks >= len(fence) && ticks == len(bare):
			blocks, fence = append(blocks, block), ""
		default:
			block += line
		}
	}
	if fence != "" {
		t.Errorf("a fence is not closed in\n%s", text)
	}
	return blocks, outside
}

func TestMarkdownFences(t *testing.T) {
	for _, value := range []string{
		"plain", "`", "```", "```json\n{}\n```", "````\n```", "a ``````` b", "\n\nlines\n", "~~~", "</details>", "| # * _ \\", "    indented", "``\n```\n``",
	} {
		r := &Report{Verdict: Fail, Cases: []Case{{ID: "a/b", Verdict: Fail, Checks: []Check{{Verdict: Fail, Title: "t", Expected: value, Actual: value + "`"}}}}}
		got, _ := blocksOf(t, written(t, WriteMarkdown, r))
		want := []string{strings.TrimSuffix(value, "\n") + "\n", value + "`\n"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", value, diff)
		}
	}
}

func TestMarkdownEscaping(t *testing.T) {
	for in, want := range map[string]string{
		"plain text":            "plain text",
		"a|b `c`":               "a\\|b \\`c\\`",
		`\|`:                    `\\\|`,
		"</details> & <b>":      "&lt;/details&gt; &amp; &lt;b&gt;",
		" two\r\n\tlines ":      "two lines",
		"*a* _b_ [c](d) #1 ~e~": `\*a\* \_b\_ \[c\](d) \#1 \~e\~`,
		"\x1b":                  "␛",
	} {
		if got := inline(in); got != want {
			t.Errorf("inline(%q) = %q, want %q", in, got, want)
		}
	}
}

// Every row of a table has as many cells as its head, and nothing of a report
// opens or closes an element.
func TestMarkdownTables(t *testing.T) {
	nasty := "a|b\n`c` </details> \\| <summary>"
	r := mixedReport()
	for i := range r.Rules {
		r.Rules[i].Title, r.Rules[i].Reason, r.Rules[i].ID = nasty, nasty, nasty
	}
	for i := range r.Cases {
		r.Cases[i].Title, r.Cases[i].Reason, r.Cases[i].ID, r.Cases[i].File = nasty, nasty, nasty, nasty
	}
	_, outside := blocksOf(t, written(t, WriteMarkdown, r))
	cells, rows := 0, 0
	for _, line := range strings.Split(outside, "\n") {
		if !strings.HasPrefix(line, "|") {
			cells = 0
			continue
		}
		plain := strings.ReplaceAll(strings.ReplaceAll(line, `\\`, ""), `\|`, "")
		n := strings.Count(plain, "|")
		if cells == 0 {
			cells = n
		}
		if rows++; n != cells {
			t.Errorf("%d cells, want %d: %s", n, cells, line)
		}
	}
	if want := 2 + 1 + 2 + 2 + 2 + len(r.Rules) + 2 + len(r.Cases); rows != want {
		t.Errorf("%d rows, want %d", rows, want)
	}
	for tag, want := range map[string]int{"<details>": 3, "</details>": 3, "<summary>": 3, "</summary>": 3} {
		if n := strings.Count(outside, tag); n != want {
			t.Errorf("%d %s, want %d", n, tag, want)
		}
	}
}
