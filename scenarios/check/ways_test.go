package check

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/library"
)

// The list of rules that the judge of captures can fail is that of the code.
func TestRulesOfTheJudge(t *testing.T) {
	files, err := filepath.Glob("sender*.go")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(gotoken.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			if word, ok := n.(*ast.BasicLit); ok && word.Kind == gotoken.STRING {
				text, _ := strconv.Unquote(word.Value)
				named[scenarios.RuleOf(text)] = true
			}
			return true
		})
	}
	var want []string
	for _, r := range catalogue(t) {
		if named[r.ID] {
			want = append(want, r.ID)
		}
	}
	got := slices.Clone(ofCaptures)
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("bring the list in ways.go up to date (-the code names +the list has):\n%s", diff)
	}
}

// No rule that a scenario may cite is without a check that can fail: one of
// every run, or a line of the library that names it.
func TestEveryRuleCanFailInARun(t *testing.T) {
	cases, err := scenarios.FindFS(library.Files, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range catalogue(t) {
		named := slices.ContainsFunc(cases, func(s *scenarios.Scenario) bool {
			return slices.ContainsFunc(s.Expect, func(e scenarios.Expectation) bool { return e.Rule == r.ID })
		})
		switch can := len(InRun(r.ID)) > 0 || named; {
		case can && r.Side == "receiver":
			t.Errorf("%s binds receivers, and can fail in a run: only the probe judges receivers", r.ID)
		case !can && r.Side != "receiver":
			t.Errorf("%s, of side %s, cannot fail in a run: add it to the table of invariants.go or to the oracle, or name it in a case with `rule: %[1]s`", r.ID, r.Side)
		}
	}
}

// Every invariant and every rule of the oracle is in the catalogue, on a side
// that a run has.
func TestChecksNameKnownRules(t *testing.T) {
	for _, i := range all {
		if r, known := catalogue(t).Find(i.rule); i.rule != "" && (!known || r.Side == "receiver" || i.want != "") {
			t.Errorf("the invariant %q is of no rule of a run, or says what rules.yaml says", i.rule)
		}
	}
	for general, cases := range casesOf {
		for _, id := range append([]string{general}, cases...) {
			if _, known := catalogue(t).Find(id); !known {
				t.Errorf("%s is not a rule", id)
			}
		}
	}
}
