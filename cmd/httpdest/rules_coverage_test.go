package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/mutants"
)

// small is a catalogue with a rule in each state.
func small() proof {
	return proof{
		rules: scenarios.Catalogue{
			{ID: "one", Ref: "R1", Side: "sender"}, {ID: "two", Ref: "R2", Side: "report"},
			{ID: "three", Ref: "R3", Side: "configuration"}, {ID: "four", Ref: "R4", Side: "receiver"},
		},
		cases:    []*scenarios.Scenario{{ID: "g/a", Rules: []string{"one"}}, {ID: "g/b", Rules: []string{"one", "two"}}},
		mutants:  []mutants.Mutant{{ID: "m", Digest: "1", Rule: "one"}, {ID: "n", Digest: "2", Rule: "two"}},
		measured: mutants.Matrix{Cases: []string{"g/a", "g/b"}, Mutants: []mutants.Measured{{ID: "m", Digest: "1", By: []string{"g/a"}}, {ID: "n", Digest: "2"}}},
	}
}

// proved is the same with all of them proved.
func proved() proof {
	p := small()
	p.wrong = map[string][]string{"four": {"slow", "deaf"}}
	p.cases = append(p.cases, &scenarios.Scenario{ID: "g/c", Rules: []string{"three"}})
	p.mutants = append(p.mutants, mutants.Mutant{ID: "o", Digest: "3", Rule: "three"})
	p.measured = mutants.Matrix{Cases: []string{"g/a", "g/b", "g/c"}, Mutants: []mutants.Measured{
		{ID: "m", Digest: "1", By: []string{"g/a"}}, {ID: "n", Digest: "2", By: []string{"g/b"}}, {ID: "o", Digest: "3", By: []string{"g/c"}},
	}}
	return p
}

// coverageOf runs the command on a proof: stdout, what it complains of, the
// hint.
func coverageOf(t *testing.T, p proof, asJSON bool) (string, string, string) {
	t.Helper()
	var out bytes.Buffer
	a := &app{stdout: &out}
	err := a.coverage(p, asJSON)
	if err == nil {
		return out.String(), "", ""
	}
	var f failure
	if !errors.As(err, &f) || f.status != exitFail {
		t.Fatalf("%v is no failure of a check", err)
	}
	return out.String(), f.Error(), f.hint
}

func TestCoverage(t *testing.T) {
	out, complaint, hint := coverageOf(t, small(), false)
	want := `R1    one    proved
  cases     g/a g/b
  mutants   m
R2    two    cited, not proved
  cases     g/b
R3    three  neither cited nor proved
R4    four   neither cited nor proved

4 rules: 1 proved; 3 uncovered, of which 1 cited
`
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if diff := cmp.Diff("2 rules neither cited nor proved: R3 R4\n1 rule cited and not proved: R2", complaint); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if want := "write a case that cites the rule and a mutant that it finds, or a receiver that breaks it; write a mutant of the rule that the case finds; run make mutants"; hint != want {
		t.Errorf("hint %q; want %q", hint, want)
	}
}

// Only a catalogue that is proved, and measured as it is, passes.
func TestCoveragePasses(t *testing.T) {
	if _, complaint, _ := coverageOf(t, proved(), false); complaint != "" {
		t.Errorf("complains of %s", complaint)
	}
	p := proved()
	p.wrong = nil
	if _, complaint, _ := coverageOf(t, p, false); complaint != "1 rule neither cited nor proved: R4" {
		t.Errorf("complains of %q", complaint)
	}
	for name, change := range map[string]func(*proof){
		"mutant m has changed since it was measured": func(p *proof) { p.mutants[0].Digest = "9" },
		"mutant p was not measured":                  func(p *proof) { p.mutants = append(p.mutants, mutants.Mutant{ID: "p"}) },
		"mutant o was measured and is gone":          func(p *proof) { p.mutants = p.mutants[:2] },
		"case g/d was not measured":                  func(p *proof) { p.cases = append(p.cases, &scenarios.Scenario{ID: "g/d"}) },
		"case g/a was measured and is gone":          func(p *proof) { p.cases = p.cases[1:] },
	} {
		p := proved()
		change(&p)
		if _, complaint, hint := coverageOf(t, p, false); !strings.Contains(complaint, "older than what is there now:\n  "+name) || !strings.Contains(hint, "run make mutants") {
			t.Errorf("%s: complains of %q, hint %q", name, complaint, hint)
		}
	}
}

// A clause that no mutant proves keeps the catalogue uncovered.
func TestCoverageOfClauses(t *testing.T) {
	p := proved()
	p.rules[0].Clauses = []scenarios.Clause{{ID: "one/first", Ref: "R1a"}, {ID: "one/second", Ref: "R1b"}}
	out, complaint, _ := coverageOf(t, p, false)
	if want := "2 clauses cited and not proved: R1a R1b"; complaint != want {
		t.Errorf("complains of %q; want %q", complaint, want)
	}
	if want := "2 clauses: 0 proved; 2 uncovered, of which 2 cited\n"; !strings.HasSuffix(out, want) {
		t.Errorf("ends %q; want %q", out, want)
	}
	p.judging = []mutants.Judging{{ID: "j", Clause: "one/first"}, {ID: "k", Clause: "one/second"}}
	if _, complaint, _ := coverageOf(t, p, false); complaint != "" {
		t.Errorf("complains of %q", complaint)
	}
}

// A mutant that was changed proves nothing until it is measured again.
func TestCoverageOfAChangedMutant(t *testing.T) {
	p := proved()
	p.mutants[1].Digest = "9"
	if _, complaint, _ := coverageOf(t, p, false); !strings.HasPrefix(complaint, "1 rule cited and not proved: R2\n") {
		t.Errorf("complains of %q", complaint)
	}
}

// A long list of what was not measured is cut; tools get all of it.
func TestCoverageNeverMeasured(t *testing.T) {
	p := small()
	for range 20 {
		p.cases = append(p.cases, &scenarios.Scenario{ID: "g/new"})
	}
	_, complaint, _ := coverageOf(t, p, false)
	if !strings.HasSuffix(complaint, "\n  and 10 more") {
		t.Errorf("complains of %q", complaint)
	}
	out, _, _ := coverageOf(t, p, true)
	var got struct {
		Rules []struct {
			ID, State      string
			Cases, Mutants []string
		}
		Stale   []string
		Summary map[string]int
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"rules": 4, "proved": 1, "uncovered": 3, "uncoveredClauses": 0}, got.Summary); diff != "" || len(got.Stale) != 20 {
		t.Errorf("%d stale, -want +got\n%s", len(got.Stale), diff)
	}
	if r := got.Rules[2]; r.State != "neither cited nor proved" || r.Cases == nil || r.Mutants == nil {
		t.Errorf("%+v", r)
	}
}

// Every rule can be explained, and no text breaks the page.
func TestExplainEveryRule(t *testing.T) {
	p, err := loadProof()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range p.covered() {
		var b strings.Builder
		p.explain(&b, c)
		for line := range strings.Lines(b.String()) {
			if len(line) > 101 || strings.HasSuffix(line, " \n") {
				t.Errorf("%s: %q", c.Rule.ID, line)
			}
		}
		for _, part := range []string{levels[c.Rule.Level], sides[c.Rule.Side]} {
			if part == "" || !strings.Contains(b.String(), part) {
				t.Errorf("%s: level or side is not explained", c.Rule.ID)
			}
		}
	}
}
