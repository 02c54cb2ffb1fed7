package local

import (
	"errors"
	"io"

	"github.com/cespare/xxhash/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// tracked is a file system that keeps the inventory of a store: Pebble writes
// through it. An error of the log never reaches Pebble, see background.hold.
type tracked struct {
	vfs.FS
	inventory  *inventory
	background *background
}

// Unwrap implements vfs.FS.
func (t tracked) Unwrap() vfs.FS { return t.FS }

// Create implements vfs.FS.
func (t tracked) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	t.background.freeze()
	f, err := t.FS.Create(name, category)
	f, err = t.begun(f, name, err)
	t.background.hold(name, err)
	return f, err
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
	w := &trackedFile{File: f, name: base, inventory: t.inventory, background: t.background}
	w.hash.Reset()
	return w, nil
}

// ReuseForWrite implements vfs.FS. The former content of the file does not
// count.
func (t tracked) ReuseForWrite(from, to string, category vfs.DiskWriteCategory) (vfs.File, error) {
	t.background.freeze()
	f, err := t.reused(from, to, category)
	t.background.hold(to, err)
	return f, err
}

func (t tracked) reused(from, to string, category vfs.DiskWriteCategory) (vfs.File, error) {
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
	return errors.New("a file of the store cannot be linked to a second name: " + to)
}

// Remove implements vfs.FS.
func (t tracked) Remove(name string) error {
	t.background.freeze()
	if err := t.inventory.removing(t.PathBase(name)); err != nil {
		return err
	}
	return t.FS.Remove(name)
}

// Rename implements vfs.FS.
func (t tracked) Rename(from, to string) error {
	t.background.freeze()
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
	return trackedFolder{f, t.inventory, t.background}, nil
}

// trackedFolder is the folder of the store.
type trackedFolder struct {
	vfs.File
	inventory  *inventory
	background *background
}

// Sync implements vfs.File. A new log may be what it is for.
func (t trackedFolder) Sync() error {
	t.background.freeze()
	err := t.File.Sync()
	if err == nil {
		err = t.inventory.named()
	}
	t.background.hold(logSuffix, err)
	return err
}

// trackedFile is a file that is written from its beginning to its end. Writes
// and syncs of it come one after the other, as vfs.File demands.
type trackedFile struct {
	vfs.File
	name       string
	inventory  *inventory
	background *background
	size       int64
	hash       xxhash.Digest
}

var _ io.Writer = (*trackedFile)(nil)

// Write implements vfs.File. The bytes are hashed first: a file may change the
// slice it is given.
func (t *trackedFile) Write(p []byte) (int, error) {
	t.background.freeze()
	before := t.hash
	_, _ = t.hash.Write(p) // a hash takes whatever it is given
	n, err := t.File.Write(p)
	if n < len(p) {
		t.hash = before
		_, _ = t.hash.Write(p[:n])
	}
	t.size += int64(n)
	t.background.hold(t.name, err)
	return n, err
}

// WriteAt implements vfs.File.
func (t *trackedFile) WriteAt([]byte, int64) (int, error) {
	return 0, errors.New("a file of the store cannot be changed in place: " + t.name)
}

// Sync implements vfs.File.
func (t *trackedFile) Sync() error { return t.synced(t.File.Sync) }

// SyncData implements vfs.File.
func (t *trackedFile) SyncData() error { return t.synced(t.File.SyncData) }

func (t *trackedFile) synced(sync func() error) error {
	t.background.freeze()
	err := sync()
	if err == nil {
		err = t.inventory.synced(t.name, t.size, t.hash.Sum64())
	}
	t.background.hold(t.name, err)
	return err
}

// Close implements vfs.File.
func (t *trackedFile) Close() error {
	err := t.File.Close()
	t.background.hold(t.name, err)
	return err
}
