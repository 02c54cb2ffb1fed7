package local

import (
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/store"
)

// Load implements store.Store.
func (s *Store) Load(id profile.ID) (engine.State, bool, error) {
	s.mu.Lock()
	commits := s.commits
	s.mu.Unlock()
	value, closer, err := s.db.Get(stateAt(string(id)))
	if errors.Is(err, pebble.ErrNotFound) {
		s.remember(string(id), 0, commits)
		return engine.State{}, false, nil
	}
	if err != nil {
		return engine.State{}, false, explain(s.dir, err)
	}
	state, err := decodeState(value)
	if err = errors.Join(err, closer.Close()); err != nil {
		return engine.State{}, false, explain(s.dir, err)
	}
	s.remember(string(id), state.Version, commits)
	return state, true, nil
}

// remember keeps the version of a state that was read when there were so many
// commits, unless another came meanwhile: who loads a state will soon commit the
// next, and then need not read it again.
func (s *Store) remember(id string, version, commits uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.commits != commits {
		return
	}
	if _, known := s.versions.Get(id); !known {
		s.versions.Put(id, version)
	}
}

// States implements store.Store.
func (s *Store) States(yield func(engine.State) error) error {
	return s.each(stateKey, func(_, value []byte) error {
		state, err := decodeState(value)
		if err != nil {
			return err
		}
		return handed(yield(state))
	})
}

// Unsettled implements store.Store.
func (s *Store) Unsettled(yield func(*engine.Message, int) error) error {
	charges, carried := map[uint64]charge{}, map[uint64]uint64{}
	err := s.each(chargeKey, func(key, value []byte) error {
		first, err := sequence(key)
		if err != nil {
			return err
		}
		c, err := decodeCharge(value)
		charges[first] = c
		for _, seq := range c.exports {
			carried[seq] = first
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.each(exportKey, func(key, value []byte) error {
		seq, err := sequence(key)
		if err != nil {
			return err
		}
		first, charged := carried[seq]
		if charged && first != seq {
			return nil // comes with the first of its message
		}
		x, err := decodeExport(value)
		if err != nil {
			return err
		}
		if !charged {
			return handed(yield(&engine.Message{ID: x.ID, Exports: []engine.Export{x}, Body: x.Body}, 0))
		}
		m, err := s.message(x, charges[first])
		if err != nil {
			return err
		}
		return handed(yield(m, charges[first].number))
	})
}

// message puts a charged message together from its first export and the rest.
func (s *Store) message(first engine.Export, c charge) (*engine.Message, error) {
	m := &engine.Message{ID: c.id, Exports: []engine.Export{first}, Body: c.body}
	if len(c.exports) == 1 && len(c.body) == 0 {
		m.Body = first.Body
	}
	for _, seq := range c.exports[1:] {
		value, closer, err := s.db.Get(appendNumbered(nil, exportKey, seq))
		if err != nil {
			return nil, err
		}
		x, err := decodeExport(value)
		if err := errors.Join(err, closer.Close()); err != nil {
			return nil, err
		}
		m.Exports = append(m.Exports, x)
	}
	return m, nil
}

// Dead implements store.Store.
func (s *Store) Dead(yield func(store.DeadLetter) error) error {
	return s.each(deadKey, func(_, value []byte) error {
		l, err := decodeDead(value)
		if err != nil {
			return err
		}
		return handed(yield(l))
	})
}

// fromYield marks an error of the caller's own, which is returned as it is.
type fromYield struct{ error }

func handed(err error) error {
	if err == nil {
		return nil
	}
	return fromYield{err}
}

// each is scan with errors for people.
func (s *Store) each(kind byte, yield func(key, value []byte) error) error {
	err := s.scan(kind, yield)
	var own fromYield
	if errors.As(err, &own) {
		return own.error
	}
	return explain(s.dir, err)
}
