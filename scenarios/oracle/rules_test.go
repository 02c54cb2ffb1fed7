package oracle

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/scenarios"
)

// The list of rules that a finding can name is that of the code.
func TestRulesOfFindings(t *testing.T) {
	catalogue, err := scenarios.Rules()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") || file == "rules.go" || strings.HasPrefix(file, "held") {
			continue // a Difference is not a Finding
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			if word, ok := n.(*ast.BasicLit); ok && word.Kind == token.STRING {
				text, _ := strconv.Unquote(word.Value)
				named[scenarios.RuleOf(text)] = true
			}
			return true
		})
	}
	var want []string
	for _, r := range catalogue {
		if named[r.ID] {
			want = append(want, r.ID)
		}
	}
	got := slices.Clone(rules)
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("bring the list in rules.go up to date (-the code names +the list has):\n%s", diff)
	}
	if Finds("p95") || !Finds("trig-enter") {
		t.Error("Finds does not read the list")
	}
}
