package reports

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extensionast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
)

// outline is what goldmark, which GitHub's flavour is an extension of, finds in
// Markdown.
type outline struct {
	Headings []string
	Tables   []string // rows×cells
	Blocks   []string
	HTML     []string
	Links    int
}

func outlined(t *testing.T, source string) (o outline) {
	t.Helper()
	lines := func(n ast.Node) string {
		var b strings.Builder
		for i := range n.Lines().Len() {
			line := n.Lines().At(i)
			b.Write(line.Value([]byte(source)))
		}
		return b.String()
	}
	doc := goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader([]byte(source)))
	err := ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			o.Headings = append(o.Headings, fmt.Sprintf("%d %s", n.Level, strings.Fields(lines(n))[0]))
		case *extensionast.Table:
			o.Tables = append(o.Tables, fmt.Sprintf("%d×%d", n.ChildCount()-1, n.FirstChild().ChildCount()))
		case *ast.FencedCodeBlock:
			o.Blocks = append(o.Blocks, lines(n))
		case *ast.HTMLBlock:
			o.HTML = append(o.HTML, strings.Split(lines(n), "\n")[0])
		case *ast.RawHTML:
			o.HTML = append(o.HTML, "raw")
		case *ast.Link, *ast.Image, *ast.AutoLink:
			o.Links++
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// A reader that is not ours finds the tables, the values, and no markup that a
// receiver could have sent.
func TestMarkdownReadByGoldmark(t *testing.T) {
	r := mixedReport()
	got := outlined(t, written(t, WriteMarkdown, r))
	if diff := cmp.Diff([]string{"1×6", "2×3", fmt.Sprintf("%d×7", len(r.Rules)), fmt.Sprintf("%d×8", len(r.Cases))}, got.Tables); diff != "" {
		t.Errorf("tables, rows×cells (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"<details>", "</details>", "<details>", "</details>", "<details>", "</details>"}, got.HTML); diff != "" {
		t.Errorf("HTML (-want +got):\n%s", diff)
	}
	cases, checks := 0, 0
	for _, h := range got.Headings {
		switch h[0] {
		case '3':
			cases++
		case '4':
			checks++
		}
	}
	if cases != 4 || checks != 15 {
		t.Errorf("%d cases and %d checks to look at; want 4 and 15", cases, checks)
	}
	all := strings.Join(got.Blocks, "\n")
	for _, want := range []string{"1 request", `{"a": "]]>"}`, "curl -sk -H", "X-Stage: a|b", "no␛[2J", "httpdest run --run '^trigger/enter$' -v"} {
		if !strings.Contains(all, want) {
			t.Errorf("no block has %q", want)
		}
	}
	if got.Links != 0 {
		t.Errorf("%d links in a report that has none", got.Links)
	}
}

// Text of a receiver is never markup, wherever it appears.
func TestMarkdownTakesNothingForMarkup(t *testing.T) {
	const evil = "</summary></details>\n\n# heading\n\n![x](x.png) <script> | a | <!-- [l](javascript:x) ```\n~~~\n"
	r := &Report{Kind: evil, Verdict: Fail, Rules: []Rule{{ID: "x", Ref: evil, Title: evil, Verdict: Fail}}, Environment: Environment{Version: evil, CPUs: 1},
		Cases: []Case{{ID: evil, Title: evil, File: evil, Verdict: Fail, Reason: evil, Checks: []Check{{Rule: "x", Verdict: Fail, Title: evil, Expected: evil, Actual: evil, Fix: evil, Reproduce: evil,
			Exchange: &Exchange{Method: evil, URL: evil, RequestBody: evil, ResponseBody: evil, Outcome: evil, RequestHeaders: []string{evil}, Phases: []Phase{{Name: evil}}},
			Causes:   []Cause{{evil, evil, evil, true}}}}}}}
	got := outlined(t, written(t, WriteMarkdown, r))
	if len(got.Headings) != 4 || got.Links != 0 || len(got.Tables) != 4 || len(got.HTML) != 6 {
		t.Errorf("%+v", got)
	}
}

// A summary of very many failures keeps to what a job may show, and says so.
func TestMarkdownIsBounded(t *testing.T) {
	r := &Report{Kind: "run", Verdict: Fail}
	for i := range 400 {
		r.Cases = append(r.Cases, Case{ID: fmt.Sprint("c", i), Verdict: Fail, Checks: []Check{{Verdict: Fail, Title: "body", Actual: strings.Repeat("x", 100_000)}}})
	}
	text := written(t, WriteMarkdown, r)
	if len(text) > 1<<20 {
		t.Errorf("%d bytes; a summary of a job may have a mebibyte", len(text))
	}
	for _, want := range []string{"And 350 more cases that failed", "… and 91808 more bytes"} {
		if !strings.Contains(text, want) {
			t.Errorf("it does not say %q", want)
		}
	}
}
