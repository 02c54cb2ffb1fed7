package check

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// The report has the reason why a recording cannot be judged, with a fix.
func TestInconclusive(t *testing.T) {
	for _, c := range []struct {
		name   string
		spoil  func(*editedRecording)
		reason string
		line   int
	}{
		{"no end line", func(p *editedRecording) { p.lines = p.lines[:len(p.lines)-1] }, "the recording is cut off", 1},
		{"nothing at all", func(p *editedRecording) { p.lines = nil }, "the recording is cut off", 1},
		{"a standstill", func(p *editedRecording) { p.end().Inconclusive = "nothing happened for 5s" }, "nothing happened for 5s", 1},
		{"a fault that fired once of twice", func(p *editedRecording) { p.end().Faults[0].Fired = 1 }, "fault fault-1 fired 1 of 2 times", 30},
		{"an open-ended fault that never fired", func(p *editedRecording) { p.end().Faults[0] = recording.Fault{ID: "x", Line: 31} }, "fault x never fired", 31},
		{"something left over", func(p *editedRecording) { p.end().Unfinished = []string{"marty#3"} }, "neither delivered nor dropped at the end: marty#3", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newTape(nil)
			c.spoil(p)
			got := judgeOnce(p.sc, catalogue(t), p.lines)
			if got.Verdict != reports.Inconclusive || got.Reason != c.reason {
				t.Errorf("Judge = %s (%s); want inconclusive (%s)", got.Verdict, got.Reason, c.reason)
			}
			if k := got.Checks[0]; k.Verdict != reports.Inconclusive || k.Line != c.line || k.Fix == "" {
				t.Errorf("the check does not say where, and what to do: %+v", k)
			}
		})
	}
}

// A failure outweighs what is inconclusive, and a reason then explains nothing.
func TestFailureOutweighs(t *testing.T) {
	p := newTape(nil)
	p.end().Faults[0].Fired = 1
	p.request("griff#1", 1).Method = "PUT"
	if c := judgeOnce(p.sc, catalogue(t), p.lines); c.Verdict != reports.Fail || c.Reason != "" {
		t.Errorf("Judge = %s (%s); want fail without a reason", c.Verdict, c.Reason)
	}
}

// Exports that are left over when a recording ends in a pause are intended.
func TestLeftOverInAPause(t *testing.T) {
	p := newTape(nil)
	p.end().Unfinished = []string{"marty#3"}
	p.lines = append(p.lines[:len(p.lines)-1], recording.Line{Action: &recording.Action{At: began.Add(8 * time.Hour), Action: "disable"}}, p.lines[len(p.lines)-1])
	if c := judgeOnce(p.sc, catalogue(t), p.lines); c.Verdict != reports.Pass {
		t.Errorf("Judge = %s (%s); want pass", c.Verdict, c.Reason)
	}
}

// Judging must not depend on anything but its arguments: map order, above all.
func TestJudgeIsAFunction(t *testing.T) {
	p := newTape(nil)
	for _, r := range []string{"griff#1", "marty#2", "marty#3"} {
		p.request(r, 1).Headers = nil
		p.attempt(r, 1).Exports = []string{"nobody#1"}
	}
	first := Judge(p.sc, catalogue(t), p.lines)
	for range 20 {
		if diff := cmp.Diff(first, Judge(p.sc, catalogue(t), p.lines)); diff != "" {
			t.Fatal(diff)
		}
	}
}

// A recording may come from elsewhere: whatever can be read can be judged, and
// always the same way.
func TestAnyRecordingCanBeJudged(t *testing.T) {
	rules := catalogue(t)
	rapid.Check(t, func(t *rapid.T) {
		p := newTape(nil)
		for _, name := range []string{"marty", "doc", "griff"} {
			p.sc.Expect = append(p.sc.Expect, scenarios.Expectation{Profiles: scenarios.NameRange{Prefix: name}, Within: span(time.Hour),
				Certificate: "presented", HasAudience: true, HasIdentity: true, Absent: []string{"x.y"}})
		}
		for range rapid.IntRange(1, 12).Draw(t, "changes") {
			i, j := rapid.IntRange(0, len(p.lines)-1).Draw(t, "i"), rapid.IntRange(0, len(p.lines)-1).Draw(t, "j")
			switch rapid.IntRange(0, 3).Draw(t, "how") {
			case 0:
				p.lines[i], p.lines[j] = p.lines[j], p.lines[i]
			case 1:
				p.lines = slices.Insert(p.lines, i, p.lines[j])
			case 2:
				if len(p.lines) > 1 {
					p.lines = slices.Delete(p.lines, i, i+1)
				}
			default:
				distort(t, &p.lines[i])
			}
		}
		first := Judge(p.sc, rules, p.lines)
		if len(first.Checks) == 0 || first.Verdict == reports.Skip {
			t.Fatalf("Judge = %+v", first)
		}
		if diff := cmp.Diff(first, Judge(p.sc, rules, p.lines)); diff != "" {
			t.Fatal(diff)
		}
	})
}

// distort spoils the fields that the checks follow.
func distort(t *rapid.T, l *recording.Line) {
	word := rapid.SampledFrom([]string{"", "marty", "marty#1", "doc#1", "200", "302", "timeout", "{}", "[]", "{", `{"identityMap":[]}`,
		`{"identityMap":{"ecid":[1]},"segmentMembership":{"ups":{"id-delorean":null}}}`}).Draw(t, "word")
	switch {
	case l.Attempt != nil:
		a := *l.Attempt
		a.Message, a.Outcome, a.Body, a.Exports, a.Socket = word, word, word, nil, rapid.IntRange(-1, 3).Draw(t, "socket")
		l.Attempt = &a
	case l.Request != nil:
		r := *l.Request
		r.Body, r.Target, r.Socket, r.Headers = word, word, rapid.IntRange(-1, 3).Draw(t, "socket"), nil
		l.Request = &r
	case l.Export != nil:
		x := *l.Export
		x.ID, x.Profile, x.Because = word, word, []string{"backfill", "audience"}
		l.Export = &x
	case l.Update != nil:
		u := *l.Update
		u.Profile, u.Changes = word, []recording.Change{{Op: "replace-identity", Identity: word, To: word}, {Op: "exit", Audience: word}}
		l.Update = &u
	case l.Action != nil:
		l.Action = &recording.Action{Action: word, Audiences: []string{word}}
	case l.Drop != nil:
		l.Drop = &recording.Drop{Message: word, Exports: []string{word}}
	}
}

func TestUnplayed(t *testing.T) {
	c := Unplayed(scene(), errors.New("tape.yaml:3:1: no such audience"))
	if c.Verdict != reports.Inconclusive || c.ID != "check/tape" || c.Reason != "tape.yaml:3:1: no such audience" || len(c.Checks) != 1 {
		t.Errorf("Unplayed = %+v", c)
	}
}

func TestRules(t *testing.T) {
	rules := scenarios.Catalogue{{ID: "a", Ref: "R1", Level: "must", Side: "sender", Title: "A"}, {ID: "b"}, {ID: "c"}, {ID: "d"},
		{ID: "e", Side: "sender"}, {ID: "f", Side: "receiver"}, {ID: "g"}, {ID: "h"}}
	check := func(rule string, v reports.Verdict) reports.Check {
		return reports.Check{Rule: rule, Verdict: v, Title: "title"}
	}
	cases := []reports.Case{
		{ID: "1", Rules: []string{"a", "b"}, Checks: []reports.Check{check("a", reports.Pass), check("b", reports.Fail)}},
		{ID: "2", Rules: []string{"a", "c"}, Checks: []reports.Check{check("", reports.Pass), check("d", reports.Pass), check("g", reports.Fail)}},
		{ID: "3", Rules: []string{"c"}, Checks: []reports.Check{check("c", reports.Pass), check("", reports.Inconclusive)}},
		{ID: "4", Rules: []string{"h"}, Checks: []reports.Check{check("a", reports.Pass)}},
	}
	want := []reports.Rule{
		{ID: "a", Ref: "R1", Level: "must", Title: "A", Verdict: reports.Pass, Cases: []string{"1", "2"}},
		{ID: "b", Verdict: reports.Fail, Cases: []string{"1"}},
		{ID: "c", Verdict: reports.Inconclusive, Reason: "3: title", Cases: []string{"2", "3"}},
		// A check of a rule that its case does not cite does not prove it…
		{ID: "d", Verdict: reports.Skip, Reason: "no case of this run exercises it"},
		{ID: "e", Verdict: reports.Skip, Reason: "no case of this run exercises it"},
		{ID: "f", Verdict: reports.Skip, Reason: "use probe"},
		// …but it can disprove it.
		{ID: "g", Verdict: reports.Fail},
		// Citing a rule without any check of it proves nothing either.
		{ID: "h", Verdict: reports.Skip, Reason: "no check of the cases that cite it judges it", Cases: []string{"4"}},
	}
	if diff := cmp.Diff(want, Rules(rules, cases), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("Rules (-want +got):\n%s", diff)
	}
}

func TestSummarise(t *testing.T) {
	of := func(all ...reports.Verdict) *reports.Report {
		cases := make([]reports.Case, len(all))
		for i, v := range all {
			cases[i].Verdict = v
		}
		return Summarise("run", scenarios.Catalogue{{ID: "a"}}, cases)
	}
	for _, c := range []struct {
		cases []reports.Verdict
		want  reports.Verdict
	}{
		{nil, reports.Inconclusive},
		{[]reports.Verdict{reports.Pass, reports.Skip}, reports.Pass},
		{[]reports.Verdict{reports.Pass, reports.Inconclusive}, reports.Inconclusive},
		{[]reports.Verdict{reports.Inconclusive, reports.Fail, reports.Pass}, reports.Fail},
		{[]reports.Verdict{reports.Skip, reports.Unspecified}, reports.Skip},
	} {
		if got := of(c.cases...); got.Verdict != c.want || len(got.Rules) != 1 {
			t.Errorf("Summarise of %v = %s with %d rules; want %s", c.cases, got.Verdict, len(got.Rules), c.want)
		}
	}
	r := of(reports.Pass, reports.Pass, reports.Fail, reports.Skip, reports.Inconclusive, reports.Unspecified)
	want := reports.Summary{Cases: 6, Pass: 2, Fail: 1, Skip: 1, Inconclusive: 1, Unspecified: 1}
	if diff := cmp.Diff(want, r.Summary); diff != "" || r.Schema != reports.Schema || r.Kind != "run" {
		t.Errorf("summary (-want +got):\n%s", diff)
	}
}
