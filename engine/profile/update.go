package profile

import (
	"fmt"
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

	// Each of these stands alone in its update.
	Merge  Op = "merge"  // another profile becomes part of this one
	Merged Op = "merged" // this profile became part of another one: nothing of it stays
	Forget Op = "forget" // nothing of it stays
)

// Change is one change within an update; Op decides which fields count.
type Change struct {
	Op       Op
	Audience AudienceRef // Qualify, Exit
	Path     Path        // Set, Remove
	Value    any         // Set
	Identity Identity    // AddIdentity, RemoveIdentity, ReplaceIdentity
	To       string      // ReplaceIdentity: the new id in the same namespace
	Other    *Profile    // Merge: the other profile as it is; Merged: the one that stays, by its ID alone
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
	Again      []AudienceRef // that the profile qualified for and was in already
	Identities bool
	Written    []Path
}

// Apply returns the profile after the update, and what the update did. It
// panics on an Op it does not know: updates are built from these constants.
//
// To qualify for an audience that the profile is in changes nothing of it, unless
// moves says that it moves the time of the qualification (A41).
func Apply(p Profile, u Update, now time.Time, moves bool) (Profile, Delta) {
	var d Delta
	done := newCopies(u)
	own := false // p.Attributes is a copy already, and shared with nobody
	for _, c := range u.Changes {
		switch c.Op {
		case Qualify:
			if !p.In(c.Audience) {
				p.Memberships = done.withMembership(p.Memberships, c.Audience, Membership{Status: Realized, LastQualified: now})
				d.Entered = append(d.Entered, c.Audience)
			} else if moves {
				p.Memberships = done.withMembership(p.Memberships, c.Audience, Membership{Status: Realized, LastQualified: now})
				d.Again = append(d.Again, c.Audience)
			}
		case Exit:
			if p.In(c.Audience) {
				m, _ := p.Membership(c.Audience)
				exited := Membership{Status: Exited, LastQualified: m.LastQualified, ExitedAt: now}
				p.Memberships = done.withMembership(p.Memberships, c.Audience, exited)
				d.Left = append(d.Left, c.Audience)
			}
		case Set:
			if !own {
				p.Attributes, own = copied(p.Attributes), true
			}
			done.attributesOf().write(p.Attributes, c.Path, c.Value)
			d.Written = append(d.Written, c.Path)
		case Remove:
			if _, ok := Lookup(p.Attributes, c.Path); ok {
				if !own {
					p.Attributes, own = copied(p.Attributes), true
				}
				done.attributesOf().remove(p.Attributes, c.Path)
				d.Written = append(d.Written, c.Path)
			}
		case AddIdentity, RemoveIdentity, ReplaceIdentity:
			changed := done.withIdentity(p.Identities, c)
			d.Identities = d.Identities || changed.ok
			p.Identities = changed.identities
		case Merge:
			return merged(p, *c.Other, now)
		case Merged, Forget:
			return Profile{ID: p.ID}, Delta{}
		default:
			panic(fmt.Sprintf("profile: unknown change %q", c.Op))
		}
	}
	p.Identities = done.finish(p.Identities)
	return p, d
}
