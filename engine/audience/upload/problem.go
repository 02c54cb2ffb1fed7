package upload

import (
	"fmt"
	"strings"
)

// MaxProblems is how many problems of one file are listed; the rest is counted.
const MaxProblems = 100

// Problem is one reason to refuse a file. Line and Column count from 1, columns
// in bytes; Line 0 is a problem of no line, such as a choice that is missing.
// Message and Hint are lower case, without a full stop.
type Problem struct {
	Line, Column  int
	Message, Hint string
}

// String is line:column: message (hint).
func (p Problem) String() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s (hint: %s)", p.Message, p.Hint)
	}
	return fmt.Sprintf("%d:%d: %s (hint: %s)", p.Line, p.Column, p.Message, p.Hint)
}

// Refused is everything wrong with a file.
type Refused struct {
	Problems []Problem // in the order of the file; at most MaxProblems
	More     int       // further problems, not listed
}

// Error lists the problems, one a line.
func (r Refused) Error() string {
	lines := make([]string, len(r.Problems), len(r.Problems)+1)
	for i, p := range r.Problems {
		lines[i] = p.String()
	}
	if r.More > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", r.More))
	}
	return strings.Join(lines, "\n")
}

func (r *Refused) add(p Problem) {
	if len(r.Problems) == MaxProblems {
		r.More++
		return
	}
	r.Problems = append(r.Problems, p)
}
