package scenarios_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/check"
	"github.com/httpdest/httpdest/scenarios/library"
	"github.com/httpdest/httpdest/scenarios/recording"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// ofLibrary plays a case of the library.
func ofLibrary(t *testing.T, id string) (*scenarios.Scenario, []recording.Line) {
	t.Helper()
	all, err := scenarios.FindFS(library.Files, ".")
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(sc *scenarios.Scenario) bool { return sc.ID == id })
	if i < 0 {
		t.Fatalf("no case %s", id)
	}
	lines, err := simulate.Play(t.Context(), all[i], memory.New(), 1)
	if err != nil {
		t.Fatal(err)
	}
	return all[i], lines
}

// judgedAs judges lines and tells the checks that failed.
func judgedAs(t *testing.T, sc *scenarios.Scenario, lines []recording.Line) (reports.Verdict, string) {
	t.Helper()
	rules, err := scenarios.Rules()
	if err != nil {
		t.Fatal(err)
	}
	c := check.Judge(sc, rules, lines)
	var said []string
	for _, k := range c.Checks {
		if k.Verdict != reports.Pass {
			said = append(said, k.Title+": "+k.Actual)
		}
	}
	return c.Verdict, strings.Join(said, "\n")
}

// The acts of one dataflow count for no other: a recording in which a line stands under
// the wrong dataflow or the wrong endpoint fails.
func TestOneDataflowForAnother(t *testing.T) {
	swapped := map[string]string{"loyalty": "archive", "archive": "loyalty", "cars": "films", "films": "cars"}
	for _, tt := range []struct {
		name, id string
		change   func(*recording.Line)
		says     string
	}{
		{"nothing", "dataflows/two-mappings", func(*recording.Line) {}, ""},
		{"exports swapped", "dataflows/one-update-two-bodies", func(l *recording.Line) {
			if l.Export != nil {
				l.Dataflow = swapped[l.Dataflow]
			}
		}, "carries"},
		{"everything swapped but the endpoints", "dataflows/two-mappings", func(l *recording.Line) { l.Dataflow = swapped[l.Dataflow] }, "cars: doc#2: attributes"},
		{"an unknown dataflow", "dataflows/two-mappings", func(l *recording.Line) {
			if l.Totals != nil {
				l.Dataflow = "carz"
			}
		}, `every line of a dataflow of the scenario: line`},
		{"a line of no dataflow", "dataflows/two-mappings", func(l *recording.Line) {
			if l.FlowRun != nil {
				l.Dataflow = ""
			}
		}, `every line of a dataflow of the scenario: line`},
		{"requests at the other endpoint", "dataflows/fault-of-one", func(l *recording.Line) {
			if l.Request != nil {
				l.Destination = map[string]string{"crm": "warehouse", "warehouse": "crm"}[l.Destination]
			}
		}, "the endpoint of warehouse saw \"loyalty\""},
		{"runs swapped", "dataflows/counters-of-each", func(l *recording.Line) {
			if l.FlowRun != nil {
				l.Dataflow = swapped[l.Dataflow]
			}
		}, "run 1: activated"},
		{"totals swapped", "dataflows/counters-of-each", func(l *recording.Line) {
			if l.Totals != nil {
				l.Dataflow = swapped[l.Dataflow]
			}
		}, "totals at the end: activated"},
		{"alerts swapped", "dataflows/counters-of-each", func(l *recording.Line) {
			if l.Alert != nil {
				l.Dataflow = swapped[l.Dataflow]
			}
		}, "alert activation-failed-rate-exceeded"},
		{"decisions swapped", "dataflows/mtls-of-one", func(l *recording.Line) {
			if l.Decision != nil {
				l.Dataflow = swapped[l.Dataflow]
			}
		}, "mTLS decision 1"},
		{"a pause of the other", "dataflows/one-paused", func(l *recording.Line) {
			if l.Action != nil {
				l.Dataflow = swapped[l.Dataflow]
			}
		}, "by the oracle"},
		{"an export twice", "dataflows/one-paused", func(l *recording.Line) {
			if l.Export != nil && l.Export.ID == "doc#3" {
				l.Export.ID = "doc#2"
			}
		}, "doc#2 is of"},
		{"a fault of the other", "dataflows/fault-of-one", func(l *recording.Line) {
			if l.End != nil {
				l.End.Faults[0].Fired = 0
			}
		}, "fault broken fired 0 of 2 times"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sc, lines := ofLibrary(t, tt.id)
			for i := range lines {
				tt.change(&lines[i])
			}
			verdict, said := judgedAs(t, sc, lines)
			if (verdict == reports.Pass) != (tt.says == "") || !strings.Contains(said, tt.says) {
				t.Errorf("%s: want %q in\n%s", verdict, tt.says, said)
			}
		})
	}
}

// A line about one dataflow is met by no export of another: with the two swapped in the
// scenario, what was played before is not what is expected.
func TestExpectationOfAnotherDataflow(t *testing.T) {
	sc, lines := ofLibrary(t, "dataflows/one-paused")
	for i := range sc.Expect {
		if slices.Equal(sc.Expect[i].Dataflows, []string{"archive"}) {
			sc.Expect[i].Dataflows = []string{"loyalty"}
		}
	}
	verdict, said := judgedAs(t, sc, lines)
	for _, want := range []string{"loyalty: export 2 of doc", "archive: something happened that no line expects"} {
		if verdict != reports.Fail || !strings.Contains(said, want) {
			t.Errorf("%s: want %q in\n%s", verdict, want, said)
		}
	}
}

// A rule that is cited is proved by one dataflow, and not by a check of another that did
// not exercise it.
func TestRuleOfOneDataflow(t *testing.T) {
	sc, lines := ofLibrary(t, "dataflows/fault-of-one")
	sc.Rules = append(sc.Rules, "unmap-silent")
	if verdict, said := judgedAs(t, sc, lines); verdict != reports.Inconclusive || !strings.Contains(said, "cites unmap-silent, but the history unmaps no audience") {
		t.Errorf("%s: %s", verdict, said)
	}
}

// The timeline has the events of every dataflow, and the updates of profiles once.
func TestTimelineOfSeveralDataflows(t *testing.T) {
	sc, lines := ofLibrary(t, "dataflows/one-update-two-bodies")
	rules, err := scenarios.Rules()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, e := range check.Judge(sc, rules, lines).Timeline.Events {
		got[e.Dataflow+" "+string(e.Kind)]++
	}
	for what, want := range map[string]int{"loyalty update": 2, "archive update": 0, "loyalty export": 2, "archive export": 1, "archive attempt": 1} {
		if got[what] != want {
			t.Errorf("%d of %q; want %d", got[what], what, want)
		}
	}
}

// A warning about one dataflow is given as it is; one about everything only where it holds
// for each dataflow.
func TestLintOfSeveralDataflows(t *testing.T) {
	const text = `
title: t
rules: [trig-enter, unmap-silent]
audiences: {a: {}, b: {}, idle: {}}
destinations: {crm: {}, warehouse: {}}
dataflows:
  loyalty: {destination: crm, audiences: [a]}
  archive: {destination: warehouse, audiences: [b]}
profiles: {doc: {}, marty: {audiences: [b]}, nobody: {}}
endpoints:
  crm: {faults: [{profile: nobody, status: 503}]}
history:
  - {at: 1h, profile: doc, qualify: [a, b]}
  - {at: 2h, dataflow: archive, enable: true}
expect:
  - {dataflow: loyalty, profile: doc, because: audience, outcomes: [503, 200]}
  - {dataflow: archive, profile: doc, because: attribute}
`
	sc, err := scenarios.Parse("t.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range scenarios.Lint(sc) {
		got = append(got, p.Pos.String()+": "+p.Message)
	}
	want := []string{
		"t.yaml:3:21: nothing exercises the rule unmap-silent: the history unmaps no audience",
		"t.yaml:4:27: nothing uses the audience idle",
		"t.yaml:9:46: the history changes nothing of nobody, no expectation names it, and it is in no mapped audience",
		"t.yaml:11:18: the fault fault-1 never acts: no step and no expectation has an export of nobody",
		"t.yaml:14:5: enable at 2h: the dataflow was never disabled",
		"t.yaml:16:5: no fault answers doc with 503",
		"t.yaml:17:5: because attribute, but no attribute is mapped",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// A credential of one destination is redacted in what every other one is sent, and the
// judge expects it so.
func TestSecretOfAnotherDestination(t *testing.T) {
	const text = `
title: t
rules: [trig-enter]
audiences: {a: {}}
destinations:
  crm: {auth: {type: bearer, token: one-point-twenty-one}}
  warehouse: {}
dataflows:
  loyalty: {destination: crm, audiences: [a]}
  archive: {destination: warehouse, audiences: [a], attributes: [note]}
profiles: {doc: {attributes: {note: one-point-twenty-one gigawatts}}}
history: [{at: 1h, profile: doc, qualify: a}]
expect:
  - {dataflow: loyalty, profile: doc}
  - {dataflow: archive, profile: doc, attributes: {note: one-point-twenty-one gigawatts}}
`
	sc, err := scenarios.Parse("t.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	lines, err := simulate.Play(t.Context(), sc, memory.New(), 1)
	if err != nil {
		t.Fatal(err)
	}
	var told strings.Builder
	if err := recording.Write(&told, lines); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(told.String(), "one-point") {
		t.Errorf("the recording has the token:\n%s", told.String())
	}
	if verdict, said := judgedAs(t, sc, lines); verdict != reports.Pass {
		t.Errorf("%s: %s", verdict, said)
	}
}
