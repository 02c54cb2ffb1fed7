package local

import (
	"errors"
	"io"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// tracked is a file system that keeps the inventory of a store: Pebble writes
// through it.
type tracked struct {
	vfs.FS
	inventory *inventory
}

// Unwrap implements vfs.FS.
func (t tracked) Unwrap() vfs.FS { return t.FS }

// Create implements vfs.FS.
func (t tracked) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	f, err := t.FS.Create(name, category)
	return t.begun(f, name, err)
}

// begun is a file whose content begins now.
func (t tracked) begun(f vfs.File, name string, err error) (vfs.File, error) {
	if err != nil {
		return f, err
	}
	base := t.PathBase(name)
	if err := t.inventory.created(base); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	w := &trackedFile{File: f, name: base, inventory: t.inventory}
	w.hash.Reset()
	return w, nil
}

// ReuseForWrite implements vfs.FS. What the file held before does not count.
func (t tracked) ReuseForWrite(from, to string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := t.inventory.removing(t.PathBase(from)); err != nil {
		return nil, err
	}
	f, err := t.FS.ReuseForWrite(from, to, category)
	return t.begun(f, to, err)
}

// OpenReadWrite implements vfs.FS. The hash of a file that is changed in place
// cannot be continued, and Pebble has no such file.
func (t tracked) OpenReadWrite(name string, _ vfs.DiskWriteCategory, _ ...vfs.OpenOption) (vfs.File, error) {
	return nil, errors.New("a file of the store cannot be changed in place: " + name)
}

// Link implements vfs.FS.
func (t tracked) Link(_, to string) error {
	return errors.New("a file of the store cannot be a second name: " + to)
}

// Remove implements vfs.FS.
func (t tracked) Remove(name string) error {
	if err := t.inventory.removing(t.PathBase(name)); err != nil {
		return err
	}
	return t.FS.Remove(name)
}

// Rename implements vfs.FS.
func (t tracked) Rename(from, to string) error {
	if err := t.inventory.renaming(t.PathBase(from), t.PathBase(to)); err != nil {
		return err
	}
	return t.FS.Rename(from, to)
}

// OpenDir implements vfs.FS.
func (t tracked) OpenDir(name string) (vfs.File, error) {
	f, err := t.FS.OpenDir(name)
	if err != nil || t.PathBase(name) != t.PathBase(t.inventory.dir) {
		return f, err
	}
	return trackedFolder{f, t.inventory}, nil
}

// trackedFolder is the folder of the store.
type trackedFolder struct {
	vfs.File
	inventory *inventory
}

// Sync implements vfs.File.
func (t trackedFolder) Sync() error {
	if err := t.File.Sync(); err != nil {
		return err
	}
	return t.inventory.named()
}

// trackedFile is a file that is written from its beginning to its end. Writes
// and syncs of it come one after the other, as vfs.File demands.
type trackedFile struct {
	vfs.File
	name      string
	inventory *inventory
	size      int64
	hash      xxhash.Digest
}

var _ io.Writer = (*trackedFile)(nil)

// Write implements vfs.File. What is written is hashed first: a file may change
// the slice it is given.
func (t *trackedFile) Write(p []byte) (int, error) {
	before := t.hash
	_, _ = t.hash.Write(p) // a hash takes whatever it is given
	n, err := t.File.Write(p)
	if n < len(p) {
		t.hash = before
		_, _ = t.hash.Write(p[:n])
	}
	t.size += int64(n)
	return n, err
}

// WriteAt implements vfs.File.
func (t *trackedFile) WriteAt([]byte, int64) (int, error) {
	return 0, errors.New("a file of the store cannot be changed in place: " + t.name)
}

// Sync implements vfs.File.
func (t *trackedFile) Sync() error {
	if err := t.File.Sync(); err != nil {
		return err
	}
	return t.inventory.synced(t.name, t.size, t.hash.Sum64())
}

// SyncData implements vfs.File.
func (t *trackedFile) SyncData() error {
	if err := t.File.SyncData(); err != nil {
		return err
	}
	return t.inventory.synced(t.name, t.size, t.hash.Sum64())
}
