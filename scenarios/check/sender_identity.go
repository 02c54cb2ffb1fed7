package check

import (
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios"
)

// nameOf finds the profile of a body by any of its identities, whatever their
// spelling: the only one that had one of them by some time of the history, or "" and
// all that had. It returns neither where nobody can be named.
func (s *Sender) nameOf(b *body, until time.Duration) (name string, among []string) {
	all := s.among(b, until)
	if len(all) == 0 {
		all = s.guessed(b, until)
	}
	if bare := s.bare(until); len(all) == 0 && len(b.identities()) == 0 && !s.blurred(bare) {
		all = bare
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return "", all
}

// bare are the profiles that may have no identity up to a time of the history: the
// first two that start without, and those that were forgotten.
func (s *Sender) bare(until time.Duration) []string { return s.withForgotten(s.anonymous(), until) }

// withForgotten are some profiles and those that were forgotten up to a time.
func (s *Sender) withForgotten(some []string, until time.Duration) []string {
	var forgotten []string
	for name, from := range s.forgotten {
		if from <= until && !slices.Contains(some, name) {
			forgotten = append(forgotten, name)
		}
	}
	slices.Sort(forgotten)
	return append(slices.Clip(some), forgotten...)
}

// mostBare bounds the profiles among which the one is looked for that a body without
// an identity is of.
const mostBare = 8

// blurred reports whether nobody can tell profiles without an identity apart: two that
// start without are the same to any sender.
func (s *Sender) blurred(bare []string) bool { return len(s.anonymous()) > 1 || len(bare) > mostBare }

// forgottenIn are the profiles that a history forgets, and when first.
func forgottenIn(sc *scenarios.Scenario) map[string]time.Duration {
	out := map[string]time.Duration{}
	for i := range sc.History {
		s := &sc.History[i]
		if !s.Does("forget") {
			continue
		}
		for name := range s.Profiles.All() {
			if at, before := out[name]; !before || s.At < at {
				out[name] = s.At
			}
		}
	}
	return out
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

// forgets reports whether the history forgets a profile.
func (s *Sender) forgets(name string) bool {
	_, does := s.forgotten[name]
	return does
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
				namespace, id, _ := strings.Cut(identity, ":")
				owned := func(has owner) bool { return id == scenarios.ECID(s.Scenario.Seed, has.name) }
				if strings.EqualFold(namespace, "ecid") && slices.ContainsFunc(s.profiles[exportForm(identity)], owned) {
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
	for identity, all := range s.profiles {
		for _, has := range all {
			if !has.merged && identity != "ecid:"+scenarios.ECID(s.Scenario.Seed, has.name) {
				others[has.name] = true
			}
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
// the profile that it was first recognised by. Once profiles were forgotten, which
// have no identity either, it is all that it may be.
func (s *Sender) guessed(b *body, until time.Duration) []string {
	if !s.identifying || s.synthetic || !onlySynthetic(b) {
		return nil
	}
	own := strings.Join(b.identities(), " ")
	if own == "" && len(s.anonymous()) > 0 {
		return nil // rather one that has no identity at all
	}
	if name := s.own[own]; name != "" {
		return []string{name}
	}
	all := s.unnamed()
	if with := s.withForgotten(all, until); len(with) > len(all) {
		if len(with) > mostBare {
			return nil
		}
		return with
	}
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
		return nil
	}
	if s.own == nil {
		s.own = map[string]string{}
	}
	if own != "" {
		s.own[own] = fits[0]
	}
	return fits
}
