// Package memory is the store that forgets: for simulation, where a run is
// over when its process is, and as the reference for the others.
package memory

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/profile"
)

// Store is a store.Store in memory.
type Store struct {
	mu       sync.Mutex
	states   map[profile.ID]engine.State
	accepted uint64
	messages map[string]*entry
}

type entry struct {
	message *engine.Message
	order   uint64
	charged int
}

// New returns an empty store.
func New() *Store {
	return &Store{states: map[profile.ID]engine.State{}, messages: map[string]*entry{}}
}

// Load implements store.Store.
func (s *Store) Load(id profile.ID) (engine.State, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state, ok := s.states[id]
	return state, ok, nil
}

// Commit implements store.Store. A record of a message that was never
// accepted is an error, and nothing of the commit is kept.
func (s *Store) Commit(states []engine.State, records []engine.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh := map[string]bool{}
	for _, r := range records {
		if r.Kind == engine.Accepted {
			fresh[r.Message.ID] = true
		} else if s.messages[r.Message.ID] == nil && !fresh[r.Message.ID] {
			return fmt.Errorf("%s record of message %s, which was not accepted", r.Kind, r.Message.ID)
		}
	}
	for _, state := range states {
		s.states[state.Profile.ID] = state
	}
	for _, r := range records {
		s.apply(r)
	}
	return nil
}

func (s *Store) apply(r engine.Record) {
	switch r.Kind {
	case engine.Accepted:
		if s.messages[r.Message.ID] == nil {
			s.accepted++
			s.messages[r.Message.ID] = &entry{message: r.Message, order: s.accepted}
		}
	case engine.Charged:
		if e := s.messages[r.Message.ID]; e != nil {
			e.charged = r.Number
		}
	case engine.Delivered, engine.Dropped:
		delete(s.messages, r.Message.ID)
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
	s.mu.Lock()
	entries := make([]entry, 0, len(s.messages))
	for _, e := range s.messages {
		entries = append(entries, *e)
	}
	s.mu.Unlock()
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Compare(a.order, b.order) })
	for _, e := range entries {
		if err := yield(e.message, e.charged); err != nil {
			return err
		}
	}
	return nil
}

// Close implements store.Store.
func (s *Store) Close() error { return nil }
