package scenarios

import (
	"go.yaml.in/yaml/v4"
)

// profileActions are what happens to whole profiles: it stands alone in its step,
// as an action does.
var profileActions = []string{"merge", "forget"}

// Other is the profile that becomes part of another one in a merge.
func (s *Step) Other(into string) string {
	if !s.Profiles.Numbered {
		return s.From.At(0)
	}
	n, ok := s.Profiles.Number(into)
	if !ok {
		return ""
	}
	return s.From.At(n - s.Profiles.First)
}

// Into is the profile that another one becomes part of in a merge; "" where that is
// not one of the step.
func (s *Step) Into(from string) string {
	switch n, numbered := s.From.Number(from); {
	case !s.From.Contains(from):
		return ""
	case numbered:
		return s.Profiles.At(n - s.From.First)
	}
	return s.Profiles.At(0)
}

// Does reports whether the step is a change of whole profiles: merge or forget.
func (s *Step) Does(op string) bool { return len(s.Changes) > 0 && s.Changes[0].Op == op }

// merge reads `merge: {from: doc-2, into: doc}`, of ranges of one length as well.
func (r *reader) merge(n *yaml.Node, s *Step) {
	o := r.object(n, "merge")
	if o == nil {
		return
	}
	s.From = r.profileRef(o.require("from", "name the profile that becomes part of the other"), "from")
	s.Profiles = r.profileRef(o.require("into", "name the profile that stays"), "into")
	o.end()
	s.Changes = []Change{{Op: "merge"}}
	from, into := s.From.Len(), s.Profiles.Len()
	switch {
	case from == 0 || into == 0:
	case from != into:
		r.problem(n, "give ranges of one length", "merge: from has %d profiles, and into %d", from, into)
	case s.From.Shared(s.Profiles) > 0:
		r.problem(n, "name different profiles", "merge: %s and %s have profiles in common", s.From, s.Profiles)
	}
}

// forget reads `forget: doc`.
func (r *reader) forget(n *yaml.Node, s *Step) {
	s.Profiles = r.profileRef(n, "forget")
	s.Changes = []Change{{Op: "forget"}}
}
