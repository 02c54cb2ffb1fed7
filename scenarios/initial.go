package scenarios

import (
	"slices"
	"strings"

	"github.com/httpdest/httpdest/scenarios/generate"
)

// Initial is the state of a profile at Start: the values of its group, laid
// over those generated for its name.
type Initial struct {
	Attributes  map[string]any // nil for none; parts may be shared with other profiles: change nothing in place
	Identities  []Identity     // the synthetic ecid comes first, where there is one; see ProfileGroup.Synthetic
	Memberships []Membership
}

// groupIndex finds the group of a name without looking at all of them.
type groupIndex struct {
	groups []ProfileGroup
	single map[string]int // name -> index of its group, for groups of one name
	ranges []int          // indexes of the numbered groups
}

func indexGroups(groups []ProfileGroup) *groupIndex {
	x := &groupIndex{single: map[string]int{}}
	for i := range groups {
		x.grow(groups[:i+1])
	}
	return x
}

// grow takes in the last of the groups.
func (x *groupIndex) grow(groups []ProfileGroup) {
	x.groups = groups
	last := len(groups) - 1
	switch names := groups[last].Names; {
	case names.Numbered:
		x.ranges = append(x.ranges, last)
	case names.Len() > 0:
		x.single[names.At(0)] = last
	}
}

// of reports whether the index is that of these groups.
func (x *groupIndex) of(groups []ProfileGroup) bool {
	return x != nil && len(x.groups) == len(groups) && (len(groups) == 0 || &x.groups[0] == &groups[0])
}

func (x *groupIndex) find(name string) (group *ProfileGroup, number int64, ok bool) {
	if i, single := x.single[name]; single {
		return &x.groups[i], 0, true
	}
	for _, i := range x.ranges {
		if n, ok := x.groups[i].Names.Number(name); ok {
			return &x.groups[i], n, true
		}
	}
	return nil, 0, false
}

// Group is the group of a profile, and its number in a range, which {n} stands
// for; false when no group has the name.
func (s *Scenario) Group(name string) (group *ProfileGroup, number int64, ok bool) {
	x := s.groups
	if !x.of(s.Profiles) { // not from a file, or changed since
		x = indexGroups(s.Profiles)
	}
	return x.find(name)
}

// Initial returns the state of a profile at Start; false when no group has the
// name. It is a function of the scenario and the name: nothing is kept.
func (s *Scenario) Initial(name string) (Initial, bool) {
	g, n, ok := s.Group(name)
	if !ok {
		return Initial{}, false
	}
	out := Initial{Memberships: s.memberships(g, name)}
	out.Attributes, _ = Expand(g.Attributes, n).(map[string]any)
	identities := expandIdentities(g.Identities, n)
	if g.Generate != nil {
		person := generate.Person(s.seedOf(g), name)
		out.Attributes = overlay(g.Generate.keptAttributes(person.Attributes), out.Attributes)
		if !g.NoIdentity {
			identities = overlayIdentities(g.Generate.keptIdentities(person.Identities), identities)
		}
	}
	if g.Synthetic() {
		identities = append([]Identity{{"ecid", ECID(s.Seed, name)}}, identities...)
	}
	for i, id := range identities {
		identities[i].ID = s.marking.id(id.Namespace, id.ID)
	}
	out.Identities = identities
	return out, true
}

// Synthetic reports whether the profiles of the group have a synthetic ecid: all
// do, except those of `identities: none` and those that give an ecid themselves.
func (g *ProfileGroup) Synthetic() bool {
	own := func(i Identity) bool { return strings.EqualFold(i.Namespace, "ecid") }
	return !g.NoIdentity && !slices.ContainsFunc(g.Identities, own)
}

// Memberships is the part of Initial that a backfill looks at, for every
// profile of a population; false when no group has the name.
func (s *Scenario) Memberships(name string) ([]Membership, bool) {
	g, _, ok := s.Group(name)
	if !ok {
		return nil, false
	}
	return s.memberships(g, name), true
}

// memberships are the group's own, and those drawn for the name.
func (s *Scenario) memberships(g *ProfileGroup, name string) []Membership {
	if g.Generate == nil {
		return g.Memberships
	}
	var drawn []Membership
	seed := s.seedOf(g)
	for _, a := range g.Generate.Audiences {
		given := slices.ContainsFunc(g.Memberships, func(m Membership) bool { return m.Audience == a.Audience })
		if !given && generate.Share(seed, name, a.Audience) < a.Share {
			drawn = append(drawn, Membership{Audience: a.Audience, Qualified: day})
		}
	}
	if len(drawn) == 0 {
		return g.Memberships
	}
	return append(drawn, g.Memberships...)
}

// seedOf is the seed of a generated group: its own, or the scenario's.
func (s *Scenario) seedOf(g *ProfileGroup) uint64 {
	if g.Generate.Seed != nil {
		return *g.Generate.Seed
	}
	return s.Seed
}

func expandIdentities(all []Identity, n int64) []Identity {
	out := make([]Identity, len(all))
	for i, id := range all {
		text, _ := Expand(id.ID, n).(string)
		out[i] = Identity{id.Namespace, text}
	}
	return out
}

// overlay lays attributes over generated ones, which it may change: mappings
// are merged, everything else is replaced.
func overlay(under, over map[string]any) map[string]any {
	for key, value := range over {
		below, isMap := under[key].(map[string]any)
		if above, ok := value.(map[string]any); ok && isMap {
			under[key] = overlay(below, above)
			continue
		}
		under[key] = value
	}
	if len(under) == 0 {
		return nil
	}
	return under
}

// overlayIdentities replaces the generated identities of every namespace that
// the group gives itself. The digest of an address follows the address.
func overlayIdentities(generated, own []Identity) []Identity {
	given := func(namespace string) int {
		return slices.IndexFunc(own, func(i Identity) bool { return strings.EqualFold(i.Namespace, namespace) })
	}
	out := make([]Identity, 0, len(generated)+len(own))
	for _, i := range generated {
		if given(i.Namespace) >= 0 {
			continue
		}
		if at := given("email"); at >= 0 && i.Namespace == "email_lc_sha256" {
			i.ID = generate.Digest(own[at].ID)
		}
		out = append(out, i)
	}
	return append(out, own...)
}

func (g *Generate) keptAttributes(all map[string]any) map[string]any {
	if g.Attributes != nil {
		for key := range all {
			if !slices.Contains(g.Attributes, key) {
				delete(all, key)
			}
		}
	}
	return all
}

func (g *Generate) keptIdentities(all []generate.Identity) []Identity {
	out := make([]Identity, 0, len(all))
	for _, i := range all {
		if g.Identities == nil || slices.Contains(g.Identities, i.Namespace) {
			out = append(out, Identity(i))
		}
	}
	return out
}
