package local

import (
	"bytes"
	"errors"
	"fmt"
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
	s.mu.Lock()
	defer s.mu.Unlock()
	return &store.Trouble{Dir: s.dir, Err: s.note(kind, id, err), Hint: hintUnreadable}
}

// note lists what cannot be read. The mutex is held.
func (s *Store) note(kind, id string, err error) *store.Unreadable {
	u := store.Unreadable{Kind: kind, ID: id, Err: err}
	s.unreadable[kind+" "+id] = u
	return &u
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

// charges are the messages that were tried, without their bodies, by the number of
// their first export; carried is the number of the first export of each export's message.
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
		c.own, c.body = len(c.body) > 0, nil // all of them may be more than memory holds
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
	m := &engine.Message{ID: c.id, Exports: []engine.Export{first}, Body: first.Body}
	for _, seq := range c.exports[1:] {
		x, err := exportAt(s.value, seq)
		if err != nil {
			return nil, err
		}
		m.Exports = append(m.Exports, x)
	}
	if !c.own {
		return m, nil
	}
	var err error
	m.Body, err = chargedBody(s.value, c.exports[0])
	return m, err
}

// reading finds the value of a key and hands it to decode, which may not keep it.
// The error is pebble.ErrNotFound without a value.
type reading func(key []byte, decode func(value []byte) error) error

// value is a reading of what is committed.
func (s *Store) value(key []byte, decode func([]byte) error) error {
	value, closer, err := s.db.Get(key)
	if err != nil {
		return err
	}
	return errors.Join(decode(value), closer.Close())
}

// exportAt reads an accepted export.
func exportAt(read reading, seq uint64) (x engine.Export, err error) {
	err = read(appendNumbered(nil, exportKey, seq), func(value []byte) (err error) {
		x, err = decodeExport(value)
		return err
	})
	return x, err
}

// chargedBody reads the body that the message of an export was charged with; nil
// where it was not charged, or with the body of the export.
func chargedBody(read reading, first uint64) (body []byte, err error) {
	err = read(appendNumbered(nil, chargeKey, first), func(value []byte) error {
		c, err := decodeCharge(value)
		body = c.body
		return err
	})
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	return body, err
}

// complete reads the message of exports that were accepted under numbers. Without a
// body of its own it has that of its first export.
func complete(read reading, m *engine.Message, numbers []uint64) (*engine.Message, error) {
	out := &engine.Message{ID: m.ID}
	for _, seq := range numbers {
		x, err := exportAt(read, seq)
		if err != nil {
			return nil, err
		}
		out.Exports = append(out.Exports, x)
	}
	var err error
	if out.Body, err = chargedBody(read, numbers[0]); len(out.Body) == 0 {
		out.Body = out.Exports[0].Body
	}
	return out, err
}

// Read implements store.Store.
func (s *Store) Read(m *engine.Message) (*engine.Message, error) {
	numbers, err := s.numbers(m)
	if err != nil {
		return nil, err
	}
	out, err := complete(s.value, m, numbers)
	if err != nil {
		return nil, s.cannotRead("export", m.ID, err)
	}
	err = s.value(appendNumbered(nil, chargeKey, numbers[0]), func([]byte) error { return nil })
	if errors.Is(err, pebble.ErrNotFound) {
		out.Body, err = nil, nil
	}
	return out, explain(s.dir, err)
}

// numbers are those under which the exports of a message were accepted.
func (s *Store) numbers(m *engine.Message) ([]uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	numbers := make([]uint64, len(m.Exports))
	for i, x := range m.Exports {
		seq, ok := s.accepted[x.ID]
		if !ok {
			return nil, fmt.Errorf("%s is not unsettled", x.ID)
		}
		numbers[i] = seq
	}
	return numbers, nil
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

// Notes implements store.Store.
func (s *Store) Notes(yield func(engine.Note) error) error {
	return s.each(noteKey, func(key, value []byte) error {
		return handed(yield(engine.Note{Key: string(key[1:]), Value: bytes.Clone(value)}))
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
