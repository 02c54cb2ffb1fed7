package oracle

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// merged is a moment at which another profile becomes part of the one of the
// update: the update is what that profile gains.
//
// Decision: the one that stays has the identities of both, its own attributes and
// those of which it had nothing, and qualifies at that moment for the audiences
// that only the other was in.
func (o *Oracle) merged(u *recording.Update, from string, tick int) *recording.Update {
	into, other := o.newPerson(u.Profile), o.newPerson(from)
	gains := &recording.Update{At: u.At, Profile: u.Profile}
	has := into.identitiesAt(tick)
	for _, identity := range other.identitiesAt(tick) {
		if !slices.Contains(has, identity) {
			gains.Changes = append(gains.Changes, recording.Change{Op: "add-identity", Identity: identity})
		}
	}
	for _, id := range slices.Sorted(maps.Keys(other.memberships)) {
		if other.realized(id, tick) && !into.realized(id, tick) {
			gains.Changes = append(gains.Changes, recording.Change{Op: "qualify", Audience: id})
		}
	}
	for _, path := range slices.Sorted(maps.Keys(other.document.leaves)) {
		leaf, there := alive(other.document.leaves[path], tick)
		if !there || into.document.inTheWay(path, tick) {
			continue
		}
		value, err := json.Marshal(leaf.value)
		if err != nil {
			panic("oracle: a leaf is not JSON: " + err.Error())
		}
		gains.Changes = append(gains.Changes, recording.Change{Op: gain, Path: path, Value: value})
	}
	return gains
}

// gain is the change by which a profile gets a leaf of another one. Its path has
// the separator of documents.
const gain = "gain"

// pathOf is the path of a change in the form of documents.
func pathOf(c recording.Change) string {
	if c.Op == gain {
		return c.Path
	}
	return inner(c.Path)
}

// inTheWay reports whether a profile has anything for which a leaf of another one
// at this path is left out: something at it or below it, or a value above it.
func (d *document) inTheWay(path string, tick int) bool {
	for own, facts := range d.leaves {
		f, there := alive(facts, tick)
		if !there || !within(own, path) && !within(path, own) {
			continue
		}
		if object, is := f.value.(map[string]any); is && len(object) == 0 && own != path && within(path, own) {
			continue // an empty object takes it in
		}
		return true
	}
	return false
}

// vanish ends everything that is known of a person, as if it had never been: an
// exit would leave a membership that was.
func (p *person) vanish(tick int, m moment, memberships map[string][]statement) {
	at := m.event.At()
	for id := range p.memberships {
		memberships[id] = append(memberships[id], statement{tick: tick, at: at, erases: true})
	}
	for id, said := range memberships {
		if !said[len(said)-1].erases {
			memberships[id] = append(said, statement{tick: tick, at: at, erases: true})
		}
	}
	for identity, t := range p.identities {
		p.identities[identity] = t.follow([]statement{{tick: tick, at: at}})
	}
	p.document.end(tick, func(string) bool { return true })
	p.vanished = append(p.vanished, at)
}

// merge is what a profile that became part of another one had.
type merge struct {
	from      string
	leaves    []string        // of its attributes
	audiences map[string]bool // ids of its memberships, of those it had left as well
}

// expanded is an event whose merge is what the profile gains by it.
func (o *Oracle) expanded(e Event, tick int) (out Event, m *merge) {
	if e.Update == nil || len(e.Update.Changes) != 1 || e.Update.Changes[0].Op != "merge" {
		return e, nil
	}
	m = &merge{from: e.Update.Changes[0].From, audiences: map[string]bool{}}
	other := o.newPerson(m.from)
	for path, facts := range other.document.leaves {
		if _, there := alive(facts, tick); there {
			m.leaves = append(m.leaves, path)
		}
	}
	for id, t := range other.memberships {
		_, m.audiences[id] = t.latest(tick)
	}
	e.Update = o.merged(e.Update, m.from, tick)
	return e, m
}

// ofMerge is the clause by which a gain is a reason to export, or is not. New
// identities are documented as a reason, whatever brings them.
func ofMerge(trigger, clause string) string {
	if trigger == "identity" || trigger == "" && clause != "incremental" {
		return clause
	}
	return "merge-gains"
}

// ends are the clauses that forbid an export of a profile that ends.
var ends = []string{"merge-silent", "forget-silent"}

// silentEnd is the clause that forbids an export of a profile that ends.
func silentEnd(op string) string {
	if op == "merged" {
		return "merge-silent"
	}
	return "forget-silent"
}

// mergedBy lists the merges into a profile up to a tick, the last one first.
func (p *person) mergedBy(tick int) []moment {
	var out []moment
	for _, m := range slices.Backward(p.moments) {
		if m.merge != nil && m.last <= tick {
			out = append(out, m)
		}
	}
	return out
}

// contested reports whether a merge decided between two values at a path, and
// nothing was written there since: the documentation has no winner.
func (p *person) contested(path string, tick int) bool {
	for _, m := range p.mergedBy(tick) {
		near := func(leaf string) bool { return within(leaf, path) || within(path, leaf) }
		if slices.ContainsFunc(m.merge.leaves, near) && p.document.since(path, tick) <= m.last {
			return true
		}
	}
	return false
}

// since is the tick of the last fact at a path, above it or below it.
func (d *document) since(at string, tick int) (last int) {
	for path, facts := range d.leaves {
		if !within(path, at) && !within(at, path) {
			continue
		}
		for _, f := range facts {
			if f.from <= tick {
				last = max(last, f.from)
			}
			if f.to <= tick {
				last = max(last, f.to)
			}
		}
	}
	return last
}

// broughtBy reports whether the other profile of a merge had the membership as
// well, and nothing was said about it since.
func (p *person) broughtBy(audience string, tick int) bool {
	for _, m := range p.mergedBy(tick) {
		later := func(s statement) bool { return s.tick > m.last && s.tick <= tick }
		if m.merge.audiences[audience] && !slices.ContainsFunc(p.said[audience], later) {
			return true
		}
	}
	return false
}

// syntheticOf are the identities that nobody wrote down, of a profile and of those
// that became part of it.
func (o *Oracle) syntheticOf(p *person, tick int) []string {
	out := []string{"ecid:" + scenarios.ECID(o.scenario.Seed, p.name)}
	for _, m := range p.mergedBy(tick) {
		out = append(out, "ecid:"+scenarios.ECID(o.scenario.Seed, m.merge.from))
	}
	return out
}
