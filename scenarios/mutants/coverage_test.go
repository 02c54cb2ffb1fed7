package mutants

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/httpdest/httpdest/scenarios"
)

func TestCover(t *testing.T) {
	cases := []*scenarios.Scenario{{ID: "a", Rules: []string{"r"}}, {ID: "b", Rules: []string{"r", "s"}}, {ID: "c", Rules: []string{"t"}}}
	sender := func(id string) scenarios.Rule { return scenarios.Rule{ID: id, Side: "sender"} }
	for _, c := range []struct {
		name     string
		rule     scenarios.Rule
		mutants  []Mutant
		measured []Measured
		want     Coverage
	}{
		{"found by a case that cites the rule", sender("s"), []Mutant{{ID: "m", Digest: "1", Rule: "s"}},
			[]Measured{{ID: "m", Digest: "1", By: []string{"b"}}}, Coverage{State: Proved, Cases: []string{"b"}, Mutants: []string{"m"}}},
		{"the case cites the rule since then", sender("s"), []Mutant{{ID: "m", Digest: "1", Rule: "s"}},
			[]Measured{{ID: "m", Digest: "1", Also: []string{"b"}}}, Coverage{State: Proved, Cases: []string{"b"}, Mutants: []string{"m"}}},
		{"found by others only", sender("r"), []Mutant{{ID: "m", Digest: "1", Rule: "r"}},
			[]Measured{{ID: "m", Digest: "1", Also: []string{"c"}}}, Coverage{State: Cited, Cases: []string{"a", "b"}}},
		{"a mutant of another rule", sender("r"), []Mutant{{ID: "m", Digest: "1", Rule: "s"}},
			[]Measured{{ID: "m", Digest: "1", Also: []string{"a"}}}, Coverage{State: Cited, Cases: []string{"a", "b"}}},
		{"hoped for, not measured", sender("s"), []Mutant{{ID: "m", Digest: "1", Rule: "s", Kills: []string{"b"}}},
			nil, Coverage{State: Cited, Cases: []string{"b"}}},
		{"changed since it was measured", sender("s"), []Mutant{{ID: "m", Digest: "2", Rule: "s"}},
			[]Measured{{ID: "m", Digest: "1", By: []string{"b"}}}, Coverage{State: Cited, Cases: []string{"b"}}},
		{"a mutant without a case", sender("u"), []Mutant{{ID: "m", Digest: "1", Rule: "u"}},
			[]Measured{{ID: "m", Digest: "1", By: []string{"b"}}}, Coverage{State: NotCited}},
		{"a receiver's, which no case can show", scenarios.Rule{ID: "s", Side: "receiver"}, []Mutant{{ID: "m", Digest: "1", Rule: "s"}},
			[]Measured{{ID: "m", Digest: "1", By: []string{"b"}}}, Coverage{State: NotCited, Cases: []string{"b"}, Mutants: []string{"m"}}},
		{"a receiver's, with one that breaks it", scenarios.Rule{ID: "broken", Side: "receiver"}, nil, nil, Coverage{State: Proved, Receivers: []string{"slow"}}},
		{"a sender's, with a receiver that breaks it", scenarios.Rule{ID: "broken", Side: "both"}, nil, nil, Coverage{State: NotCited, Receivers: []string{"slow"}}},
		{"both sides", scenarios.Rule{ID: "s", Side: "both"}, []Mutant{{ID: "m", Digest: "1", Rule: "s"}},
			[]Measured{{ID: "m", Digest: "1", By: []string{"b"}}}, Coverage{State: Proved, Cases: []string{"b"}, Mutants: []string{"m"}}},
	} {
		c.want.Rule = c.rule
		got := Cover(scenarios.Catalogue{c.rule}, cases, c.mutants, Matrix{Mutants: c.measured}, map[string][]string{"broken": {"slow"}}, nil)
		if diff := cmp.Diff([]Coverage{c.want}, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: -want +got\n%s", c.name, diff)
		}
	}
}

func TestArea(t *testing.T) {
	for file, want := range map[string]string{
		"engine/dispatcher.go": "engine", "engine/export/body.go": "engine", "engine/delivery/sender.go": "delivery",
		"engine/store/local/log.go": "store", "mockendpoint/fault/plan.go": "endpoint", "reports/json.go": "reports",
	} {
		if got := (Mutant{File: file}).Area(); got != want {
			t.Errorf("%s is of %s; want %s", file, got, want)
		}
	}
}

// A clause is proved by a mutant of its own that a case of its rule finds, or by
// one of the judge, and not by what proves its rule.
func TestCoverClauses(t *testing.T) {
	rule := scenarios.Rule{ID: "r", Side: "sender", Clauses: []scenarios.Clause{{ID: "r/one"}, {ID: "r/two"}, {ID: "r/three"}, {ID: "r/four", Premise: []string{"batching"}}}}
	cases := []*scenarios.Scenario{{ID: "a", Rules: []string{"r"}}}
	all := []Mutant{{ID: "m", Digest: "1", Rule: "r"}, {ID: "n", Digest: "2", Rule: "r/one"}, {ID: "o", Digest: "3", Rule: "r/four"}}
	measured := Matrix{Mutants: []Measured{{ID: "m", Digest: "1", By: []string{"a"}}, {ID: "n", Digest: "2", By: []string{"a"}}, {ID: "o", Digest: "3", By: []string{"a"}}}}
	got := Cover(scenarios.Catalogue{rule}, cases, all, measured, nil, []Judging{{ID: "j", Clause: "r/two"}, {ID: "k"}})[0]
	want := []ClauseCoverage{
		{State: Proved, Cases: []string{"a"}, Mutants: []string{"n"}},
		{State: Proved, Cases: []string{"a"}, Judging: []string{"j"}},
		{State: Cited, Cases: []string{"a"}},
		{State: NotCited},
	}
	if diff := cmp.Diff(want, got.Clauses, cmpopts.IgnoreFields(ClauseCoverage{}, "Clause")); diff != "" || got.State != Proved {
		t.Errorf("the rule is %s; clauses (-want +got):\n%s", got.State, diff)
	}
}

// A case that cites a rule which it cannot exercise proves nothing, whatever
// turned it red.
func TestACaseThatCannotExerciseTheRuleDoesNotCover(t *testing.T) {
	rules := scenarios.Catalogue{{ID: "one", Side: "sender", Premise: []string{"batching"}}}
	all := []Mutant{{ID: "m", Digest: "1", Rule: "one"}}
	measured := Matrix{Cases: []string{"a"}, Mutants: []Measured{{ID: "m", Digest: "1", By: []string{"a"}}}}
	s := &scenarios.Scenario{ID: "a", Rules: []string{"one"}}
	if got := Cover(rules, []*scenarios.Scenario{s}, all, measured, nil, nil)[0]; got.State != Cited {
		t.Errorf("without batching: %s", got.State)
	}
	s.Destination.MaxProfilesPerRequest = 2
	if got := Cover(rules, []*scenarios.Scenario{s}, all, measured, nil, nil)[0]; got.State != Proved {
		t.Errorf("with batching: %s", got.State)
	}
}
