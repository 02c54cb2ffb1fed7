package mockendpoint

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"

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
	answer, err := x.send(c.receiver)
	if err != nil {
		return x.badGateway(err)
	}
	x.answer, x.content = &answer, answer.Body
	return answer.Status
}

// send sends the request to the receiver, and notes what came of it.
func (x *exchange) send(c *forward.Client) (forward.Answer, error) {
	now := x.endpoint.options.Now
	began := now()
	answer, err := c.Send(x.ctx, x.outgoing, x.readAnswer)
	if x.ctx.Err() != nil { // the sender left meanwhile
		x.note(journal.Forward{Sent: began, Took: now().Sub(began), Failure: "sender-left"})
		x.entry.Disconnected = true
		x.journal()
		x.abort()
	}
	noted := journal.Forward{Sent: began, Took: now().Sub(began), Status: answer.Status}
	var failed *forward.Failure
	if errors.As(err, &failed) {
		noted.Status, noted.Failure = 0, failed.Reason
	}
	x.note(noted)
	return answer, err
}

func (x *exchange) note(f journal.Forward) { x.entry.Forwards = append(x.entry.Forwards, f) }

// readAnswer reads the body of an answer within the bounds of the endpoint.
func (x *exchange) readAnswer(in io.Reader, length int64) ([]byte, error) {
	body, reserved, err := x.endpoint.bodies.fill(in, length)
	x.reserved += reserved
	switch {
	case errors.Is(err, errBodyTooLarge):
		return nil, forward.ErrTooLarge
	case errors.Is(err, errBodiesFull):
		return nil, forward.ErrFull
	}
	return body, err
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
