package page

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/httpdest/httpdest/reports"
)

var update = flag.Bool("update", false, "write the golden file")

// mixed has a case of every verdict, and everything a check can have.
func mixed() *reports.Report {
	full := reports.Check{Rule: "trig-enter", Verdict: reports.Fail, Title: "a part of the body", Expected: `{"a":{"b":[1,2]},"c":"x"}`, Actual: `{"c":"x","a":{"b":[1,3]}}`,
		Fix: "send <b> & 3", File: "enter.yaml", Line: 12, Column: 3, Reproduce: "curl 'https://receiver.test/'",
		Exchange: &reports.Exchange{Method: "POST", URL: "https://receiver.test/", RequestHeaders: []string{"A: b"}, RequestBody: `{"a":1}`, Status: 503, Outcome: "503", ResponseBody: "<p>no\x1b[2J",
			DurationMs: 12, Phases: []reports.Phase{{Name: "connect", ToMs: 2}, {Name: "wait", FromMs: 2, ToMs: 12}}},
		Causes: []reports.Cause{{Server: "nginx", Cause: "a limit", Fix: "raise it"}}}
	timeline := &reports.Timeline{Start: time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC), EndMs: 7_217_000, LeftOutEvents: 2, LeftOutProfiles: 1, Faults: []reports.PlannedFault{{ID: "fault-1", Planned: 2, Fired: 1}}}
	for i, s := range shapes {
		if s.kind != reports.EventAttempt {
			timeline.Events = append(timeline.Events, reports.Event{AtMs: float64(i) * 1000, Kind: s.kind, Profile: []string{"", "doc", "marty"}[i%3], Text: "text"})
		}
	}
	for i, outcome := range []string{"timeout", "200"} {
		timeline.Events = append(timeline.Events, reports.Event{AtMs: 7_200_000 + float64(i)*17_000, EndMs: 7_202_000 + float64(i)*15_000, Kind: reports.EventAttempt, Profile: "doc", Export: "doc#1",
			With: []string{"marty", "not shown"}[i:], Attempt: i + 1, AfterMs: float64(i) * 15_000, Outcome: outcome, Failed: i == 0, Retry: i == 0})
	}
	return &reports.Report{Schema: reports.Schema, Kind: "run", Verdict: reports.Fail, Summary: reports.Summary{Cases: 5, Pass: 1, Fail: 1, Inconclusive: 1, Skip: 1, Unspecified: 1},
		Rules: []reports.Rule{
			{ID: "trig-enter", Ref: "R41", Level: "must", Title: "enter", Text: "A profile that enters is exported.", Source: "the page", Verdict: reports.Fail, Cases: []string{"trigger/enter", "trigger/exit"}},
			{ID: "max-3", Ref: "R82", Level: "should", Title: "three attempts", Verdict: reports.Skip, Reason: "nothing shows it"},
		},
		Cases: []reports.Case{
			{ID: "trigger/exit", Title: "leaves", Rules: []string{"trig-enter"}, Verdict: reports.Pass, Checks: []reports.Check{{Verdict: reports.Pass, Title: "nothing is sent"}}, DurationMs: 1.5,
				Metrics: map[string]float64{reports.Deliveries: 2, reports.LatencyP95Seconds: 47}},
			{ID: "it's here", Title: "skipped", Verdict: reports.Skip, Reason: "known to fail"},
			{ID: "trigger/enter", Title: "enters <once>", File: "enter.yaml", Line: 1, Rules: []string{"trig-enter"}, Verdict: reports.Fail, Timeline: timeline,
				Checks: []reports.Check{{Verdict: reports.Inconclusive, Title: "a fault was not met"}, full, {Verdict: reports.Fail, Title: "no file", Actual: "none"}, {Verdict: reports.Pass, Title: "the rest"}}},
			{ID: "unreachable", Verdict: reports.Inconclusive, Reason: "connection refused"},
			{ID: "free", Verdict: reports.Unspecified, Checks: []reports.Check{{Verdict: reports.Unspecified, Title: "order", Expected: "a", Actual: "b"}}},
		},
		Metrics:     map[string]float64{"wallSeconds": 1.25, reports.Deliveries: 2, reports.LatencyP95Seconds: 47},
		Environment: reports.Environment{Version: "v1", Go: "go1.26", OS: "linux/amd64", CPUs: 2, Seed: 1, Arguments: []string{"my cases"}}}
}

func written(t testing.TB, r *reports.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// read is the page as golang.org/x/net/html reads it.
func read(t *testing.T, text string) *html.Node {
	t.Helper()
	n, err := html.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// find returns the elements of a name, and of a class where one is given.
func find(n *html.Node, name, class string) (found []*html.Node) {
	for d := range n.Descendants() {
		if d.Type == html.ElementNode && d.Data == name && (class == "" || strings.Contains(" "+attribute(d, "class")+" ", " "+class+" ")) {
			found = append(found, d)
		}
	}
	return found
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

// unpacked is what the page holds compressed.
func unpacked(t *testing.T, doc *html.Node) (all []string) {
	t.Helper()
	for _, s := range find(doc, "script", "pack") {
		raw, err := base64.StdEncoding.DecodeString(s.FirstChild.Data)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		var part []string
		if err := json.NewDecoder(z).Decode(&part); err != nil {
			t.Fatal(err)
		}
		all = append(all, part...)
	}
	return all
}

// The page without its style, script and what is packed.
func TestGolden(t *testing.T) {
	full := written(t, mixed())
	if written(t, mixed()) != full {
		t.Error("the same report gives other bytes the second time")
	}
	got := full[strings.Index(full, "<body>"):strings.Index(full, "</main>")]
	for i, body := range unpacked(t, read(t, full)) {
		got += fmt.Sprintf("\n--- packed %d\n%s", i, body)
	}
	if *update {
		if err := os.WriteFile("testdata/page.golden", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/page.golden")
	if err != nil {
		t.Fatalf("%v; -update writes it", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("-update writes it (-want +got):\n%s", diff)
	}
}

// A reader that is not ours counts what is in the page: every case once, the
// worst first, and all of what failed in it as it is read.
func TestCounted(t *testing.T) {
	doc := read(t, written(t, mixed()))
	var ids []string
	for _, d := range find(doc, "details", "case") {
		ids = append(ids, text(find(d, "h3", "")[0]))
	}
	if diff := cmp.Diff([]string{"trigger/enter", "unreachable", "free", "trigger/exit", "it's here"}, ids); diff != "" {
		t.Errorf("cases (-want +got):\n%s", diff)
	}
	if n := len(find(doc, "section", "trouble")); n != 3 {
		t.Errorf("%d checks to look at; want 3", n)
	}
	if n := len(unpacked(t, doc)); n != 3 {
		t.Errorf("%d cases are packed; want those that did not fail", n)
	}
	main := text(find(doc, "main", "")[0])
	for _, want := range []string{"fail 1 of 5 cases failed", "Fix this first trigger/enter : a part of the body", "Rule R41 trig-enter (must): A profile that enters is exported.", "What to do send <b> & 3",
		"a.b[1] 2 3", "nginx a limit raise it", "503 <p>no␛[2J", "connect 0 ms 2 ms", "httpdest run 'my cases' --run '^trigger/enter$' -v", "curl 'https://receiver.test/'",
		"2 rules: 1 broken, 1 not exercised", "fault-1, 1 of 2 times", "Not shown: 2 events, and 1 profile whole", "2h attempt 1 doc#1, marty, not shown 2s timeout", "2h0m17s attempt 2 doc#1, not shown 15s 200",
		"trigger/enter (failed), trigger/exit", "connection refused"} {
		if !strings.Contains(main, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if n := len(find(doc, "svg", "")); n < 3 {
		t.Errorf("%d pictures; want rules, phases and the timeline", n)
	}
	for _, s := range find(doc, "script", "") {
		if attribute(s, "src") != "" {
			t.Errorf("a script of another place: %v", s.Attr)
		}
	}
	for _, name := range []string{"img", "iframe", "object", "embed"} {
		if len(find(doc, name, "")) > 0 {
			t.Errorf("there is an %s", name)
		}
	}
	for _, l := range find(doc, "link", "") {
		if !strings.HasPrefix(attribute(l, "href"), "data:") {
			t.Errorf("a link to another place: %v", l.Attr)
		}
	}
}

// Whatever the report is, the page says in its first line what became of it.
func TestHeadline(t *testing.T) {
	for want, r := range map[string]*reports.Report{
		"The report has no cases, so nothing was judged": {Verdict: reports.Inconclusive},
		"The case passed":                            {Verdict: reports.Pass, Cases: []reports.Case{{Verdict: reports.Pass}}, Summary: reports.Summary{Cases: 1, Pass: 1}},
		"All 2 cases passed":                         {Verdict: reports.Pass, Cases: make([]reports.Case, 2), Summary: reports.Summary{Cases: 2, Pass: 2}},
		"1 of 2 cases passed, none failed":           {Verdict: reports.Pass, Cases: make([]reports.Case, 2), Summary: reports.Summary{Cases: 2, Pass: 1, Skip: 1}},
		"1 of 1 case failed":                         {Verdict: reports.Fail, Cases: make([]reports.Case, 1), Summary: reports.Summary{Cases: 1, Fail: 1}},
		"1 of 3 cases could not be judged":           {Verdict: reports.Inconclusive, Cases: make([]reports.Case, 3), Summary: reports.Summary{Cases: 3, Pass: 2, Inconclusive: 1}},
		"No case was judged: skipped or unspecified": {Verdict: reports.Skip, Cases: make([]reports.Case, 1), Summary: reports.Summary{Cases: 1, Skip: 1}},
	} {
		if got := text(find(read(t, written(t, r)), "h1", "")[0]); !strings.HasSuffix(got, want) {
			t.Errorf("%q; want %q", got, want)
		}
	}
}

// The rule that the most cases break is what to fix first.
func TestFirst(t *testing.T) {
	check := func(rule string, v reports.Verdict) reports.Check {
		return reports.Check{Rule: rule, Verdict: v, Title: "of " + rule}
	}
	c := func(id string, checks ...reports.Check) reports.Case {
		out := reports.Case{ID: id, Verdict: reports.Pass, Checks: checks}
		for _, k := range checks {
			out.Verdict = reports.Worst(out.Verdict, k.Verdict)
		}
		return out
	}
	p := &printer{report: &reports.Report{Cases: []reports.Case{c("a", check("", reports.Inconclusive)), c("b", check("x", reports.Fail), check("x", reports.Fail), check("y", reports.Fail)),
		c("c", check("y", reports.Fail), check("", reports.Fail))}}}
	if f := p.first(); f.Case != "b" || f.Title != "of y" || f.Others != 1 || f.Verdict != reports.Fail {
		t.Errorf("%+v", f)
	}
	p.report.Cases = p.report.Cases[:1]
	if f := p.first(); f.Case != "a" || f.Verdict != reports.Inconclusive {
		t.Errorf("%+v", f)
	}
	p.report.Cases = nil
	if f := p.first(); f != nil {
		t.Errorf("%+v of nothing", f)
	}
}

func TestClock(t *testing.T) {
	for ms, want := range map[float64]string{0: "0s", 15: "15ms", 1500: "1.5s", 60_000: "1m", 7_200_000: "2h", 7_215_000: "2h0m15s", 86_400_000: "1d", 90_000_000: "1d1h", 600_000: "10m", 36_000_000: "10h"} {
		if got := clock(ms); got != want {
			t.Errorf("clock(%v) = %s; want %s", ms, got, want)
		}
	}
}

type broken struct{}

var errBroken = errors.New("broken")

func (broken) Write([]byte) (int, error) { return 0, errBroken }

func TestErrorOfTheWriter(t *testing.T) {
	if err := Write(broken{}, mixed()); !errors.Is(err, errBroken) {
		t.Errorf("%v; want the writer's error", err)
	}
}

func BenchmarkWrite(b *testing.B) {
	r := mixed()
	for range 400 {
		r.Cases = append(r.Cases, r.Cases[:5]...)
	}
	r.Summary.Cases = len(r.Cases)
	for b.Loop() {
		if err := Write(io.Discard, r); err != nil {
			b.Fatal(err)
		}
	}
}

// Assistive technology lists landmarks by role and name: no two may be alike,
// however many cases a report has.
func TestLandmarksHaveNamesOfTheirOwn(t *testing.T) {
	r := mixed()
	for i := range 3 {
		again := r.Cases[2]
		again.ID = fmt.Sprintf("trigger/again-%d", i)
		r.Cases = append(r.Cases, again)
	}
	page := written(t, r)
	doc := read(t, page)
	whole := page + strings.Join(unpacked(t, doc), "")
	seen := map[string]int{}
	for d := range read(t, whole).Descendants() {
		if name := landmark(d); name != "" {
			seen[name]++
		}
	}
	if len(seen) < 5 {
		t.Errorf("landmarks %v; there are more", seen)
	}
	for name, times := range seen {
		if times > 1 {
			t.Errorf("%d landmarks are %s", times, name)
		}
	}
	if n := strings.Count(whole, `role="group"`); n < 8 {
		t.Errorf("%d scrollable parts; there are more", n)
	}
}

// landmark is the role and the name of an element that is listed as a landmark.
func landmark(n *html.Node) string {
	if n.Type != html.ElementNode {
		return ""
	}
	name := attribute(n, "aria-label") + attribute(n, "aria-labelledby")
	role := attribute(n, "role")
	switch implied := map[string]string{"nav": "navigation", "main": "main", "header": "banner", "section": "region"}[n.Data]; {
	case role == "" && implied == "region" && name == "":
		return "" // a section without a name does not count
	case role == "":
		role = implied
	}
	if !slices.Contains([]string{"region", "navigation", "main", "banner", "search", "form"}, role) {
		return ""
	}
	return strings.TrimSpace(role + " " + name)
}
