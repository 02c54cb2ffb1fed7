package forward

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// connectionFields are the fields of one connection, which a proxy does not pass
// on (RFC 9110 section 7.6.1, RFC 2616 section 13.5.1). Connection names more.
var connectionFields = []string{"connection", "proxy-connection", "keep-alive", "proxy-authenticate",
	"proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade"}

// passed reports which fields of a head go on to the next hop. A Connection field
// that names Host or Content-Length removes neither: the message would change.
func passed(head []byte) func(name []byte) bool {
	drop := connectionFields
	for line := range journal.Lines(head) {
		if !bytes.EqualFold(line.Name, []byte("Connection")) {
			continue
		}
		for word := range strings.SplitSeq(string(line.Value), ",") {
			if word = strings.ToLower(strings.TrimSpace(word)); word != "host" && word != "content-length" {
				drop = append(slices.Clip(drop), word)
			}
		}
	}
	return func(name []byte) bool { return !slices.Contains(drop, strings.ToLower(string(name))) }
}

// appendLine appends a field as it came. One over several lines becomes a single
// line (RFC 9112 section 5.2).
func appendLine(b []byte, line journal.HeadLine) []byte {
	text := line.Raw[:len(line.Raw)-len(line.End)]
	if bytes.IndexByte(text, '\n') >= 0 {
		text = fmt.Appendf(nil, "%s: %s", line.Name, line.Value)
	}
	return append(append(b, text...), "\r\n"...)
}

// Request is a request as it is sent to the receiver.
type Request struct {
	method           string
	head, body, tail []byte
}

// Request makes a request of a raw head and the whole body. The request line is
// sent as it came. A body that came in chunks is sent as one chunk, any other with
// its Content-Length. head and body are not changed; body must not change until
// the request is sent.
func (r *Receiver) Request(method string, head, body []byte) *Request {
	line := head[:bytes.IndexByte(head, '\n')+1]
	q := &Request{method: method, body: body, head: make([]byte, 0, len(head)+64)}
	q.head = append(append(q.head, bytes.TrimRight(line, "\r\n")...), "\r\n"...)
	goesOn, chunked, measured := passed(head), false, false
	for field := range journal.Lines(head) {
		if bytes.EqualFold(field.Name, []byte("Transfer-Encoding")) {
			chunked = true
		}
	}
	for field := range journal.Lines(head) {
		switch {
		case !goesOn(field.Name):
		case bytes.EqualFold(field.Name, []byte("Content-Length")):
			// Twice the length, or length and chunks, would be two messages to somebody.
			if !chunked && !measured {
				q.head, measured = appendLine(q.head, field), true
			}
		case r.config.OwnHost && bytes.EqualFold(field.Name, []byte("Host")):
			q.head = fmt.Appendf(q.head, "%s: %s\r\n", field.Name, r.config.URL.Host)
		default:
			q.head = appendLine(q.head, field)
		}
	}
	if chunked {
		q.head = append(q.head, "Transfer-Encoding: chunked\r\n"...)
	}
	q.head = append(q.head, "\r\n"...)
	if chunked {
		q.tail = []byte("0\r\n\r\n")
		if len(body) > 0 {
			q.head, q.tail = fmt.Appendf(q.head, "%x\r\n", len(body)), []byte("\r\n0\r\n\r\n")
		}
	}
	return q
}

// together is the size up to which a request is sent by one write.
const together = 16 << 10

// write sends the request.
func (q *Request) write(w io.Writer) error {
	if len(q.head)+len(q.body)+len(q.tail) <= together {
		_, err := w.Write(slices.Concat(q.head, q.body, q.tail))
		return err
	}
	for _, part := range [][]byte{q.head, q.body, q.tail} {
		if len(part) == 0 {
			continue
		}
		if _, err := w.Write(part); err != nil {
			return err
		}
	}
	return nil
}
