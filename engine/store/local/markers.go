package local

import (
	"errors"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// ordered is a file system on which a marker never outlives what it names.
//
// Decision: before a marker file is made or removed, its folder is synced.
// Reason: Pebble says by the name of such a file which manifest counts, and
// syncs the folder once after making it; a file system that does not keep the
// order of directory entries may have the marker after a power cut and not the
// manifest, and the store does not open any more. Cost: two more syncs where
// markers move, which is when a store is opened and rarely after.
type ordered struct{ vfs.FS }

// Unwrap implements vfs.FS.
func (o ordered) Unwrap() vfs.FS { return o.FS }

// Create implements vfs.FS.
func (o ordered) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	if err := o.settle(name); err != nil {
		return nil, err
	}
	return o.FS.Create(name, category)
}

// Remove implements vfs.FS.
func (o ordered) Remove(name string) error {
	if err := o.settle(name); err != nil {
		return err
	}
	return o.FS.Remove(name)
}

// settle syncs the folder of a marker.
func (o ordered) settle(name string) error {
	if !strings.HasPrefix(o.PathBase(name), "marker.") {
		return nil
	}
	dir, err := o.OpenDir(o.PathDir(name))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
