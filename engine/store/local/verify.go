package local

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/httpdest/httpdest/engine/store"
)

// FileFault is a file of a store that is not what was written.
type FileFault struct {
	Name string `json:"file"`
	What string `json:"what"` // "is missing", "is cut: 10 of 20 bytes are left", "was changed"
}

// String is the fault in a sentence.
func (f FileFault) String() string { return f.Name + " " + f.What }

// namedFaults is how many faults an error names.
const namedFaults = 3

// damagedFiles is the error of a folder with faults, nil without one.
func damagedFiles(faults []FileFault) error {
	if len(faults) == 0 {
		return nil
	}
	var names []string
	for _, f := range faults[:min(len(faults), namedFaults)] {
		names = append(names, f.String())
	}
	more := ""
	if n := len(faults) - namedFaults; n > 0 {
		more = fmt.Sprintf(" (and %d more files)", n)
	}
	return fmt.Errorf("%w: %s%s", store.ErrDamaged, strings.Join(names, "; "), more)
}

// verify compares every file of a folder with its inventory. It changes
// nothing. told is called with the bytes compared so far and the total.
func verify(fs vfs.FS, dir string, c contents, told func(done, all int64)) ([]FileFault, error) {
	all, done := int64(0), int64(0)
	for _, e := range c.files {
		all += e.size
	}
	var faults []FileFault
	for _, name := range slices.Sorted(maps.Keys(c.files)) {
		e := c.files[name]
		what, err := compare(fs, fs.PathJoin(dir, name), e, func(n int64) { done += n; told(done, all) })
		if err != nil {
			return nil, err
		}
		if what != "" {
			faults = append(faults, FileFault{name, what})
		}
	}
	if len(faults) > 0 && c.torn > 0 {
		// Alone it is what a power cut leaves. With other faults it may be their cause.
		faults = append([]FileFault{{inventoryName, fmt.Sprintf("ends at line %d, which is incomplete", c.torn)}}, faults...)
	}
	return faults, nil
}

// compare is how a file differs from its entry in the inventory; "" where it
// does not. Bytes after the synced ones were never acknowledged.
func compare(fs vfs.FS, path string, e *entry, read func(int64)) (what string, err error) {
	f, err := fs.Open(path, vfs.SequentialReadsOption)
	if errors.Is(err, os.ErrNotExist) {
		if !e.named {
			return "", nil
		}
		return "is missing", nil
	}
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	var d xxhash.Digest
	d.Reset()
	n, err := io.CopyBuffer(&d, counting{io.LimitReader(f, e.size), read}, make([]byte, 1<<20))
	switch {
	case err != nil:
		return "cannot be read: " + err.Error(), nil
	case n < e.size:
		return fmt.Sprintf("is cut: %d of %d bytes are left", n, e.size), nil
	case d.Sum64() != e.hash:
		return "was changed", nil
	}
	return "", nil
}

// counting reports the number of bytes read.
type counting struct {
	io.Reader
	read func(int64)
}

// Read implements io.Reader.
func (c counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read(int64(n))
	return n, err
}

// inspect decides whether the folder may be opened: its inventory, empty for a
// new store, or the error. Nothing in the folder is changed.
func inspect(fs vfs.FS, dir string, lock *pebble.Lock, told func(done, all int64)) (c contents, fresh bool, err error) {
	c, err = readInventory(fs, dir)
	if errors.Is(err, errNoInventory) {
		c, err = withoutInventory(fs, dir, lock)
		return c, true, err
	}
	if err != nil {
		return c, false, err
	}
	if c.version != layout {
		return c, false, otherVersion(c.version)
	}
	faults, err := verify(fs, dir, c, told)
	return c, len(c.files) == 0, errors.Join(err, damagedFiles(faults))
}

// otherVersion is the error of a store that this version does not read.
func otherVersion(found string) error {
	return fmt.Errorf("%w: it is written as %q, and this version reads %s", store.ErrNewer, found, layout)
}

// withoutInventory decides what a folder without an inventory is: a new one, a
// store of the first version, which had none, or one that lost it.
func withoutInventory(fs vfs.FS, dir string, lock *pebble.Lock) (contents, error) {
	empty := contents{files: map[string]*entry{}, version: layout}
	names, err := fs.List(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return empty, err
	}
	if !slices.ContainsFunc(names, isStoreFile) {
		return empty, nil
	}
	lost := fmt.Errorf("%w: %w", store.ErrDamaged, errNoInventory)
	found, err := versionWithout(fs, dir, lock)
	if err == nil && found != layout {
		return empty, otherVersion(found)
	}
	return empty, lost
}

// isStoreFile reports whether a name is that of a file with data of a store.
func isStoreFile(name string) bool {
	for _, suffix := range []string{".sst", ".log", ".blob"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return strings.HasPrefix(name, "MANIFEST-") || strings.HasPrefix(name, "marker.manifest.")
}

// versionWithout reads the layout of a store that has no inventory, and changes
// nothing.
func versionWithout(fs vfs.FS, dir string, lock *pebble.Lock) (found string, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fatal(p)
		}
	}()
	db, err := pebble.Open(dir, &pebble.Options{FS: fs, ReadOnly: true, Lock: lock, Logger: logger{}})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	value, closer, err := db.Get([]byte{versionKey})
	if err != nil {
		return "", err
	}
	found = string(value)
	return found, closer.Close()
}
