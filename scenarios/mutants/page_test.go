package mutants

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/scenarios"
)

// matrixOf sorts what turned red under each mutant by whether it cites the
// rule.
func matrixOf(all []Mutant, red [][]string, cases []*scenarios.Scenario) Matrix {
	x := Matrix{}
	cites := map[string][]string{}
	for _, c := range cases {
		x.Cases = append(x.Cases, c.ID)
		cites[c.ID] = c.Rules
	}
	for i, m := range all {
		o := Measured{ID: m.ID, Digest: m.Digest, Area: m.Area(), Rule: m.Rule, Title: m.Title, By: []string{}}
		for _, id := range red[i] {
			if slices.Contains(cites[id], scenarios.RuleOf(m.Rule)) {
				o.By = append(o.By, id)
			} else {
				o.Also = append(o.Also, id)
			}
		}
		x.Mutants = append(x.Mutants, o)
	}
	return x
}

// text is the matrix as its file has it: a mutant a line, so that a change
// shows what it is about.
func (x Matrix) text() string {
	line := func(v any) string {
		j, err := json.Marshal(v)
		if err != nil {
			panic(err) // texts and lists of texts
		}
		return string(j)
	}
	var b strings.Builder
	b.WriteString("{\n\"cases\": [\n")
	for i, id := range x.Cases {
		b.WriteString(line(id) + comma(i, len(x.Cases)))
	}
	b.WriteString("],\n\"mutants\": [\n")
	for i, m := range x.Mutants {
		b.WriteString(line(m) + comma(i, len(x.Mutants)))
	}
	b.WriteString("]\n}\n")
	return b.String()
}

func comma(i, n int) string {
	if i == n-1 {
		return "\n"
	}
	return ",\n"
}

// page is the matrix for people, and what `httpdest help mutants` prints.
func (x Matrix) page() string {
	areas := map[string][]Measured{}
	var names []string
	for _, m := range x.Mutants {
		if areas[m.Area] == nil {
			names = append(names, m.Area)
		}
		areas[m.Area] = append(areas[m.Area], m)
	}
	slices.Sort(names)
	var b strings.Builder
	fmt.Fprintf(&b, `# Mutants: how the checks are proved

A check that cannot fail proves nothing. Each mutant below is an engine or an
endpoint that is wrong in one way; the library of %d cases was played under
each, and the cases named here turned red. A rule counts as proved only when a
case that cites it is among them.

This page is made by `+"`make mutants`"+`, which plays all of them.
`, len(x.Cases))
	for _, name := range names {
		fmt.Fprintf(&b, "\n## %s (%d)\n\n", name, len(areas[name]))
		for _, m := range areas[name] {
			fmt.Fprintf(&b, "- %s, against %s.\n  %s.\n", m.ID, m.Rule, m.Title)
			b.WriteString(wrap("Found by "+list(m.By)+also(len(m.Also))+".", "  ", 90))
		}
	}
	return b.String()
}

func list(ids []string) string {
	if len(ids) == 0 {
		return "no case of its rule"
	}
	return strings.Join(ids, ", ")
}

func also(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return "; and by 1 case of other rules"
	}
	return fmt.Sprintf("; and by %d cases of other rules", n)
}

// wrap breaks a text into lines of at most width, each after the indent.
func wrap(text, indent string, width int) string {
	var b strings.Builder
	line := indent
	for _, word := range strings.Fields(text) {
		switch {
		case line == indent:
			line += word
		case len(line)+1+len(word) > width:
			b.WriteString(line + "\n")
			line = indent + word
		default:
			line += " " + word
		}
	}
	return b.String() + line + "\n"
}

// The page that is embedded is that of the matrix that is embedded, and the
// matrix is written as `make mutants` writes it. Neither must be edited by
// hand: then it would say what nobody measured.
func TestPageIsOfTheMatrix(t *testing.T) {
	x, err := LastMeasured()
	if err != nil {
		t.Fatal(err)
	}
	if string(matrixFile) != x.text() {
		t.Error("matrix.json is not as `make mutants` writes it")
	}
	page, err := os.ReadFile(pagePath)
	if err != nil {
		t.Fatal(err)
	}
	if string(page) != x.page() {
		t.Error("docs/reference/mutants.md is not the page of matrix.json: run `make mutants`")
	}
}

// A mutant that no case of its rule finds is shown as just that.
func TestPage(t *testing.T) {
	all := []Mutant{
		{ID: "a", Digest: "1", Title: "First", Rule: "r", File: "engine/dispatcher.go"},
		{ID: "b", Digest: "2", Title: "Second", Rule: "s", File: "mockendpoint/exchange.go"},
		{ID: "c", Digest: "3", Title: "Third", Rule: "s", File: "engine/delivery/sender.go"},
	}
	cases := []*scenarios.Scenario{{ID: "g/x", Rules: []string{"r"}}, {ID: "g/y", Rules: []string{"r", "s"}}, {ID: "g/z"}}
	x := matrixOf(all, [][]string{{"g/x", "g/y", "g/z"}, {"g/x", "g/z"}, {"g/y"}}, cases)
	want := `
## delivery (1)

- c, against s.
  Third.
  Found by g/y.

## endpoint (1)

- b, against s.
  Second.
  Found by no case of its rule; and by 2 cases of other rules.

## engine (1)

- a, against r.
  First.
  Found by g/x, g/y; and by 1 case of other rules.
`
	if got := x.page(); !strings.HasSuffix(got, want) {
		t.Errorf("got\n%s\nwant at its end\n%s", got, want)
	}
	if got := areas(all); got != "1 delivery, 1 endpoint, 1 engine" {
		t.Errorf("areas = %s", got)
	}
}
