package profile

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// Op is the kind of one change.
type Op string

// The changes a profile can undergo.
const (
	Qualify         Op = "qualify"
	Exit            Op = "exit"
	Set             Op = "set"
	Remove          Op = "remove"
	AddIdentity     Op = "add-identity"
	RemoveIdentity  Op = "remove-identity"
	ReplaceIdentity Op = "replace-identity"
)

// Change is one change within an update; Op says which fields count.
type Change struct {
	Op       Op
	Audience AudienceRef // Qualify, Exit
	Path     Path        // Set, Remove
	Value    any         // Set
	Identity Identity    // AddIdentity, RemoveIdentity, ReplaceIdentity
	To       string      // ReplaceIdentity: the new id in the same namespace
}

// Update is one change to one profile. Its Changes happen at once: together
// they determine at most one export per dataflow.
type Update struct {
	Profile ID
	Changes []Change
}

// Delta is what an update really did. A change that left everything as it was
// (entering an audience the profile is in, adding an identity it has) is not
// in it, with one exception that the page makes: a write of the value an
// attribute already had is an update (R48).
type Delta struct {
	Entered    []AudienceRef
	Left       []AudienceRef
	Identities bool
	Written    []Path
}

// Apply returns the profile after the update, and what the update did. It
// panics on an Op it does not know: updates are built from these constants.
func Apply(p Profile, u Update, now time.Time) (Profile, Delta) {
	var d Delta
	own := false // p.Attributes is a copy already, and shared with nobody
	for _, c := range u.Changes {
		switch c.Op {
		case Qualify:
			if !p.In(c.Audience) {
				p = p.withMembership(c.Audience, Membership{Status: Realized, LastQualified: now})
				d.Entered = append(d.Entered, c.Audience)
			}
		case Exit:
			if p.In(c.Audience) {
				m, _ := p.Membership(c.Audience)
				p = p.withMembership(c.Audience, Membership{Status: Exited, LastQualified: m.LastQualified, ExitedAt: now})
				d.Left = append(d.Left, c.Audience)
			}
		case Set:
			if !own {
				p.Attributes, own = copied(p.Attributes), true
			}
			write(p.Attributes, c.Path, c.Value)
			d.Written = append(d.Written, c.Path)
		case Remove:
			if _, ok := Lookup(p.Attributes, c.Path); ok {
				p.Attributes = remove(p.Attributes, c.Path)
				d.Written = append(d.Written, c.Path)
			}
		case AddIdentity, RemoveIdentity, ReplaceIdentity:
			changed := p.withIdentities(c)
			d.Identities = d.Identities || changed.ok
			p.Identities = changed.identities
		default:
			panic(fmt.Sprintf("profile: unknown change %q", c.Op))
		}
	}
	return p, d
}

// withMembership returns the profile with one entry replaced.
func (p Profile) withMembership(a AudienceRef, m Membership) Profile {
	all := maps.Clone(p.Memberships)
	if all == nil {
		all = map[string]map[string]Membership{}
	}
	entries := maps.Clone(all[a.Namespace])
	if entries == nil {
		entries = map[string]Membership{}
	}
	entries[a.ID] = m
	all[a.Namespace] = entries
	p.Memberships = all
	return p
}

type identityChange struct {
	identities map[string][]string
	ok         bool
}

// withIdentities applies an identity change to the identityMap. A namespace
// whose last identity goes is removed with it: no empty lists (R39).
func (p Profile) withIdentities(c Change) identityChange {
	from := c.Identity.Canonical()
	to := Identity{c.Identity.Namespace, c.To}.Canonical().ID
	ids := slices.Clone(p.Identities[from.Namespace])
	at := slices.Index(ids, from.ID)
	switch {
	case c.Op == AddIdentity && at < 0:
		ids = append(ids, from.ID)
	case c.Op == RemoveIdentity && at >= 0:
		ids = slices.Delete(ids, at, at+1)
	case c.Op == ReplaceIdentity && at >= 0 && !slices.Contains(ids, to):
		ids[at] = to
	default:
		return identityChange{p.Identities, false}
	}
	all := maps.Clone(p.Identities)
	if all == nil {
		all = map[string][]string{}
	}
	if len(ids) == 0 {
		delete(all, from.Namespace)
	} else {
		all[from.Namespace] = ids
	}
	return identityChange{all, true}
}
