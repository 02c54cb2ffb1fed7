package local

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/store"
)

// commit is one Commit being prepared: a batch, and what becomes of the
// indexes when it succeeds.
type commit struct {
	store *Store
	batch *pebble.Batch
	sync  bool // it must be on the disk before Commit returns
	*draft
}

// draft is what is needed while a commit is prepared, by one after the other.
type draft struct {
	accepted map[string]uint64
	settled  map[string]bool
	dead     map[string]uint64
	revived  map[string]bool
	latest   map[string]uint64 // profile id -> version
	key      []byte
	value    appender
	numbers  []uint64
}

func newDraft() *draft {
	return &draft{accepted: map[string]uint64{}, settled: map[string]bool{}, dead: map[string]uint64{}, revived: map[string]bool{}, latest: map[string]uint64{}}
}

// large is how many messages a commit has after which the room it took is given
// back: to clear it would cost every later one.
const large = 1024

// reset forgets the commit before.
func (d *draft) reset() *draft {
	if len(d.accepted)+len(d.settled)+len(d.latest) > large {
		*d = *newDraft()
	}
	clear(d.accepted)
	clear(d.settled)
	clear(d.dead)
	clear(d.revived)
	clear(d.latest)
	return d
}

// Commit implements store.Store. States, acceptances and charges are on the
// disk when it returns; settlements alone are not waited for: they are in the
// log before the next charge is, which is what counts (design §4).
func (s *Store) Commit(states []engine.State, records []engine.Record) error {
	done := make(chan error, 1)                       // nobody may wait any more
	go func() { done <- s.commit(states, records) }() // ends with the disk
	err := s.background.await(done)
	if !errors.Is(err, errGivenUp) {
		return err
	}
	err = explain(s.dir, err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed, s.stuck = err, true
	return err
}

// commit is Commit without an end to its waiting.
func (s *Store) commit(states []engine.State, records []engine.Record) error {
	c, err := s.enqueue(states, records)
	if c != nil && err == nil {
		err = c.finish()
	}
	if c == nil || err == nil {
		return err
	}
	err = explain(s.dir, err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = err
	return err
}

// enqueue puts a commit into the log: its number is that of its place there. A
// commit with an error is one that could not be written; without a commit the
// error is a refusal.
func (s *Store) enqueue(states []engine.State, records []engine.Record) (*commit, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	c, err := s.prepare(states, records)
	if err != nil || c == nil {
		return nil, err
	}
	return c, c.apply()
}

// prepare checks everything and reserves the sequence numbers. Of a commit
// that is refused here nothing is kept, and the store goes on.
func (s *Store) prepare(states []engine.State, records []engine.Record) (*commit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.failed != nil:
		return nil, s.failed
	case s.closed:
		return nil, fmt.Errorf("store %s is closed", s.dir)
	case len(states)+len(records) == 0:
		return nil, nil
	}
	c := &commit{store: s, batch: s.db.NewBatch(), draft: s.draft.reset()}
	next := s.next
	err := c.states(states)
	for i := 0; err == nil && i < len(records); i++ {
		err = c.record(records[i])
	}
	if err == nil {
		err = c.batch.Set([]byte{countKey}, countValue(s.commits+1), nil)
	}
	if err != nil {
		s.next = next
		return nil, errors.Join(err, c.batch.Close())
	}
	s.commits++
	s.room.wrote(c.batch.Len())
	c.index()
	return c, nil
}

// apply writes the batch into the log and does not wait for the disk.
func (c *commit) apply() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fatal(p)
		}
	}()
	if c.sync {
		return c.store.db.ApplyNoSyncWait(c.batch, pebble.Sync)
	}
	return c.batch.Commit(pebble.NoSync)
}

// finish waits for the disk where the commit must be on it.
func (c *commit) finish() (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fatal(p)
		}
	}()
	if c.sync {
		err = c.batch.SyncWait()
	}
	return errors.Join(err, c.batch.Close())
}

// index keeps what was decided here in memory, before it is on the disk: a
// later commit may speak of it already, and comes after it in the log.
func (c *commit) index() {
	for id, seq := range c.accepted {
		c.store.accepted[id] = seq
	}
	for id := range c.settled {
		delete(c.store.accepted, id)
	}
	for id := range c.revived {
		delete(c.store.dead, id)
	}
	for id, seq := range c.dead {
		c.store.dead[id] = seq
	}
	for id, version := range c.latest {
		c.store.versions.Put(id, version)
	}
}

// states puts states into the batch, each one version after the one before.
func (c *commit) states(states []engine.State) error {
	for _, s := range states {
		id := string(s.Profile.ID)
		have, ok := c.latest[id]
		if !ok {
			var err error
			if have, err = c.store.versionOf(id); err != nil {
				return err
			}
		}
		if s.Version != have+1 {
			return fmt.Errorf("%w: version %d of profile %s, after %d", store.ErrStale, s.Version, id, have)
		}
		c.latest[id] = s.Version
		if err := c.value.reset().state(s); err != nil {
			return err
		}
		c.key = append(append(c.key[:0], stateKey), id...)
		if err := c.batch.Set(c.key, c.value.value, nil); err != nil {
			return err
		}
		c.sync = true
	}
	return nil
}

func (c *commit) record(r engine.Record) error {
	switch r.Kind {
	case engine.Accepted:
		return c.accept(r.Message.Exports)
	case engine.Charged:
		return c.charge(r)
	case engine.Delivered, engine.Dropped:
		return c.settle(r)
	case engine.Resent:
		if err := c.erase(r); err != nil {
			return err
		}
		return c.accept(r.Message.Exports)
	case engine.Erased:
		c.sync = true
		return c.erase(r)
	case engine.Noted:
		return c.note(*r.Note)
	}
	return fmt.Errorf("store: record of kind %q", r.Kind)
}

func (c *commit) accept(exports []engine.Export) error {
	for _, x := range exports {
		if _, known := c.sequence(x.ID); known {
			continue // accepted by a commit that was repeated
		}
		seq := c.store.next
		c.store.next++
		c.accepted[x.ID] = seq
		c.value.reset().accepted(x)
		if err := c.batch.Set(c.numbered(exportKey, seq), c.value.value, nil); err != nil {
			return err
		}
		c.sync = true
	}
	return nil
}

// numbered is a key, until the next call.
func (c *commit) numbered(kind byte, seq uint64) []byte {
	c.key = appendNumbered(c.key[:0], kind, seq)
	return c.key
}

// sequence is the number under which an export was accepted.
func (c *commit) sequence(id string) (uint64, bool) {
	if c.settled[id] {
		return 0, false
	}
	if seq, ok := c.accepted[id]; ok {
		return seq, true
	}
	seq, ok := c.store.accepted[id]
	return seq, ok
}

// sequences are those of a message's exports, until the next call.
func (c *commit) sequences(r engine.Record) ([]uint64, error) {
	c.numbers = c.numbers[:0]
	for i := range r.Message.Exports {
		id := r.Message.Exports[i].ID
		seq, ok := c.sequence(id)
		if !ok {
			return nil, fmt.Errorf("%s record of %s, which was not accepted", r.Kind, id)
		}
		c.numbers = append(c.numbers, seq)
	}
	return c.numbers, nil
}

func (c *commit) charge(r engine.Record) error {
	exports, err := c.sequences(r)
	if err != nil {
		return err
	}
	value := charge{id: r.Message.ID, number: r.Number, exports: exports}
	// Where messages may carry several exports, the body of one export is not
	// the export's own: it stands in an array or in the profiles wrapper.
	if m := r.Message; len(exports) > 1 || !bytes.Equal(m.Body, m.Exports[0].Body) {
		value.body = m.Body
	}
	c.value.reset().charge(value)
	c.sync = true
	return c.batch.Set(c.numbered(chargeKey, exports[0]), c.value.value, nil)
}

// settle takes a message off; one that was dropped becomes a dead letter.
func (c *commit) settle(r engine.Record) error {
	exports, err := c.sequences(r)
	if err != nil {
		return err
	}
	if r.Kind == engine.Dropped && r.Message.Stored() {
		whole, err := complete(c.latestValue, r.Message, exports)
		if err != nil {
			_ = c.store.note("export", r.Message.ID, err) // it stays as it is, and all others go on
			return nil
		}
		r.Message = whole
	}
	if err := c.batch.Delete(c.numbered(chargeKey, exports[0]), nil); err != nil {
		return err
	}
	for i, seq := range exports {
		if err := c.batch.Delete(c.numbered(exportKey, seq), nil); err != nil {
			return err
		}
		c.settled[r.Message.Exports[i].ID] = true
	}
	if r.Kind == engine.Delivered {
		return nil
	}
	c.dead[r.Message.ID] = exports[0]
	letter := store.DeadLetter{Message: r.Message, Attempts: r.Number, Outcome: r.Outcome, At: r.At}
	c.value.reset().dead(letter)
	return c.batch.Set(c.numbered(deadKey, exports[0]), c.value.value, nil)
}

// latestValue is a reading of what is committed when this commit is: what it says
// itself comes first.
func (c *commit) latestValue(key []byte, decode func([]byte) error) error {
	var found []byte
	last := pebble.InternalKeyKindInvalid
	own := c.batch.Reader()
	for {
		kind, k, value, ok, err := own.Next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		if bytes.Equal(k, key) {
			last, found = kind, value
		}
	}
	switch last {
	case pebble.InternalKeyKindSet:
		return decode(found)
	case pebble.InternalKeyKindDelete:
		return pebble.ErrNotFound
	}
	return c.store.value(key, decode)
}

// erase removes a dead letter.
func (c *commit) erase(r engine.Record) error {
	seq, ok := c.store.dead[r.Message.ID]
	if !ok || c.revived[r.Message.ID] {
		return fmt.Errorf("%w: %s", store.ErrNotDead, r.Message.ID)
	}
	c.revived[r.Message.ID] = true
	return c.batch.Delete(c.numbered(deadKey, seq), nil)
}

// note keeps a note, or removes it.
func (c *commit) note(n engine.Note) error {
	c.sync = c.sync || !n.Volatile
	c.key = append(append(c.key[:0], noteKey), n.Key...)
	if n.Value == nil {
		return c.batch.Delete(c.key, nil)
	}
	return c.batch.Set(c.key, n.Value, nil)
}

// versionOf is the version of the stored state, 0 without one.
func (s *Store) versionOf(id string) (uint64, error) {
	if known, ok := s.versions.Get(id); ok {
		return known, nil
	}
	value, closer, err := s.db.Get(stateAt(id))
	if errors.Is(err, pebble.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, explain(s.dir, err)
	}
	n, err := version(value)
	return n, errors.Join(err, closer.Close())
}
