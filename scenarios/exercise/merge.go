package exercise

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/httpdest/httpdest/scenarios/recording"
)

// merge replays a merge as the changes of what the profile gains by it.
func (o *Observer) merge(u *recording.Update) {
	into, from := o.world.person(u.Profile), o.world.look(u.Changes[0].From)
	gains := &recording.Update{At: u.At, Profile: u.Profile}
	for _, identity := range from.identities {
		if !slices.Contains(into.identities, identity) {
			gains.Changes = append(gains.Changes, recording.Change{Op: "add-identity", Identity: identity})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(from.standings)) {
		if from.standings[id].realized && !into.standings[id].realized {
			gains.Changes = append(gains.Changes, recording.Change{Op: "qualify", Audience: id})
		}
	}
	gains.Changes = append(gains.Changes, lacked(into.attributes, from.attributes, "")...)
	if len(gains.Changes) > 0 && o.world.exporting() && (o.world.member(into) || o.world.member(from)) {
		o.note("profile-merged", u.At, u.Profile)
	}
	o.update(gains)
}

// lacked are writes of the attributes that one profile has and another has not.
func lacked(own, other map[string]any, under string) (all []recording.Change) {
	for _, key := range slices.Sorted(maps.Keys(other)) {
		theirs := other[key]
		mine, there := own[key]
		below, isObject := mine.(map[string]any)
		inner, areObject := theirs.(map[string]any)
		switch {
		case !there:
			value, err := json.Marshal(theirs)
			if err != nil {
				panic("exercise: an attribute is not JSON: " + err.Error())
			}
			all = append(all, recording.Change{Op: "set", Path: under + key, Value: value})
		case isObject && areObject:
			all = append(all, lacked(below, inner, under+key+".")...)
		}
	}
	return all
}

// exporting reports whether changes lead to exports.
func (w *world) exporting() bool { return w.active && !w.disabled && !w.gone }

// vanish replays the end of everything that is known of a profile.
func (o *Observer) vanish(u *recording.Update) {
	p := o.world.person(u.Profile)
	if o.world.member(p) {
		if o.world.members >= 0 {
			o.world.members--
		}
		if o.world.exporting() {
			o.note(map[string]string{"merged": "member-merged-away", "forget": "member-forgotten"}[u.Changes[0].Op], u.At, u.Profile)
		}
	}
	*p = person{standings: map[string]standing{}, attributes: map[string]any{}, changed: u.At, entered: map[string]bool{}}
	o.world.move(u.Profile, false, u.At)
}
