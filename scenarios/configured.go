package scenarios

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/httpdest/httpdest/internal/notation"
)

// underTest reports whether a line of `expect:` is about problems of the
// configuration: then the engine is to judge it, and this package does not.
func underTest(scenario *object) bool {
	expect := slices.IndexFunc(scenario.fields, func(f field) bool { return f.name == "expect" })
	if expect < 0 || scenario.fields[expect].value.Kind != yaml.SequenceNode {
		return false
	}
	for _, line := range resolved(scenario.fields[expect].value.Content) {
		for i := 0; line.Kind == yaml.MappingNode && i < len(line.Content); i += 2 {
			if resolve(line.Content[i]).Value == "problem" {
				return true
			}
		}
	}
	return false
}

// refuse reports a value that the engine refuses as well: a mistake of the
// file, unless the file is there to show that the engine refuses it. A value of
// the wrong type, or outside of the configuration, is always a mistake.
func (r *reader) refuse(n *yaml.Node, hint, format string, args ...any) {
	if !r.configurationUnderTest {
		r.problem(n, hint, format, args...)
	}
}

// configured reads a text of the configuration: a line, or any text at all
// where the configuration is under test.
func (r *reader) configured(n *yaml.Node, what string) string {
	if r.configurationUnderTest {
		return r.text(n, what)
	}
	return r.line(n, what)
}

// configuredWord reads one of a few words of the configuration, or any text
// where the configuration is under test.
func (r *reader) configuredWord(n *yaml.Node, what string, known ...string) string {
	if r.configurationUnderTest {
		return r.text(n, what)
	}
	return r.word(n, what, known...)
}

// mapped reads what a dataflow maps: words and ranges of them, each with read,
// none twice; or any texts where the configuration is under test.
func (r *reader) mapped(n *yaml.Node, what string, read func(*yaml.Node, string) string) []string {
	if r.configurationUnderTest {
		read = r.text
	}
	var out []string
	nodes := r.numbered(r.oneOrList(n), what)
	for _, c := range nodes {
		if text := read(c, what); text != "" {
			out = append(out, text)
		}
	}
	if !r.configurationUnderTest {
		r.unique(nodes, what)
	}
	return out
}

// maxKeys is how many audiences or attributes a range can name: more than any
// limit of the documentation, and few enough to list.
const maxKeys = 10_000

// numbered spreads out ranges: "audience-{1..3}" is three texts.
func (r *reader) numbered(nodes []*yaml.Node, what string) []*yaml.Node {
	var out []*yaml.Node
	for _, n := range nodes {
		if !isText(n) || !notation.IsRange(n.Value) {
			out = append(out, n)
			continue
		}
		names := r.keyRange(n, what)
		for name := range names.All() {
			one := *n
			one.Value = name
			out = append(out, &one)
		}
	}
	return out
}

// keyRange reads a range that is to be spread out.
func (r *reader) keyRange(n *yaml.Node, what string) NameRange {
	names := r.nameRange(n, what)
	if names.Len() > maxKeys {
		r.problem(n, "use a shorter range", "%s: the range %s has more than %d names", what, names, maxKeys)
		return NameRange{}
	}
	return names
}

// Place is where the part of the configuration that a path such as
// dataflow.attributes[2] begins with stands in the file; the beginning of the
// file where it is not given.
func (s *Scenario) Place(path string) Position {
	place := s.Pos
	switch section, _, _ := strings.Cut(path, "."); section {
	case "destination":
		place = s.Destination.Pos
	case "dataflow":
		place = s.Dataflow.Pos
	case "organisation":
		place = s.Organisation.Pos
	}
	if place.Line == 0 {
		return s.Pos
	}
	return place
}

// Refuses reports whether the scenario expects an error: then its history, or a
// step of it, is not to happen.
func (s *Scenario) Refuses() bool {
	return slices.ContainsFunc(s.Expect, func(e Expectation) bool {
		return e.Problem != "" && e.Problem != noProblem && e.Level == "error"
	})
}
