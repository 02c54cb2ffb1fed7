package reports

import (
	"encoding/json"
	"time"
)

// Timeline is what happened in a case, on its clock: plain data, from which the
// picture and the table of a case are made. Times are in milliseconds from
// Start.
type Timeline struct {
	Start  time.Time      `json:"start"`
	EndMs  float64        `json:"endMs"`
	Events []Event        `json:"events"` // by time
	Faults []PlannedFault `json:"faults,omitempty"`
	// LeftOutEvents counts the events that are left out because there are too many
	// to look at; LeftOutProfiles counts the profiles without any event in the
	// timeline.
	LeftOutEvents   int `json:"leftOutEvents,omitempty"`
	LeftOutProfiles int `json:"leftOutProfiles,omitempty"`
}

// Event is one thing that happened.
type Event struct {
	AtMs     float64   `json:"atMs"`
	EndMs    float64   `json:"endMs,omitempty"` // of what lasts: an attempt, a decision, a token; 0: a moment
	Kind     EventKind `json:"kind"`
	Dataflow string    `json:"dataflow,omitempty"` // of several, that which it happened to; of an update, the first
	Profile  string    `json:"profile,omitempty"`  // "": the dataflow
	With     []string  `json:"with,omitempty"`     // the other profiles of a message
	Export   string    `json:"export,omitempty"`   // "doc#2"; of an attempt, the first of its message
	Attempt  int       `json:"attempt,omitempty"`  // 1, 2, 3
	AfterMs  float64   `json:"afterMs,omitempty"`  // from the end of the attempt before to the beginning of this one
	Retry    bool      `json:"retry,omitempty"`    // another attempt follows
	Outcome  string    `json:"outcome,omitempty"`  // "503", "timeout", "issued", "mtls-only"
	Failed   bool      `json:"failed,omitempty"`
	Fault    string    `json:"fault,omitempty"` // that the endpoint played
	Text     string    `json:"text,omitempty"`
}

// EventKind is what kind of thing happened.
type EventKind string

// The kinds of events.
const (
	EventUpdate    EventKind = "update"    // of a profile
	EventAction    EventKind = "action"    // of the dataflow: activate, map, disable, …
	EventExport    EventKind = "export"    // a decision to send a profile, and why
	EventBackfill  EventKind = "backfill"  // such a decision for a profile that was there before
	EventExcluded  EventKind = "excluded"  // a decision not to send, and why
	EventAttempt   EventKind = "attempt"   // one request
	EventDrop      EventKind = "drop"      // given up
	EventDecision  EventKind = "decision"  // whether the endpoint wants mTLS
	EventToken     EventKind = "token"     // a request for one
	EventHandshake EventKind = "handshake" // a connection that ended before its first request
	EventFault     EventKind = "fault"     // that no attempt met
	EventRun       EventKind = "run"       // an hour of the dataflow in its monitoring
	EventAlert     EventKind = "alert"     // that changed its state
	EventLookup    EventKind = "lookup"    // a lookup on the platform
	EventProblem   EventKind = "problem"   // of the configuration
)

// PlannedFault counts how often a fault of the scenario was played.
type PlannedFault struct {
	ID          string `json:"id"`
	Destination string `json:"destination,omitempty"` // of several, that whose endpoint has it
	Planned     int    `json:"planned"`               // 0: as often as it is met
	Fired       int    `json:"fired"`
}

// MarshalJSON writes a list without entries as a list: tools iterate over it.
func (t Timeline) MarshalJSON() ([]byte, error) {
	type plain Timeline // without this method
	t.Events = list(t.Events)
	return json.Marshal(plain(t))
}
