package simulate

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// answer is what a receiver does with a request, counted from its arrival.
type answer struct {
	waits   []time.Duration // the endpoint's own, one after another; nil is one until the end
	headers time.Duration   // when the status line leaves; never is "not at all"
	end     time.Duration   // when the last byte leaves, or a reset
	status  int
	outcome retry.Outcome // as the sender sees it, if it waits for so long
	close   bool          // the connection ends with it
	cut     bool          // because the sender has had enough
}

// pauses are the waits of the endpoint until the end.
func (a answer) pauses() []time.Duration {
	if a.waits == nil {
		return []time.Duration{a.end}
	}
	return a.waits
}

// never is the time of what does not happen.
const never = mockendpoint.Forever

// resetLead is how long the endpoint lets arrive what it sent before a reset.
const resetLead = time.Millisecond

// answerTo is the receiver as a function: what comes of a request that meets a
// fault, nil for none. ordinary is the status without one.
func answerTo(f *fault.Fault, ordinary int) answer {
	if f == nil {
		return answered(0, ordinary, nil)
	}
	status := f.Status
	if status == 0 {
		status = ordinary
	}
	switch {
	case f.SlowBody > 0 || f.Phase == fault.Body:
		return slowly(f, status)
	case f.Close, f.HalfClose:
		return broken(f, retry.Closed, "no-answer")
	case f.Garbage:
		return broken(f, retry.Malformed, "not-http")
	case f.MalformedChunk:
		return withBody(broken(f, retry.Malformed, "not-http"), f, status)
	case f.Endless:
		a := withBody(broken(f, retry.TooLarge, "response-body-too-large"), f, status)
		a.end, a.cut = f.Latency+mockendpoint.EndlessBody(delivery.MaxResponseBody), true
		return a
	case f.Stall:
		return answer{headers: never, end: never}
	case f.Reset:
		return broken(f, retry.Reset, "no-answer")
	}
	return answered(f.Latency, status, f.Headers)
}

// broken is an answer that ends the connection before its status line.
func broken(f *fault.Fault, kind retry.Kind, reason string) answer {
	return answer{headers: never, end: f.Latency, outcome: retry.Outcome{Kind: kind, Reason: reason}, close: true}
}

// withBody is an answer with a status line, and a body that is not what it
// should be.
func withBody(a answer, f *fault.Fault, status int) answer {
	a.headers, a.status = f.Latency, bodied(f, status)
	return a
}

// bodied is the status of an answer that needs a body: 204 has no body.
func bodied(f *fault.Fault, status int) int {
	if status == http.StatusNoContent && f.Status == 0 {
		return http.StatusOK
	}
	return status
}

// slowly is an answer whose body takes its time, stalls or is reset.
func slowly(f *fault.Fault, status int) answer {
	status = bodied(f, status)
	headers := f.Latency + f.HeadersAt
	a := answered(max(headers, f.SlowBody), status, f.Headers)
	a.headers = headers
	switch {
	case f.Stall:
		a.end = never
	case f.Reset:
		a.end, a.outcome, a.close = headers+resetLead, retry.Outcome{Kind: retry.Reset, Reason: "in-response"}, true
	case f.Close, f.HalfClose:
		a.outcome, a.close = retry.Outcome{Kind: retry.Closed, Reason: "in-response"}, true
	}
	a.waits = []time.Duration{f.Latency, f.HeadersAt, never}
	if a.end != never {
		a.waits[2] = a.end - headers
	}
	return a
}

// answered is a complete answer after some time.
func answered(after time.Duration, status int, headers map[string]string) answer {
	a := answer{headers: after, end: after, status: status, outcome: retry.Outcome{Kind: retry.Answered, Status: status}}
	for name, value := range headers {
		switch strings.ToLower(name) {
		case "retry-after":
			if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
				a.outcome.RetryAfter = time.Duration(seconds) * time.Second
			}
		case "connection":
			a.close = strings.EqualFold(value, "close")
		}
	}
	return a
}

// greeting is how a handshake ends.
type greeting struct {
	asked, presented bool
	peer             *journal.Peer
	refused          retry.Outcome // as the sender sees it; Kind "" when it was not
	reason           string        // as the endpoint journals it
}

// greet is the handshake as a function: what an endpoint of a mode makes of a
// sender that offers its own certificate, or does not. certificate is trusted,
// untrusted or none.
func greet(mode mockendpoint.Mode, offered bool, certificate string, own *journal.Peer) greeting {
	if mode == mockendpoint.Plain || mode == mockendpoint.TLS {
		return greeting{}
	}
	g := greeting{asked: true, presented: offered && certificate != "none" && own != nil}
	if g.presented {
		g.peer = own
	}
	switch {
	case g.presented && certificate == "untrusted":
		g.peer.Issuer = unknownIssuer
		g.refused, g.reason = retry.Outcome{Kind: retry.TLS, Reason: "unknown-ca"}, "unknown-ca"
	case !g.presented && mode == mockendpoint.MTLSOnly:
		g.refused, g.reason = retry.Outcome{Kind: retry.TLS, Reason: "certificate-required"}, "certificate-required"
	}
	return g
}

// status is the endpoint's answer without a fault.
func ordinaryStatus(method string, a journal.Authorization) int {
	switch {
	case method == http.MethodOptions:
		return http.StatusNoContent
	case a == journal.Missing || a == journal.Wrong:
		return http.StatusUnauthorized
	}
	return http.StatusOK
}
