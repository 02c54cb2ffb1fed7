package live

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/httpdest/httpdest/engine"
)

// ErrBusy refuses an update because unsettled exports fill the memory or the
// backlog. It was not accepted; the sender repeats it later.
var ErrBusy = errors.New("the engine cannot hold more unsettled exports")

// Busy lasts at least until an export is settled; RetryAfter is how long the
// sender should wait.
const (
	patience   = 10 * time.Second // intake waits for room before it refuses
	RetryAfter = 10 * time.Second
)

// The parts of Config.Memory. The rest is for the collector, the store and
// connections.
const (
	heldShare   = 2  // a half: unsettled exports, where all of them are in memory
	recordShare = 4  // with Overflow a quarter: records of unsettled exports
	bodiesShare = 8  // and an eighth: bodies of those that wait; bodies under way have as much
	linesShare  = 8  // an eighth: lines whose updates are not durable yet
	knownShare  = 16 // a sixteenth: states that are in the store as well
)

// Records is how many unsettled exports have room in a memory, each without its
// body.
func Records(memory int64) int { return int(memory / recordShare / exportFrame) }

// backlog is Config.Backlog, or its default.
func (c Config) backlog() int {
	switch {
	case c.Backlog > 0:
		return c.Backlog
	case c.Overflow && c.Memory > 0:
		return max(1, Records(c.Memory))
	}
	return DefaultBacklog
}

// Bounds of what is under way at once, in bytes. Of a small memory a group takes a
// smaller share.
const (
	mostBytesAtOnce  = 4 << 20  // of the decisions that a shard hands over together
	mostBytesInGroup = 32 << 20 // of a group
	fewBytesInGroup  = 1 << 20  // of a group, in the smallest memory
	groupShare       = 32
)

// groupBytes is after how many bytes a group takes no more decisions.
func (c Config) groupBytes() int {
	if c.Memory > 0 {
		return int(min(mostBytesInGroup, max(fewBytesInGroup, c.Memory/groupShare)))
	}
	return mostBytesInGroup
}

// exportFrame is the approximate memory of an unsettled export without its
// body.
const exportFrame = 1 << 10

// heldBy is how many bytes an unsettled export takes.
func heldBy(x *engine.Export) int64 { return int64(len(x.Body)+x.Stored) + exportFrame }

// account is memory that intake waits for.
type account struct {
	most int64 // 0: unbounded

	mu    sync.Mutex
	held  int64
	freed chan struct{} // closed at the next release; nil while nobody waits
}

// reserve takes n bytes; it returns false, and takes nothing, where they would
// exceed the account.
func (a *account) reserve(n int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.most > 0 && a.held+n > a.most {
		return false
	}
	a.held += n
	return true
}

// take takes n bytes for what is accepted already.
func (a *account) take(n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.held += n
}

// release gives n bytes back.
func (a *account) release(n int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.held -= n
	if a.freed != nil {
		close(a.freed)
		a.freed = nil
	}
}

// now is how many bytes are taken.
func (a *account) now() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.held
}

// full reports whether nothing more is to be accepted.
func (a *account) full() bool { return a.most > 0 && a.now() >= a.most }

// next is closed at the next release.
func (a *account) next() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.freed == nil {
		a.freed = make(chan struct{})
	}
	return a.freed
}

// admit reserves n bytes of a line. It waits for room as long as an export may
// well be settled meanwhile; then the error is ErrBusy, or that of ctx.
func (d *Driver) admit(ctx context.Context, n int64) error {
	if d.reserve(n) {
		return nil
	}
	patient := time.NewTimer(patience)
	defer patient.Stop()
	for {
		settled, durable := d.held.next(), d.lines.next()
		if d.reserve(n) {
			return nil
		}
		select {
		case <-settled:
		case <-durable:
		case <-patient.C:
			return ErrBusy
		case <-d.ending:
			return ErrDraining
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// reserve takes n bytes for a line, unless there will be no room for its export:
// what is on its way counts, so that an update that was admitted does not wait.
func (d *Driver) reserve(n int64) bool {
	if d.pending.Load()+d.admitted.Load() >= int64(d.config.Backlog) {
		return false
	}
	if most := d.held.most; most > 0 && d.held.now()+d.lines.now() >= most {
		return false
	}
	return d.lines.reserve(n)
}

// crowded reports whether no further export is to be accepted.
func (d *Driver) crowded() bool {
	return d.pending.Load() >= int64(d.config.Backlog) || d.held.full()
}

// hold counts the exports of a message as unsettled.
func (d *Driver) hold(m *engine.Message) {
	for i := range m.Exports {
		d.held.take(heldBy(&m.Exports[i]))
	}
	d.pending.Add(int64(len(m.Exports)))
}

// letGo is for a message that is settled.
func (d *Driver) letGo(m *engine.Message) {
	d.pending.Add(-int64(len(m.Exports)))
	var n int64
	for i := range m.Exports {
		n += heldBy(&m.Exports[i])
	}
	d.held.release(n)
}
