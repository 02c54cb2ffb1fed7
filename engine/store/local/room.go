package local

import (
	"fmt"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/httpdest/httpdest/engine/store"
)

// room watches how much of the disk is free. Asking costs a system call, so it
// is asked once for every step bytes that were written.
type room struct {
	fs    vfs.FS
	dir   string
	since atomic.Int64 // bytes written since it was asked
	full  atomic.Bool
}

// step is small against Reserve: between two questions no more than this goes
// in, a few times over for the log and the tables.
const step = 4 << 20

func newRoom(fs vfs.FS, dir string) *room {
	r := &room{fs: fs, dir: dir}
	r.since.Store(step)
	return r
}

// take counts bytes to be written, and says whether there is room for them.
// While the disk is full it asks every time, so that intake goes on as soon as
// there is room.
func (r *room) take(n int) error {
	if r.since.Add(int64(n)) < step && !r.full.Load() {
		return nil
	}
	r.since.Store(0)
	usage, err := r.fs.GetDiskUsage(r.dir)
	if err != nil {
		return nil //nolint:nilerr // a file system that cannot tell refuses the write itself
	}
	r.full.Store(usage.AvailBytes < Reserve)
	if r.full.Load() {
		return fmt.Errorf("%w: %d MB are free, and %d MB are kept for what was accepted", store.ErrFull, usage.AvailBytes>>20, Reserve>>20)
	}
	return nil
}
