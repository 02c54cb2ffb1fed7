package probe

import (
	"context"
	"fmt"
	"slices"

	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/reports"
)

// advisedHeaders is how large the headers of an answer should be at most, in
// bytes: servers in front of a receiver refuse larger ones unless they are told.
const advisedHeaders = 8 << 10

// unreadable reports whether there is an answer that the sender cannot read: it is
// not HTTP, too large, or ends too soon.
func (a answer) unreadable() bool {
	return slices.Contains([]retry.Kind{retry.Malformed, retry.TooLarge}, a.Outcome.Kind) || a.cutShort()
}

// cutShort reports whether the connection ended in the middle of an answer.
func (a answer) cutShort() bool {
	return a.Outcome.Reason == "in-response" && (a.Outcome.Kind == retry.Closed || a.Outcome.Kind == retry.Reset)
}

// tooMuch names the part of an answer that is too large.
func (a answer) tooMuch() string {
	if a.Outcome.Reason == "response-headers-too-large" {
		return fmt.Sprintf("headers of more than %d kB", delivery.MaxResponseHeaders>>10)
	}
	return "a body of more than a megabyte"
}

// headerBytes is the size of the headers of an answer, as HTTP/1.1 writes them.
func (a answer) headerBytes() int {
	n := 0
	for name, values := range a.Header {
		for _, value := range values {
			n += len(name) + len(": ") + len(value) + len("\r\n")
		}
	}
	return n
}

// unreadableFix is what to do about an answer that cannot be read.
func (a answer) unreadableFix() string {
	switch {
	case a.cutShort():
		return "send as many bytes as Content-Length says, and look into the receiver's log for what ends the connection"
	case a.Outcome.Kind == retry.Malformed:
		return "let the server itself write the status line and the headers: look for output before them, and for a server that speaks another protocol on this port"
	case a.Outcome.Reason == "response-headers-too-large":
		return smallHeaders
	}
	return "answer without a body: the sender does not use it"
}

// smallHeaders is what to do about large headers.
const smallHeaders = "send fewer and shorter headers: look for cookies, traces, and headers that repeat the request; the sender reads no custom header"

// garbled fails the answer to a message, and not the form of the message.
func (t *caseRun) garbled(title string, a answer) {
	k := t.refusal("rcv-2xx", title+": the answer cannot be read", "a response of HTTP/1.1 with 2xx", a)
	k.Class, k.Fix, k.Causes = string(unreadable), a.unreadableFix(), []reports.Cause{}
	t.check(k, &a)
}

// answers are the cases about all answers together.
func (p *Prober) answers() []probeCase {
	return []probeCase{{id: "answer/headers", title: "The headers of every answer are small enough", rules: []string{"rcv-2xx"}, run: largestHeaders}}
}

// largestHeaders looks at the answer with the largest headers. How large they may
// be is not documented: a sender reads some bytes and no more, and so do servers in
// front of a receiver.
func largestHeaders(_ context.Context, t *caseRun) {
	t.seen.mu.Lock()
	a, n := t.seen.largest, t.seen.headers
	t.seen.mu.Unlock()
	switch {
	case n == 0:
		t.skipped("there was no answer with headers")
	case n > advisedHeaders:
		t.advise("rcv-2xx", fmt.Sprintf("an answer has headers of %d bytes", n), "more than the 8 kB that servers in front accept by default", smallHeaders, &a)
	default:
		t.pass("rcv-2xx", "the headers of every answer are small", fmt.Sprintf("%d bytes at most", n))
	}
}
