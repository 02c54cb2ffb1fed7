package histories

import (
	"fmt"
	"slices"
	"strings"
)

// Lines tell a history, a line for each step, in words.
func (h History) Lines() []string {
	out := make([]string, len(h))
	for i, s := range h {
		out[i] = fmt.Sprintf("%d. %s", i+1, s)
	}
	return out
}

// String tells a step in words.
func (s Step) String() string {
	var b strings.Builder
	if s.Pause && s.Copies != Repeated {
		b.WriteString("after a pause ")
	}
	for i, n := range slices.Sorted(slices.Values(s.Profiles)) {
		if i > 0 {
			b.WriteString(" and ")
		}
		b.WriteString(profile(n))
	}
	for i, c := range s.Changes {
		if i > 0 {
			b.WriteString(",")
		}
		fmt.Fprintf(&b, " %s", c.of(len(s.Profiles)))
	}
	if s.Copies != Once {
		fmt.Fprintf(&b, "; %s", s.Copies)
	}
	switch {
	case s.Copies == Repeated && s.Pause:
		b.WriteString(" after a pause")
	case s.Copies == Repeated && s.After > 1, s.Copies == Late, s.Copies == Meeting:
		fmt.Fprintf(&b, " (after %d)", max(1, s.After))
	}
	return b.String()
}

// of tells a change of so many profiles in words.
func (c Change) of(profiles int) string {
	one, several := "gets another identity", "get another identity each"
	switch c.Kind {
	case Enter:
		one, several = "enters "+audience(c.Audience), "enter "+audience(c.Audience)
	case Leave:
		one, several = "leaves "+audience(c.Audience), "leave "+audience(c.Audience)
	case Set:
		one, several = "is named "+Name(c.Name), "are named "+Name(c.Name)
	}
	if profiles > 1 {
		return several
	}
	return one
}
