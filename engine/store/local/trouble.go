package local

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2"

	"github.com/httpdest/httpdest/engine/store"
)

// fatalError is what Pebble could not go on from.
type fatalError struct{ error }

// Unwrap gives the cause.
func (e fatalError) Unwrap() error { return e.error }

// fatal turns the value of a panic into an error; any other value is a defect,
// and panics again.
func fatal(p any) error {
	err, ok := p.(error)
	if !ok {
		panic(p)
	}
	return fatalError{err}
}

// logger keeps Pebble from writing to stderr and from ending the process: its
// Fatalf must not return. A commit turns the panic into an error; a goroutine of
// Pebble's own ends, and the store with it.
type logger struct{ background *background }

func (logger) Infof(string, ...any)  {}
func (logger) Errorf(string, ...any) {}

func (l logger) Fatalf(format string, args ...any) {
	err := fatalError{fmt.Errorf(strings.TrimPrefix(format, "pebble: "), args...)}
	for _, arg := range args {
		if cause, ok := arg.(error); ok {
			err = err.because(cause)
			break
		}
	}
	if l.background != nil && !isCommitting() {
		l.background.breakDown(err)
		runtime.Goexit()
	}
	panic(err)
}

// because keeps the cause, which Fatalf formats away, for errors.Is.
func (e fatalError) because(cause error) fatalError {
	return fatalError{causedBy{e.error, cause}}
}

type causedBy struct {
	error
	cause error
}

// Unwrap gives the cause.
func (c causedBy) Unwrap() error { return c.cause }

// Hints for people. None of them has data thrown away.
const (
	hintVersion = "use the version of httpdest that wrote it; or `httpdest store repair --data DIR`, which copies it into a store of this version"
	hintDamaged = "nothing in the folder was changed. Restore the file from a copy, or see what can be read: `httpdest store check --data DIR`; " +
		"`httpdest store repair --data DIR` saves that into a new store"
	hintUnreadable = "all others continue, and the data stays in the folder: `httpdest store check --data DIR` lists what cannot be read"
	hintBroken     = "no accepted data is lost: check the disk, and start again"
	hintFull       = "free disk space: no accepted data is lost, and the store continues by itself"
)

// explain adds the meaning of an error of a folder and what to do about it.
func explain(dir string, err error) error {
	var already *store.Trouble
	switch {
	case err == nil:
		return nil
	case errors.As(err, &already):
		return err
	case errors.Is(err, store.ErrNewer):
		return &store.Trouble{Dir: dir, Err: err, Hint: hintVersion}
	case errors.Is(err, pebble.ErrDBDoesNotExist):
		return &store.Trouble{Dir: dir, Err: store.ErrAbsent, Hint: "give the folder that `httpdest serve --data` wrote to"}
	case isLocked(err):
		return &store.Trouble{Dir: dir, Err: store.ErrInUse, Hint: "stop the other httpdest first, or use another folder"}
	case strings.Contains(err.Error(), "format major version"):
		// Pebble has no error value for this one.
		return &store.Trouble{Dir: dir, Err: fmt.Errorf("%w: %w", store.ErrNewer, err), Hint: hintVersion}
	case isFull(err):
		if !errors.Is(err, store.ErrFull) {
			err = fmt.Errorf("%w: %w", store.ErrFull, err)
		}
		return &store.Trouble{Dir: dir, Err: err, Hint: hintFull}
	case errors.Is(err, errGivenUp):
		return &store.Trouble{Dir: dir, Err: err, Hint: hintBroken}
	case isDamage(err):
		return &store.Trouble{Dir: dir, Err: damaged(err), Hint: hintDamaged}
	}
	return &store.Trouble{Dir: dir, Err: err, Hint: "check the folder, its permissions and its disk"}
}

func isLocked(err error) bool {
	return errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EACCES) && strings.Contains(err.Error(), "lock") ||
		strings.Contains(err.Error(), "lock held by current process")
}

// isDamage: Pebble marks only some of it, so that whatever is wrong with a
// folder the file system has no complaint about counts.
func isDamage(err error) bool {
	var complaint syscall.Errno
	return errors.Is(err, store.ErrDamaged) || pebble.IsCorruptionError(err) || !errors.As(err, &complaint) ||
		complaint == syscall.ENOENT // a file that others refer to
}

func damaged(err error) error {
	if errors.Is(err, store.ErrDamaged) {
		return err
	}
	return fmt.Errorf("%w: %w", store.ErrDamaged, err)
}

func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, store.ErrFull)
}
