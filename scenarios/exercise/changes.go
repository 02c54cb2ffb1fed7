package exercise

import (
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios/recording"
)

// The kinds of changes, and the switch of each.
var switchOf = map[string]string{"audience": "segmentationChanges", "attribute": "attributeChanges", "identity": "identityChanges"}

// effect is the effect of one change: a kind of change that is a reason to
// export, or a word for one that is not.
type effect struct {
	kind   string   // "" for none
	words  []string // facts of a change that is a reason
	silent string   // the fact of a change that is not a reason
}

// update replays an update and notes what it amounts to.
func (o *Observer) update(u *recording.Update) {
	if len(u.Changes) == 1 {
		switch u.Changes[0].Op {
		case "merge":
			o.merge(u)
			return
		case "merged", "forget":
			o.vanish(u)
			return
		}
	}
	p := o.world.person(u.Profile)
	was := o.world.member(p)
	p.changed, p.entered = u.At, map[string]bool{}
	member := o.memberAfter(p, u.Changes)
	var effects []effect
	for _, c := range u.Changes {
		effects = append(effects, o.apply(p, c, u.At, member))
	}
	is := o.world.member(p)
	if o.world.members >= 0 && is != was {
		o.world.members += map[bool]int{true: 1, false: -1}[is]
	}
	o.world.move(u.Profile, is, u.At)
	o.classify(effects, u.At, u.Profile)
}

// move notes that a profile was updated, and whether it is a member now.
func (w *world) move(name string, member bool, at time.Time) {
	if !at.Equal(w.moment) {
		w.moment, w.moved = at, map[string]bool{}
	}
	if delete(w.moved, name); member {
		w.moved[name] = true
	}
}

// memberAfter reports whether the profile is a member once all changes are
// made.
func (o *Observer) memberAfter(p *person, changes []recording.Change) bool {
	after := map[string]bool{}
	for id, s := range p.standings {
		after[id] = s.realized
	}
	for _, c := range changes {
		switch c.Op {
		case "qualify":
			after[c.Audience] = true
		case "exit":
			after[c.Audience] = false
		}
	}
	for id, realized := range after {
		if realized && o.world.mapped[id] {
			return true
		}
	}
	return false
}

// classify notes the facts of an update.
func (o *Observer) classify(effects []effect, at time.Time, what string) {
	on, off := map[string]bool{}, map[string]bool{}
	for _, e := range effects {
		switch {
		case e.kind == "":
		case o.world.triggers.On(switchOf[e.kind]):
			on[e.kind] = true
		default:
			off[e.kind] = true
		}
	}
	reason := len(on) > 0
	switch {
	case o.world.gone:
		if reason {
			o.note("due-after-deletion", at, what)
		}
		return
	case !o.world.active:
		return
	case o.world.disabled:
		if reason {
			o.note("due-while-disabled", at, what)
		}
		return
	}
	for _, e := range effects {
		switch {
		case on[e.kind]:
			for _, word := range e.words {
				o.note(word, at, what)
			}
		case e.silent != "" && (!reason || e.silent == "requalified" && !on["audience"]):
			o.note(e.silent, at, what)
		}
	}
	switch {
	case len(off) > 0 && !reason:
		o.note("switched-off-change", at, what)
	case len(off) > 0:
		o.note("combined-change", at, what)
	}
	if off["identity"] && on["audience"] {
		o.note("entry-by-identity", at, what)
	}
}

// apply makes one change.
func (o *Observer) apply(p *person, c recording.Change, at time.Time, member bool) effect {
	switch c.Op {
	case "qualify", "exit":
		return o.membership(p, c, at)
	case "set", "remove":
		return o.attribute(p, c, member)
	}
	return o.identity(p, c, member)
}

func (o *Observer) membership(p *person, c recording.Change, at time.Time) effect {
	was := p.standings[c.Audience]
	is := standing{realized: c.Op == "qualify", exited: was.exited}
	if was.realized && !is.realized {
		is.exited = at
	}
	if _, held := p.standings[c.Audience]; held || is.realized {
		p.standings[c.Audience] = is
	}
	switch changed := was.realized != is.realized; {
	case changed && !o.world.mapped[c.Audience]:
		return effect{silent: "unmapped-audience-changed"}
	case changed:
		p.entered[c.Audience] = true
		return effect{kind: "audience", words: []string{map[bool]string{true: "audience-entered", false: "audience-left"}[is.realized]}}
	case is.realized && o.world.mapped[c.Audience]:
		return effect{silent: "requalified"}
	}
	return effect{}
}

// attribute replays a write or a removal: it is an update of every mapped
// attribute within it, and of the one that it is within.
func (o *Observer) attribute(p *person, c recording.Change, member bool) effect {
	before, existed := at(p.attributes, c.Path)
	if c.Op == "remove" && !existed {
		return effect{}
	}
	had := o.mappedHeld(p)
	if c.Op == "set" {
		set(p.attributes, c.Path, decoded(c.Value))
	} else {
		remove(p.attributes, c.Path)
	}
	has := o.mappedHeld(p)
	touched, gained := false, false
	for _, m := range o.scenario.Dataflow.Attributes {
		touched = touched || within(c.Path, m) || within(m, c.Path) && (had[m] || has[m])
		gained = gained || has[m] && !had[m]
	}
	switch {
	case touched && !member:
		return o.ofNonMember("attribute", "mapped-attribute-updated")
	case !touched && member:
		return effect{silent: "unmapped-attribute-updated"}
	case !touched:
		return effect{}
	}
	e := effect{kind: "attribute", words: []string{"mapped-attribute-updated"}}
	if gained {
		e.words = append(e.words, "attribute-gained")
	}
	if after, _ := at(p.attributes, c.Path); c.Op == "set" && existed && same(before, after) {
		e.words = append(e.words, "attribute-overwritten")
	}
	return e
}

// mappedHeld lists the mapped attributes that a profile has.
func (o *Observer) mappedHeld(p *person) map[string]bool {
	held := map[string]bool{}
	for _, m := range o.scenario.Dataflow.Attributes {
		_, held[m] = at(p.attributes, m)
	}
	return held
}

// ofNonMember is a change of a profile that is in no mapped audience. Where no
// membership is required it is a reason all the same.
func (o *Observer) ofNonMember(kind string, words ...string) effect {
	if o.scenario.Dataflow.RequireMembership {
		return effect{silent: "non-member-changed"}
	}
	return effect{kind: kind, words: append(words, "non-member-changed")}
}

func (o *Observer) identity(p *person, c recording.Change, member bool) effect {
	held := slices.Index(p.identities, c.Identity)
	word := "identity-changed"
	switch {
	case c.Op == "add-identity" && held < 0:
		p.identities = append(slices.Clone(p.identities), c.Identity)
		word = "identity-added"
	case c.Op == "remove-identity" && held >= 0:
		p.identities = slices.Delete(slices.Clone(p.identities), held, held+1)
	case c.Op == "replace-identity" && held >= 0:
		namespace, _, _ := strings.Cut(c.Identity, ":")
		to := namespace + ":" + c.To
		if to == c.Identity {
			return effect{}
		}
		p.identities = slices.Clone(p.identities)
		p.identities[held] = to
	default:
		return effect{}
	}
	if !member {
		return o.ofNonMember("identity", word)
	}
	return effect{kind: "identity", words: []string{word}}
}
