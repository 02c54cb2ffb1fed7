// Package export is what determines an export and what is included in it
// (catalog/streaming/http-destination, "Profile export behavior"). PURE.
package export

import (
	"slices"
	"time"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/profile"
)

// Trigger is a reason for an export.
type Trigger string

// The three documented triggers, and the backfill of a new mapping.
const (
	Audience  Trigger = "audience"  // T1
	Identity  Trigger = "identity"  // T2
	Attribute Trigger = "attribute" // T3
	Backfill  Trigger = "backfill"
)

// Reasons are why a profile is exported: its triggers, sorted, and the mapped
// audiences among them.
type Reasons struct {
	Triggers  []Trigger
	Audiences []profile.AudienceRef // that were entered or left, or are backfilled
	// OnePolicy limits the export to the audiences of one merge policy, Policy
	// (A50).
	OnePolicy bool
	Policy    string
}

// Determine returns why the change from before to after is exported; no
// triggers means it is not.
func Determine(before, after profile.Profile, d profile.Delta, flow *dataflow.Snapshot) Reasons {
	if !flow.Exports() {
		return Reasons{}
	}
	var r Reasons
	changed := slices.Concat(d.Entered, d.Left)
	if flow.Flow.Destination.Readings.Requalify {
		changed = append(changed, d.Again...)
	}
	for _, ref := range changed {
		if _, mapped := flow.Mapped[ref]; mapped {
			r.Audiences = append(r.Audiences, ref)
		}
	}
	// Triggers are collected in sorted order: attribute, audience, identity.
	member := flow.Flow.AnyProfile || memberOf(after, flow)
	if member && attributeTrigger(before, after, d.Written, flow.Flow.Attributes) {
		r.Triggers = append(r.Triggers, Attribute)
	}
	if len(r.Audiences) > 0 {
		r.Triggers = append(r.Triggers, Audience)
	}
	if member && d.Identities {
		r.Triggers = append(r.Triggers, Identity)
	}
	return r.without(flow)
}

// without leaves out the kinds of changes that are switched off (R53). The
// remaining kinds are enough for an export (R54). An audience entered because
// of an identity is a reason of its own (R56).
func (r Reasons) without(flow *dataflow.Snapshot) Reasons {
	off := flow.Flow.Suppressed
	if flow.Flow.Destination.Readings.OwnExternalSwitch && len(r.Audiences) > 0 {
		r.Audiences = slices.DeleteFunc(r.Audiences, func(ref profile.AudienceRef) bool {
			return flow.Directory[ref].External() && off.External || !flow.Directory[ref].External() && off.Audience
		})
		off.Audience = len(r.Audiences) == 0
	}
	kinds := map[Trigger]bool{Attribute: off.Attribute, Audience: off.Audience, Identity: off.Identity}
	r.Triggers = slices.DeleteFunc(r.Triggers, func(t Trigger) bool { return kinds[t] })
	if off.Audience {
		r.Audiences = nil
	}
	return r
}

// Backfilled reports whether a membership of a newly mapped audience is part of
// its backfill: a realized one is, and by a reading one that was left so lately
// that an export carries it (R112, A55).
func Backfilled(m profile.Membership, flow *dataflow.Snapshot, now time.Time) bool {
	return m.Status == profile.Realized || flow.Flow.Destination.Readings.BackfillFormer && carried(m, flow, now)
}

// DetermineBackfill returns why a profile is part of the backfill of newly
// mapped audiences.
func DetermineBackfill(p profile.Profile, audiences []profile.AudienceRef, flow *dataflow.Snapshot, now time.Time) Reasons {
	var r Reasons
	if !flow.Exports() {
		return r
	}
	for _, ref := range audiences {
		m, known := p.Membership(ref)
		if _, mapped := flow.Mapped[ref]; mapped && known && Backfilled(m, flow, now) {
			r.Audiences = append(r.Audiences, ref)
		}
	}
	if len(r.Audiences) > 0 {
		r.Triggers = []Trigger{Backfill}
	}
	return r
}

// memberOf reports whether the profile is realized in a mapped audience (R50).
func memberOf(p profile.Profile, flow *dataflow.Snapshot) bool {
	for ref := range flow.Mapped {
		if p.In(ref) {
			return true
		}
	}
	return false
}

// attributeTrigger reports whether a write touched a mapped attribute: at it,
// within it, or above it where it existed before or exists after. Whether the
// value changed does not matter (R46, R48).
func attributeTrigger(before, after profile.Profile, written, mapped []profile.Path) bool {
	for _, w := range written {
		for _, m := range mapped {
			switch {
			case m.Covers(w):
				return true
			case w.Covers(m):
				_, was := profile.Lookup(before.Attributes, m)
				_, is := profile.Lookup(after.Attributes, m)
				if was || is {
					return true
				}
			}
		}
	}
	return false
}
