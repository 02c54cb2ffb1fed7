package mockendpoint

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/mockendpoint/forward"
	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// isForm reports whether a request has the media type of a token request.
func isForm(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == "application/x-www-form-urlencoded"
}

// forward has the receiver answer, and makes its answer the ordinary one. Without
// an answer that can be passed on the status is 502.
func (x *exchange) forward() int {
	if x.entry.Method == http.MethodConnect {
		x.unmet.status, x.unmet.reason = http.StatusMethodNotAllowed, "the proxy opens no tunnels"
	}
	if x.unmet.status != 0 {
		return x.refuse()
	}
	c := x.conn
	if c.receiver == nil {
		c.receiver = x.endpoint.options.Receiver.Client()
	}
	first, second := x.deliver(c.receiver)
	x.note(first)
	if second != nil {
		x.note(*second)
	}
	if x.ctx.Err() != nil { // the sender left meanwhile
		x.entry.Disconnected = true
		x.hangUp()
	}
	if first.err != nil {
		return x.badGateway(first.err)
	}
	x.answer, x.content = &first.answer, first.answer.Body
	return first.answer.Status
}

// hold keeps the request on its way for a time: it reaches the receiver though the sender
// has given up on it meanwhile, as a request in a network or a queue does.
func (x *exchange) hold(d time.Duration) {
	x.held = true
	if x.endpoint.options.Wait(x.endpoint.alive, d) != nil {
		x.entry.Disconnected = true
		x.journal()
		panic(http.ErrAbortHandler)
	}
}

// forwardBy forwards the request where the fault has it forwarded at one of these
// times. An answer of the fault's own takes the place of the receiver's.
func (x *exchange) forwardBy(f *fault.Fault, at ...fault.Forwarding) {
	if x.outgoing == nil || !slices.Contains(at, f.Forward) {
		return
	}
	x.forwards = f.Forward
	x.early = new(x.ordinary())
	if f.Status != 0 {
		x.answer, x.headers, x.content, x.contentType = nil, nil, nil, "text/plain"
	}
}

// delivery is a request that was sent to the receiver, and what came of it.
type delivery struct {
	noted    journal.Forward
	answer   forward.Answer
	reserved int64
	err      error
}

// deliver sends the request to the receiver; second is nil where it is sent once.
func (x *exchange) deliver(c *forward.Client) (first delivery, second *delivery) {
	switch x.forwards {
	case fault.ForwardTwice:
		first = x.send(c)
		return first, new(x.send(c))
	case fault.ForwardAtOnce:
		other := x.endpoint.options.Receiver.Client()
		defer other.Close()
		done := make(chan delivery, 1)
		go func() { done <- x.send(other) }()
		first = x.send(c)
		return first, new(<-done)
	}
	return x.send(c), nil
}

// send sends the request once. It changes nothing of the exchange, so that two may
// be sent at once.
func (x *exchange) send(c *forward.Client) (d delivery) {
	now := x.endpoint.options.Now
	began := now()
	ctx := x.ctx
	if x.held {
		ctx = x.endpoint.alive
	}
	d.answer, d.err = c.Send(ctx, x.outgoing, func(in io.Reader, length int64) ([]byte, error) {
		body, reserved, err := x.endpoint.bodies.fill(in, length)
		d.reserved += reserved
		switch {
		case errors.Is(err, errBodyTooLarge):
			return nil, forward.ErrTooLarge
		case errors.Is(err, errBodiesFull):
			return nil, forward.ErrFull
		}
		return body, err
	})
	d.noted = journal.Forward{Sent: began, Took: now().Sub(began), Status: d.answer.Status}
	var failed *forward.Failure
	switch {
	case errors.As(d.err, &failed):
		d.noted.Status, d.noted.Failure = 0, failed.Reason
	case d.err != nil: // the sender left meanwhile
		d.noted.Status, d.noted.Failure = 0, "sender-left"
	}
	return d
}

func (x *exchange) note(d delivery) {
	x.reserved += d.reserved
	x.entry.Forwards = append(x.entry.Forwards, d.noted)
}

// badGateway answers for a receiver that gave no answer.
func (x *exchange) badGateway(err error) int {
	reason := "failed"
	var failed *forward.Failure
	if errors.As(err, &failed) {
		reason = failed.Reason
	}
	x.contentType, x.content = "application/json", []byte(`{"error":"the receiver gave no answer: `+reason+`"}`)
	return http.StatusBadGateway
}

// passHead sends the head of the receiver's answer. The status and the headers
// are those of a fault where it has its own.
func (x *exchange) passHead(status int, headers map[string]string, length int) {
	h, a := x.w.Header(), x.answer
	h["Content-Type"] = nil // not guessed
	bodiless := x.entry.Method == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified
	switch {
	case bodiless || length < 0:
	case a.Length || x.entry.Proto == "HTTP/1.0":
		h.Set("Content-Length", strconv.Itoa(length))
	default:
		h.Set("Transfer-Encoding", "chunked")
	}
	for name, value := range headers {
		h.Set(name, value)
	}
	phrase := a.Phrase
	if status != a.Status {
		phrase = http.StatusText(status)
	}
	x.conn.splice.expect(status, phrase, a.Fields)
	x.entry.Status = status
	x.w.WriteHeader(status)
}
