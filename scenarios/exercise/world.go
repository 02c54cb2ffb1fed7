package exercise

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios"
)

// world is the profiles and the dataflow as the history leaves them.
type world struct {
	scenario  *scenarios.Scenario
	audiences map[string]scenarios.Audience // by id
	people    map[string]*person            // those that something happened to
	mapped    map[string]bool               // audience ids
	mapping   []string                      // audience ids that the next activation maps
	ever      map[string]bool               // audience ids that this dataflow has mapped
	renamed   map[string]bool               // audience ids that were renamed while mapped
	active    bool
	disabled  bool
	gone      bool // the dataflow was deleted, and none was activated since
	triggers  scenarios.Triggers
	backfills time.Time       // until when backfills are due
	fresh     map[string]bool // audience ids whose members are due for a backfill
	searched  bool            // for a member that is not due for that backfill
	members   int             // profiles realized in a mapped audience; -1: not counted
	moment    time.Time       // of the last update
	moved     map[string]bool // members that were updated at that moment
}

// person is one profile.
type person struct {
	standings  map[string]standing // by audience id
	attributes map[string]any
	identities []string // namespace:id, as configured
	changed    time.Time
	entered    map[string]bool // audience ids whose membership changed at that time
}

// standing is a membership: realized, or exited at a time.
type standing struct {
	realized bool
	exited   time.Time
}

func newWorld(sc *scenarios.Scenario) *world {
	w := &world{scenario: sc, audiences: map[string]scenarios.Audience{}, people: map[string]*person{}, mapped: map[string]bool{},
		ever: map[string]bool{}, renamed: map[string]bool{}, fresh: map[string]bool{}, moved: map[string]bool{}, triggers: sc.Dataflow.Triggers, members: -1}
	for _, a := range sc.Audiences {
		w.audiences[a.ID] = a
		if slices.Contains(sc.Dataflow.Audiences, a.Key) {
			w.mapping = append(w.mapping, a.ID)
		}
	}
	if sc.Dataflow.Activated {
		w.activate()
	}
	return w
}

func (w *world) activate() {
	w.active, w.gone = true, false
	w.mapMore(w.mapping)
}

// mapMore maps audiences.
func (w *world) mapMore(ids []string) {
	for _, id := range ids {
		w.mapped[id], w.ever[id] = true, true
	}
	w.members = -1
}

// fresh person as the file has it.
func (w *world) initial(name string) *person {
	start, _ := w.scenario.Initial(name)
	p := &person{standings: w.standings(start.Memberships), attributes: start.Attributes}
	for _, i := range start.Identities {
		p.identities = append(p.identities, i.Namespace+":"+i.ID)
	}
	return p
}

func (w *world) standings(all []scenarios.Membership) map[string]standing {
	out := map[string]standing{}
	for _, m := range all {
		for id, a := range w.audiences {
			if a.Key == m.Audience {
				out[id] = standing{realized: !m.Exited, exited: w.scenario.Start.Add(-m.ExitedAgo)}
			}
		}
	}
	return out
}

// person is a profile as it is now, to be changed.
func (w *world) person(name string) *person {
	p := w.people[name]
	if p == nil {
		p = w.initial(name)
		p.attributes = cloned(p.attributes)
		w.people[name] = p
	}
	return p
}

// look is a profile as it is now, not to be changed.
func (w *world) look(name string) *person {
	if p := w.people[name]; p != nil {
		return p
	}
	return w.initial(name)
}

// member reports whether the profile is realized in a mapped audience.
func (w *world) member(p *person) bool {
	for id, s := range p.standings {
		if s.realized && w.mapped[id] {
			return true
		}
	}
	return false
}

// anyMember reports whether a profile is realized in one of some audiences, and
// in none of others.
func (w *world) anyMember(of, notOf map[string]bool) bool {
	is := func(all map[string]standing) bool {
		in := false
		for id, s := range all {
			if s.realized && notOf[id] {
				return false
			}
			in = in || s.realized && of[id]
		}
		return in
	}
	for _, p := range w.people {
		if is(p.standings) {
			return true
		}
	}
	found := false
	w.eachUntouched(func(all []scenarios.Membership, n int) bool {
		found = is(w.standings(all))
		return !found
	})
	return found
}

// count is how many profiles are members now.
func (w *world) count() int {
	if w.members >= 0 {
		return w.members
	}
	w.members = 0
	for _, p := range w.people {
		if w.member(p) {
			w.members++
		}
	}
	w.eachUntouched(func(all []scenarios.Membership, n int) bool {
		if w.member(&person{standings: w.standings(all)}) {
			w.members += n
		}
		return true
	})
	return w.members
}

// eachUntouched calls look with the memberships of profiles that nothing
// happened to, n of them at once, until it returns false.
func (w *world) eachUntouched(look func(all []scenarios.Membership, n int) bool) {
	for i := range w.scenario.Profiles {
		g := &w.scenario.Profiles[i]
		if g.Generate == nil {
			left := int(g.Names.Len())
			for name := range w.people {
				if g.Names.Contains(name) {
					left--
				}
			}
			if left > 0 && !look(g.Memberships, left) {
				return
			}
			continue
		}
		for name := range g.Names.All() {
			if w.people[name] != nil {
				continue
			}
			if all, _ := w.scenario.Memberships(name); !look(all, 1) {
				return
			}
		}
	}
}

// cloned is a copy of a value whose objects can be changed.
func cloned(attributes map[string]any) map[string]any {
	out := maps.Clone(attributes)
	for key, value := range out {
		if object, ok := value.(map[string]any); ok {
			out[key] = cloned(object)
		}
	}
	if out == nil {
		out = map[string]any{}
	}
	return out
}

// at is the value at a dotted path.
func at(attributes map[string]any, path string) (any, bool) {
	var value any = attributes
	for key := range strings.SplitSeq(path, ".") {
		object, ok := value.(map[string]any)
		if !ok {
			return nil, false
		}
		if value, ok = object[key]; !ok {
			return nil, false
		}
	}
	return value, true
}

// set writes a value, with objects in the place of what is in its way.
func set(attributes map[string]any, path string, value any) {
	keys := strings.Split(path, ".")
	for _, key := range keys[:len(keys)-1] {
		object, ok := attributes[key].(map[string]any)
		if !ok {
			object = map[string]any{}
			attributes[key] = object
		}
		attributes = object
	}
	if object, ok := value.(map[string]any); ok {
		value = cloned(object)
	}
	attributes[keys[len(keys)-1]] = value
}

// remove takes a value away; what it was in stays, though empty.
func remove(attributes map[string]any, path string) {
	key := path
	if cut := strings.LastIndex(path, "."); cut >= 0 {
		key = path[cut+1:]
		value, _ := at(attributes, path[:cut])
		attributes, _ = value.(map[string]any)
	}
	delete(attributes, key)
}

// leaves calls look for the path of every value that is not an object.
func leaves(attributes map[string]any, under string, look func(path string)) {
	for key, value := range attributes {
		if object, ok := value.(map[string]any); ok && len(object) > 0 {
			leaves(object, under+key+".", look)
			continue
		}
		look(under + key)
	}
}

// same reports whether two values are written alike.
func same(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

// decoded is a value of a recording.
func decoded(raw json.RawMessage) any {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var value any
	if d.Decode(&value) != nil {
		return nil
	}
	return value
}
