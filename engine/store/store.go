// Package store is the durable contract of the engine: profile states and the
// life of every message.
package store

import (
	"errors"
	"fmt"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
)

// Store keeps what must outlive the process. Implementations are safe for
// concurrent use. Package storetest is the suite each of them passes.
//
// The contract is written for the weakest backend that could serve. A commit
// is atomic; or, where there are no transactions, it is written in the order
// messages by id, then each state by compare-and-set on its version, and is
// taken as committed with the state: on opening, such a store drops a message
// whose number is above its profile's State.Exports. A commit that is repeated
// after an unclear failure then has the same result.
type Store interface {
	// Load returns the state of a profile; ok is false when it was never
	// committed. The error is *Unreadable where the state of this profile alone
	// cannot be read: the store goes on for all others.
	Load(id profile.ID) (s engine.State, ok bool, err error)

	// Commit keeps states and records, all or none of them. States,
	// acceptances, charges and notes are durable when it returns. A settlement
	// and a volatile note may be lost with the machine, and then so is every
	// later commit. Each state
	// follows the stored version by one; otherwise the error is ErrStale. A
	// record of a message that was never accepted is an error, and an
	// acceptance of one that is accepted already changes nothing. A message that is
	// dropped without its bodies (engine.Export.Stored) becomes a dead letter with
	// those that are stored. After these
	// the store goes on; after an error of writing it refuses all later commits.
	Commit(states []engine.State, records []engine.Record) error

	// States calls yield for every profile in ascending order of its id, as of
	// some moment at or after the call, until yield returns an error, which
	// States returns.
	States(yield func(engine.State) error) error

	// Unsettled calls yield for every message that is accepted and neither
	// delivered nor dropped, in the order of acceptance, with the number of
	// attempts charged. A message that was charged has the exports and the
	// body it was charged with.
	Unsettled(yield func(m *engine.Message, charged int) error) error

	// Read returns an unsettled message with the bodies of its exports, and with the
	// body it was charged with; nil where it was not charged. The error is
	// *Unreadable where the store goes on for all others.
	Read(m *engine.Message) (*engine.Message, error)

	// Dead calls yield for every message that was dropped and not sent again
	// since, in the order of acceptance.
	Dead(yield func(DeadLetter) error) error

	// Notes calls yield for every note in ascending order of its key. The
	// volatility of a note is not kept.
	Notes(yield func(engine.Note) error) error

	// Unreadable lists what is stored and cannot be read, as far as it was met.
	// The other methods leave it out; it stays in the store.
	Unreadable() []Unreadable

	// Close releases what the store holds. It may be called more than once.
	Close() error
}

// DeadLetter is a message that both retries could not deliver (R88). The
// destination drops it silently; here the loss stays visible, with its reason.
type DeadLetter struct {
	Message  *engine.Message
	Attempts int
	Outcome  retry.Outcome // of the last attempt
	At       time.Time     // when it was given up
}

// Unreadable is one stored thing that cannot be read.
type Unreadable struct {
	Kind string // "profile", "export", "charge", "dead letter"
	ID   string // of the profile or export, or its number in the store
	Err  error
}

// Error names it.
func (u *Unreadable) Error() string {
	return fmt.Sprintf("%s %q cannot be read: %v", u.Kind, u.ID, u.Err)
}

// Unwrap gives the cause.
func (u *Unreadable) Unwrap() error { return u.Err }

// Errors that callers distinguish.
var (
	ErrStale   = errors.New("the state was changed meanwhile")
	ErrFull    = errors.New("the disk is full, and nothing new is accepted")
	ErrInUse   = errors.New("the store is in use by another process")
	ErrNewer   = errors.New("the store was written by another version")
	ErrDamaged = errors.New("the store is damaged")
	ErrAbsent  = errors.New("there is no store")
	ErrNotDead = errors.New("no dead letter has this id")
)

// Trouble is an error of a store in a folder, with what to do about it.
type Trouble struct {
	Dir  string
	Err  error
	Hint string
}

// Error names the folder and what is wrong.
func (t *Trouble) Error() string { return "store " + t.Dir + ": " + t.Err.Error() }

// Unwrap gives the cause.
func (t *Trouble) Unwrap() error { return t.Err }
