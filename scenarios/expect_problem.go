package scenarios

import (
	"regexp"
	"slices"
)

// noProblem is the path of a line that expects no error and no warning.
const noProblem = "none"

// problemPath is a place of a configuration, in the words of the file.
var problemPath = regexp.MustCompile(`^(destination|dataflow|audiences|organisation|users)(\.[\pL\pN._-]+|\[[0-9]+\])*$`)

// problemLine reads a line about a problem of the configuration.
func (r *reader) problemLine(o *object, e *Expectation) {
	o.what = "a problem expectation"
	n := o.take("problem")
	e.Problem = r.line(n, "problem")
	if e.Problem != "" && e.Problem != noProblem && !problemPath.MatchString(e.Problem) {
		r.problem(n, "write a place such as destination.headers or dataflow.attributes[2], or none", "%q is not a place in the configuration", short(e.Problem))
	}
	e.Level = o.word("level", "error", "warning", "advice")
	e.Says = o.line("says")
	if v, ok := o.duration("at"); ok {
		e.At = &v
	}
	if e.Problem == noProblem {
		o.exclude("problem: none", "there is nothing to describe", "level", "says", "at")
	}
	o.exclude("problem", "make it two lines", "profile", "profiles", "decision", "handshakes", "token")
}

// noProblems reports a line that expects no problem although another expects
// one.
func (r *reader) noProblems() {
	none := slices.IndexFunc(r.scenario.Expect, func(e Expectation) bool { return e.Problem == noProblem })
	some := slices.IndexFunc(r.scenario.Expect, func(e Expectation) bool {
		return e.Problem != "" && e.Problem != noProblem && e.Level != "advice"
	})
	if none >= 0 && some >= 0 {
		pos := r.scenario.Expect[none].Pos
		r.problemAt(pos.Line, pos.Column, "leave one of them out", "problem: none, but another line expects one")
	}
}
