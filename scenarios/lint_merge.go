package scenarios

import (
	"fmt"
)

// merge plays a merge: one profile takes over what the other has and it has not.
func (r *replay) merge(step *Step, p *replayed, name string) (message, hint string) {
	from := step.Other(name)
	other := r.profiles[from]
	if other == nil {
		return "", "" // in the middle of a range
	}
	if other.gone != "" {
		r.wrong(step.Pos, "name a profile that is still there", "merge: %s %s", from, other.gone)
		return "", ""
	}
	gains := false
	for identity, has := range other.identities {
		if has {
			gains = gains || !p.identities[identity]
			p.identities[identity] = true
			r.owners.give(identity, name)
		}
	}
	for audience, in := range other.memberships {
		if in && !p.memberships[audience] {
			p.memberships[audience], gains = true, true
		}
	}
	if attributes, more := mergedAttributes(p.attributes, other.attributes); more {
		p.attributes, gains = attributes, true
	}
	empty := replayed{group: other.group, gone: fmt.Sprintf("was merged into %s at %s", name, plainDuration(step.At))}
	*other = empty
	if !gains {
		return fmt.Sprintf("merge: %s has everything that %s has at %s", name, from, plainDuration(step.At)), "give the other profile something of its own"
	}
	return "", ""
}

// mergedAttributes are attributes with those that only the other profile has, and
// whether there are any.
func mergedAttributes(own, other map[string]any) (out map[string]any, more bool) {
	out = map[string]any{}
	for name, value := range own {
		out[name] = value
	}
	for name, theirs := range other {
		mine, there := own[name]
		if !there {
			out[name], more = theirs, true
			continue
		}
		below, isObject := mine.(map[string]any)
		inner, areObject := theirs.(map[string]any)
		if !isObject || !areObject {
			continue
		}
		if both, gained := mergedAttributes(below, inner); gained {
			out[name], more = both, true
		}
	}
	return out, more
}

// forget plays the end of everything that is known of a profile.
func (r *replay) forget(step *Step, p *replayed, name string) (message, hint string) {
	known := len(p.attributes) > 0
	for identity, has := range p.identities {
		if has {
			known = true
			r.owners.leave(identity)
		}
	}
	known = known || len(p.memberships) > 0
	*p = replayed{group: p.group, attributes: map[string]any{}, had: map[string]bool{}, identities: map[Identity]bool{},
		memberships: map[string]bool{}, crossed: map[string]crossing{}}
	if !known {
		return fmt.Sprintf("forget: nothing is known of %s at %s", name, plainDuration(step.At)), "forget it once"
	}
	return "", ""
}
