package scenarios

import (
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/httpdest/httpdest/internal/notation"
)

const (
	maxGroups = 10_000
	day       = 24 * time.Hour
)

// readProfiles reads `profiles:`. Audiences must be known.
func (r *reader) readProfiles(n *yaml.Node) {
	o := r.object(n, "profiles")
	if o == nil {
		return
	}
	if len(o.fields) > maxGroups {
		r.problem(o.node, "use ranges such as member-{1..100}", "more than %d names below profiles", maxGroups)
		return
	}
	owners := map[Identity]NameRange{}
	r.scenario.groups = indexGroups(nil)
	for _, f := range o.fields {
		names, err := ParseNameRange(f.name)
		if err != nil {
			r.problem(f.key, nameHint, "profiles: %s", err)
		}
		g := r.profileGroup(f, names)
		if names.Len() > 0 {
			r.overlaps(f, names)
			r.sharedIdentities(f, g, owners)
		}
		r.scenario.Profiles = append(r.scenario.Profiles, g)
		r.scenario.groups.grow(r.scenario.Profiles)
	}
}

// overlaps reports names that an earlier group has as well.
func (r *reader) overlaps(f field, names NameRange) {
	report := func(g *ProfileGroup, n int64) {
		r.problem(f.key, "every profile belongs to one group: shorten one of the ranges", "%s and %s, in line %d, have %s in common",
			names, g.Names, g.Pos.Line, plural(n, "name", "names"))
	}
	if !names.Numbered {
		if g, _, taken := r.scenario.Group(names.At(0)); taken {
			report(g, 1)
		}
		return
	}
	for i := range r.scenario.Profiles {
		g := &r.scenario.Profiles[i]
		if n := g.Names.Shared(names); n > 0 {
			report(g, n)
			return
		}
	}
}

// profileGroup reads one group; `member-{1..100}:` is complete.
func (r *reader) profileGroup(f field, names NameRange) ProfileGroup {
	g := ProfileGroup{Names: names, Pos: r.pos(f.key)}
	if isNull(f.value) {
		return g
	}
	o := r.object(f.value, "the profile "+short(f.name))
	if n := o.take("generate"); n != nil {
		g.Generate = r.generate(n)
	}
	if m := o.take("audiences"); m != nil {
		g.Memberships = r.memberships(m)
	}
	if a := o.take("attributes"); a != nil {
		g.Attributes = r.attributes(a, "attributes")
		r.numberPlaces(a, names, g.Attributes)
	}
	if i := o.take("identities"); i != nil && i.Kind == yaml.ScalarNode {
		g.NoIdentity = r.word(i, "identities", "none") == "none"
	} else if i != nil {
		g.Identities = r.identities(i, "identities")
		for _, id := range g.Identities {
			r.numberPlaces(i, names, id.ID)
		}
	}
	r.profileWithin(f.key, g)
	o.end()
	return g
}

// memberships reads a list of keys, all realized a day before start, or a map
// from key to when.
func (r *reader) memberships(n *yaml.Node) []Membership {
	var out []Membership
	if n.Kind != yaml.MappingNode {
		for _, key := range r.audienceRefs(n, "audiences") {
			out = append(out, Membership{Audience: key, Qualified: day})
		}
		return out
	}
	for _, f := range r.object(n, "audiences").fields {
		key := r.audienceRef(f.key, "audiences")
		m := Membership{Audience: key, Qualified: day}
		if !isNull(f.value) {
			o := r.object(f.value, "the membership in "+short(f.name))
			qualified, hasQualified := o.duration("qualified")
			m.ExitedAgo, m.Exited = o.duration("exited")
			switch {
			case hasQualified && m.Exited && qualified < m.ExitedAgo:
				r.problem(o.at("exited"), "both count back from start: qualified is the longer one", "%s was exited before it qualified", short(f.name))
			case hasQualified:
				m.Qualified = qualified
			case m.Exited:
				m.Qualified = m.ExitedAgo + day
			}
			o.end()
		}
		if key != "" {
			out = append(out, m)
		}
	}
	return out
}

// numberPlaces reports {n} where there is no number to put.
func (r *reader) numberPlaces(at *yaml.Node, names NameRange, value any) {
	if !names.Numbered && names.Len() > 0 && hasNumberPlace(value) {
		r.problem(at, "name a range such as member-{1..100}, or write the value out", "{n} stands for a number, but %s has no number", names)
	}
}

// sharedIdentities reports identities of more than one profile: the mock
// endpoint knows a profile by its identities.
func (r *reader) sharedIdentities(f field, g ProfileGroup, owners map[Identity]NameRange) {
	for _, id := range g.Identities {
		name := id.Namespace + " " + short(id.ID)
		places := strings.Contains(id.ID, numberPlace)
		switch owner, taken := owners[id]; {
		case taken && owner != g.Names && (!places || owner.First <= g.Names.Last && g.Names.First <= owner.Last):
			r.problem(f.key, "give each profile its own", "%s and %s have the same identity, %s", owner, g.Names, name)
		case g.Names.Len() > 1 && !places:
			r.problem(f.key, "write {n} where the number goes: user-{n}@example.com", "all %d profiles of %s have the same identity, %s",
				g.Names.Len(), g.Names, name)
		}
		owners[id] = g.Names
	}
}

// profileRef reads a name or a range that `profiles:` must have.
func (r *reader) profileRef(n *yaml.Node, what string) NameRange {
	names := r.nameRange(n, what)
	length := names.Len()
	if length == 0 || r.service {
		return names
	}
	known := int64(0)
	if _, _, ok := r.scenario.Group(names.At(0)); ok && length == 1 {
		return names
	}
	for i := range r.scenario.Profiles {
		known += r.scenario.Profiles[i].Names.Shared(names)
	}
	if known >= length {
		return names
	}
	var groups []string
	for i := range r.scenario.Profiles {
		groups = append(groups, r.scenario.Profiles[i].Names.String())
	}
	switch {
	case length == 1:
		r.problem(n, r.nearestProfile(names.At(0), groups), "%s: no profile %q", what, names.At(0))
	default:
		r.problem(n, didYouMean(names.String(), groups), "%s: %d of the %d profiles %s are in no group of profiles", what, length-known, length, names)
	}
	return names
}

// nearestProfile suggests a single name, or the range whose numbers end too
// early.
func (r *reader) nearestProfile(name string, groups []string) string {
	for _, g := range r.scenario.Profiles {
		wide := g.Names
		wide.First, wide.Last = 0, notation.MaxNumber
		if g.Names.Numbered && wide.Contains(name) {
			return "the range is " + g.Names.String()
		}
	}
	return didYouMean(name, groups)
}

// profilesOf reads `profile:` or `profiles:`, which mean the same.
func (r *reader) profilesOf(o *object) NameRange {
	one, many := o.take("profile"), o.take("profiles")
	if one != nil && many != nil {
		r.problem(o.at("profiles"), "leave one out", "both profile and profiles")
	}
	if one != nil {
		return r.profileRef(one, "profile")
	}
	if many != nil {
		return r.profileRef(many, "profiles")
	}
	return NameRange{}
}
