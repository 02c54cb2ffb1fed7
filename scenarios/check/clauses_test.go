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

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/library"
)

// A clause that the code names is in the catalogue, and one of the catalogue is
// named by the code of a judge or by a case: its level decides nothing otherwise.
func TestNoClauseIsAnOrphan(t *testing.T) {
	rules := catalogue(t)
	named := clausesOfCode(t, rules, ".", "../oracle", "../probe")
	cases, err := scenarios.FindFS(library.Files, ".")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range cases {
		for _, e := range s.Expect {
			if e.Rule != scenarios.RuleOf(e.Rule) {
				named[e.Rule] = s.ID
			}
		}
	}
	if len(named) < 20 {
		t.Errorf("the code names %d clauses; the search for them is broken", len(named))
	}
	for clause, where := range named {
		if _, known := rules.Clause(clause); !known {
			t.Errorf("%s names %s, which is not in rules.yaml", where, clause)
		}
	}
	for _, r := range rules {
		for _, c := range r.Clauses {
			if named[c.ID] == "" {
				t.Errorf("%s: %s is named by no judge and by no case", c.Pos, c.ID)
			}
		}
	}
}

// clausesOfCode are the string literals below some folders that have the form of a
// clause of a known rule, and a place of each.
func clausesOfCode(t *testing.T, rules scenarios.Catalogue, folders ...string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		files = slices.DeleteFunc(files, func(file string) bool { return strings.HasSuffix(file, "_test.go") })
		set := gotoken.NewFileSet()
		for _, file := range files {
			tree, err := parser.ParseFile(set, file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(tree, func(n ast.Node) bool {
				word, isLiteral := n.(*ast.BasicLit)
				if !isLiteral || word.Kind != gotoken.STRING {
					return true
				}
				text, _ := strconv.Unquote(word.Value)
				if _, known := rules.Find(scenarios.RuleOf(text)); known && text != scenarios.RuleOf(text) {
					found[text] = set.Position(word.Pos()).String()
				}
				return true
			})
		}
	}
	return found
}
