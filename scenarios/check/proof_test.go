package check

import (
	"slices"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// cites is the recording of a scenario that cites rules.
func cites(ids ...string) *editedRecording {
	return newTape(func(s *scenarios.Scenario) { s.Rules = ids })
}

// ruleVerdict is the verdict of a rule over one case, and its reason.
func ruleVerdict(t *testing.T, c reports.Case, id string) (reports.Verdict, string) {
	t.Helper()
	for _, r := range Rules(catalogue(t), []reports.Case{c}) {
		if r.ID == id {
			return r.Verdict, r.Reason
		}
	}
	t.Fatalf("no rule %s", id)
	return "", ""
}

// A rule is proved when it was exercised and a check that names it passed; the
// rest leaves the case inconclusive, with the reason.
func TestProof(t *testing.T) {
	for _, c := range []struct {
		rule    string
		played  reports.Verdict
		verdict reports.Verdict
		says    string
	}{
		{"bearer-header", reports.Pass, reports.Pass, ""},
		{"retry-network", reports.Pass, reports.Pass, ""},
		// Nobody unmaps anything; an invariant of names-off would look at nothing.
		{"unmap-silent", reports.Inconclusive, reports.Skip, "cites unmap-silent, but the history unmaps no audience"},
		{"names-off", reports.Inconclusive, reports.Skip, "cites names-off, but names are on"},
		{"cert-rotation", reports.Pass, reports.Pass, ""},
		// It is exercised, and only a line of expect can show it.
		{"p95", reports.Inconclusive, reports.Inconclusive, "cites p95, which is exercised, but no check judges it"},
	} {
		p := cites(c.rule)
		got := conclude(p.sc, catalogue(t), proved(p.sc, catalogue(t), p.lines))
		if got.Verdict != c.played || got.Reason != c.says {
			t.Errorf("%s: the case is %s, %q; want %s, %q", c.rule, got.Verdict, got.Reason, c.played, c.says)
		}
		if verdict, reason := ruleVerdict(t, got, c.rule); verdict != c.verdict || !strings.HasSuffix(reason, c.says) {
			t.Errorf("%s: the rule is %s, %q; want %s", c.rule, verdict, reason, c.verdict)
		}
		for _, k := range got.Checks {
			if k.NotExercised && (k.Rule != c.rule || k.Fix == "" || k.Line != 1) {
				t.Errorf("%s: a check does not say where, or what to do: %+v", c.rule, k)
			}
		}
	}
}

// Each citation is held against what happened, in whatever order they stand.
func TestEveryCitation(t *testing.T) {
	p := cites("bearer-header", "unmap-silent", "names-off")
	c := conclude(p.sc, catalogue(t), proved(p.sc, catalogue(t), p.lines))
	for _, id := range []string{"unmap-silent", "names-off"} {
		if !slices.ContainsFunc(c.Checks, func(k reports.Check) bool { return k.Rule == id && k.NotExercised }) {
			t.Errorf("nobody says that the case cites %s for nothing", id)
		}
	}
}

// A check that looked at nothing which could have broken the rule is not counted
// for it, and one that failed is: a broken rule was broken, exercised or not.
func TestChecksOfARuleThatWasNotExercised(t *testing.T) {
	p := cites("next-unaffected")
	rules := catalogue(t)
	for i := range rules {
		if rules[i].ID == "next-unaffected" {
			rules[i].Premise = []string{"redirect", "upload-stated", "schedule-stated"}
		}
	}
	judged := func() reports.Case {
		return conclude(p.sc, rules, proved(p.sc, rules, p.lines))
	}
	c := judged()
	if slices.Contains(verdictsOf(c, reports.Pass), "next-unaffected") || c.Verdict != reports.Inconclusive {
		t.Errorf("%s, passed: %v", c.Verdict, verdictsOf(c, reports.Pass))
	}
	p.shift("doc#1", 1, 1e9)
	if c := judged(); c.Verdict != reports.Fail || !slices.Contains(verdictsOf(c, reports.Fail), "next-unaffected") {
		t.Errorf("broken: %s, failed: %v", c.Verdict, verdictsOf(c, reports.Fail))
	}
}

// A check without a rule proves none of those that are cited, and counts against
// all of them when it does not pass.
func TestAnUnnamedCheckProvesNothing(t *testing.T) {
	for verdict, want := range map[reports.Verdict]reports.Verdict{
		reports.Pass: reports.Skip, reports.Fail: reports.Fail, reports.Inconclusive: reports.Inconclusive,
	} {
		c := reports.Case{ID: "a", Rules: []string{"p95"}, Checks: []reports.Check{{Verdict: verdict, Title: "no other export"}}}
		if got, _ := ruleVerdict(t, c, "p95"); got != want {
			t.Errorf("%s: %s; want %s", verdict, got, want)
		}
	}
}

// A recording that was cut off is inconclusive by itself: rules that it did not
// exercise are not listed.
func TestNoProofOfACutOffRecording(t *testing.T) {
	p := cites("unmap-silent")
	p.remove(func(l recording.Line) bool { return l.End != nil })
	for _, k := range Judge(p.sc, catalogue(t), p.lines).Checks {
		if k.NotExercised {
			t.Errorf("%+v", k)
		}
	}
}

// A finding of the oracle fails a case whether the scenario cites the rule or
// not, with no other layer to find it as well. The recording is right for the first
// judgement alone, so that what was found before is left out.
func TestTheOracleFailsRulesThatAreNotCited(t *testing.T) {
	p := cites("bearer-header")
	rules := catalogue(t)
	before := verdictsOf(conclude(p.sc, rules, second(p.sc, rules, p.lines)), reports.Fail)
	p.content("marty#1", func(o map[string]any) { dig(o, "person", "name")["secret"] = "flux" })
	p.content("marty#1", func(o map[string]any) { o["loyalty"] = map[string]any{"points": 88} })
	c := conclude(p.sc, rules, second(p.sc, rules, p.lines))
	after := verdictsOf(c, reports.Fail)
	if c.Verdict != reports.Fail || !slices.Contains(after, "only-mapped-attributes") || slices.Contains(before, "only-mapped-attributes") {
		t.Errorf("before: %v, after: %v", before, after)
	}
	if verdict, _ := ruleVerdict(t, c, "only-mapped-attributes"); verdict != reports.Fail {
		t.Errorf("the rule is %s", verdict)
	}
}

// A cited general rule is judged with the rules that are cases of it, and
// broken with them.
func TestTheOracleLooksAtGeneralRules(t *testing.T) {
	rules := catalogue(t)
	sc, err := scenarios.Parse("general.yaml", []byte(`
title: general
rules: [trig-attr-mapped]
audiences: {a: {}}
dataflow: {audiences: [a], attributes: [age]}
profiles: {doc: {audiences: [a]}}
history: [{at: 1h, profile: doc, set: age, to: 65}]
expect: []
others: allowed
`))
	if err != nil {
		t.Fatal(err)
	}
	update := recording.Line{Update: &recording.Update{At: sc.Start.Add(3600e9), Profile: "doc", Changes: []recording.Change{{Op: "set", Path: "age", Value: []byte("65")}}}}
	export := recording.Line{Export: &recording.Export{At: sc.Start.Add(3600e9), ID: "doc#1", Profile: "doc", Because: []string{"attribute"}}}
	end := recording.Line{End: &recording.End{At: sc.Start.Add(7200e9)}}
	run := recording.Line{Run: &recording.Run{Start: sc.Start}}
	right := conclude(sc, rules, second(sc, rules, []recording.Line{run, update, export, end}))
	if got := verdictsOf(right, reports.Pass); !slices.Contains(got, "trig-attr-mapped") {
		t.Errorf("passed: %v", got)
	}
	wrong := conclude(sc, rules, second(sc, rules, []recording.Line{run, update, end}))
	if got := verdictsOf(wrong, reports.Fail); !slices.Contains(got, "trig-attr-mapped") || !slices.Contains(got, "trig-attr-add") {
		t.Errorf("failed: %v", got)
	}
}

// proved are the checks of a recording by the first judge alone, with its citations.
func proved(sc *scenarios.Scenario, rules scenarios.Catalogue, lines []recording.Line) []reports.Check {
	parts := partsOf(sc, lines)
	for _, p := range parts {
		p.checks = p.view.first(rules)
	}
	checks, uncited := proof(sc, rules, parts, lines)
	return append(checks, uncited...)
}
