package scenarios

import (
	"strings"
)

// owners know which profile has an identity: by the groups, and by what the
// history adds and takes away.
type owners struct {
	groups []ProfileGroup
	single map[Identity]string // of groups, without {n}
	places []placed            // of groups, with {n}
	now    map[Identity]string // by the history; "" for one that is gone
}

// placed is an identity of a group with {n} in it.
type placed struct {
	group    *ProfileGroup
	identity Identity
}

func newOwners(s *Scenario) *owners {
	o := &owners{groups: s.Profiles, single: map[Identity]string{}, now: map[Identity]string{}}
	for i := range o.groups {
		g := &o.groups[i]
		for _, identity := range g.Identities {
			if strings.Contains(identity.ID, numberPlace) {
				o.places = append(o.places, placed{g, identity})
			} else if g.Names.Len() > 0 {
				o.single[identity] = g.Names.At(0)
			}
		}
	}
	return o
}

// of is the profile that has an identity; "" for none that is known. Synthetic
// and generated identities are nobody's: nobody writes them down.
func (o *owners) of(i Identity) string {
	if name, known := o.now[i]; known {
		return name
	}
	if name, known := o.single[i]; known {
		return name
	}
	for _, p := range o.places {
		if name, ok := p.owner(i); ok {
			return name
		}
	}
	return ""
}

func (o *owners) give(i Identity, name string) { o.now[i] = name }
func (o *owners) leave(i Identity)             { o.now[i] = "" }

// owner is the profile of the range whose identity it is.
func (p placed) owner(i Identity) (name string, ok bool) {
	if i.Namespace != p.identity.Namespace {
		return "", false
	}
	before, after, _ := strings.Cut(p.identity.ID, numberPlace)
	rest, starts := strings.CutPrefix(i.ID, before)
	if !starts {
		return "", false
	}
	// The number ends where the text after it begins, or {n} comes once more.
	tail, _, _ := strings.Cut(after, numberPlace)
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	for end := 1; end <= digits; end++ {
		if !strings.HasPrefix(rest[end:], tail) {
			continue
		}
		names := p.group.Names
		name = names.Prefix + rest[:end] + names.Suffix
		number, inRange := names.Number(name)
		if !inRange {
			continue
		}
		if whole, _ := Expand(p.identity.ID, number).(string); whole == i.ID {
			return name, true
		}
	}
	return "", false
}
