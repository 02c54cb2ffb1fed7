package delivery

import (
	"context"
	"errors"
	"os"

	"github.com/httpdest/httpdest/engine/retry"
)

// DialOutcome is how a connection failed that was opened without an exchange:
// to inspect an endpoint without sending a request.
func DialOutcome(err error) retry.Outcome { return outside(&dialError{err}) }

// HandshakeOutcome is DialOutcome for the TLS handshake on a connection that was
// opened.
func HandshakeOutcome(err error) retry.Outcome { return outside(&handshakeError{err}) }

// outside is classify for who keeps a time of his own.
func outside(err error) retry.Outcome {
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return retry.Outcome{Kind: retry.Timeout, Reason: "no-answer-in-time"}
	}
	return classify(err)
}
