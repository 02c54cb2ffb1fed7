package local

import (
	"errors"
	"maps"
	"slices"
	"strconv"

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
	var state engine.State
	if err == nil {
		state, err = decodeState(value)
		err = errors.Join(err, closer.Close())
	}
	if err != nil {
		return engine.State{}, false, s.cannotRead("profile", string(id), err)
	}
	s.remember(string(id), state.Version, commits)
	return state, true, nil
}

// cannotRead notes what cannot be read, and is the error of it.
func (s *Store) cannotRead(kind, id string, err error) error {
	u := store.Unreadable{Kind: kind, ID: id, Err: err}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unreadable[kind+" "+id] = u
	return &store.Trouble{Dir: s.dir, Err: &u, Hint: hintUnreadable}
}

// number is the id of something whose own id cannot be read.
func number(seq uint64) string { return "number " + strconv.FormatUint(seq, 10) }

// Unreadable implements store.Store.
func (s *Store) Unreadable() []store.Unreadable {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []store.Unreadable
	for _, key := range slices.Sorted(maps.Keys(s.unreadable)) {
		all = append(all, s.unreadable[key])
	}
	return all
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
	return s.each(stateKey, func(key, value []byte) error {
		state, err := decodeState(value)
		if err != nil {
			_ = s.cannotRead("profile", string(key[1:]), err) // listed
			return nil
		}
		return handed(yield(state))
	})
}

// charges are the messages that were tried, by the number of their first
// export; carried is the number of the first export of each export's message.
func (s *Store) charges() (charges map[uint64]charge, carried map[uint64]uint64, err error) {
	charges, carried = map[uint64]charge{}, map[uint64]uint64{}
	err = s.each(chargeKey, func(key, value []byte) error {
		first, err := sequence(key)
		if err != nil {
			return err
		}
		c, err := decodeCharge(value)
		if err != nil {
			// How often it was tried is not known: its export is not sent.
			_ = s.cannotRead("charge", number(first), err) // listed
			c = charge{exports: []uint64{first}, lost: true}
		}
		charges[first] = c
		for _, seq := range c.exports {
			carried[seq] = first
		}
		return nil
	})
	return charges, carried, err
}

// Unsettled implements store.Store.
func (s *Store) Unsettled(yield func(*engine.Message, int) error) error {
	charges, carried, err := s.charges()
	if err != nil {
		return err
	}
	return s.each(exportKey, func(key, value []byte) error {
		seq, err := sequence(key)
		if err != nil {
			return err
		}
		first, charged := carried[seq]
		if charged && (first != seq || charges[first].lost) {
			return nil // comes with the first of its message
		}
		x, err := decodeExport(value)
		if err != nil {
			_ = s.cannotRead("export", number(seq), err) // listed
			return nil
		}
		if !charged {
			return handed(yield(&engine.Message{ID: x.ID, Exports: []engine.Export{x}, Body: x.Body}, 0))
		}
		m, err := s.message(x, charges[first])
		if err != nil {
			_ = s.cannotRead("export", x.ID, err) // listed
			return nil
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
	return s.each(deadKey, func(key, value []byte) error {
		seq, err := sequence(key)
		if err != nil {
			return err
		}
		l, err := decodeDead(value)
		if err != nil {
			_ = s.cannotRead("dead letter", number(seq), err) // listed
			return nil
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
