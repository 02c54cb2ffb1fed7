package dataflow

import (
	"fmt"
	"slices"
	"strings"
)

// Level is how serious a problem is.
type Level string

// A configuration with an Error is refused. A Warning works and is probably
// not meant, or is beyond a limit that is not enforced. Advice is what the
// documentation recommends.
const (
	Error   Level = "error"
	Warning Level = "warning"
	Advice  Level = "advice"
)

// Problem is one finding about a configuration: Path is where
// ("dataflow.attributes[2]"), Hint what to do. Messages name the place of what
// may be secret, never its value (R32).
type Problem struct {
	Path, Message, Hint string
	Level               Level
}

// String is the problem on one line.
func (p Problem) String() string {
	return fmt.Sprintf("%s: %s (hint: %s)", p.Path, p.Message, p.Hint)
}

// Invalid is every problem of a configuration.
type Invalid []Problem

// Error lists the problems, one a line.
func (i Invalid) Error() string {
	lines := make([]string, len(i))
	for n, p := range i {
		lines[n] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Errors are the problems for which a configuration is refused.
func Errors(problems []Problem) []Problem {
	return slices.DeleteFunc(slices.Clone(problems), func(p Problem) bool { return p.Level != Error })
}
