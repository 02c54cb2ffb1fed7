package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/scenarios/recording"
)

// try is one attempt at a message with what becomes of the message: an attempt
// of a recording, or a request of a capture.
type try struct {
	what     string // "attempt 2 of doc#1"
	number   int    // from 1; 0 for one that the policy does not have
	outcome  outcome
	status   int     // of the answer; 0 where none came, or none that was whole
	word     string  // how it failed where no status says it; "" where nobody knows
	followed bool    // by another one
	pending  bool    // or another one is to follow
	excused  bool    // none need follow it
	after    outcome // what the message had come to before it; unclear is nothing
	since    string  // where it had, such as "the delivery on line 3"
}

// goesOn reports whether another attempt follows, or is to follow.
func (t try) goesOn() bool { return t.followed || t.pending }

// due reports whether another attempt has to follow.
func (t try) due(p retryPolicy) bool {
	return t.outcome == outcomeFailed && t.number < p.most() && !t.excused
}

// given is how the last attempt failed.
func (t try) given() string {
	switch {
	case t.status > 0:
		return fmt.Sprintf("%s failed with %d and was not retried", t.what, t.status)
	case t.word != "":
		return fmt.Sprintf("%s failed with %s and was not retried", t.what, t.word)
	}
	return t.what + " was not answered and not retried"
}

// stopOnSuccess: nothing follows a delivery (R89).
func stopOnSuccess(e evidence, t try) {
	switch {
	case t.after == outcomeDelivered:
		e.as(resent).note(false, "%s after %s", t.what, t.since)
	case t.outcome == outcomeDelivered && !t.followed:
		e.as(resent).note(!t.pending, "%s was a success, and another followed", t.what)
	}
}

// lastAttempt: nothing follows the last attempt that the policy has (R82), with
// which the message is given up (R88).
func lastAttempt(e evidence, t try, p retryPolicy) {
	switch {
	case t.after == outcomeFailed:
		e.note(false, "%s after %s, and the policy has %d attempts", t.what, t.since, p.most())
	case t.outcome == outcomeFailed && t.number == p.most() && !t.followed:
		e.note(true, "")
	}
}

// toTheLast: another attempt follows each failure until the last one (R82). Not
// every source has every status retried.
func toTheLast(e evidence, t try, p retryPolicy) {
	switch {
	case !t.due(p) || p.final(t.status):
	case p.agreed(t.status):
		e.as(notRetried).note(t.goesOn(), "%s", t.given())
	default:
		e.of("max-3/every-status").as(notRetried).note(t.goesOn(), "%s", t.given())
	}
}

// retriedStatus: a status that is to be retried by name is (R83).
func retriedStatus(e evidence, t try, p retryPolicy) {
	if t.due(p) && p.lists(t.status) {
		e.as(notRetried).note(t.goesOn(), "%s", t.given())
	}
}

// finalStatus: any other status of a policy that distinguishes statuses is not
// retried (R84).
func finalStatus(e evidence, t try, p retryPolicy) {
	if t.due(p) && p.final(t.status) {
		e.note(!t.goesOn(), "%s failed with %d and was retried", t.what, t.status)
	}
}

// retriedFailure: what never became an answer is retried under every policy
// (R85).
func retriedFailure(e evidence, t try, p retryPolicy) {
	if t.due(p) && t.status == 0 {
		e.as(notRetried).note(t.goesOn(), "%s", t.given())
	}
}

// repetition is a request and the one that it repeats.
type repetition struct {
	what      string // "attempt 2 of doc#1"
	regrouped string // the message whose profiles it does not all carry; "" for none
	body      string // how the bodies differ; "" where they do not
	part      string // the part besides the body in which the two differ
	of        string // the request that it repeats
	untold    bool   // not all parts are known
}

// sameAgain: a retry is the same request (R87).
func sameAgain(e evidence, r repetition) {
	switch {
	case r.regrouped != "":
		e.as(regrouped).note(false, "%s is not together with the profiles of %s", r.what, r.regrouped)
	case r.body != "":
		e.as(changedBody).note(false, "%s: %s", r.what, r.body)
	case r.part != "":
		e.as(changedRequest).note(false, "%s has another %s than %s", r.what, r.part, r.of)
	case !r.untold:
		e.note(true, "")
	}
}

// requestParts are the parts of a request besides its body; nil is one that is
// not known.
type requestParts struct {
	method, target *string
	headers        []recording.Header
	told           func(name string) bool // whether the values of a header are known
}

// names are those of all its headers.
func (p requestParts) names() (names []string) {
	for _, h := range p.headers {
		names = append(names, h.Name)
	}
	return names
}

// otherPart is the first part in which two requests differ, of the headers those
// with some names; "" for none.
func otherPart(a, b requestParts, names []string) string {
	differ := func(x, y *string) bool { return x != nil && y != nil && *x != *y }
	switch {
	case differ(a.method, b.method):
		return "method"
	case differ(a.target, b.target):
		return "URL"
	}
	for _, name := range names {
		if a.told(name) && b.told(name) && !slices.Equal(values(a.headers, name), values(b.headers, name)) {
			return "header " + strings.ToLower(name)
		}
	}
	return ""
}

// sentParts are the parts of a request of which everything is known.
func sentParts(method, target string, all []recording.Header) requestParts {
	return requestParts{&method, &target, all, func(string) bool { return true }}
}
