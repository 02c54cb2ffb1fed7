// Package memory is the store that forgets: for simulation, where a run is
// over when its process is, and as the reference for the others.
package memory

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/store"
)

// Store is a store.Store in memory.
type Store struct {
	mu       sync.Mutex
	states   map[profile.ID]engine.State
	accepted uint64
	exports  map[string]*entry // unsettled, by the id of the export
	dead     map[string]letter // by the id of the message
	notes    map[string][]byte
}

// entry is one accepted export. A message that was charged is known to the
// first of its exports.
type entry struct {
	export  engine.Export
	order   uint64
	charged int
	message *engine.Message // nil until it is charged
}

type letter struct {
	store.DeadLetter
	order uint64
}

// New returns an empty store.
func New() *Store {
	return &Store{states: map[profile.ID]engine.State{}, exports: map[string]*entry{}, dead: map[string]letter{}, notes: map[string][]byte{}}
}

// Load implements store.Store.
func (s *Store) Load(id profile.ID) (engine.State, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state, ok := s.states[id]
	return state, ok, nil
}

// Commit implements store.Store.
func (s *Store) Commit(states []engine.State, records []engine.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.follow(states); err != nil {
		return err
	}
	if err := s.check(records); err != nil {
		return err
	}
	for _, state := range states {
		s.states[state.Profile.ID] = state
	}
	for _, r := range records {
		s.apply(r)
	}
	return nil
}

// follow reports whether every state follows the one before it.
func (s *Store) follow(states []engine.State) error {
	latest := map[profile.ID]uint64{}
	for _, state := range states {
		id := state.Profile.ID
		have, ok := latest[id]
		if !ok {
			have = s.states[id].Version
		}
		if state.Version != have+1 {
			return fmt.Errorf("%w: version %d of profile %s, after %d", store.ErrStale, state.Version, id, have)
		}
		latest[id] = state.Version
	}
	return nil
}

// check refuses records of what was never accepted.
func (s *Store) check(records []engine.Record) error {
	open := map[string]bool{} // what this commit accepts or settles itself
	for _, r := range records {
		if r.Kind == engine.Noted {
			continue
		}
		_, dead := s.dead[r.Message.ID]
		if (r.Kind == engine.Resent || r.Kind == engine.Erased) && !dead {
			return fmt.Errorf("%w: %s", store.ErrNotDead, r.Message.ID)
		}
		if r.Kind == engine.Erased {
			continue
		}
		for _, x := range r.Message.Exports {
			unsettled, own := open[x.ID]
			if !own {
				unsettled = s.exports[x.ID] != nil
			}
			intake := r.Kind == engine.Accepted || r.Kind == engine.Resent
			if !intake && !unsettled {
				return fmt.Errorf("%s record of %s, which was not accepted", r.Kind, x.ID)
			}
			open[x.ID] = intake || r.Kind == engine.Charged
		}
	}
	return nil
}

func (s *Store) apply(r engine.Record) {
	switch r.Kind {
	case engine.Noted:
		if s.notes[r.Note.Key] = bytes.Clone(r.Note.Value); r.Note.Value == nil {
			delete(s.notes, r.Note.Key)
		}
	case engine.Erased:
		delete(s.dead, r.Message.ID)
	case engine.Resent:
		delete(s.dead, r.Message.ID)
		s.accept(r.Message.Exports)
	case engine.Accepted:
		s.accept(r.Message.Exports)
	case engine.Charged:
		first := s.exports[r.Message.Exports[0].ID]
		first.charged, first.message = r.Number, r.Message
	case engine.Delivered, engine.Dropped:
		if r.Kind == engine.Dropped && r.Message.Stored() {
			r.Message = s.complete(r.Message)
		}
		order := s.exports[r.Message.Exports[0].ID].order
		for _, x := range r.Message.Exports {
			delete(s.exports, x.ID)
		}
		if r.Kind == engine.Dropped {
			s.dead[r.Message.ID] = letter{store.DeadLetter{Message: r.Message, Attempts: r.Number, Outcome: r.Outcome, At: r.At}, order}
		}
	}
}

func (s *Store) accept(exports []engine.Export) {
	for _, x := range exports {
		if s.exports[x.ID] == nil {
			s.accepted++
			s.exports[x.ID] = &entry{export: x, order: s.accepted}
		}
	}
}

// States implements store.Store.
func (s *Store) States(yield func(engine.State) error) error {
	s.mu.Lock()
	ids := slices.Sorted(maps.Keys(s.states))
	s.mu.Unlock()
	for _, id := range ids {
		state, ok, _ := s.Load(id)
		if !ok {
			continue
		}
		if err := yield(state); err != nil {
			return err
		}
	}
	return nil
}

// Unsettled implements store.Store.
func (s *Store) Unsettled(yield func(*engine.Message, int) error) error {
	for _, e := range s.unsettled() {
		if err := yield(e.message, e.charged); err != nil {
			return err
		}
	}
	return nil
}

// unsettled are the messages in the order of acceptance: an export that no
// message carries yet is one of its own.
func (s *Store) unsettled() []entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	carried := map[string]bool{}
	for _, e := range s.exports {
		if e.message != nil {
			for _, x := range e.message.Exports[1:] {
				carried[x.ID] = true
			}
		}
	}
	var entries []entry
	for id, e := range s.exports {
		if carried[id] {
			continue
		}
		one := *e
		if one.message == nil {
			one.message = &engine.Message{ID: id, Exports: []engine.Export{e.export}, Body: e.export.Body}
		}
		entries = append(entries, one)
	}
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.order, b.order) })
	return entries
}

// Read implements store.Store.
func (s *Store) Read(m *engine.Message) (*engine.Message, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range m.Exports {
		if s.exports[x.ID] == nil {
			return nil, fmt.Errorf("%s is not unsettled", x.ID)
		}
	}
	out := s.complete(m)
	if s.exports[m.Exports[0].ID].message == nil {
		out.Body = nil
	}
	return out, nil
}

// complete is a message with the bodies of its exports, and with the one it was
// charged with; without a charge, with that of its first export.
func (s *Store) complete(m *engine.Message) *engine.Message {
	out := &engine.Message{ID: m.ID, Body: s.exports[m.Exports[0].ID].export.Body}
	for _, x := range m.Exports {
		out.Exports = append(out.Exports, s.exports[x.ID].export)
	}
	if charged := s.exports[m.Exports[0].ID].message; charged != nil {
		out.Body = charged.Body
	}
	return out
}

// Dead implements store.Store.
func (s *Store) Dead(yield func(store.DeadLetter) error) error {
	s.mu.Lock()
	letters := slices.SortedFunc(maps.Values(s.dead), func(a, b letter) int { return cmp.Compare(a.order, b.order) })
	s.mu.Unlock()
	for _, l := range letters {
		if err := yield(l.DeadLetter); err != nil {
			return err
		}
	}
	return nil
}

// Notes implements store.Store.
func (s *Store) Notes(yield func(engine.Note) error) error {
	s.mu.Lock()
	notes := maps.Clone(s.notes)
	s.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(notes)) {
		if err := yield(engine.Note{Key: key, Value: notes[key]}); err != nil {
			return err
		}
	}
	return nil
}

// Unreadable implements store.Store: memory is read as it was written.
func (s *Store) Unreadable() []store.Unreadable { return nil }

// Close implements store.Store.
func (s *Store) Close() error { return nil }
