package local

import (
	"fmt"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/plainjson"
	"github.com/httpdest/httpdest/engine/profile"
)

// state writes a state. Its version comes first, where version reads it without
// the rest.
func (a *appender) state(s engine.State) error {
	a.number(s.Version)
	a.number(s.Exports)
	a.text(string(s.Profile.ID))
	var few [16]string
	a.number(uint64(len(s.Profile.Identities)))
	for _, namespace := range plainjson.Keys(few[:0], s.Profile.Identities) {
		a.text(namespace)
		a.number(uint64(len(s.Profile.Identities[namespace])))
		for _, id := range s.Profile.Identities[namespace] {
			a.text(id)
		}
	}
	a.number(uint64(len(s.Profile.Memberships)))
	for _, namespace := range plainjson.Keys(few[:0], s.Profile.Memberships) {
		a.entries(namespace, s.Profile.Memberships[namespace])
	}
	if err := a.attributes(s.Profile); err != nil || s.MergedInto == "" {
		return err
	}
	a.text(string(s.MergedInto)) // at the end, where earlier versions wrote nothing
	return nil
}

func (a *appender) entries(namespace string, entries map[string]profile.Membership) {
	a.text(namespace)
	a.number(uint64(len(entries)))
	var few [16]string
	for _, id := range plainjson.Keys(few[:0], entries) {
		m := entries[id]
		a.text(id)
		a.text(string(m.Status))
		a.time(m.LastQualified)
		a.time(m.ExitedAt)
	}
}

// attributes writes JSON in which every number has the spelling it came with.
func (a *appender) attributes(p profile.Profile) error {
	if len(p.Attributes) == 0 {
		a.number(0)
		return nil
	}
	var err error
	if a.json, err = plainjson.Append(a.json[:0], p.Attributes); err != nil {
		return fmt.Errorf("attributes of profile %s: %w", p.ID, err)
	}
	a.bytes(a.json)
	return nil
}

// version is that of an encoded state.
func version(value []byte) (uint64, error) {
	t := taker{rest: value}
	n := t.number()
	return n, t.err
}

func decodeState(value []byte) (engine.State, error) {
	t := taker{rest: value}
	s := engine.State{Version: t.number(), Exports: t.number()}
	s.Profile.ID = profile.ID(t.text())
	if n := t.count(); n > 0 {
		s.Profile.Identities = make(map[string][]string, n)
		for range n {
			namespace := t.text()
			ids := make([]string, t.count())
			for i := range ids {
				ids[i] = t.text()
			}
			s.Profile.Identities[namespace] = ids
		}
	}
	if n := t.count(); n > 0 {
		s.Profile.Memberships = make(map[string]map[string]profile.Membership, n)
		for range n {
			namespace := t.text()
			entries := map[string]profile.Membership{}
			for range t.count() {
				id := t.text()
				entries[id] = profile.Membership{Status: profile.Status(t.text()), LastQualified: t.time(), ExitedAt: t.time()}
			}
			s.Profile.Memberships[namespace] = entries
		}
	}
	raw := t.view()
	if t.more() {
		s.MergedInto = profile.ID(t.text())
	}
	if err := t.end(); err != nil {
		return engine.State{}, err
	}
	var err error
	s.Profile.Attributes, err = decodeAttributes(raw)
	return s, err
}
