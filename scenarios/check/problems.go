package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// configurationRefused reports whether the configuration was refused, so that
// nothing was to be played.
func (v *view) configurationRefused() bool {
	return slices.ContainsFunc(v.problems, func(p *recording.Problem) bool { return p.Level == "error" && p.Action == "" })
}

// problem compares a line with all problems of the recording: neither their
// number nor their order matters.
func (v *view) problem(e *scenarios.Expectation) (title string, wrong []mismatch) {
	if e.Problem == "none" {
		title = "no problem of the configuration"
		if there := v.unwanted(func(p *recording.Problem) bool { return p.Level != "advice" }); len(there) > 0 {
			wrong = []mismatch{{title, "no error and no warning", some(there)}}
		}
		return title, wrong
	}
	title = fmt.Sprintf("%s at %s", e.Level, e.Problem)
	if e.Says != "" {
		title += fmt.Sprintf(" that says %q", e.Says)
	}
	if e.At != nil {
		title += ", at " + duration(*e.At)
	}
	if !slices.ContainsFunc(v.problems, func(p *recording.Problem) bool { return v.meets(e, p) }) {
		there := v.unwanted(func(p *recording.Problem) bool { return p.Level != "advice" || e.Level == "advice" })
		got := "no problem"
		if len(there) > 0 {
			got = some(there)
		}
		wrong = []mismatch{{title, title, got}}
	}
	return title, wrong
}

// meets reports whether a problem is one that the line is about.
func (v *view) meets(e *scenarios.Expectation, p *recording.Problem) bool {
	below := strings.HasPrefix(p.Path, e.Problem+".") || strings.HasPrefix(p.Path, e.Problem+"[")
	return (p.Path == e.Problem || below) && p.Level == e.Level && strings.Contains(p.Message, e.Says) &&
		(e.At == nil || v.near(p.At.Sub(v.scenario.Start), *e.At))
}

// unwanted describes the problems that a filter selects.
func (v *view) unwanted(which func(*recording.Problem) bool) []string {
	var out []string
	for _, p := range v.problems {
		if which(p) {
			out = append(out, fmt.Sprintf("%s: %s: %s (%s)", p.Level, p.Path, p.Message, p.Hint))
		}
	}
	return out
}

// otherProblems fails for every error that no line expects. As soon as a line
// is about problems, a warning needs a line too; advice never does.
func (v *view) otherProblems() []reports.Check {
	asked := slices.ContainsFunc(v.scenario.Expect, func(e scenarios.Expectation) bool { return e.Problem != "" })
	surplus := v.unwanted(func(p *recording.Problem) bool {
		expected := slices.ContainsFunc(v.scenario.Expect, func(e scenarios.Expectation) bool {
			return e.Problem != "" && (e.Problem == "none" || v.meets(&e, p))
		})
		return !expected && (p.Level == "error" || p.Level == "warning" && asked)
	})
	if len(surplus) == 0 {
		return nil
	}
	return []reports.Check{v.unexpected("no problem of the configuration but those that a line expects", some(surplus),
		"correct the configuration, or expect it with a line `problem: …`")}
}

// nothingPlayed holds a recording of a refused configuration to be empty:
// nothing may be decided, and nothing sent.
func (v *view) nothingPlayed(f *findings) {
	if !v.configurationRefused() {
		return
	}
	f.note(len(v.exports) == 0, "%d exports", len(v.exports))
	f.note(len(v.attempts) == 0, "%d attempts", len(v.attempts))
	f.note(len(v.requests) == 0, "%d requests at the endpoint", len(v.requests))
	f.note(len(v.decisions) == 0, "%d mTLS decisions", len(v.decisions))
	f.note(len(v.refused) == 0, "%d handshakes", len(v.refused))
}
