// Package local is the embedded store: one folder on the local disk, durable
// against the end of the process and of the machine.
//
// Decision: Pebble, a log-structured merge tree with a write-ahead log.
// Reason: state larger than memory, atomic batches of states and messages, one
// sync for many commits, checksums over all it reads back. Cost: a folder
// serves one process at a time, and a few megabytes of it are bookkeeping.
package local

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/httpdest/httpdest/engine/recent"
	"github.com/httpdest/httpdest/engine/store"
)

// layout is the version of the files, keys and values, kept under versionKey
// and in the first line of the inventory. The first version had no inventory.
const layout = "httpdest/store/v2"

// Reserve is how many bytes must stay free on the disk: below it nothing new
// is accepted, and what was accepted can still be charged and settled. Where
// others use the reserve up too, writes wait for room.
const Reserve = 64 << 20

// knownVersions is how many versions of states are kept in memory, so that a
// state need not be read to know that it is the one before.
const knownVersions = 1 << 16

// The default memory of a store, in bytes.
const (
	cacheSize  = 64 << 20 // of tables
	bufferSize = 32 << 20 // before they go to a table
)

// The shares of Options.Memory. Buffers are full, being written and being filled at
// once.
const (
	cacheShare  = 16
	bufferShare = 32
)

// Options say how a store is opened. The zero value is right for a folder on
// disk.
type Options struct {
	FS       vfs.FS // nil: the disk
	Existing bool   // the folder must hold a store already
	Buffer   int    // bytes kept in memory before they go to a table; 0: 32 MB
	Memory   int64  // of the process, of which cache and buffer take small shares; 0: unbounded
	// Progress is called with the step of opening, and with bytes done and in all,
	// 0 where they are not known.
	Progress func(step string, done, all int64)
	// Trouble is called for a file that cannot be written, which is tried again.
	// It returns at once.
	Trouble func(error)
}

// Store is a store.Store in a folder.
type Store struct {
	db        *pebble.DB
	disk      disk
	lock      *pebble.Lock
	inventory *inventory
	dir       string
	room      *room

	background *background

	writing sync.Mutex // one commit goes into the log after the other

	mu       sync.Mutex
	failed   error // of the first commit that failed; no later one is tried
	stuck    bool  // it has not ended
	closed   bool
	commits  uint64                     // in the store, from its beginning
	next     uint64                     // sequence number of the next acceptance
	accepted map[string]uint64          // export id -> sequence number, while unsettled
	dead     map[string]uint64          // message id -> sequence number
	versions recent.Map[string, uint64] // profile id -> version of its state
	draft    *draft

	unreadable map[string]store.Unreadable // by kind and id
}

var _ store.Store = (*Store)(nil)

// Open opens the store in a folder, or makes a new one there. Every
// file is compared with the inventory before anything is changed. The errors
// are store.ErrInUse, store.ErrNewer and store.ErrDamaged, wrapped with the
// folder and what to do, and those of the file system.
func Open(dir string, o Options) (*Store, error) {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	s := &Store{dir: dir, accepted: map[string]uint64{}, dead: map[string]uint64{}, next: 1, draft: newDraft(), unreadable: map[string]store.Unreadable{},
		versions: recent.New[string, uint64](knownVersions)}
	s.room = newRoom(o.FS, dir)
	s.background = newBackground(func(err error) {
		if o.Trouble != nil {
			o.Trouble(explain(dir, err))
		}
	})
	s.disk = newDisk(o.FS, &s.room.waiting)
	if err := s.open(o); err != nil {
		return nil, errors.Join(explain(dir, err), s.letGo())
	}
	return s, nil
}

// open takes the folder and reads what it holds.
func (s *Store) open(o Options) error {
	if err := s.enter(o.Existing); err != nil {
		return err
	}
	found, fresh, err := inspect(s.disk, s.dir, s.lock, func(done, all int64) { o.Progress("comparing files with the inventory", done, all) })
	if err != nil {
		return err
	}
	if fresh && o.Existing {
		return pebble.ErrDBDoesNotExist
	}
	s.inventory = &inventory{fs: s.disk, dir: s.dir, contents: found}
	if err := s.inventory.rotate(); err != nil {
		return err
	}
	o.Progress("replaying the log", 0, 0)
	if s.db, err = openDB(s.dir, s.options(o), fresh); err != nil {
		return err
	}
	o.Progress("reading undelivered exports", 0, 0)
	if err := s.read(found); err != nil {
		return err
	}
	s.background.armed.Store(true)
	return nil
}

// enter makes the folder, where it may, and locks it.
func (s *Store) enter(existing bool) error {
	names, err := s.disk.List(s.dir)
	if existing && (errors.Is(err, os.ErrNotExist) || err == nil && !slices.ContainsFunc(names, isStoreFile) && !slices.Contains(names, inventoryName)) {
		return pebble.ErrDBDoesNotExist // before anything is made in the folder
	}
	if err := s.disk.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	if s.disk.real {
		if err := os.Chmod(s.dir, 0o700); err != nil {
			return err
		}
	}
	if s.lock, err = pebble.LockDirectory(s.dir, s.disk); err != nil {
		return err
	}
	return s.disk.private(s.disk.PathJoin(s.dir, "LOCK"), nil)
}

// letGo gives back what an Open that failed has taken.
func (s *Store) letGo() error {
	var errs []error
	if s.db != nil {
		errs = append(errs, s.db.Close())
	}
	if s.inventory != nil {
		errs = append(errs, s.inventory.release())
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// read takes up what the folder holds.
func (s *Store) read(found contents) error {
	if err := s.recognise(); err != nil {
		return err
	}
	var err error
	if s.commits, err = readCount(s.db); err != nil {
		return err
	}
	if found.closed && s.commits != found.commits {
		return fmt.Errorf("%w: it was closed with %d commits and holds %d", store.ErrDamaged, found.commits, s.commits)
	}
	return s.index()
}

// options are those of Pebble.
func (s *Store) options(o Options) *pebble.Options {
	options := &pebble.Options{
		FS:                 ordered{tracked{s.disk, s.inventory, s.background}},
		Lock:               s.lock,
		FormatMajorVersion: pebble.FormatNewest, // its log tells a torn tail from damage
		Logger:             logger{s.background},
		// Damage is an error of what was asked for, and no end of the process.
		EventListener: &pebble.EventListener{DataCorruption: func(pebble.DataCorruptionInfo) {}, BackgroundError: s.background.failed},
		CacheSize:     cacheSize,
		MemTableSize:  uint64(cmp.Or(o.Buffer, bufferSize)),
	}
	if o.Memory > 0 {
		options.CacheSize = min(options.CacheSize, o.Memory/cacheShare)
		options.MemTableSize = min(options.MemTableSize, uint64(o.Memory/bufferShare))
	}
	for i := range options.Levels {
		// That a profile was never stored is asked more often than anything else,
		// and is known without a look at a table.
		options.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	return options
}

// openDB opens Pebble; a panic of Pebble becomes an error like any other.
func openDB(dir string, options *pebble.Options, fresh bool) (db *pebble.DB, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fatal(p)
		}
	}()
	if fresh {
		// The first log of a new store is begun in the oldest format, which
		// cannot tell damage: it stays empty.
		first, err := pebble.Open(dir, options)
		if err := errors.Join(err, closed(first)); err != nil {
			return nil, err
		}
	}
	return pebble.Open(dir, options)
}

func closed(db *pebble.DB) error {
	if db == nil {
		return nil
	}
	return db.Close()
}

// recognise checks the version of the layout, and writes it to a new folder.
func (s *Store) recognise() error {
	value, closer, err := s.db.Get([]byte{versionKey})
	if errors.Is(err, pebble.ErrNotFound) {
		return s.db.Set([]byte{versionKey}, []byte(layout), pebble.Sync)
	}
	if err != nil {
		return err
	}
	found := string(value)
	if err := closer.Close(); err != nil {
		return err
	}
	if found != layout {
		return otherVersion(found)
	}
	return nil
}

// index reads which messages are unsettled and which are dead. That there is
// an entry for each is all that is kept in memory.
func (s *Store) index() error {
	err := s.scan(exportKey, func(key, value []byte) error {
		seq, err := sequence(key)
		if err != nil {
			return err
		}
		s.next = max(s.next, seq+1)
		x, err := decodeExport(value)
		if err != nil {
			_ = s.cannotRead("export", number(seq), err) // listed
			return nil
		}
		s.accepted[x.ID] = seq
		return nil
	})
	if err != nil {
		return err
	}
	return s.scan(deadKey, func(key, value []byte) error {
		seq, err := sequence(key)
		if err != nil {
			return err
		}
		s.next = max(s.next, seq+1)
		l, err := decodeDead(value)
		if err != nil {
			_ = s.cannotRead("dead letter", number(seq), err) // listed
			return nil
		}
		s.dead[l.Message.ID] = seq
		return nil
	})
}

// scan calls yield for every key of a kind, ascending, as of now. Neither key
// nor value may be kept.
func (s *Store) scan(kind byte, yield func(key, value []byte) error) error {
	i, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{kind}, UpperBound: []byte{kind + 1}})
	if err != nil {
		return err
	}
	for i.First(); i.Valid(); i.Next() {
		value, err := i.ValueAndErr()
		if err == nil {
			err = yield(i.Key(), value)
		}
		if err != nil {
			return errors.Join(err, i.Close())
		}
	}
	return errors.Join(i.Error(), i.Close())
}

// Close implements store.Store.
func (s *Store) Close() (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.background.armed.Store(false)
	defer func() {
		if p := recover(); p != nil {
			err = fatal(p)
		}
	}()
	if s.failed != nil {
		// A failed write would fail again now; all acknowledged data is on the disk.
		s.disk.quit.now()
		if s.stuck {
			// Pebble would wait for what cannot end, and keep the lock; the end of the
			// process gives it back.
			s.background.frozen.Store(true)
			return nil
		}
		_ = s.letGo()
		return nil
	}
	if err := s.db.Close(); err != nil {
		return explain(s.dir, err)
	}
	return explain(s.dir, errors.Join(s.inventory.close(s.commits), s.lock.Close()))
}
