package docs_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/scenarios"
)

// idiom is a turn of phrase with a better one.
type idiom struct {
	form    *regexp.Regexp
	instead string
}

// idioms are turns of phrase that made readers puzzle, each with what to write.
var idioms = []idiom{
	{regexp.MustCompile(`\b(?:is|are) none\b`), `"is not a …", or name what is missing`},
	{regexp.MustCompile(`(?i)(?:^|[^e] |[^r]e |[^e]re )(?:is|are) no (?:[A-Z0-9%q"]|[a-z])`), `"is not a …", "must be a …"`},
	{regexp.MustCompile(`\b(?:has|have|needs?|takes?|gets?|knows?|says?) none\b`), `"has no …", with the noun`},
	{regexp.MustCompile(`(?i)\bmend(?:s|ed|ing)?\b`), `"fix"`},
	{regexp.MustCompile(`\bof (?:ours|yours)\b`), `"our", "your", or the name of the thing`},
	{regexp.MustCompile(`(?i)\bbeside\b`), `"next to", "as well as"`},
	{regexp.MustCompile(`(?:^|[.;:!?] )What (?:is|are|was|were|came|comes|has|it|they|the)\b[^?]*(?:[.:;]|$)`), "name the thing: mapped attributes, the response"},
	{regexp.MustCompile(`\b(?:is|are) (?:let in|looked at|asked too)\b`), "name who does what"},
	{regexp.MustCompile(`\bis (?:whatever|as it is)\b`), "say what it is"},
	{regexp.MustCompile(`\bsays (?:of|whether|which|how|why|where) `), `"reports", "explains"`},
	{regexp.MustCompile(`\b(?:tells (?:of|whether|which|how|why|where|what|nothing)|tell of)\b`), `"reports", "shows", "contains"`},
	{regexp.MustCompile(`\b(?:is|are) (?:told|asked) (?:of|about)\b`), `"is called with", "receives"`},
	{regexp.MustCompile(`\bof another making\b`), `"other"`},
}

// headless is a sentence whose subject names nothing. Headings of documents
// may have this form: it is looked for in comments alone.
var headless = idiom{regexp.MustCompile(`(?:^|[.;:!?] )What [^?]*(?:[.;]|$)`), "name the thing: mapped attributes, the response"}

// nameless is a title whose subject is not named.
var nameless = idiom{regexp.MustCompile(`^['"]?(?:What|Whatever|Who|Whoever) [^?]*$`), "name the thing: the message, the profile"}

// plain are words that an idiom must not be seen in.
var plain = strings.NewReplacer("no longer", "not", "no more", "not", "no less", "not", "no later", "not", "no earlier", "not")

// puzzling lists the idioms of a text.
func puzzling(text string, more ...idiom) (out []string) {
	text = plain.Replace(strings.Join(strings.Fields(text), " "))
	for _, i := range append(more, idioms...) {
		if m := i.form.FindString(text); m != "" {
			out = append(out, strconv.Quote(strings.TrimSpace(m))+": write "+i.instead)
		}
	}
	return out
}

// repeating are the pages that repeat texts and ids of mutants; TestProseOfRules
// reads the rules of clauses.md. The changelog keeps what was written.
var repeating = []string{"clauses.md", "mutants.md", "CHANGELOG.md"}

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
	if read < 3000 {
		t.Errorf("read %d lines; there are more", read)
	}
}

// The catalogue of rules is plain English in every field, also in those that only
// reports and `rules explain` print.
func TestProseOfRules(t *testing.T) {
	rules, err := scenarios.Rules()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		for field, text := range map[string]string{"title": r.Title, "want": r.Want, "fix": r.Fix} {
			for _, p := range puzzling(text, headless) {
				t.Errorf("%s: %s: %s", r.ID, field, p)
			}
		}
	}
	for _, c := range rules.All() {
		for field, text := range map[string]string{"text": c.Text, "source": c.Source, "conflict": c.Conflict, "decision": c.Decision} {
			for _, p := range puzzling(text, headless) {
				t.Errorf("%s: %s: %s", c.ID, field, p)
			}
		}
	}
}

// Messages, comments and the names of tests are plain English.
func TestProseOfCode(t *testing.T) {
	read := 0
	err := filepath.WalkDir("..", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && entry.Name() == "testdata" {
			return filepath.SkipDir
		}
		if filepath.Ext(name) != ".go" || filepath.Base(name) == "prose_test.go" {
			return nil
		}
		files := token.NewFileSet()
		parsed, err := parser.ParseFile(files, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		texts(parsed, strings.HasSuffix(name, "_test.go"), func(pos token.Pos, text string, more ...idiom) {
			read++
			for _, p := range puzzling(text, more...) {
				t.Errorf("%s: %s", files.Position(pos), p)
			}
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if read < 5000 {
		t.Errorf("read %d texts; there are more", read)
	}
}

// The titles, comments, causes and fixes of scenarios, mutants and receivers, which
// reports and pages repeat, are plain English.
func TestProseOfYAML(t *testing.T) {
	read := 0
	err := filepath.WalkDir("..", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(name) != ".yaml" {
			return err
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for i, line := range strings.Split(string(content), "\n") {
			for _, text := range spoken.FindAllStringSubmatch(line, -1) {
				read++
				if filepath.Base(name) == "rules.yaml" {
					continue // TestProseOfRules reads it; headings of other documents may have this form
				}
				for _, p := range puzzling(text[1], nameless) {
					t.Errorf("%s:%d: %s", name, i+1, p)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if read < 1500 {
		t.Errorf("read %d texts; there are more", read)
	}
}

// spoken are the parts of a YAML line that a person reads: a comment, or the value
// of a key that reports print.
var spoken = regexp.MustCompile(`(?:^|\s)(?:#|(?:title|cause|fix|reason|comment):) *([^#]+)`)

// texts calls visit with the comments and the string literals of a file; of a
// test with the comments and the names: its other literals may be wrong on
// purpose.
func texts(file *ast.File, test bool, visit func(pos token.Pos, text string, more ...idiom)) {
	for _, group := range file.Comments {
		visit(group.Pos(), group.Text(), headless)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if test {
				visit(n.Pos(), words(n.Name.Name))
			}
		case *ast.CallExpr:
			if test && len(n.Args) > 1 && naming[called(n)] {
				visit(n.Pos(), textOf(n.Args[0]))
			}
		case *ast.BasicLit:
			if !test {
				visit(n.Pos(), textOf(n))
			}
		}
		return true
	})
}

// naming are the functions whose first argument is the name of a test.
var naming = map[string]bool{"Run": true, "Describe": true, "Context": true, "When": true, "It": true, "Entry": true, "DescribeTable": true}

// called is the name of the function that is called.
func called(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	}
	return ""
}

// textOf is the text of a string literal, "" of any other expression.
func textOf(e ast.Expr) string {
	if l, ok := e.(*ast.BasicLit); ok && l.Kind == token.STRING {
		text, _ := strconv.Unquote(l.Value) // the parser has read it
		return text
	}
	return ""
}

// words are those of a name in camel case: "TestItIsNone" is "Test it is none".
func words(name string) string {
	return capital.ReplaceAllStringFunc(name, func(c string) string { return " " + strings.ToLower(c) })
}

var capital = regexp.MustCompile(`\B[A-Z]`)

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
