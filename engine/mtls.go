package engine

import (
	"slices"
	"time"

	"github.com/httpdest/httpdest/engine/retry"
)

// MTLSVerdict is what the mTLS decision found out about the endpoint.
type MTLSVerdict string

// The verdicts. Only on an mTLS-only endpoint is the certificate presented
// (catalog/streaming/http-destination, "mTLS"; design §4).
const (
	MTLSOnly   MTLSVerdict = "mtls-only"
	TLSEnabled MTLSVerdict = "tls-enabled"
	Undecided  MTLSVerdict = "undecided"
)

// DecisionLifetime is how long a decision is relied on.
const DecisionLifetime = time.Hour

// refusals are the statuses by which a server that asked for a certificate may
// refuse a request without one at the HTTP level: nginx answers 400, 495 or
// 496, applications 401 or 403.
var refusals = []int{400, 401, 403, 495, 496}

// judgeBare reads the request without a certificate. When it cannot tell, the
// same request with the certificate is needed.
func judgeBare(c Completion) (verdict MTLSVerdict, needSecond bool) {
	o := c.Outcome
	switch {
	case o.Kind == retry.Answered && !c.Asked:
		return TLSEnabled, false
	case o.Kind == retry.Answered && slices.Contains(refusals, o.Status):
		return Undecided, true
	case o.Kind == retry.Answered:
		return TLSEnabled, false
	case c.Asked && !c.Answering && (o.Kind == retry.TLS || o.Kind == retry.Reset || o.Kind == retry.Closed):
		return MTLSOnly, false
	}
	return Undecided, false
}

// judgePresented reads the request with the certificate: an answer other than
// the one without it shows that the certificate is what counts.
func judgePresented(bare, presented retry.Outcome) MTLSVerdict {
	switch {
	case presented.Kind != retry.Answered:
		return Undecided
	case presented.Status != bare.Status:
		return MTLSOnly
	}
	return TLSEnabled
}
