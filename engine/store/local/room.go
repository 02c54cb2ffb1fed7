package local

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/httpdest/httpdest/engine/store"
)

// room watches how much of the disk is free. Asking costs a system call, so it
// is asked once for every step bytes that were written, and once a second for
// what others write.
type room struct {
	fs      vfs.FS
	dir     string
	since   atomic.Int64 // bytes written since it was asked
	asked   atomic.Int64 // when, in nanoseconds since the epoch
	full    atomic.Bool
	waiting atomic.Int32 // writes that found no room
}

// step is small against Reserve: between two questions no more than this goes
// in, a few times over for the log and the tables.
const step = 4 << 20

func newRoom(fs vfs.FS, dir string) *room {
	r := &room{fs: fs, dir: dir}
	r.since.Store(step)
	return r
}

// wrote counts bytes.
func (r *room) wrote(n int) { r.since.Add(int64(n)) }

// left reports whether there is room for something new. While the disk is full
// it asks every time, so that intake goes on as soon as there is room.
func (r *room) left() error {
	if r.waiting.Load() > 0 {
		return fmt.Errorf("%w: a write waits for disk space", store.ErrFull)
	}
	now := time.Now().UnixNano()
	if r.since.Load() < step && !r.full.Load() && now-r.asked.Load() < int64(time.Second) {
		return nil
	}
	r.since.Store(0)
	r.asked.Store(now)
	usage, err := r.fs.GetDiskUsage(r.dir)
	if err != nil {
		return nil //nolint:nilerr // a file system that cannot tell refuses the write itself
	}
	r.full.Store(usage.AvailBytes < Reserve)
	if r.full.Load() {
		return fmt.Errorf("%w: %d MB are free, and %d MB are reserved for accepted data", store.ErrFull, usage.AvailBytes>>20, Reserve>>20)
	}
	return nil
}

// Room is nil while something new can be accepted; then store.ErrFull, with
// the folder and what to do. Whoever accepts updates asks first: a commit is
// not refused for it, so that what was accepted can be charged and settled.
func (s *Store) Room() error { return explain(s.dir, s.room.left()) }
