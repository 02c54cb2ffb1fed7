package oracle

import (
	"maps"
	"slices"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// changeBy answers what an update has to lead to, by readings.
func (o *Oracle) changeBy(p *person, m moment, reads readings) Possible {
	if p.view != nil && p.view.rest {
		return o.restChange(p, m, reads)
	}
	x := Possible{Profile: p.name, Obligation: Must, From: m.event.At(), To: m.event.At(), earliest: m.event.At(), tick: m.last, live: true,
		triggers: map[string]bool{}, violation: map[string]string{}}
	before, after := m.first-1, m.last
	member := o.changes(p, after)
	why := "incremental" // of the first change, should none lead to an export
	if m.merge != nil {
		why = "merge-gains"
	}
	for i, c := range m.event.Update.Changes {
		trigger, r := o.cause(p, c, m.first+i, before, after, member, reads)
		if m.merge != nil {
			r = ofMerge(trigger, r)
		}
		switch {
		case trigger != "":
			if c.Audience != "" {
				x.triggers[c.Audience] = true
			}
			if _, there := x.violation[trigger]; !there {
				x.violation[trigger] = r
			}
		case i == 0:
			why = r
		}
	}
	external := o.contested(&x, after)
	if off := o.switchedOff(&x, after, reads); len(x.violation) == 0 && len(off) > 0 {
		why = "wta-switches"
		if external {
			why = "wta-switches/external"
		}
	}
	if o.flow.gone(after) {
		why = "delete-unmaps"
		x.violation = nil
	}
	if len(x.violation) > 0 && !o.flow.exports(after) {
		why = "disabled-silent"
		if !o.flow.active.holds(after) {
			why = "incremental"
		}
		x.violation = nil
	}
	if len(x.violation) == 0 {
		x.Obligation, x.Clause = MustNot, why
	} else {
		x.Because = slices.Sorted(maps.Keys(x.violation))
		x.Clause = x.missing(external)
	}
	o.ofView(p, m, &x, reads)
	return x
}

// missing is the clause that a missing export breaks: that of a switch, or else an
// audience says most, an attribute least. external is contested.
func (x *Possible) missing(external bool) string {
	_, entered := x.violation["audience"]
	switch {
	case entered && external && len(x.violation) == 1:
		return "wta-switches/external"
	case slices.Equal(x.off, []string{"identity"}) && slices.Equal(x.Because, []string{"audience"}):
		return "wta-identity-not-segments"
	case len(x.off) > 0:
		return "wta-combination"
	}
	for _, trigger := range []string{"audience", "identity", "attribute"} {
		if r, ok := x.violation[trigger]; ok {
			return r
		}
	}
	return x.Clause
}

// switchedOff takes out the triggers that are switched off (R53): what is left
// is why the change is exported (R54).
func (o *Oracle) switchedOff(x *Possible, tick int, reads readings) []string {
	for trigger := range x.violation {
		if trigger != "audience" && o.flow.off[trigger].holds(tick) || trigger == "audience" && o.audiencesOff(x, tick, reads) {
			x.off = append(x.off, trigger)
		}
	}
	slices.Sort(x.off)
	for _, trigger := range x.off {
		delete(x.violation, trigger)
		if trigger == "audience" {
			x.triggers = map[string]bool{}
		}
	}
	return x.off
}

// audiencesOff takes out of an update the audiences whose switch is off, and
// reports whether none is left. External ones have a switch of their own by a reading
// (A54).
func (o *Oracle) audiencesOff(x *Possible, tick int, reads readings) bool {
	maps.DeleteFunc(x.triggers, func(id string, _ bool) bool {
		kind := "audience"
		if o.external(id) && reads(scenarios.ReadingExternalAudiences) == "own-switch" {
			kind = "external"
		}
		return o.flow.off[kind].holds(tick)
	})
	return len(x.triggers) == 0
}

func (o *Oracle) external(id string) bool {
	origin := o.audiences[id].Origin
	return origin != "" && origin != "segmentation"
}

// contested reports whether the audiences of an update are external ones alone,
// and the two readings have different switches for them.
func (o *Oracle) contested(x *Possible, tick int) bool {
	for id := range x.triggers {
		if !o.external(id) {
			return false
		}
	}
	return len(x.triggers) > 0 && o.flow.off["audience"].holds(tick) != o.flow.off["external"].holds(tick)
}

// member reports whether the profile is realized in a mapped audience (R50).
func (o *Oracle) member(p *person, tick int) bool {
	for id, t := range p.memberships {
		if t.holds(tick) && o.flow.has(id, tick) {
			return true
		}
	}
	return false
}

// cause is the trigger that a change is, with the clause that asks for it; or ""
// with the clause that forbids one.
func (o *Oracle) cause(p *person, c recording.Change, tick, before, after int, member bool, reads readings) (string, string) {
	switch c.Op {
	case "qualify", "exit":
		return o.audienceCause(p, c, tick, reads)
	case "merged", "forget":
		return "", silentEnd(c.Op)
	case "set", "remove", gain:
		r, touched := o.attributeCause(p, c, tick, before, after)
		if touched && !member {
			return "", "trig-member-only"
		}
		if touched {
			return "attribute", r
		}
		return "", r
	}
	r := "trig-identity-any"
	if c.Op == "add-identity" {
		r = "trig-identity-add"
	}
	switch changed := !slices.Equal(p.identitiesAt(tick-1), p.identitiesAt(tick)); {
	case !changed:
		return "", "trig-identity-any/unchanged"
	case !member:
		return "", "trig-member-only"
	}
	return "identity", r
}

// audienceCause: to enter or to leave a mapped audience counts (R41–R43), to
// stay in it or out of it does not (R52).
func (o *Oracle) audienceCause(p *person, c recording.Change, tick int, reads readings) (string, string) {
	was, is := p.realized(c.Audience, tick-1), p.realized(c.Audience, tick)
	switch {
	case !o.flow.has(c.Audience, tick) && o.flow.once(c.Audience, tick):
		return "", "unmap-silent"
	case !o.flow.has(c.Audience, tick):
		return "", "trig-unmapped-audience"
	case !o.sees(p, c.Audience):
		return "", "one-body"
	case was == is && is && reads(scenarios.ReadingRequalification) == "exported":
		return "audience", "no-requalify"
	case was == is && is:
		return "", "no-requalify"
	case was == is:
		return "", "trig-exit/left-already"
	case is:
		return "audience", "trig-enter"
	}
	return "audience", "trig-exit"
}

// attributeCause: a write counts at a mapped attribute, within it, and above it
// where it was there before or is afterwards; whatever the value is (R46–R49).
func (o *Oracle) attributeCause(p *person, c recording.Change, tick, before, after int) (string, bool) {
	at := pathOf(c)
	if c.Op == "remove" && !p.document.exists(at, tick-1) {
		return "trig-attr-mapped/nothing-removed", false
	}
	for _, m := range o.mapped {
		was := p.document.exists(m, before)
		if within(at, m) || within(m, at) && (was || p.document.exists(m, after)) {
			return attributeRule(p, c, at, tick, was), true
		}
	}
	return "trig-attr-unmapped", false
}

// attributeRule is the rule that a write of a mapped attribute is a case of.
func attributeRule(p *person, c recording.Change, at string, tick int, was bool) string {
	switch {
	case c.Op == "remove":
		return "trig-attr-mapped/removed"
	case !was || !p.document.exists(at, tick-1):
		return "trig-attr-add"
	case p.document.sameAt(at, tick-1, tick):
		return "trig-overwrite"
	}
	return "trig-attr-mapped"
}

// sameAt reports whether what is at a path is the same after two ticks.
func (d *document) sameAt(at string, one, other int) bool {
	a, b := d.at([]string{at}, one), d.at([]string{at}, other)
	if len(a) != len(b) {
		return false
	}
	for path, value := range a {
		if !alike(value, b[path]) {
			return false
		}
	}
	return true
}

// alike compares two values of a history, whichever way their numbers came.
func alike(a, b any) bool { return text(a) == text(b) }
