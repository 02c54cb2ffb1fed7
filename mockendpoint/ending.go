package mockendpoint

import (
	"bytes"
	"crypto/tls"
	"net/http"
	"time"

	"github.com/httpdest/httpdest/mockendpoint/fault"
)

// The ways an answer ends that is not a whole one. Each journals before its
// last byte leaves or the connection is given up, and leaves the handler.

// end plays the ending of a fault. It returns only for a fault without one: the others leave the handler.
func (x *exchange) end(f *fault.Fault) {
	switch {
	case f.Close:
		x.hangUp()
	case f.HalfClose:
		x.halfClose()
	case f.Garbage:
		x.garbage(f)
	case f.MalformedChunk:
		x.malformedChunk(f)
	case f.Endless:
		x.endlessly(f)
	}
}

// withBody is the status of an answer that needs a body, and gives it one.
func (x *exchange) withBody(f *fault.Fault) (status int) {
	if status = f.Status; status == 0 {
		if status = x.ordinary(); status == http.StatusNoContent {
			status = http.StatusOK // 204 has no body
		}
	}
	if len(x.content) == 0 {
		x.content = []byte(slowBody)
	}
	return status
}

func (x *exchange) flush() { _ = http.NewResponseController(x.w).Flush() } // whoever left is noticed by the next wait

// abort ends the connection; what was written leaves first.
func (x *exchange) abort() { panic(http.ErrAbortHandler) }

// hangUp closes the connection.
func (x *exchange) hangUp() {
	x.journal()
	x.abort()
}

// halfClose closes the writing half, and waits until the client leaves.
func (x *exchange) halfClose() {
	x.journal()
	x.closeWrite()
	x.linger(Forever)
	x.abort()
}

// closeWrite ends the endpoint's direction, first that of TLS.
func (x *exchange) closeWrite() {
	if secure, ok := x.conn.Conn.(*tls.Conn); ok {
		_ = secure.CloseWrite()
	}
	closeWrite(x.conn.raw)
}

// closeWrite ends one direction; a client that left does not need it.
func closeWrite(raw any) {
	if half, ok := raw.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}

// linger waits after the answer was journalled.
func (x *exchange) linger(d time.Duration) { _ = x.endpoint.options.Wait(x.ctx, d) }

func (x *exchange) reset() {
	x.journal()
	reset(x.conn.raw)
	x.abort()
}

// noise is bytes that are neither HTTP nor TLS: none is ASCII but the line ends
// a reader may wait for.
func noise(f *fault.Fault) []byte {
	out := make([]byte, 0, len(f.Draw)+4)
	for _, b := range f.Draw {
		out = append(out, b|0x80)
	}
	return append(out, "\r\n\r\n"...)
}

// garbage answers with noise.
func (x *exchange) garbage(f *fault.Fault) {
	x.journal()
	_, _ = x.conn.Write(noise(f)) // past net/http, which has written nothing
	x.abort()
}

// malformedChunk answers with a chunk, and with another that has no size.
func (x *exchange) malformedChunk(f *fault.Fault) {
	x.writeHead(x.withBody(f), f.Headers, chunked)
	_, _ = x.w.Write(x.content)
	x.flush()
	x.journal()
	_, _ = x.conn.Write([]byte("no size\r\n")) // past net/http, which has written all it had
	x.abort()
}

// A body without an end goes out in pieces with pauses, so that a connection
// that never blocks its writer holds no more than a piece: 3.2 MB/s.
const (
	chunked     = -1
	endlessSize = 32 << 10
	endlessWait = 10 * time.Millisecond
)

// EndlessBody says when a client has read more than limit bytes of a body
// without an end, counted from its start.
func EndlessBody(limit int64) time.Duration {
	return time.Duration(limit/endlessSize) * endlessWait
}

// endlessly answers until the client leaves.
func (x *exchange) endlessly(f *fault.Fault) {
	x.writeHead(x.withBody(f), f.Headers, chunked)
	piece := bytes.Repeat([]byte("x"), endlessSize)
	for {
		if _, err := x.w.Write(piece); err != nil || http.NewResponseController(x.w).Flush() != nil {
			x.entry.Disconnected = true
			x.hangUp()
		}
		x.wait(endlessWait)
	}
}

// afterwards answers whole, and then ends the connection unannounced, or never
// reads from it again.
func (x *exchange) afterwards(f *fault.Fault) {
	x.respond(x.ordinary(), f.Headers)
	x.flush()
	switch {
	case f.Stall:
		x.linger(Forever)
	case f.Reset:
		x.linger(resetLead)
		reset(x.conn.raw)
	case f.HalfClose:
		x.closeWrite()
		x.linger(Forever)
	}
	x.abort()
}
