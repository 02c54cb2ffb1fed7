// Package retry decides whether a failed request is sent again, and when. PURE.
package retry

import (
	"strconv"
	"time"
)

// Kind is how an attempt ended.
type Kind string

// The ways an attempt can end.
const (
	Answered   Kind = "answered"   // a complete response; Status says which
	Timeout    Kind = "timeout"    // no complete response within the budget (R81)
	Refused    Kind = "refused"    // nothing listens there
	Unresolved Kind = "unresolved" // the host name does not resolve
	Reset      Kind = "reset"      // the connection was reset
	Closed     Kind = "closed"     // the connection ended before the response was complete
	TLS        Kind = "tls"        // the handshake failed, on either side's wish
	Malformed  Kind = "malformed"  // what came back is not HTTP
	TooLarge   Kind = "too-large"  // the response went past the bound
	NoToken    Kind = "no-token"   // never sent: no access token could be had
	Unknown    Kind = "unknown"    // charged before a crash, never settled

	// Deleted stands for a missing attempt: the dataflow was deleted before it
	// (R118).
	Deleted Kind = "dataflow-deleted"
)

// Outcome is how an attempt ended. Reason is of low cardinality, fit for a
// metric label; it holds no address, name or error text.
type Outcome struct {
	Kind       Kind
	Status     int
	RetryAfter time.Duration // what the response asked for; 0: nothing
	Reason     string
}

// Delivered reports whether the message arrived: any 2xx does (A6).
func (o Outcome) Delivered() bool {
	return o.Kind == Answered && o.Status >= 200 && o.Status <= 299
}

// String is the status code of a response, the kind of anything else.
func (o Outcome) String() string {
	if o.Kind == Answered {
		return strconv.Itoa(o.Status)
	}
	return string(o.Kind)
}
