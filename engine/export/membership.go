package export

import (
	"slices"
	"time"

	"github.com/httpdest/httpdest/engine/audience"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/plainjson"
	"github.com/httpdest/httpdest/engine/profile"
)

// memberships writes segmentMembership (R61–R75): every mapped audience the
// profile is in or left lately, and the unmapped ones it is in that share a
// merge policy with what triggered the export.
func memberships(w *plainjson.Writer, p profile.Profile, r Reasons, flow *dataflow.Snapshot, now time.Time) {
	policies := accompanying(p, r, flow)
	w.Begin('{')
	var few, more [16]string
	for _, namespace := range plainjson.Keys(few[:0], p.Memberships) {
		entries, some, mark := p.Memberships[namespace], false, w.Mark()
		w.Key(namespace)
		w.Begin('{')
		for _, id := range plainjson.Keys(more[:0], entries) {
			m, ref := entries[id], profile.AudienceRef{Namespace: namespace, ID: id}
			if r.OnePolicy && flow.Directory[ref].MergePolicy != r.Policy {
				continue
			}
			mapping, mapped := flow.Mapped[ref]
			if mapped && carried(m, flow, now) {
				w.Key(id)
				mappedEntry(w, m, ref, mapping, flow)
				some = true
			} else if !mapped && accompanies(m, flow, now) && policies.has(flow.Directory[ref].MergePolicy) {
				w.Key(id)
				entry(w, m, ref, flow)
				some = true
			}
		}
		if w.End('}'); !some {
			w.Back(mark)
		}
	}
	w.End('}')
}

// carried reports whether a mapped membership still travels: an exited one does
// for 30 days after the exit, or as long as a reading says (R79, A49).
func carried(m profile.Membership, flow *dataflow.Snapshot, now time.Time) bool {
	return m.Status == profile.Realized || now.Sub(m.ExitedAt) <= flow.Flow.Destination.Readings.Carried()
}

// accompanies reports whether an unmapped membership may travel: a realized
// one, and by a reading an exited one (A47).
func accompanies(m profile.Membership, flow *dataflow.Snapshot, now time.Time) bool {
	return m.Status == profile.Realized || flow.Flow.Destination.Readings.UnmappedExits && carried(m, flow, now)
}

// policySet is the merge policies whose unmapped audiences come along, a few at
// most.
type policySet []string

func (s policySet) has(policy string) bool { return slices.Contains(s, policy) }

func (s policySet) with(policy string) policySet {
	if s.has(policy) {
		return s
	}
	return append(s, policy)
}

// accompanying is the merge policies whose unmapped audiences come along
// (R62, R63, A50): those of the audiences that triggered, and, for a change of
// attribute or identity, those of every mapped audience the profile is in.
func accompanying(p profile.Profile, r Reasons, flow *dataflow.Snapshot) (policies policySet) {
	if flow.Flow.Destination.IncludeMappedAudiencesOnly {
		return policies // R64: nobody comes along
	}
	for _, ref := range r.Audiences {
		policies = policies.with(flow.Directory[ref].MergePolicy)
	}
	for _, t := range r.Triggers {
		if t != Attribute && t != Identity {
			continue
		}
		for ref := range flow.Mapped {
			if p.In(ref) {
				policies = policies.with(flow.Directory[ref].MergePolicy)
			}
		}
	}
	return policies
}

// entry writes the shape every membership has (R65).
func entry(w *plainjson.Writer, m profile.Membership, ref profile.AudienceRef, flow *dataflow.Snapshot) {
	d := &flow.Flow.Destination
	stamped := d.IncludeSegmentTimestamps && d.Readings.StampUnmapped // A29
	w.Begin('{')
	if stamped {
		instant(w, "createdAt", flow.Directory[ref].CreatedAt)
	}
	qualified(w, m, flow)
	status(w, m)
	if stamped {
		instant(w, "updatedAt", flow.Directory[ref].UpdatedAt)
	}
	w.End('}')
}

// qualified writes the time of the last qualification, which an exit moves or
// not (A35).
func qualified(w *plainjson.Writer, m profile.Membership, flow *dataflow.Snapshot) {
	at := m.LastQualified
	if m.Status == profile.Exited && flow.Flow.Destination.Readings.ExitTime {
		at = m.ExitedAt
	}
	w.Key("lastQualificationTime")
	w.Text(at.UTC().Format(flow.Flow.Destination.Readings.Layout())) // R74, A27
}

func status(w *plainjson.Writer, m profile.Membership) {
	w.Key("status")
	w.Text(string(m.Status))
}

// mappedEntry adds what the two toggles ask for. Unmapped audiences have neither
// a name nor the dates of a mapping (R69, R72).
func mappedEntry(w *plainjson.Writer, m profile.Membership, ref profile.AudienceRef, mapping dataflow.Mapping, flow *dataflow.Snapshot) {
	names := flow.Flow.Destination.IncludeSegmentNames
	timestamps := flow.Flow.Destination.IncludeSegmentTimestamps
	a := flow.Directory[ref]
	w.Begin('{')
	if timestamps {
		instant(w, "createdAt", a.CreatedAt)
	}
	qualified(w, m, flow)
	if timestamps {
		instant(w, "mappingCreatedAt", mapping.CreatedAt)
		instant(w, "mappingUpdatedAt", mapping.UpdatedAt)
	}
	if names {
		w.Key("name")
		w.Text(nameOf(a, mapping, flow))
	}
	status(w, m)
	if timestamps {
		instant(w, "updatedAt", a.UpdatedAt)
	}
	w.End('}')
}

// nameOf is the name that a mapped audience travels with: that of its mapping, or
// by a reading its present one (R80, A32).
func nameOf(a audience.Audience, mapping dataflow.Mapping, flow *dataflow.Snapshot) string {
	if flow.Flow.Destination.Readings.LiveNames {
		return a.Name
	}
	return mapping.Name
}

// instant writes a time of an audience or a mapping (R71, A28).
func instant(w *plainjson.Writer, key string, t time.Time) {
	w.Key(key)
	w.Integer(t.UnixMilli()) // milliseconds
}
