package profile

import (
	"maps"
	"slices"
	"time"
)

// merged is a profile after another one has become part of it: it has the
// identities of both, its own attributes and those that only the other had, and
// it qualifies now for every audience that only the other was in.
//
// Decision: the profile that stays wins where both have an attribute, and a
// membership that the other had left is not taken over. Reason: no page mentions
// them, and an attribute has no time by which the later one could
// be chosen. Cost: a policy that orders by time may choose the other value.
func merged(p, other Profile, now time.Time) (Profile, Delta) {
	p, d := Apply(p, Update{p.ID, gains(p, other)}, now, false)
	p.Attributes, d.Written = withMissing(p.Attributes, other.Attributes, "")
	return p, d
}

// gains are the identities and the memberships of another profile as changes of
// this one.
func gains(p, other Profile) []Change {
	var changes []Change
	for _, namespace := range slices.Sorted(maps.Keys(other.Identities)) {
		for _, id := range other.Identities[namespace] {
			changes = append(changes, Change{Op: AddIdentity, Identity: Identity{namespace, id}})
		}
	}
	for _, namespace := range slices.Sorted(maps.Keys(other.Memberships)) {
		for _, id := range slices.Sorted(maps.Keys(other.Memberships[namespace])) {
			if ref := (AudienceRef{namespace, id}); other.In(ref) && !p.In(ref) {
				changes = append(changes, Change{Op: Qualify, Audience: ref})
			}
		}
	}
	return changes
}

// withMissing are attributes with what only the other ones have, and the paths of
// that. Objects are looked into, and neither argument changes.
func withMissing(own, other map[string]any, at Path) (out map[string]any, written []Path) {
	out = own
	changed := false // out is a copy
	for _, name := range slices.Sorted(maps.Keys(other)) {
		path, value := Path(name), other[name]
		if at != "" {
			path = at + "." + path
		}
		if mine, there := own[name]; there {
			below, isObject := mine.(map[string]any)
			theirs, areObject := value.(map[string]any)
			if !isObject || !areObject {
				continue
			}
			inner, more := withMissing(below, theirs, path)
			if len(more) == 0 {
				continue
			}
			value, written = inner, append(written, more...)
		} else {
			written = append(written, path)
		}
		if !changed {
			out, changed = copied(own), true
		}
		out[name] = value
	}
	return out, written
}
