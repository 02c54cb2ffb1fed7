package local

import (
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// patience is how long a write waits on a full disk before it is tried again.
const patience = 100 * time.Millisecond

// disk is the file system below a store. A write that finds the disk full waits
// until there is room, whoever filled the disk, and every file it makes is
// readable by its owner alone.
//
// Decision: wait in the write. Reason: Pebble cannot go on after a log that
// could not be written, and to open the folder again needs room as well. Cost:
// while the disk is full nothing is charged or settled, so nothing is sent.
type disk struct {
	vfs.FS
	waiting *atomic.Int32 // writes that wait for room
	quit    *quit
	real    bool // the operating system's, with modes
}

// quit ends the waiting for good.
type quit struct {
	once sync.Once
	done chan struct{}
}

func (q *quit) now() { q.once.Do(func() { close(q.done) }) }

func newDisk(fs vfs.FS, waiting *atomic.Int32) disk {
	return disk{fs, waiting, &quit{done: make(chan struct{})}, vfs.Root(fs) == vfs.Default}
}

// Unwrap implements vfs.FS.
func (d disk) Unwrap() vfs.FS { return d.FS }

// tried calls do until there was room for it, or the waiting is ended.
func (d disk) tried(do func() error) error {
	err := do()
	if err == nil || !isFull(err) {
		return err
	}
	d.waiting.Add(1)
	defer d.waiting.Add(-1)
	for {
		timer := time.NewTimer(patience)
		select {
		case <-timer.C:
		case <-d.quit.done:
			timer.Stop()
			return err
		}
		if err = do(); err == nil || !isFull(err) {
			return err
		}
	}
}

// pause waits after an error other than a full disk: a table that cannot be written
// is tried again at once, for ever.
func (d disk) pause(err error) {
	if err == nil {
		return
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-d.quit.done:
	}
}

// GiveUp ends the waiting of every write on a full disk, now and later: the
// commit under way fails, and the store takes no other. It is for a process that
// must end at once.
func (s *Store) GiveUp() { s.disk.quit.now() }

// private makes a file the owner's alone.
func (d disk) private(name string, err error) error {
	if err != nil || !d.real {
		return err
	}
	return os.Chmod(name, 0o600)
}

// opened wraps a file that is written.
func (d disk) opened(name string, f vfs.File, err error) (vfs.File, error) {
	if err != nil {
		return f, err
	}
	if err := d.private(name, nil); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return patientFile{f, d}, nil
}

// Create implements vfs.FS.
func (d disk) Create(name string, category vfs.DiskWriteCategory) (f vfs.File, err error) {
	err = d.tried(func() error { f, err = d.FS.Create(name, category); return err })
	d.pause(err)
	return d.opened(name, f, err)
}

// ReuseForWrite implements vfs.FS.
func (d disk) ReuseForWrite(from, to string, category vfs.DiskWriteCategory) (f vfs.File, err error) {
	err = d.tried(func() error { f, err = d.FS.ReuseForWrite(from, to, category); return err })
	return d.opened(to, f, err)
}

// OpenReadWrite implements vfs.FS.
func (d disk) OpenReadWrite(name string, category vfs.DiskWriteCategory, o ...vfs.OpenOption) (f vfs.File, err error) {
	err = d.tried(func() error { f, err = d.FS.OpenReadWrite(name, category, o...); return err })
	return d.opened(name, f, err)
}

// Rename implements vfs.FS.
func (d disk) Rename(from, to string) error {
	return d.tried(func() error { return d.FS.Rename(from, to) })
}

// MkdirAll implements vfs.FS.
func (d disk) MkdirAll(name string, _ os.FileMode) error {
	return d.tried(func() error { return d.FS.MkdirAll(name, 0o700) })
}

// patientFile is a file of a disk.
type patientFile struct {
	vfs.File
	disk disk
}

// Write implements vfs.File. The part of p that a full disk accepted is not
// written again.
func (f patientFile) Write(p []byte) (written int, err error) {
	err = f.disk.tried(func() error {
		n, err := f.File.Write(p[written:])
		written += n
		return err
	})
	f.disk.pause(err)
	return written, err
}

// Sync implements vfs.File.
func (f patientFile) Sync() error {
	err := f.File.Sync()
	f.disk.pause(err)
	return err
}

// WriteAt implements vfs.File.
func (f patientFile) WriteAt(p []byte, at int64) (written int, err error) {
	err = f.disk.tried(func() error {
		n, err := f.File.WriteAt(p[written:], at+int64(written))
		written += n
		return err
	})
	return written, err
}

// Preallocate implements vfs.File. It is optional: without room for it the
// write itself fails.
func (f patientFile) Preallocate(offset, length int64) error {
	if err := f.File.Preallocate(offset, length); !isFull(err) {
		return err
	}
	return nil
}
