// Package profile is the XDM profile document and its changes. PURE.
//
// A Profile is a value: Apply returns a new one and shares what did not change,
// so a caller may keep the old one, and nothing here may be modified in place.
package profile

import (
	"slices"
	"time"
)

// ID names a profile within the organisation. It never travels; what a
// receiver knows a profile by is its identityMap.
type ID string

// Status is a membership's state. Only these two exist on the wire (R66).
type Status string

// The two states of a membership.
const (
	Realized Status = "realized"
	Exited   Status = "exited"
)

// AudienceRef names an audience the way segmentMembership does: a namespace
// ("ups", "CustomerAudienceUpload") and an id within it (R75).
type AudienceRef struct{ Namespace, ID string }

// Membership is one entry of segmentMembership.
type Membership struct {
	Status        Status
	LastQualified time.Time // stays when the profile exits; what is exported then is a reading (A35)
	ExitedAt      time.Time // when Status became Exited
}

// Identity is one entry of identityMap.
type Identity struct{ Namespace, ID string }

// Profile is the document: record attributes, identityMap, segmentMembership.
type Profile struct {
	ID          ID
	Attributes  map[string]any                   // nested; leaves are string, bool, json.Number (which keeps its spelling) or []any
	Identities  map[string][]string              // namespace -> ids in the order they were added
	Memberships map[string]map[string]Membership // namespace -> audience id
}

// Membership returns the profile's standing in an audience; ok is false when
// it never was a member.
func (p Profile) Membership(a AudienceRef) (m Membership, ok bool) {
	m, ok = p.Memberships[a.Namespace][a.ID]
	return m, ok
}

// In reports whether the profile is realized in the audience now.
func (p Profile) In(a AudienceRef) bool {
	m, ok := p.Membership(a)
	return ok && m.Status == Realized
}

// HasIdentity reports whether the identityMap has this entry.
func (p Profile) HasIdentity(i Identity) bool {
	return slices.Contains(p.Identities[i.Namespace], i.ID)
}

// CountIdentities is how many entries the identityMap has, over all namespaces.
func (p Profile) CountIdentities() int64 {
	var n int64
	for _, ids := range p.Identities {
		n += int64(len(ids))
	}
	return n
}
