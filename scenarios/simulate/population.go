package simulate

import (
	"slices"
	"sync"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/export"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/scenarios"
)

// population is the profiles of a scenario on top of a store. A profile that
// was never committed is derived from its name when it is asked for, so a
// range of a million names costs nothing until one of them changes.
type population struct {
	scenario *scenarios.Scenario
	refs     map[string]profile.AudienceRef // by audience key
	store    store.Store

	mu        sync.Mutex
	directory map[profile.Identity]string // identity -> profile, for the endpoint
	indexed   bool                        // the directory has what every profile starts with
}

func newPopulation(sc *scenarios.Scenario, refs map[string]profile.AudienceRef, s store.Store) *population {
	return &population{scenario: sc, refs: refs, store: s, directory: map[profile.Identity]string{}}
}

// load returns the state of a profile that is updated or exported: committed,
// or as it starts.
func (p *population) load(name string) (engine.State, error) {
	s, ok, err := p.store.Load(profile.ID(name))
	if err != nil || ok {
		return s, err
	}
	s = engine.State{Profile: p.initial(name)}
	p.know(name, identitiesOf(s.Profile)...)
	return s, nil
}

// number is what {n} stands for in a change of the profile.
func (p *population) number(name string) int64 {
	_, n, ok := p.scenario.Group(name)
	if !ok {
		panic(noGroup(name))
	}
	return n
}

func noGroup(name string) string {
	return "simulate: profile " + name + " is in no group; the loader refuses that"
}

// initial is a profile at the start of the scenario, in the engine's words.
func (p *population) initial(name string) profile.Profile {
	start, ok := p.scenario.Initial(name)
	if !ok {
		panic(noGroup(name))
	}
	out := profile.Profile{ID: profile.ID(name), Attributes: start.Attributes, Identities: map[string][]string{}}
	for _, i := range start.Identities {
		i := profile.Identity(i).Canonical()
		out.Identities[i.Namespace] = append(out.Identities[i.Namespace], i.ID)
	}
	out.Memberships = map[string]map[string]profile.Membership{}
	for _, m := range start.Memberships {
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

// backfilled lists the profiles that the backfill of newly mapped audiences is
// to export.
func (p *population) backfilled(audiences []profile.AudienceRef, flow *dataflow.Snapshot, now time.Time) ([]profile.ID, error) {
	return p.having(audiences, func(m profile.Membership) bool { return export.Backfilled(m, flow, now) })
}

// members lists the profiles realized in one of the audiences, ascending.
func (p *population) members(audiences []profile.AudienceRef) ([]profile.ID, error) {
	return p.having(audiences, func(m profile.Membership) bool { return m.Status == profile.Realized })
}

// having lists the profiles with a membership of one of the audiences that is
// wanted, ascending. It only reads: of a profile that was never committed it
// derives no more than its memberships, and keeps its name when it is one.
func (p *population) having(audiences []profile.AudienceRef, wanted func(profile.Membership) bool) ([]profile.ID, error) {
	var ids []profile.ID
	for i := range p.scenario.Profiles {
		for name := range p.scenario.Profiles[i].Names.All() {
			in, err := p.in(name, audiences, wanted)
			if err != nil {
				return nil, err
			}
			if in {
				ids = append(ids, profile.ID(name))
			}
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// in reports whether a profile has a membership of one of the audiences now
// that is wanted.
func (p *population) in(name string, audiences []profile.AudienceRef, wanted func(profile.Membership) bool) (bool, error) {
	s, committed, err := p.store.Load(profile.ID(name))
	if err != nil || committed {
		return slices.ContainsFunc(audiences, func(ref profile.AudienceRef) bool {
			m, known := s.Profile.Membership(ref)
			return known && wanted(m)
		}), err
	}
	memberships, _ := p.scenario.Memberships(name)
	return slices.ContainsFunc(memberships, func(m scenarios.Membership) bool {
		return slices.Contains(audiences, p.refs[m.Audience]) && wanted(p.membership(m))
	}), nil
}

// know adds these identities and their profile to the endpoint's directory.
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

// indexIdentities takes the identities that profiles start with into the
// directory, once. Only an upload asks for them all.
func (p *population) indexIdentities() {
	if p.indexed {
		return
	}
	p.indexed = true
	for i := range p.scenario.Profiles {
		for name := range p.scenario.Profiles[i].Names.All() {
			for _, i := range identitiesOf(p.initial(name)) {
				if _, known := p.profileOf(i.Namespace, i.ID); !known {
					p.know(name, i)
				}
			}
		}
	}
}

// resolve finds the profile that has an identity now.
func (p *population) resolve(i profile.Identity) (has profile.Profile, found bool, err error) {
	p.indexIdentities()
	name, known := p.profileOf(i.Namespace, i.ID)
	if !known {
		return profile.Profile{}, false, nil
	}
	s, err := p.load(name)
	for err == nil && s.MergedInto != "" {
		s, err = p.load(string(s.MergedInto))
	}
	return s.Profile, err == nil && s.Profile.HasIdentity(i), err
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
