package dataflow

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/httpdest/httpdest/engine/audience"
	"github.com/httpdest/httpdest/engine/profile"
)

// Mapping is one audience mapped to the dataflow.
type Mapping struct {
	Name      string    // of the audience when it was mapped: names stay static (R80)
	CreatedAt time.Time // whole seconds, as captured payloads show
	UpdatedAt time.Time
}

// Snapshot is a dataflow at one moment. The decider reads it; every change
// makes a new one, so decisions may run while the dataflow is edited.
type Snapshot struct {
	Flow      Dataflow
	Directory audience.Directory
	Mapped    map[profile.AudienceRef]Mapping
	// Ever remembers every audience that was mapped once: mapping it again
	// exports nothing of the past (R115).
	Ever map[profile.AudienceRef]bool
	// Names are those that audiences had when they were mapped first: mapping
	// one again does not renew it (R80).
	Names   map[profile.AudienceRef]string
	Active  bool // activated: before that nothing is exported
	Enabled bool // R117

	body *profile.Branch // see Body
}

// The two maps that every body has, as well as mapped attributes.
const (
	IdentityMap       = "identityMap"
	SegmentMembership = "segmentMembership"
)

// Body is what a body may hold, by the name of each part, sorted: the mapped
// attributes and the two maps. It is put together once, for all profiles.
func (s *Snapshot) Body() *profile.Branch { return s.body }

// NewSnapshot is the dataflow before its activation.
func NewSnapshot(f Dataflow, d audience.Directory) *Snapshot {
	return &Snapshot{Flow: f, Directory: d, Enabled: true, body: profile.Tree(append(slices.Clip(f.Attributes), IdentityMap, SegmentMembership)...),
		Mapped: map[profile.AudienceRef]Mapping{}, Ever: map[profile.AudienceRef]bool{}, Names: map[profile.AudienceRef]string{}}
}

// Exports reports whether changes lead to exports now.
func (s *Snapshot) Exports() bool { return s.Active && s.Enabled }

// Activate maps the audiences of the dataflow and starts exporting. It
// returns the audiences whose members are to be backfilled (R113).
func (s *Snapshot) Activate(now time.Time) (*Snapshot, []profile.AudienceRef) {
	if s.Active {
		return s, nil
	}
	next := *s
	next.Active = true
	return next.Map(now, s.Flow.Audiences...)
}

// Map maps further audiences and returns those to be backfilled: the ones
// that never were mapped to this dataflow before (R112, R115).
func (s *Snapshot) Map(now time.Time, audiences ...profile.AudienceRef) (*Snapshot, []profile.AudienceRef) {
	next := *s
	if !s.Active {
		// Still being configured: the activation will map it.
		next.Flow.Audiences = append(slices.Clip(next.Flow.Audiences), audiences...)
		return &next, nil
	}
	next.Mapped, next.Ever, next.Names = maps.Clone(s.Mapped), maps.Clone(s.Ever), maps.Clone(s.Names)
	var backfill []profile.AudienceRef
	at := now.Truncate(time.Second)
	for _, ref := range audiences {
		if _, mapped := next.Mapped[ref]; mapped {
			continue
		}
		if _, named := next.Names[ref]; !named {
			next.Names[ref] = s.Directory[ref].Name
		}
		next.Mapped[ref] = Mapping{Name: next.Names[ref], CreatedAt: at, UpdatedAt: at}
		if !next.Ever[ref] {
			next.Ever[ref] = true
			backfill = append(backfill, ref)
		}
	}
	return &next, backfill
}

// Unmap removes mappings. Nothing is sent for it (R116).
func (s *Snapshot) Unmap(audiences ...profile.AudienceRef) *Snapshot {
	next := *s
	if !s.Active {
		next.Flow.Audiences = slices.DeleteFunc(slices.Clone(s.Flow.Audiences), func(ref profile.AudienceRef) bool {
			return slices.Contains(audiences, ref)
		})
		return &next
	}
	next.Mapped = maps.Clone(s.Mapped)
	for _, ref := range audiences {
		delete(next.Mapped, ref)
	}
	return &next
}

// PerPolicy divides audiences by their merge policies where the reading has one
// export for each (A50), in the order of the first of each; otherwise it leaves
// them together.
func (s *Snapshot) PerPolicy(audiences []profile.AudienceRef) (all [][]profile.AudienceRef) {
	if !s.Flow.Destination.Readings.BodyPerPolicy {
		return [][]profile.AudienceRef{audiences}
	}
	for _, ref := range audiences {
		policy := s.Directory[ref].MergePolicy
		same := func(others []profile.AudienceRef) bool { return s.Directory[others[0]].MergePolicy == policy }
		if i := slices.IndexFunc(all, same); i >= 0 {
			all[i] = append(all[i], ref)
			continue
		}
		all = append(all, []profile.AudienceRef{ref})
	}
	return all
}

// PolicyOf is the merge policy of audiences that PerPolicy divided, by the first
// of them; "" where they are together.
func (s *Snapshot) PolicyOf(audiences []profile.AudienceRef) string {
	if !s.Flow.Destination.Readings.BodyPerPolicy || len(audiences) == 0 {
		return ""
	}
	return s.Directory[audiences[0]].MergePolicy
}

// SetEnabled pauses or resumes every export of the dataflow (R117).
func (s *Snapshot) SetEnabled(enabled bool) *Snapshot {
	next := *s
	next.Enabled = enabled
	return &next
}

// Suppress switches kinds of changes off, and all others on (R53).
func (s *Snapshot) Suppress(kinds Suppressed) *Snapshot {
	next := *s
	next.Flow.Suppressed = kinds
	return &next
}

// Rename gives an audience another name. Mapped audiences keep the name they
// have (R80, A32); the time of the update changes (R71).
func (s *Snapshot) Rename(now time.Time, ref profile.AudienceRef, name string) *Snapshot {
	next := *s
	next.Directory = maps.Clone(s.Directory)
	a := next.Directory[ref]
	a.Name, a.UpdatedAt = name, now
	next.Directory[ref] = a
	return &next
}

// Delete takes all mappings away (R118). Later mappings and activations make
// another dataflow with the same destination and attributes: it remembers no
// earlier mapping, and is enabled.
func (s *Snapshot) Delete() *Snapshot {
	next := NewSnapshot(s.Flow, s.Directory)
	next.Flow.Audiences = nil
	return next
}

// MappedRefs lists the mapped audiences in a fixed order.
func (s *Snapshot) MappedRefs() []profile.AudienceRef {
	refs := make([]profile.AudienceRef, 0, len(s.Mapped))
	for ref := range s.Mapped {
		refs = append(refs, ref)
	}
	slices.SortFunc(refs, func(a, b profile.AudienceRef) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.ID, b.ID))
	})
	return refs
}
