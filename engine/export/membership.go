package export

import (
	"time"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/profile"
)

// memberships is segmentMembership (R61–R75): every mapped audience the
// profile is in or left lately, and the unmapped ones it is in that share a
// merge policy with what triggered the export.
func memberships(p profile.Profile, r Reasons, flow *dataflow.Snapshot, now time.Time) map[string]any {
	policies := accompanying(p, r, flow)
	out := map[string]any{}
	for namespace, entries := range p.Memberships {
		kept := map[string]any{}
		for id, m := range entries {
			ref := profile.AudienceRef{Namespace: namespace, ID: id}
			mapping, mapped := flow.Mapped[ref]
			if mapped && carried(m, now) {
				kept[id] = mappedEntry(m, ref, mapping, flow)
			} else if !mapped && m.Status == profile.Realized && policies[flow.Directory[ref].MergePolicy] {
				kept[id] = entry(m)
			}
		}
		if len(kept) > 0 {
			out[namespace] = kept
		}
	}
	return out
}

// carried says whether a mapped membership still travels: an exited one does
// for 30 days after the exit (R79).
func carried(m profile.Membership, now time.Time) bool {
	return m.Status == profile.Realized || now.Sub(m.ExitedAt) <= ExitedRetention
}

// accompanying is the merge policies whose unmapped audiences come along
// (R62, R63, A50): those of the audiences that triggered, and, for a change of
// attribute or identity, those of every mapped audience the profile is in.
func accompanying(p profile.Profile, r Reasons, flow *dataflow.Snapshot) map[string]bool {
	policies := map[string]bool{}
	if flow.Flow.Destination.IncludeMappedAudiencesOnly {
		return policies // R64: nobody comes along
	}
	for _, ref := range r.Audiences {
		policies[flow.Directory[ref].MergePolicy] = true
	}
	for _, t := range r.Triggers {
		if t != Attribute && t != Identity {
			continue
		}
		for ref := range flow.Mapped {
			if p.In(ref) {
				policies[flow.Directory[ref].MergePolicy] = true
			}
		}
	}
	return policies
}

// entry is the shape every membership has (R65).
func entry(m profile.Membership) map[string]any {
	return map[string]any{
		"lastQualificationTime": m.LastQualified.UTC().Format("2006-01-02T15:04:05Z"), // R74, A27
		"status":                string(m.Status),
	}
}

// mappedEntry adds what the two toggles ask for. Unmapped audiences never have
// either (R69, R72).
func mappedEntry(m profile.Membership, ref profile.AudienceRef, mapping dataflow.Mapping, flow *dataflow.Snapshot) map[string]any {
	e := entry(m)
	if flow.Flow.Destination.IncludeSegmentNames {
		e["name"] = mapping.Name
	}
	if flow.Flow.Destination.IncludeSegmentTimestamps {
		a := flow.Directory[ref]
		e["createdAt"] = a.CreatedAt.UnixMilli() // R71, A28: milliseconds
		e["updatedAt"] = a.UpdatedAt.UnixMilli()
		e["mappingCreatedAt"] = mapping.CreatedAt.UnixMilli()
		e["mappingUpdatedAt"] = mapping.UpdatedAt.UnixMilli()
	}
	return e
}
