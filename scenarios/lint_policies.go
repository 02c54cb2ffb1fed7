package scenarios

import (
	"fmt"
	"slices"
)

// undeclaredPolicies are the errors of audiences with a merge policy that the
// organisation, which lists its policies, does not have.
func (s *Scenario) undeclaredPolicies() (out Problems) {
	if len(s.Organisation.MergePolicies) == 0 {
		return nil
	}
	var names []string
	for _, p := range s.Organisation.MergePolicies {
		names = append(names, p.Name)
	}
	for _, a := range s.Audiences {
		if a.MergePolicy != "default" && !slices.Contains(names, a.MergePolicy) {
			out = append(out, Problem{a.Pos, fmt.Sprintf("the audience %s has the merge policy %s, which organisation.mergePolicies does not list", a.Key, short(a.MergePolicy)),
				didYouMean(a.MergePolicy, names)})
		}
	}
	return out
}

// mergePolicies reports policies that are declared nowhere: a slip makes an
// audience one of another policy, and its memberships stay out of exports.
func (l *linter) mergePolicies() {
	if len(l.s.Organisation.MergePolicies) > 0 {
		return // undeclaredPolicies are errors
	}
	for _, a := range l.s.Audiences {
		if a.MergePolicy != "default" {
			l.warn(a.Pos, fmt.Sprintf("declare it: organisation: {mergePolicies: {default: {default: true}, %s: {}}}", a.MergePolicy),
				"the audience %s has the merge policy %s, which is declared nowhere", a.Key, short(a.MergePolicy))
		}
	}
}
