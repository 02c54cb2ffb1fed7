package simulate

import (
	"slices"
	"sync"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/scenarios"
)

// population is the profiles of a scenario on top of a store. A profile that
// was never committed is derived from its group when it is asked for, so a
// range of a million names costs nothing until one of them changes.
type population struct {
	scenario *scenarios.Scenario
	refs     map[string]profile.AudienceRef // by audience key
	store    store.Store
	single   map[string]int // name -> index of its group, for groups of one name
	ranges   []int          // indexes of the numbered groups

	mu        sync.Mutex
	directory map[profile.Identity]string // identity -> profile, for the endpoint
}

func newPopulation(sc *scenarios.Scenario, refs map[string]profile.AudienceRef, s store.Store) *population {
	p := &population{scenario: sc, refs: refs, store: s, single: map[string]int{}, directory: map[profile.Identity]string{}}
	for i, g := range sc.Profiles {
		if g.Names.Numbered {
			p.ranges = append(p.ranges, i)
		} else {
			p.single[g.Names.At(0)] = i
		}
	}
	return p
}

// load returns the state of a profile: committed, or as its group says.
func (p *population) load(name string) (engine.State, error) {
	s, ok, err := p.store.Load(profile.ID(name))
	if err != nil || ok {
		return s, err
	}
	g, n := p.group(name)
	s = engine.State{Profile: p.initial(g, name, n)}
	p.know(name, identitiesOf(s.Profile)...)
	return s, nil
}

// group finds the group of a name, and its number in a range.
func (p *population) group(name string) (*scenarios.ProfileGroup, int64) {
	if i, ok := p.single[name]; ok {
		return &p.scenario.Profiles[i], 0
	}
	for _, i := range p.ranges {
		g := &p.scenario.Profiles[i]
		if n, ok := g.Names.Number(name); ok {
			return g, n
		}
	}
	panic("simulate: profile " + name + " is in no group; the loader refuses that")
}

// initial is a profile at the start of the scenario.
func (p *population) initial(g *scenarios.ProfileGroup, name string, n int64) profile.Profile {
	out := profile.Profile{ID: profile.ID(name)}
	out.Attributes, _ = scenarios.Expand(g.Attributes, n).(map[string]any)
	out.Identities = map[string][]string{}
	add := func(i profile.Identity) {
		i = i.Canonical()
		out.Identities[i.Namespace] = append(out.Identities[i.Namespace], i.ID)
	}
	if !g.NoIdentity {
		add(profile.Identity{Namespace: "ecid", ID: scenarios.ECID(p.scenario.Seed, name)})
	}
	for _, i := range g.Identities {
		id, _ := scenarios.Expand(i.ID, n).(string)
		add(profile.Identity{Namespace: i.Namespace, ID: id})
	}
	out.Memberships = map[string]map[string]profile.Membership{}
	for _, m := range g.Memberships {
		ref := p.refs[m.Audience]
		if out.Memberships[ref.Namespace] == nil {
			out.Memberships[ref.Namespace] = map[string]profile.Membership{}
		}
		out.Memberships[ref.Namespace][ref.ID] = p.membership(m)
	}
	return out
}

func (p *population) membership(m scenarios.Membership) profile.Membership {
	out := profile.Membership{Status: profile.Realized, LastQualified: p.scenario.Start.Add(-m.Qualified)}
	if m.Exited {
		out.Status, out.ExitedAt = profile.Exited, p.scenario.Start.Add(-m.ExitedAgo)
	}
	return out
}

// members lists the profiles realized in one of the audiences, ascending.
func (p *population) members(audiences []profile.AudienceRef) ([]profile.ID, error) {
	in := func(s profile.Profile) bool { return slices.ContainsFunc(audiences, s.In) }
	var ids []profile.ID
	for i := range p.scenario.Profiles {
		for name := range p.scenario.Profiles[i].Names.All() {
			s, err := p.load(name)
			if err != nil {
				return nil, err
			}
			if in(s.Profile) {
				ids = append(ids, s.Profile.ID)
			}
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// know tells the endpoint's directory whose identities these are.
func (p *population) know(name string, identities ...profile.Identity) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, i := range identities {
		p.directory[i] = name
	}
}

// profileOf is the endpoint's Options.ProfileOf.
func (p *population) profileOf(namespace, id string) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	name, ok := p.directory[profile.Identity{Namespace: namespace, ID: id}]
	return name, ok
}

func identitiesOf(p profile.Profile) []profile.Identity {
	var out []profile.Identity
	for namespace, ids := range p.Identities {
		for _, id := range ids {
			out = append(out, profile.Identity{Namespace: namespace, ID: id})
		}
	}
	return out
}
