package local

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/httpdest/httpdest/engine/store"
)

// Report is what a folder holds, whether it opens or not.
type Report struct {
	Dir       string      `json:"dir"`
	Version   string      `json:"version"`   // of the layout; "" where nothing says
	Closed    bool        `json:"closed"`    // by a clean end
	Files     int         `json:"files"`     // listed in the inventory
	Bytes     int64       `json:"bytes"`     // of them, as synced
	Faults    []FileFault `json:"faults"`    // files that are not what was written
	Profiles  int         `json:"profiles"`  // that can be read
	Pending   int         `json:"pending"`   // exports neither delivered nor dropped
	Charged   int         `json:"charged"`   // messages with an attempt whose end is not known
	Dead      int         `json:"dead"`      // dead letters
	Commits   uint64      `json:"commits"`   // the newest that can be read
	Expected  uint64      `json:"expected"`  // commits it was closed with; 0 where not known
	Unread    []FileFault `json:"unread"`    // files that could not be read to their end
	Unusable  []string    `json:"unusable"`  // values that can be read and not decoded
	Salvaged  bool        `json:"salvaged"`  // read from single files, since the store does not open
	Migrating bool        `json:"migrating"` // of an earlier version, whose files nothing can be compared with
}

// Whole is true when nothing is missing, changed or unreadable.
func (r Report) Whole() bool {
	return len(r.Faults)+len(r.Unread)+len(r.Unusable) == 0 && !r.Migrating && !r.Salvaged
}

// Lossless is true when everything the store is known to hold can be read.
func (r Report) Lossless() bool {
	return len(r.Faults)+len(r.Unread)+len(r.Unusable) == 0 && (r.Expected == 0 || r.Expected == r.Commits)
}

// Check reads everything in a folder and changes nothing.
func Check(dir string, o Options) (Report, error) {
	r, err := examine(dir, o, func(_, _ []byte) error { return nil })
	return r, explain(dir, err)
}

// Repair writes everything that can be read from one folder into a new store
// in another, which must not exist. The first folder is not changed.
func Repair(dir, to string, o Options) (r Report, err error) {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if _, err := o.FS.Stat(to); err == nil {
		return Report{}, explain(to, fmt.Errorf("%w: the folder for the new store", os.ErrExist))
	} else if !errors.Is(err, os.ErrNotExist) {
		return Report{}, explain(to, err)
	}
	if err := readable(dir, o); err != nil {
		return Report{}, explain(dir, err)
	}
	s, err := Open(to, Options{FS: o.FS, Buffer: o.Buffer})
	if err != nil {
		return Report{}, err
	}
	r, err = examine(dir, o, s.adopt)
	if err != nil {
		return r, errors.Join(explain(dir, err), s.Close())
	}
	s.commits = max(r.Commits, 1)
	if err := s.db.Set([]byte{countKey}, countValue(s.commits), pebble.Sync); err != nil {
		return r, errors.Join(explain(to, err), s.Close())
	}
	return r, s.Close()
}

// adopt takes a key of another store over. A value that cannot be decoded stays
// behind.
func (s *Store) adopt(key, value []byte) error {
	switch {
	case key[0] == versionKey, key[0] == countKey:
		return nil
	case value == nil || decodable(key, value) != nil:
		return s.db.Delete(key, pebble.NoSync)
	}
	return s.db.Set(key, value, pebble.NoSync)
}

// decodable returns why a value cannot be used.
func decodable(key, value []byte) (err error) {
	switch key[0] {
	case stateKey:
		_, err = decodeState(value)
	case exportKey:
		_, err = decodeExport(value)
	case chargeKey:
		_, err = decodeCharge(value)
	case deadKey:
		_, err = decodeDead(value)
	}
	return err
}

// readable reports whether there is a store in a folder to read from.
func readable(dir string, o Options) error {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	names, err := o.FS.List(dir)
	if errors.Is(err, os.ErrNotExist) || err == nil && !slices.ContainsFunc(names, isStoreFile) && !slices.Contains(names, inventoryName) {
		return pebble.ErrDBDoesNotExist
	}
	return err
}

// examine reads a folder and hands every key over with its value.
func examine(dir string, o Options, found func(key, value []byte) error) (r Report, err error) {
	if err := readable(dir, o); err != nil {
		return r, err
	}
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Progress == nil {
		o.Progress = func(string, int64, int64) {}
	}
	lock, err := pebble.LockDirectory(dir, o.FS)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	r.Dir = dir
	listed, err := r.compare(o, lock)
	if err != nil {
		return r, err
	}
	t := &total{report: &r, found: found, held: map[string]bool{}}
	if len(r.Faults) == 0 {
		o.Progress("reading the store", 0, 0)
		err := eachKey(dir, o.FS, lock, t.take)
		var ours unwritable
		if errors.As(err, &ours) {
			return r, ours.error
		}
		if err == nil {
			t.sum()
			return r, nil
		}
		r.Unread = append(r.Unread, FileFault{"the store", "does not open: " + err.Error()})
	}
	o.Progress("reading single files", 0, 0)
	r.Salvaged = true
	t.held = map[string]bool{}
	s := &salvage{fs: o.FS, dir: dir, found: t.take}
	if err := s.read(listed); err != nil {
		return r, err
	}
	r.Unread = append(r.Unread, s.lost...)
	t.sum()
	return r, nil
}

// compare fills in what the inventory says, and returns the names of the files
// to read.
func (r *Report) compare(o Options, lock *pebble.Lock) (names []string, err error) {
	all, err := o.FS.List(r.Dir)
	if err != nil {
		return nil, err
	}
	c, err := readInventory(o.FS, r.Dir)
	if errors.Is(err, errNoInventory) || errors.Is(err, store.ErrDamaged) {
		if found, err := versionWithout(o.FS, r.Dir, lock); err == nil && found != layout {
			r.Version, r.Migrating = found, true
			return all, knownVersion(found)
		}
		what := "is missing"
		if !errors.Is(err, errNoInventory) {
			what = "was changed"
		}
		r.Faults = append(r.Faults, FileFault{inventoryName, what})
		return all, nil
	}
	if err != nil {
		return nil, err
	}
	r.Version, r.Closed, r.Files, r.Expected = c.version, c.closed, len(c.files), c.commits
	if c.version != layout {
		return nil, otherVersion(c.version)
	}
	for name, e := range c.files {
		r.Bytes += e.size
		names = append(names, name)
	}
	if c.torn > 0 {
		names = all // the end of the list is not known
	}
	r.Faults, err = verify(o.FS, r.Dir, c, func(done, all int64) { o.Progress("comparing files with the inventory", done, all) })
	return names, err
}

// firstLayout is the version that had no inventory; its keys and values are
// those of today.
const firstLayout = "httpdest/store/v1"

// knownVersion is the error of a version that cannot be read at all.
func knownVersion(found string) error {
	if found == firstLayout {
		return nil
	}
	return otherVersion(found)
}

// eachKey reads a store by Pebble, and changes nothing.
func eachKey(dir string, fs vfs.FS, lock *pebble.Lock, take func(key, value []byte) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fatal(p)
		}
	}()
	db, err := pebble.Open(dir, &pebble.Options{FS: fs, ReadOnly: true, Lock: lock, Logger: logger{}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	i, err := db.NewIter(nil)
	if err != nil {
		return err
	}
	for i.First(); i.Valid(); i.Next() {
		value, err := i.ValueAndErr()
		if err == nil {
			if err = take(i.Key(), value); err != nil {
				err = unwritable{err}
			}
		}
		if err != nil {
			return errors.Join(err, i.Close())
		}
	}
	return errors.Join(i.Error(), i.Close())
}

// total counts what a store holds while it is read.
type total struct {
	report *Report
	found  func(key, value []byte) error
	held   map[string]bool // keys that are there; false: they cannot be decoded
}

func (t *total) take(key, value []byte) error {
	switch {
	case value == nil:
		delete(t.held, string(key))
	case key[0] == countKey && len(value) == sequenceLen:
		n, _ := sequence(append([]byte{countKey}, value...)) // of the right length
		t.report.Commits = max(t.report.Commits, n)
	default:
		t.held[string(key)] = decodable(key, value) == nil
	}
	return t.found(key, value)
}

func (t *total) sum() {
	counts := map[byte]*int{stateKey: &t.report.Profiles, exportKey: &t.report.Pending, chargeKey: &t.report.Charged, deadKey: &t.report.Dead}
	for key, usable := range t.held {
		n := counts[key[0]]
		switch {
		case n == nil: // the version, or a note
		case usable:
			*n++
		default:
			t.report.Unusable = append(t.report.Unusable, nameOf(key))
		}
	}
	slices.Sort(t.report.Unusable)
}

// nameOf is a key for people.
func nameOf(key string) string {
	if key[0] == stateKey {
		return "profile " + key[1:]
	}
	kinds := map[byte]string{exportKey: "export", chargeKey: "charge", deadKey: "dead letter"}
	seq, err := sequence([]byte(key))
	if err != nil {
		return kinds[key[0]] + " of an unknown number"
	}
	return kinds[key[0]] + " " + number(seq)
}
