package profile

import "github.com/httpdest/httpdest/internal/limits"

// membershipFrame is the size of a membership as JSON without its audience id:
// two instants and a status.
const membershipFrame = 80

// Size returns about how many bytes the profile takes as JSON.
func (p Profile) Size() int {
	n := len(p.ID) + limits.Size(p.Attributes)
	for namespace, ids := range p.Identities {
		n += len(namespace)
		for _, id := range ids {
			n += limits.IdentitySize(id)
		}
	}
	for namespace, entries := range p.Memberships {
		n += len(namespace)
		for id := range entries {
			n += len(id) + membershipFrame
		}
	}
	return n
}

// WithinLimits returns the size, and a *limits.Exceeded for a profile that is too
// large to keep and to export.
func (p Profile) WithinLimits() (size int, err error) {
	if err := limits.ProfileIdentities.Check(int(p.CountIdentities())); err != nil {
		return 0, err
	}
	size = p.Size()
	return size, limits.ProfileBytes.Check(size)
}
