package local

import (
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// patienceOfCommits is how long a commit waits behind tables that cannot be written.
const patienceOfCommits = 10 * time.Second

// background is what happens to the files that Pebble writes by goroutines of its
// own. Where a table cannot be written, Pebble tries it again, and commits go on
// until they need the room; then they wait. Where the manifest cannot be written, it
// cannot go on at all.
//
// Decision: a commit that waited in vain fails, and with it the store. Reason: what
// was committed is in the log, so that a new start has all of it, and a process that
// waits without a word helps nobody. Cost: a disk that is gone for longer ends the
// process.
type background struct {
	patience time.Duration
	told     func(error) // of the first error of a row

	armed  atomic.Bool // the store is open: an error has nobody to go to
	frozen atomic.Bool

	mu     sync.Mutex
	errors int
	last   error
	at     time.Time
	broken chan struct{} // closed when Pebble cannot go on
	fatal  error
}

func newBackground(told func(error)) *background {
	return &background{patience: patienceOfCommits, told: told, broken: make(chan struct{})}
}

// logSuffix is that of the files of the log.
const logSuffix = ".log"

// hold keeps an error of the log from Pebble, which would end the process with it:
// the goroutine that met it waits for ever, and the store breaks down.
func (b *background) hold(name string, err error) {
	if err == nil || !b.armed.Load() || !strings.HasSuffix(name, logSuffix) {
		return
	}
	b.breakDown(err)
	select {}
}

// freeze keeps a store that was given up from writing any more.
func (b *background) freeze() {
	if b.frozen.Load() {
		select {}
	}
}

// failed is called for a table that could not be written or read. It returns at
// once.
func (b *background) failed(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.errors++
	first := time.Since(b.at) > b.patience
	if b.last, b.at = err, time.Now(); first {
		b.told(err)
	}
}

// breakDown is called with an error after which Pebble cannot continue.
func (b *background) breakDown(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fatal == nil {
		b.fatal = err
		close(b.broken)
		b.told(err)
	}
}

// since is the number of errors so far, and the newest of those after a number.
func (b *background) since(before int) (now int, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.errors > before {
		err = b.last
	}
	return b.errors, err
}

// errGivenUp marks a commit that is not waited for any more.
var errGivenUp = errors.New("what was committed before is in the log")

// await is how a commit ended, or errGivenUp where it cannot end.
func (b *background) await(done <-chan error) error {
	before, _ := b.since(0)
	timer := time.NewTimer(b.patience)
	defer timer.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-b.broken:
			select {
			case err := <-done: // it needed nothing of what broke
				return err
			default:
				return errors.Join(errGivenUp, b.fatal)
			}
		case <-timer.C:
			if _, err := b.since(before); err != nil {
				return errors.Join(errGivenUp, err)
			}
			timer.Reset(b.patience) // a slow disk, or a full one
		}
	}
}

// isCommitting reports whether this goroutine is one of a commit or of an opening,
// which turn a panic into an error, and not one of Pebble's own.
func isCommitting() bool {
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)]) // without this one and the logger's
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.Function, "local.(*commit).apply") || strings.HasSuffix(frame.Function, "local.(*commit).finish") ||
			strings.HasSuffix(frame.Function, "local.openDB") || strings.HasSuffix(frame.Function, "local.(*Store).Close") {
			return true
		}
		if !more {
			return false
		}
	}
}
