package check

import (
	"slices"
	"testing"
	"time"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// refusal is a recording of a configuration that the engine refuses, with the
// problems it has.
func refusal(problems ...recording.Problem) *editedRecording {
	p := newTape(nil)
	end := recording.Line{End: &recording.End{At: began}}
	p.lines = []recording.Line{p.lines[0]}
	for _, problem := range problems {
		problem.At = began.Add(time.Minute)
		p.lines = append(p.lines, recording.Line{Problem: &problem})
	}
	p.lines = append(p.lines, end)
	return p
}

var (
	noColon  = recording.Problem{Path: "destination.headers", Level: "error", Message: "header 2 has no colon", Hint: "add it"}
	blank    = recording.Problem{Path: "destination.auth.token", Level: "error", Message: "the bearer token is blank", Hint: "give it"}
	tooMany  = recording.Problem{Path: "dataflow.audiences", Level: "warning", Message: "251 audiences, more than 250", Hint: "map fewer"}
	advised  = recording.Problem{Path: "dataflow.attributes", Level: "advice", Message: "no identifier", Hint: "map one"}
	unmapped = recording.Problem{Path: "dataflow.audiences", Level: "error", Message: "no permission", Hint: "ask", Action: "map"}
)

func problemLine(path, level, says string) scenarios.Expectation {
	return scenarios.Expectation{Problem: path, Level: level, Says: says, Rule: "trig-enter"}
}

func TestProblemLines(t *testing.T) {
	wrongTime := problemLine("destination.headers", "error", "")
	wrongTime.At = span(time.Hour)
	rightTime := problemLine("destination.headers", "error", "")
	rightTime.At = span(time.Minute)
	for _, c := range []struct {
		name     string
		problems []recording.Problem
		lines    []scenarios.Expectation
		want     reports.Verdict
	}{
		{"expected", []recording.Problem{noColon}, []scenarios.Expectation{problemLine("destination.headers", "error", "colon")}, reports.Pass},
		{"expected by the place above", []recording.Problem{blank}, []scenarios.Expectation{problemLine("destination.auth", "error", "")}, reports.Pass},
		{"one line for two", []recording.Problem{noColon, noColon}, []scenarios.Expectation{problemLine("destination.headers", "error", "")}, reports.Pass},
		{"two lines in another order", []recording.Problem{noColon, blank},
			[]scenarios.Expectation{problemLine("destination.auth.token", "error", ""), problemLine("destination.headers", "error", "")}, reports.Pass},
		{"advice needs no line", []recording.Problem{noColon, advised}, []scenarios.Expectation{problemLine("destination.headers", "error", "")}, reports.Pass},
		{"at its time", []recording.Problem{noColon}, []scenarios.Expectation{rightTime}, reports.Pass},
		{"at another time", []recording.Problem{noColon}, []scenarios.Expectation{wrongTime}, reports.Fail},
		{"of another level", []recording.Problem{noColon}, []scenarios.Expectation{problemLine("destination.headers", "warning", "")}, reports.Fail},
		{"that says something else", []recording.Problem{noColon}, []scenarios.Expectation{problemLine("destination.headers", "error", "comma")}, reports.Fail},
		{"at a place that only begins like it", []recording.Problem{noColon}, []scenarios.Expectation{problemLine("destination.head", "error", "")}, reports.Fail},
		{"missing", nil, []scenarios.Expectation{problemLine("destination.headers", "error", "")}, reports.Fail},
		{"an error that no line expects", []recording.Problem{noColon}, nil, reports.Fail},
		{"an error beside an expected one", []recording.Problem{noColon, blank}, []scenarios.Expectation{problemLine("destination.headers", "error", "")}, reports.Fail},
		{"a warning beside an expected error", []recording.Problem{noColon, tooMany}, []scenarios.Expectation{problemLine("destination.headers", "error", "")}, reports.Fail},
		{"a warning where no line is about problems", []recording.Problem{tooMany}, nil, reports.Pass},
		{"none, and there is advice", []recording.Problem{advised}, []scenarios.Expectation{problemLine("none", "error", "")}, reports.Pass},
		{"none, and there is a warning", []recording.Problem{tooMany}, []scenarios.Expectation{problemLine("none", "error", "")}, reports.Fail},
		{"none, and there is an error", []recording.Problem{noColon}, []scenarios.Expectation{problemLine("none", "error", "")}, reports.Fail},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := refusal(c.problems...)
			p.sc.Expect, p.sc.OthersAllowed = c.lines, false
			got := judgeOnce(p.sc, catalogue(t), p.lines)
			if got.Verdict != c.want {
				t.Errorf("Judge = %s; want %s\n%+v", got.Verdict, c.want, got.Checks)
			}
			for _, k := range got.Checks {
				if k.Verdict == reports.Fail && (k.Expected == "" || k.Actual == "" || k.Fix == "") {
					t.Errorf("the check does not say what is wrong: %+v", k)
				}
			}
		})
	}
}

// A run that goes on after a refusal is wrong, whatever it sends.
func TestARefusedConfigurationPlaysNothing(t *testing.T) {
	for _, c := range []struct {
		name    string
		problem recording.Problem
		keep    func(recording.Line) bool
		want    reports.Verdict
	}{
		{"exports", noColon, func(l recording.Line) bool { return l.Export != nil }, reports.Fail},
		{"attempts", noColon, func(l recording.Line) bool { return l.Attempt != nil }, reports.Fail},
		{"requests", noColon, func(l recording.Line) bool { return l.Request != nil }, reports.Fail},
		{"decisions", noColon, func(l recording.Line) bool { return l.Decision != nil }, reports.Fail},
		{"nothing", noColon, func(recording.Line) bool { return false }, reports.Pass},
		{"after an action that was refused", unmapped, func(recording.Line) bool { return true }, reports.Pass},
		{"after a warning", tooMany, func(recording.Line) bool { return true }, reports.Pass},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newTape(nil)
			p.sc.Expect = []scenarios.Expectation{problemLine(c.problem.Path, c.problem.Level, "")}
			p.remove(func(l recording.Line) bool { return l.Run == nil && l.End == nil && !c.keep(l) })
			p.lines = slices.Insert(p.lines, 1, recording.Line{Problem: &c.problem})
			p.end().Faults = nil
			got := verdictOf(judgeOnce(p.sc, catalogue(t), p.lines), silentRefusal)
			if got != c.want {
				t.Errorf("%s = %s; want %s", silentRefusal, got, c.want)
			}
		})
	}
}

// verdictOf is that of the check with a title; a pass without such a check.
func verdictOf(c reports.Case, title string) reports.Verdict {
	for _, k := range c.Checks {
		if k.Title == title {
			return k.Verdict
		}
	}
	return reports.Pass
}
