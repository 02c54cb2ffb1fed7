package engine

import (
	"time"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/export"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
)

// State is what the engine keeps of one profile.
type State struct {
	Profile profile.Profile
	Exports uint64 // decided so far; numbers the next export
	// Version counts the decisions about the profile. A store commits a state
	// only after the version before it, so that two writers cannot overwrite
	// each other unseen.
	Version uint64
	// MergedInto is the profile that this one became part of; "" for one that
	// stands by itself. Nothing else is kept of one that does not.
	MergedInto profile.ID
}

// Export is one decision to send one profile to one dataflow. Body is fixed at
// the decision.
type Export struct {
	ID       string // "new-1#2": the second export of new-1
	Dataflow string
	Profile  profile.ID
	At       time.Time
	Because  []export.Trigger // sorted
	// MergePolicy is that of all audiences in the body, where the reading has one
	// body for each (A50); "" where the body has the audiences of all.
	MergePolicy string
	Body        []byte
	// Stored is how many bytes the body has where the store alone holds it and
	// Body is nil; 0 where Body is the body.
	Stored int
	// Identities is how many entries the identityMap has: what monitoring counts.
	Identities int64
	// Excluded is why the export is only counted and never sent; "" sends it.
	Excluded string
}

// Message is one request body with its exports: one by default (A23). An
// export that is accepted and waits is a message of its own, until it is
// charged with those it shares one with. Body is nil where Stored is set.
type Message struct {
	ID      string // of its first export
	Exports []Export
	Body    []byte
}

// alone is the export as a message of its own.
func (x *Export) alone() *Message {
	all := &struct { // in one piece: there is one for every export
		message Message
		one     [1]Export
	}{one: [1]Export{*x}}
	all.message = Message{ID: x.ID, Exports: all.one[:], Body: x.Body}
	return &all.message
}

// OperationID names an operation of one dispatcher.
type OperationID uint64

// OperationKind is what an operation does on the wire.
type OperationKind string

// The wire operations.
const (
	Attempt  OperationKind = "attempt"  // one request carrying a message
	Decision OperationKind = "decision" // one request of the mTLS decision
	Token    OperationKind = "token"    // one request to the token endpoint
	Load     OperationKind = "load"     // not on the wire: read the bodies of a message from the store
)

// Operation is one thing to do on the wire.
type Operation struct {
	ID          OperationID
	Dataflow    string // of the dispatcher; set by whoever has several
	Kind        OperationKind
	Message     *Message // Attempt; Load
	Number      int      // Attempt: 1, 2, 3
	Certificate bool     // present the client certificate if asked; never for a Token
	Grant       Grant    // Token
	// Token is the access token an Attempt carries, "" without OAuth 2; of a
	// Token with the grant Refresh, the refresh token.
	Token  dataflow.Secret
	Budget time.Duration // from its start
}

// Completion is how an operation ended.
type Completion struct {
	Operation OperationID
	Outcome   retry.Outcome
	Asked     bool    // Decision: the server asked for a certificate
	Answering bool    // Decision: at least one response byte came
	Issued    *Issued // Token: nil when no token came
	// Loaded is the message with its bodies, for a Load; Body is nil where no attempt
	// of it was charged. Nil: the store cannot read it.
	Loaded *Message
}

// RecordKind is the kind of a durable record.
type RecordKind string

// A message's life in the store: accepted, charged once per attempt, settled.
// One that was dropped is kept as a dead letter, and may be sent again, or erased,
// on the wish of a person.
const (
	Accepted  RecordKind = "accepted"
	Charged   RecordKind = "charged"
	Delivered RecordKind = "delivered"
	Dropped   RecordKind = "dropped"
	Resent    RecordKind = "resent"
	Erased    RecordKind = "erased"
	// Noted is not about a message: a note is kept, or removed.
	Noted RecordKind = "noted"
)

// Record is one durable fact about a message. Where the message is Stored, the
// store completes it with the bodies it holds.
type Record struct {
	Kind    RecordKind
	Message *Message
	Number  int           // Charged: of the attempt; Dropped: how many there were
	Outcome retry.Outcome // Dropped: of the last attempt
	At      time.Time     // Dropped: when
	Note    *Note         // Noted
}

// Note is a small durable fact under a key of its own, such as the mapping of a
// dataflow or the counters of an hour.
type Note struct {
	Key   string
	Value []byte // nil removes the note
	// Volatile may be lost with the machine as a settlement may: then so is
	// every later commit.
	Volatile bool
}

// Unsent is an attempt that ended before it reached the wire, because the mTLS
// decision or the access token it needed could not be had.
type Unsent struct {
	Message *Message
	Number  int
	Outcome retry.Outcome
	Retry   bool
}

// Settled is a message that will not be sent again.
type Settled struct {
	Message *Message
	Outcome retry.Outcome // of its last attempt
}

// MTLSDecision is a finished mTLS decision.
type MTLSDecision struct {
	Started time.Time
	Verdict MTLSVerdict
	Asked   bool
	First   retry.Outcome
	Second  *retry.Outcome // of the request with the certificate, where one was needed
}

// Due is a profile whose turn in a backfill has come.
type Due struct {
	Profile   profile.ID
	Audiences []profile.AudienceRef
	// MergePolicy is that of the audiences, where a backfill has one; "" for all.
	MergePolicy string
}

// Effects is what a driver must do, in this order: make Persist durable; then
// decide each Backfill and enqueue the export; perform each Send; wake the
// dispatcher at WakeAt. Unsent, Settled, Left, Decided and Fetched only tell what happened.
type Effects struct {
	Persist  []Record
	Backfill []Due
	Send     []Operation
	WakeAt   time.Time // zero: no wake-up is needed

	Unsent       []Unsent
	Retried      bool // the attempt just completed will be repeated
	Settled      []Settled
	Left         []*Message // stay in the store, which cannot read them; nothing more is done about them
	MTLSDecision *MTLSDecision
	Fetched      *Fetched
}
