package probe

import (
	"net/http"

	"github.com/httpdest/httpdest/engine/retry"
)

// class is the kind of thing behind a refusal. The fix belongs to it, and not to
// the rule of the message that was refused.
type class string

const (
	form        class = "form"        // the message itself
	throttled   class = "throttled"   // the pace
	down        class = "down"        // nothing is accepted at that time
	flaky       class = "flaky"       // the same message is accepted a moment later
	credentials class = "credentials" // who sends
	gateway     class = "gateway"     // something in front answers
	mtlsAsked   class = "mtls"        // a client certificate is requested
	starting    class = "cold"        // late or refused after a pause, and accepted at once afterwards
	late        class = "late"        // the answer takes more than two seconds
	lost        class = "lost"        // accepted, and not stored as sent
	noTLS       class = "tls"         // no connection with TLS and a valid certificate
	unreadable  class = "unreadable"  // the answer is not HTTP, or too large
	misleading  class = "status"      // refused as it must be, with a status that means something else
)

// fix is what to do about a refusal of a class; "" of form: the rule says.
func (c class) fix() string {
	switch c {
	case throttled:
		return "answer 429 or 503 with Retry-After to overload, or accept more: other statuses are taken for a refusal of the message"
	case down:
		return "look at the receiver's log for the time of the request: it refused or dropped every message"
	case flaky:
		return "look at the receiver's log for the time of the request: one replica, one worker or one connection of a pool fails, or the receiver starts cold"
	case credentials:
		return "compare the credentials, and their form, with what the receiver expects"
	case gateway:
		return "find the gateway, proxy or firewall that answers, by its headers and words, and let POST requests with JSON through on this path"
	case starting:
		return "keep at least one instance running, or warm it: an export that meets the start of one fails, and comes again 15 s later"
	case lost:
		return "store what was sent before the answer, whatever its namespace, id or status: the sender never repeats what was answered with 2xx"
	case late, noTLS, misleading, unreadable:
		return "" // that of the rule, or of the answer
	case mtlsAsked:
		return "make test certificates with --write-certificates DIR, trust DIR/client-ca.pem in the receiver, and probe with --certificates DIR"
	}
	return ""
}

// passing is the class of a refusal of a message that is accepted when it is sent
// again, by its words or else by its status.
func (a answer) passing() class {
	if a.Outcome.Kind == retry.Answered && a.status() < 500 || a.throttles() || a.namesPace() {
		return throttled
	}
	return flaky
}

// namesPace reports whether the words of a response name the pace as its reason.
func (a answer) namesPace() bool {
	c, ok := a.recognise("rcv-2xx")
	return ok && c.Class == throttled
}

// paced reports whether a refusal of the first message is about the pace of those
// before the probe. 503 alone is not: whoever starts, or is down, answers so.
func (a answer) paced() bool {
	return a.status() == http.StatusTooManyRequests || a.status() == http.StatusServiceUnavailable && a.Header.Get("Retry-After") != "" || a.namesPace()
}

// classOf is the class of a failure of a rule for which no control message is
// needed.
func classOf(rule string) class {
	switch rule {
	case "rcv-2s":
		return late
	case "rcv-idempotent", "rcv-order":
		return lost
	case "rcv-tls":
		return noTLS
	case "rcv-retry-advice":
		return misleading
	case "rcv-auth", "rcv-token":
		return credentials
	case "rcv-mtls-only", "rcv-new-ca":
		return mtlsAsked
	case "rcv-ip":
		return gateway
	}
	return form
}
