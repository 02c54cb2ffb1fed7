package dataflow

import (
	"fmt"
	"slices"

	"github.com/httpdest/httpdest/engine/profile"
)

// UsagePolicy forbids a marketing action for data that carries one of its
// labels.
type UsagePolicy struct {
	Name    string
	Action  string
	Labels  []string
	Enabled bool // one that is not enabled forbids nothing
}

// violations are the enabled policies that the mapped audiences and attributes
// violate for the destination's marketing actions: the activation cannot be
// finished while there are any (R17).
func (c Configuration) violations() []Problem {
	var problems []Problem
	for _, policy := range c.Organisation.Policies {
		if !policy.Enabled || !slices.Contains(c.Flow.Destination.MarketingActions, policy.Action) {
			continue
		}
		violated := func(path, what string, labels []string) {
			for _, label := range labels {
				if slices.Contains(policy.Labels, label) {
					problems = append(problems, Problem{path, fmt.Sprintf("policy %s forbids %s for label %s, which %s carries", policy.Name, policy.Action, label, what),
						"unmap it, or have the label, the policy or the marketing action changed", Error})
				}
			}
		}
		for n, path := range c.Flow.Attributes {
			violated(fmt.Sprintf("dataflow.attributes[%d]", n), string(path), c.Organisation.labelsOf(path))
		}
		for n, ref := range c.Flow.Audiences {
			a := c.Audiences[ref]
			violated(fmt.Sprintf("dataflow.audiences[%d]", n), "audience "+a.Name, a.Labels)
		}
	}
	return problems
}

// labelsOf are the labels of everything that is exported with a mapped path:
// its own, those of what it is in, and those of what is in it.
func (o Organisation) labelsOf(path profile.Path) []string {
	var labels []string
	for labelled, own := range o.Labels {
		if labelled.Covers(path) || path.Covers(labelled) {
			labels = append(labels, own...)
		}
	}
	slices.Sort(labels)
	return slices.Compact(labels)
}
