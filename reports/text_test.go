package reports

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func passing() *Report {
	return &Report{
		Schema: Schema, Kind: "run", Verdict: Pass, Summary: Summary{Cases: 1, Pass: 1},
		Rules: []Rule{
			{ID: "trig-enter", Ref: "R41", Level: "must", Title: "export on entering", Verdict: Pass, Cases: []string{"trigger/enter"}},
			{ID: "max-3", Ref: "R82", Level: "must", Title: "make at most three attempts", Verdict: Skip, Reason: "no case of this run exercises it"},
		},
		Cases: []Case{{ID: "trigger/enter", Title: "A profile that enters a mapped audience is exported once, as realized", File: "trigger/enter.yaml", Line: 1,
			Rules: []string{"trig-enter"}, Verdict: Pass, DurationMs: 1.25, Checks: []Check{{Rule: "trig-enter", Verdict: Pass, Title: "export 1 of doc"}}, Metrics: map[string]float64{Deliveries: 1, LatencyP95Seconds: 0}}},
		Metrics:     map[string]float64{"wallSeconds": 0.25, Deliveries: 1, LatencyP95Seconds: 0},
		Environment: Environment{Version: "devel", Go: "go1.26", OS: "linux/amd64", CPUs: 2, Seed: 1},
	}
}

func TestTextGolden(t *testing.T) {
	tests := map[string]struct {
		report  *Report
		options TextOptions
	}{
		"passing":        {passing(), TextOptions{}},
		"passing-narrow": {passing(), TextOptions{Width: 50}},
		"mixed":          {mixedReport(), TextOptions{}},
		"mixed-verbose":  {mixedReport(), TextOptions{Verbose: true}},
		"mixed-quiet":    {mixedReport(), TextOptions{Quiet: true}},
		"mixed-color":    {mixedReport(), TextOptions{Color: true}},
		"mixed-narrow":   {mixedReport(), TextOptions{Width: 60, Verbose: true}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got := written(t, func(w io.Writer, r *Report) error { return WriteText(w, r, tt.options) }, tt.report)
			golden(t, "text-"+name, got)
			if strings.Contains(got, "\x1b") != tt.options.Color {
				t.Errorf("escape codes and Color do not agree")
			}
		})
	}
}

// Wherever a text stands, what a receiver put into it must not steer the
// terminal: neither an escape nor its one-character form.
func TestNothingSteersTheTerminal(t *testing.T) {
	const evil = "a\x1b[2Jb\u009b2Jc\rd\x7f"
	for _, v := range []Verdict{Pass, Fail, Inconclusive, Skip} {
		r := &Report{Schema: Schema, Verdict: v, Cases: []Case{{ID: "a/b", Title: evil, Reason: evil, Verdict: v,
			Checks: []Check{{Verdict: v, Title: evil, Expected: evil, Actual: evil + "\n" + evil, Fix: evil}}}}}
		for _, o := range []TextOptions{{}, {Verbose: true}, {Quiet: true}, {Width: 60}} {
			got := written(t, func(w io.Writer, r *Report) error { return WriteText(w, r, o) }, r)
			if strings.ContainsAny(got, "\x1b\u009b\r\x7f") {
				t.Errorf("%s with %+v: %q", v, o, got)
			}
		}
	}
}

// The verdict and the first thing to fix must be on the screen at the end.
func TestFailuresComeLast(t *testing.T) {
	got := written(t, func(w io.Writer, r *Report) error { return WriteText(w, r, TextOptions{}) }, mixedReport())
	lines := strings.Split(strings.TrimSpace(got), "\n")
	if last := lines[len(lines)-1]; !strings.Contains(last, "verdict: fail") {
		t.Errorf("the last line is %q; want the verdict", last)
	}
	if strings.LastIndex(got, "\nFAIL  ") < strings.LastIndex(got, "\npass  ") {
		t.Error("a failure stands before a pass")
	}
}

// No line is wider than the terminal, whatever characters it has; but for
// commands, which are copied.
// A reason that many cases share is printed once, with their number. -v prints each
// case, and so does a reason that few share.
func TestManyCasesWithOneReason(t *testing.T) {
	report := func(n int) *Report {
		r := &Report{Kind: "probe", Verdict: Inconclusive}
		for i := range n {
			r.Cases = append(r.Cases, Case{ID: fmt.Sprintf("case-%d", i), Title: "a title", Verdict: Inconclusive, Reason: "the probe was interrupted before this case"})
		}
		r.Cases = append(r.Cases, Case{ID: "under-way", Title: "a title", Verdict: Inconclusive, Reason: "interrupted"})
		return r
	}
	for _, c := range []struct {
		n        int
		verbose  bool
		collapse bool
	}{{3, false, false}, {4, false, true}, {4, true, false}} {
		var b strings.Builder
		if err := WriteText(&b, report(c.n), TextOptions{Verbose: c.verbose}); err != nil {
			t.Fatal(err)
		}
		said := strings.Contains(b.String(), fmt.Sprintf("????  %d cases not judged: the probe was interrupted before this case", c.n))
		if said != c.collapse || strings.Contains(b.String(), "case-0") == c.collapse || !strings.Contains(b.String(), "under-way") {
			t.Errorf("%d cases, verbose %v:\n%s", c.n, c.verbose, b.String())
		}
	}
}

func TestWidth(t *testing.T) {
	const wide = "ユーザーがセグメントに入ったとき、エクスポートは一度だけ送られる e\u0301e\u0301 👩‍👩‍👧 and then some words"
	r := mixedReport()
	for i := range r.Cases {
		r.Cases[i].Title = wide
		r.Cases[i].ID = "trigger/" + strings.Repeat("長い", i)
		for j := range r.Cases[i].Checks {
			k := &r.Cases[i].Checks[j]
			k.Title, k.Expected, k.Actual, k.Fix, k.Reproduce = wide, strings.Repeat("漢", 100), strings.Repeat("word ", 50), wide+"\n"+wide, ""
		}
	}
	r.Kind = "judge" // which has no command to play a case again
	for _, width := range []int{60, 61, 100} {
		for _, o := range []TextOptions{{Width: width}, {Width: width, Verbose: true}} {
			got := written(t, func(w io.Writer, r *Report) error { return WriteText(w, r, o) }, r)
			for _, line := range strings.Split(got, "\n") {
				if n := columns(line); n > width {
					t.Errorf("%d columns on a terminal of %d: %q", n, width, line)
				}
			}
			if !strings.Contains(got, "一度だけ") || strings.Count(got, "漢") < 100 {
				t.Error("something was left out")
			}
		}
	}
}

func TestColumns(t *testing.T) {
	for s, want := range map[string]int{"": 0, "abc": 3, "漢字": 4, "e\u0301": 1, "ｗ": 2, "ü": 1, "👍": 2, "한글": 4, "a\u200bb": 2} {
		if got := columns(s); got != want {
			t.Errorf("columns(%q) = %d; want %d", s, got, want)
		}
	}
	for _, c := range []struct {
		in   string
		n    int
		want []string
	}{
		{"a few words", 20, []string{"a few words"}}, {"a few words", 5, []string{"a few", "words"}}, {"longerthanit is", 6, []string{"longer", "thanit", "is"}},
		{"漢字漢字", 5, []string{"漢字", "漢字"}}, {"x 漢字漢字", 4, []string{"x", "漢字", "漢字"}}, {"", 5, []string{""}}, {"words", 0, []string{"words"}},
	} {
		if diff := cmp.Diff(c.want, broken(c.in, c.n)); diff != "" {
			t.Errorf("broken(%q, %d) (-want +got):\n%s", c.in, c.n, diff)
		}
	}
}

func TestJSONRoundTrip(t *testing.T) {
	for _, r := range []*Report{passing(), mixedReport()} {
		text := written(t, WriteJSON, r)
		text = strings.ReplaceAll(text, `\ufffd`, "\ufffd") // written for a byte that is not UTF-8
		again, err := ReadJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := written(t, WriteJSON, again); got != text {
			t.Errorf("read and written again (-want +got):\n%s", cmp.Diff(text, got))
		}
		if strings.Contains(text, "null") {
			t.Errorf("a list is null in:\n%s", text)
		}
	}
	if _, err := ReadJSON(strings.NewReader(`{"schema":"httpdest/report/v0"}`)); err == nil {
		t.Error("a report of another schema was read")
	}
	if text := written(t, WriteJSON, &Report{Schema: Schema}); strings.Contains(text, "null") {
		t.Errorf("a list is null in:\n%s", text)
	}
}

// The shipped schema, held against reports by a validator that is not ours.
func TestJSONSchema(t *testing.T) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("report.schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	validate := func(text string) error {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return schema.Validate(value)
	}
	good := written(t, WriteJSON, passing())
	if err := validate(good); err != nil {
		t.Errorf("a good report: %v", err)
	}
	if err := validate(written(t, WriteJSON, mixedReport())); err != nil {
		t.Errorf("a report with an exchange and a timeline: %v", err)
	}
	for name, change := range map[string]func(map[string]any){
		"a verdict there is not": func(m map[string]any) { m["verdict"] = "ok" },
		"an unknown key":         func(m map[string]any) { m["extra"] = 1 },
		"no cases":               func(m map[string]any) { delete(m, "cases") },
		"a case without a file":  func(m map[string]any) { delete(m["cases"].([]any)[0].(map[string]any), "file") },
		"a count below zero":     func(m map[string]any) { m["summary"].(map[string]any)["pass"] = -1 },
	} {
		var m map[string]any
		if err := json.Unmarshal([]byte(good), &m); err != nil {
			t.Fatal(err)
		}
		change(m)
		bad, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if validate(string(bad)) == nil {
			t.Errorf("the schema lets %s through", name)
		}
	}
}

func TestWorst(t *testing.T) {
	rank := map[Verdict]int{Skip: 0, Unspecified: 0, Pass: 1, Inconclusive: 2, Fail: 3}
	all := []Verdict{Pass, Fail, Inconclusive, Skip, Unspecified}
	for _, a := range all {
		for _, b := range all {
			got := Worst(a, b)
			if got != Worst(b, a) || rank[got] != max(rank[a], rank[b]) || rank[got] == 0 && got != Skip {
				t.Errorf("Worst(%s, %s) = %s", a, b, got)
			}
		}
	}
	if Worst() != Skip {
		t.Errorf("Worst of nothing = %s; want skip", Worst())
	}
}

// The metrics of a report are those of its cases together: what was delivered
// is added up, and of the latencies the worst counts.
func TestMeasured(t *testing.T) {
	metrics := func(n, p95 float64) Case {
		return Case{Metrics: map[string]float64{Deliveries: n, LatencyP95Seconds: p95}}
	}
	got := Measured([]Case{metrics(3, 1), {}, metrics(4, 47), metrics(1, 2), metrics(0, 900)})
	want := map[string]float64{Deliveries: 8, LatencyP95Seconds: 47}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if none := Measured([]Case{{}}); len(none) != 0 {
		t.Errorf("of nothing: %v", none)
	}
}
