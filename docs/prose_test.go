package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// idioms are turns of phrase that made readers puzzle, each with what to write.
var idioms = []struct {
	form    *regexp.Regexp
	instead string
}{
	{regexp.MustCompile(`\b(?:is|are) none\b`), `"is not a …", or name what is missing`},
	{regexp.MustCompile(`(?i)(?:^|[^e] |[^r]e |[^e]re )(?:is|are) no (?:[A-Z0-9%q"]|[a-z])`), `"is not a …", "must be a …"`},
	{regexp.MustCompile(`(?i)\bmend(?:s|ed|ing)?\b`), `"fix"`},
	{regexp.MustCompile(`\bof (?:ours|yours)\b`), `"our", "your", or the name of the thing`},
	{regexp.MustCompile(`(?i)\bbeside\b`), `"next to", "as well as"`},
	{regexp.MustCompile(`(?:^|[.;:!?] )What (?:is|are|was|were|came|comes|has)\b[^?]*(?:[.:;]|$)`), "name the thing: mapped attributes, the response"},
	{regexp.MustCompile(`\b(?:is|are) (?:let in|looked at|asked too)\b`), "name who does what"},
	{regexp.MustCompile(`\bis (?:whatever|as it is)\b`), "say what it is"},
	{regexp.MustCompile(`\bsays of (?:every|each|what)\b`), `"reports each …"`},
	{regexp.MustCompile(`\bof another making\b`), `"other"`},
}

// puzzling lists the idioms of a text.
func puzzling(text string) (out []string) {
	text = strings.Join(strings.Fields(text), " ")
	for _, i := range idioms {
		if m := i.form.FindString(text); m != "" {
			out = append(out, strconv.Quote(strings.TrimSpace(m))+": write "+i.instead)
		}
	}
	return out
}

// repeating are the pages that repeat texts of packages under scenarios/; the
// changelog keeps what was written.
var repeating = []string{"clauses.md", "mutants.md", "rule-list.md", "scenario-keys.md", "CHANGELOG.md"}

// Documents, help and the messages of the command are plain English.
func TestProse(t *testing.T) {
	read := 0
	for name, page := range documents(t) {
		if slices.Contains(repeating, filepath.Base(name)) {
			continue
		}
		fenced := false
		for i, line := range strings.Split(page, "\n") {
			if strings.HasPrefix(line, "```") {
				fenced = !fenced
			}
			if fenced {
				continue // what a program prints or reads
			}
			read++
			for _, p := range puzzling(line) {
				t.Errorf("%s:%d: %s", name, i+1, p)
			}
		}
	}
	files, err := filepath.Glob("../cmd/httpdest/*.go")
	if err != nil {
		t.Fatal(err)
	}
	set := token.NewFileSet()
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(set, file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			literal, ok := n.(*ast.BasicLit)
			if !ok || literal.Kind != token.STRING {
				return true
			}
			read++
			text, _ := strconv.Unquote(literal.Value) // the parser has read it
			for _, p := range puzzling(text) {
				t.Errorf("%s: %s", set.Position(literal.Pos()), p)
			}
			return true
		})
	}
	if read < 3000 {
		t.Errorf("read %d lines and texts; there are more", read)
	}
}

// Each idiom is found where it stands, and plain sentences pass.
func TestProseFindsIdioms(t *testing.T) {
	for _, wrong := range []string{
		"status 700 is none", `"x" is no number`, "%q is no URL", "the files are no captures", "mend the configuration", "a receiver of yours",
		"it stands beside the file", "It works. What is mapped is sent.", "What came back is shown", "who is let in", "--cert is as it is",
		"It says of every rule", "captures of another making",
	} {
		if len(puzzling(wrong)) == 0 {
			t.Errorf("%q passes", wrong)
		}
	}
	for _, right := range []string{
		"There is no store in this folder", "there are no bytes", "where there is no browser", "What is a rule?", "status 700 is not an HTTP status",
		"fix the configuration", "amendments", "is now a list", "an example of your own",
	} {
		if found := puzzling(right); len(found) > 0 {
			t.Errorf("%q: %v", right, found)
		}
	}
}
