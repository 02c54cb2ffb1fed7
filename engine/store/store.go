// Package store is the durable contract of the engine: profile states and the
// life of every message.
package store

import (
	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/profile"
)

// Store keeps what must outlive the process. Implementations are safe for
// concurrent use. Package storetest is the suite each of them passes.
type Store interface {
	// Load returns the state of a profile; ok is false when it was never
	// committed.
	Load(id profile.ID) (s engine.State, ok bool, err error)

	// Commit makes states and records durable, all or none of them, before it
	// returns. Of two commits of one profile's state the later wins.
	Commit(states []engine.State, records []engine.Record) error

	// States calls yield for every profile in ascending order of its id, as of
	// some moment at or after the call, until yield returns an error, which
	// States returns.
	States(yield func(engine.State) error) error

	// Unsettled calls yield for every message that is accepted and neither
	// delivered nor dropped, in the order of acceptance, with the number of
	// attempts charged.
	Unsettled(yield func(m *engine.Message, charged int) error) error

	// Close releases what the store holds. It may be called more than once.
	Close() error
}
