package export

import (
	"slices"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/profile"
)

// PerPolicy divides the reasons for an export by merge policy, sorted by its name:
// one export for each policy among the mapped audiences that the change concerns
// (A50). A change concerns the audiences that were entered, left or are
// backfilled; a change of attributes or identities concerns those that the
// profile is in. A change that concerns no mapped audience stays one export.
func PerPolicy(p profile.Profile, r Reasons, flow *dataflow.Snapshot) []Reasons {
	policyOf := func(ref profile.AudienceRef) string { return flow.Directory[ref].MergePolicy }
	var changed, held policySet
	for _, ref := range r.Audiences {
		changed = changed.with(policyOf(ref))
	}
	for ref := range flow.Mapped {
		if p.In(ref) {
			held = held.with(policyOf(ref))
		}
	}
	concerned := slices.Clone(changed)
	if slices.ContainsFunc(r.Triggers, ofProfile) {
		for _, policy := range held {
			concerned = concerned.with(policy)
		}
	}
	if len(concerned) == 0 {
		return []Reasons{r}
	}
	slices.Sort(concerned)
	parts := make([]Reasons, len(concerned))
	for i, policy := range concerned {
		part := Reasons{OnePolicy: true, Policy: policy}
		for _, t := range r.Triggers {
			// A profile in no mapped audience (AnyProfile) changes in every export
			// that its audiences cause.
			if ofProfile(t) && (held.has(policy) || len(held) == 0) || !ofProfile(t) && changed.has(policy) {
				part.Triggers = append(part.Triggers, t)
			}
		}
		for _, ref := range r.Audiences {
			if policyOf(ref) == policy {
				part.Audiences = append(part.Audiences, ref)
			}
		}
		parts[i] = part
	}
	return parts
}

// ofProfile reports whether a trigger is about the profile and not about an audience.
func ofProfile(t Trigger) bool { return t == Attribute || t == Identity }
