package scenarios

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/httpdest/httpdest/internal/notation"
)

const (
	maxFile     = 16 << 20  // bytes; a scenario of a million profiles is ten lines
	maxNodes    = 1_000_000 // visited, aliases counted as often as they are used
	maxDepth    = 128       // more than limits.ValueLevels, so that the error for a deep value names its depth
	maxProblems = 1000      // listed; a file with more is not a scenario
)

// decoder turns YAML nodes into values and collects everything wrong with
// them. Every reading method takes nil for "not given", answers the zero value
// then and after a problem, and goes on, so that one run reports all problems.
type decoder struct {
	file     string
	problems Problems
	dropped  bool // problems beyond maxProblems
}

// problem records what is wrong at a node. The hint comes first, so that the
// message can have arguments.
func (d *decoder) problem(at *yaml.Node, hint, format string, args ...any) {
	d.problemAt(at.Line, at.Column, hint, fmt.Sprintf(format, args...))
}

func (d *decoder) problemAt(line, column int, hint, message string) {
	if len(d.problems) >= maxProblems {
		d.dropped = true
		return
	}
	d.problems = append(d.problems, Problem{Position{d.file, max(line, 1), max(column, 1)}, message, hint})
}

// result is all problems in reading order.
func (d *decoder) result() Problems {
	problems := d.problems.sorted()
	if d.dropped {
		problems = append(problems, Problem{Position{File: d.file}, fmt.Sprintf("more than %d problems, the rest is not listed", maxProblems),
			"is this a scenario?"})
	}
	return problems
}

// pos is where a node is.
func (d *decoder) pos(n *yaml.Node) Position { return Position{d.file, n.Line, n.Column} }

// document parses content, which must be one document, and returns its root;
// nil after a problem.
func (d *decoder) document(content []byte) *yaml.Node {
	if len(content) > maxFile {
		d.problemAt(1, 1, "split it, and use ranges such as member-{1..1000000}", "the file is larger than 16 MiB")
		return nil
	}
	if offset, what := unprintable(content); what != "" {
		line, column := lineColumn(content, offset)
		d.problemAt(line, column, "save the file as UTF-8 text", what)
		return nil
	}
	if number, line := foreignVersion(content); number != "" {
		d.problemAt(line, 1, "leave the line out, or write %YAML 1.2", fmt.Sprintf("YAML %s is not read", number))
		return nil
	}
	content = dialect(content)
	loader, err := yaml.NewLoader(strings.NewReader(string(content)))
	if err != nil {
		d.problemAt(1, 1, "", err.Error())
		return nil
	}
	var doc, second yaml.Node
	switch err := loader.Load(&doc); {
	case errors.Is(err, io.EOF), err == nil && (len(doc.Content) == 0 || isNull(doc.Content[0])):
		d.problemAt(1, 1, "a scenario starts with `title:`", "the file is empty")
		return nil
	case err != nil:
		d.syntax(content, err)
		return nil
	}
	switch err := loader.Load(&second); {
	case err == nil:
		d.problem(&second, "one file, one scenario: move it to a file of its own", "a second document")
	case !errors.Is(err, io.EOF):
		d.syntax(content, err)
	}
	visited := 0
	if !d.guard(doc.Content[0], &visited, 1) {
		return nil
	}
	return resolve(doc.Content[0])
}

// guard walks the tree as the decoder will, and stops files that are small on
// disk and huge when their aliases are followed.
func (d *decoder) guard(n *yaml.Node, visited *int, depth int) bool {
	*visited++
	switch {
	case *visited > maxNodes:
		d.problem(n, "use ranges such as member-{1..1000000}, and fewer aliases", "more than %d values, aliases counted each time", maxNodes)
		return false
	case depth > maxDepth:
		d.problem(n, "an alias within its own anchor has no end", "nested more than %d levels deep", maxDepth)
		return false
	case n.Kind == yaml.AliasNode:
		return d.guard(n.Alias, visited, depth+1)
	}
	for _, c := range n.Content {
		if !d.guard(c, visited, depth+1) {
			return false
		}
	}
	return true
}

// syntax reports what the YAML parser stumbled over.
func (d *decoder) syntax(content []byte, err error) {
	var load *yaml.LoadError
	if !errors.As(err, &load) {
		d.problemAt(1, 1, "", "not YAML: "+err.Error())
		return
	}
	message := "not YAML: " + load.Message
	if load.ContextMsg != "" {
		message += " " + load.ContextMsg
	}
	if from := load.ContextMark.Line; from > 0 && from < load.Mark.Line {
		message += ", which starts in line " + strconv.Itoa(from)
	}
	line, column := load.Mark.Line, load.Mark.Column
	if strings.Contains(load.Message, "Unicode character escape") {
		if said, hint, at := surrogates(lineOf(content, line), column); said != "" {
			d.problemAt(line, at, hint, "not YAML: "+said)
			return
		}
	}
	d.problemAt(line, column, syntaxHint(lineOf(content, line), column, load.Message), message)
}

// syntaxHint knows the slips this format invites: within {…} and […] YAML reads
// the brace of a range as the start of a mapping.
func syntaxHint(line string, column int, message string) string {
	rest := ""
	if runes := []rune(line); column >= 1 && column <= len(runes) {
		rest = string(runes[column-1:])
	}
	switch {
	case strings.HasPrefix(rest, "{n}"), strings.HasPrefix(rest, "{") && strings.Contains(rest, ".."):
		return "within { } and [ ] a range or {n} needs quotes: \"new-{1..5}\""
	case strings.Contains(line, "\t"):
		return "indent with spaces, not with tabs"
	case strings.Contains(message, "Unicode character escape"):
		return "write the character itself, or \\U and its eight digits"
	case strings.Contains(message, "unknown anchor"):
		return "define it with & before its first use, or quote a text that starts with *"
	case strings.Contains(message, "mapping values are not allowed"):
		return "quote a text that contains a colon and a space"
	}
	return "check brackets, quotes and indentation of this line and the one before"
}

// unprintable finds the first byte YAML does not allow. The parser's own
// message for these has no position.
func unprintable(content []byte) (offset int, what string) {
	for i := 0; i < len(content); {
		r, size := utf8.DecodeRune(content[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			return i, "not UTF-8 text"
		case r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0x7f:
			return i, fmt.Sprintf("the control character %U", r)
		}
		i += size
	}
	return 0, ""
}

// lineColumn converts a byte offset; both count from 1, columns in characters.
func lineColumn(content []byte, offset int) (line, column int) {
	before := string(content[:offset])
	line = strings.Count(before, "\n") + 1
	return line, utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
}

// lineOf is the nth line, counted from 1.
func lineOf(content []byte, n int) string {
	lines := strings.Split(string(content), "\n")
	if n < 1 || n > len(lines) {
		return ""
	}
	return lines[n-1]
}

// resolve follows an alias to what it stands for.
func resolve(n *yaml.Node) *yaml.Node {
	for n != nil && n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// isText is true for text, and for what YAML takes for a time: "2026-01-15" in
// a text field is those ten characters.
func isText(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && (n.ShortTag() == "!!str" || n.ShortTag() == "!!timestamp") && !isNumber(n)
}

// found describes a node for a message.
func found(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	if isNumber(n) {
		return "the number " + short(n.Value)
	}
	switch n.ShortTag() {
	case "!!null":
		return "empty"
	case "!!str":
		return fmt.Sprintf("the text %q", short(n.Value))
	case "!!int", "!!float":
		return "the number " + short(n.Value)
	case "!!bool":
		return n.Value
	case "!!timestamp":
		return "the time " + n.Value
	}
	return "tagged " + n.ShortTag()
}

// short keeps a message on one line.
func short(s string) string { return notation.Short(s) }
