package scenarios

import (
	"cmp"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/reports"
)

// Problem is one thing wrong with a file. Message is what, Hint what to do
// about it; both are lower case and end without a full stop.
type Problem struct {
	Pos     Position
	Message string
	Hint    string
}

// String is two lines: file:line:column: message, and the indented hint. A
// problem of a whole file, such as one that cannot be read, has no line.
func (p Problem) String() string {
	at := p.Pos.String()
	if p.Pos.Line == 0 {
		at = p.Pos.File
	}
	text := reports.Printable(p.Message)
	if at != "" { // else it is about the command, not about a file
		text = reports.OneLine(at) + ": " + text // the name of a file may hold anything
	}
	if p.Hint == "" {
		return text
	}
	return text + "\n    hint: " + reports.Printable(p.Hint)
}

// Problems is everything wrong with one or more files, by file and position.
// It is the only error type of the loader.
type Problems []Problem

// Error lists every problem, each with its hint.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// err is nil for no problems: a nil Problems in an error would not be nil.
func (p Problems) err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// sorted puts the problems of one file into reading order, since sections are
// read in the order in which they depend on each other. A problem that an alias
// repeats is listed once.
func (p Problems) sorted() Problems {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Pos.Line, b.Pos.Line), cmp.Compare(a.Pos.Column, b.Pos.Column))
	})
	return slices.Compact(p)
}
