package monitor

import (
	"fmt"

	"github.com/httpdest/httpdest/engine/retry"
)

// Error is one line of the details of a run: identities that failed alike
// (R127).
type Error struct {
	Code        string `json:"code"` // "ACTSVC-<nnnn>-<HTTP status>"
	Identities  int64  `json:"identities"`
	Description string `json:"description"`
}

// The numbers of the observed error codes. The documentation lists no codes:
// anything other than an authentication error is a processing error.
const (
	processing     = 9001
	authentication = 8104
)

// unanswered gives an attempt without an answer the equivalent status: a code
// always ends with one.
var unanswered = map[retry.Kind]struct {
	status int
	text   string
}{
	retry.Timeout:    {504, "no complete response within 2 s"},
	retry.Refused:    {503, "the connection was refused"},
	retry.Unresolved: {503, "the host name does not resolve"},
	retry.Reset:      {502, "the connection was reset"},
	retry.Closed:     {502, "the connection was closed before the response was complete"},
	retry.TLS:        {502, "the TLS handshake failed"},
	retry.Malformed:  {502, "the response was not HTTP"},
	retry.TooLarge:   {502, "the response was too large"},
	retry.Unknown:    {500, "the outcome of the last attempt is unknown"},
	retry.Deleted:    {500, "the dataflow was deleted"},
}

// errorOf is the code and the description of a last attempt that failed.
func errorOf(o retry.Outcome) (code, description string) {
	number, status := processing, o.Status
	switch {
	case o.Kind == retry.NoToken:
		// The status that a call without a token would have received.
		number, status, description = authentication, 401, "Authentication error reported while pushing events to the destination: no access token"
	case o.Kind != retry.Answered:
		cause, known := unanswered[o.Kind]
		if !known {
			cause = unanswered[retry.Unknown]
		}
		status, description = cause.status, "Error reported while pushing events to the destination: "+cause.text
	case o.Status == 401:
		number, description = authentication, "Authentication error reported while pushing events to the destination"
	default:
		description = fmt.Sprintf("Error reported while pushing events to the destination: it answered %d", o.Status)
	}
	return fmt.Sprintf("ACTSVC-%d-%d", number, status), description
}
