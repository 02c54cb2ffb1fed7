package check

import (
	"cmp"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/scenarios"
)

// knownIdentities is whose an identity is, in the form of an export: those a
// profile starts with, and those the history gives it.
func knownIdentities(sc *scenarios.Scenario) map[string]string {
	known := map[string]string{}
	for i := range sc.Profiles {
		for name := range sc.Profiles[i].Names.All() {
			start, _ := sc.Initial(name)
			for _, id := range start.Identities {
				known[exportForm(id.Namespace+":"+id.ID)] = name
			}
		}
	}
	for i := range sc.History {
		for name := range sc.History[i].Profiles.All() {
			_, n, _ := sc.Group(name)
			for _, c := range sc.History[i].Changes {
				id := map[string]any{"add-identity": c.Identity.ID, "replace-identity": c.To}[c.Op]
				if text, ok := scenarios.Expand(id, n).(string); ok && text != "" {
					known[exportForm(c.Identity.Namespace+":"+text)] = name
				}
			}
		}
	}
	for i := range sc.Audiences {
		knownByUpload(sc, sc.Audiences[i].Upload, known)
	}
	return known
}

// knownByUpload adds the profiles that rows make whose identity nobody has, or one who was
// forgotten before.
func knownByUpload(sc *scenarios.Scenario, u *scenarios.Upload, known map[string]string) {
	if u == nil {
		return
	}
	forgotten := func(name string) bool {
		return slices.ContainsFunc(sc.History, func(s scenarios.Step) bool {
			return len(s.Changes) > 0 && s.Changes[0].Op == "forget" && s.At <= u.At+u.Delay && s.Profiles.Contains(name)
		})
	}
	rows, err := u.Members()
	if err != nil {
		return // the sender refuses it as well
	}
	for n, row := range rows {
		if identity := exportForm(row.Namespace + ":" + row.ID); known[identity] == "" || forgotten(known[identity]) {
			known[identity] = u.Created.At(int64(n))
		}
	}
}

// nameOf finds the profile of a body by any of its identities, whatever their
// spelling; "" when nobody has one of them.
func (s *Sender) nameOf(b *body) string {
	all := b.identities()
	var owners []string
	for _, identity := range all {
		name := cmp.Or(s.profiles[exportForm(identity)], s.profiles[exportForm(strings.ToLower(identity))])
		if name != "" && !slices.Contains(owners, name) {
			owners = append(owners, name)
		}
	}
	if len(owners) > 0 {
		return s.survivor(owners)
	}
	if name := s.guessed(b); name != "" {
		return name
	}
	// A body without an identity can only belong to the one profile without one.
	if anonymous := s.anonymous(); len(all) == 0 && len(anonymous) == 1 {
		return anonymous[0]
	}
	return ""
}

// survivor is the first of the owners of some identities, unless it became part of
// another one of them: a profile has its identities from then on.
func (s *Sender) survivor(owners []string) string {
	name := owners[0]
	for i := range s.Scenario.History {
		step := &s.Scenario.History[i]
		if !step.From.Contains(name) {
			continue
		}
		for into := range step.Profiles.All() {
			if step.Other(into) == name && slices.Contains(owners, into) {
				name = into
				break
			}
		}
	}
	return name
}

// anonymous are the first two profiles that start without an identity: with
// two, nobody can tell which is which.
func (s *Sender) anonymous() []string {
	var out []string
	for _, g := range s.Scenario.Profiles {
		if g.NoIdentity && len(g.Identities) == 0 && g.UploadOf == "" {
			for name := range g.Names.All() {
				if out = append(out, name); len(out) == 2 {
					return out
				}
			}
		}
	}
	return out
}

// isAnonymous reports whether a profile starts without an identity.
func (s *Sender) isAnonymous(name string) bool {
	g, _, known := s.Scenario.Group(name)
	return known && g.NoIdentity && len(g.Identities) == 0 && g.UploadOf == ""
}

// onlySynthetic reports whether a body has no identity but an ecid: that of a
// profile that was given none may have any value.
func onlySynthetic(b *body) bool {
	return !slices.ContainsFunc(b.identities(), func(identity string) bool {
		return !strings.HasPrefix(strings.ToLower(identity), "ecid:")
	})
}

// knowsSynthetic reports whether a body has the synthetic ecid of a profile. A
// scenario does not tell it to a sender; one that has it from elsewhere must
// use it.
func (s *Sender) knowsSynthetic() bool {
	for _, x := range s.exchanges {
		for _, p := range x.message.profiles {
			if p.object == nil {
				continue
			}
			for _, identity := range p.identities() {
				name := s.profiles[exportForm(identity)]
				if namespace, id, _ := strings.Cut(identity, ":"); name != "" && strings.EqualFold(namespace, "ecid") && id == scenarios.ECID(s.Scenario.Seed, name) {
					return true
				}
			}
		}
	}
	return false
}

// mostUnnamed bounds the profiles that are tried for a body.
const mostUnnamed = 1000

// unnamed are the first profiles without an identity that a sender knows: the
// scenario gives them none, and neither does the history.
func (s *Sender) unnamed() []string {
	if s.nameless != nil {
		return s.nameless
	}
	others := map[string]bool{}
	for identity, name := range s.profiles {
		if identity != "ecid:"+scenarios.ECID(s.Scenario.Seed, name) {
			others[name] = true
		}
	}
	s.nameless = []string{}
	for i := range s.Scenario.Profiles {
		g := &s.Scenario.Profiles[i]
		if g.NoIdentity || len(g.Identities) > 0 || g.UploadOf != "" {
			continue
		}
		for name := range g.Names.All() {
			if !others[name] {
				s.nameless = append(s.nameless, name)
			}
			if len(s.nameless) == mostUnnamed {
				return s.nameless
			}
		}
	}
	return s.nameless
}

func (s *Sender) isUnnamed(name string) bool {
	if s.isNameless == nil {
		s.isNameless = map[string]bool{}
		for _, n := range s.unnamed() {
			s.isNameless[n] = true
		}
	}
	return s.isNameless[name]
}

// guessed is the unnamed profile that a body is of: the only one there is, or
// the only one that has its attributes. An ecid of the sender's own stays with
// the profile that it was first recognised by.
func (s *Sender) guessed(b *body) string {
	if !s.identifying || s.synthetic || !onlySynthetic(b) {
		return ""
	}
	own := strings.Join(b.identities(), " ")
	if own == "" && len(s.anonymous()) > 0 {
		return "" // rather one that has no identity at all
	}
	if name := s.own[own]; name != "" {
		return name
	}
	all := s.unnamed()
	fits := all
	if len(all) > 1 {
		fits = nil
		for _, name := range all {
			start, _ := s.Scenario.Initial(name)
			if attributes := b.attributes(); len(attributes) > 0 && covers(attributes, normal(start.Attributes)) {
				fits = append(fits, name)
			}
		}
	}
	if len(fits) != 1 {
		return ""
	}
	if s.own == nil {
		s.own = map[string]string{}
	}
	if own != "" {
		s.own[own] = fits[0]
	}
	return fits[0]
}
