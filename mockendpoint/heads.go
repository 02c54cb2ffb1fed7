package mockendpoint

import (
	"bytes"
	"strconv"

	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// maxHead bounds what is kept of a request head; net/http refuses longer ones.
const maxHead = 2 << 20

// heads cuts the raw request heads out of the bytes of a connection. net/http
// reads ahead, so that one read may hold the end of a body and several requests:
// only the framing of HTTP/1.1 (RFC 9112) shows which bytes are a head. A
// request that net/http refuses is not framed further: no handler needs it.
type heads struct {
	step  step
	head  []byte // of the request that is being read
	line  int    // where its last line begins
	chunk []byte // the line with the size of a chunk, or of a trailer
	left  int64  // of the body, or of the chunk
	ready [][]byte
	spare []byte // for the next head
}

// step is where in a request the reading is.
type step int

const (
	stepBetween step = iota // empty lines before a request line are skipped
	stepHead
	stepBody
	stepChunkSize
	stepChunk
	stepChunkEnd
	stepTrailer
	stepLost // nothing can be framed any more
)

// write takes in what was read.
func (h *heads) write(p []byte) {
	for len(p) > 0 {
		switch h.step {
		case stepBetween:
			if p[0] == '\r' || p[0] == '\n' {
				p = p[1:]
				continue
			}
			h.step, h.line = stepHead, 0
			h.head, h.spare = h.spare[:0], nil
		case stepHead:
			p = h.headLine(p)
		case stepBody, stepChunk:
			n := min(h.left, int64(len(p)))
			p = p[n:]
			if h.left -= n; h.left == 0 {
				h.step = map[step]step{stepBody: stepBetween, stepChunk: stepChunkEnd}[h.step]
			}
		case stepChunkSize, stepChunkEnd, stepTrailer:
			p = h.chunkLine(p)
		case stepLost:
			return
		}
	}
}

// headLine takes in bytes up to the end of a line of the head.
func (h *heads) headLine(p []byte) (rest []byte) {
	end := bytes.IndexByte(p, '\n')
	part := p[:end+1]
	if end < 0 {
		part = p
	}
	if len(h.head)+len(part) > maxHead {
		h.step, h.head = stepLost, nil
		return nil
	}
	h.head = append(h.head, part...)
	if end < 0 {
		return nil
	}
	if line := bytes.TrimRight(h.head[h.line:], "\r\n"); len(line) > 0 {
		h.line = len(h.head)
		return p[end+1:]
	}
	h.complete()
	return p[end+1:]
}

// complete keeps the head for whoever takes it and begins its body.
func (h *heads) complete() {
	h.ready = append(h.ready, h.head)
	length, chunked := framing(h.head)
	h.head = nil
	switch {
	case chunked:
		h.step, h.chunk = stepChunkSize, h.chunk[:0]
	case length > 0:
		h.step, h.left = stepBody, length
	default:
		h.step = stepBetween
	}
}

// framing is how long the body of a head is: a number of bytes, or in chunks.
func framing(head []byte) (length int64, chunked bool) {
	request, _, _ := bytes.Cut(head, []byte("\n"))
	old := bytes.HasSuffix(bytes.TrimRight(request, "\r"), []byte("HTTP/1.0")) // which has no chunks
	for line := range journal.Lines(head) {
		switch {
		case bytes.EqualFold(line.Name, []byte("Content-Length")):
			length, _ = strconv.ParseInt(string(line.Value), 10, 64)
		case bytes.EqualFold(line.Name, []byte("Transfer-Encoding")):
			chunked = chunked || !old && bytes.EqualFold(line.Value, []byte("chunked"))
		}
	}
	return length, chunked
}

// maxChunkLine is more than net/http takes.
const maxChunkLine = 8 << 10

// chunkLine takes in a line between chunks.
func (h *heads) chunkLine(p []byte) (rest []byte) {
	end := bytes.IndexByte(p, '\n')
	if end < 0 {
		if h.chunk = append(h.chunk, p...); len(h.chunk) > maxChunkLine {
			h.step = stepLost
		}
		return nil
	}
	line := bytes.TrimSpace(append(h.chunk, p[:end]...))
	h.chunk = h.chunk[:0]
	switch h.step {
	case stepChunkEnd:
		h.step = stepChunkSize
	case stepTrailer:
		if len(line) == 0 {
			h.step = stepBetween
		}
	default:
		size, _, _ := bytes.Cut(line, []byte(";"))
		n, err := strconv.ParseInt(string(bytes.TrimSpace(size)), 16, 64)
		switch {
		case err != nil || n < 0:
			h.step = stepLost
		case n == 0:
			h.step = stepTrailer
		default:
			h.step, h.left = stepChunk, n
		}
	}
	return p[end+1:]
}

// take returns the oldest head that nobody took; nil without one.
func (h *heads) take() []byte {
	if len(h.ready) == 0 {
		return nil
	}
	head := h.ready[0]
	h.ready = h.ready[:copy(h.ready, h.ready[1:])]
	return head
}

// unread is the head that is being read, or that nobody took; nil without one.
func (h *heads) unread() []byte {
	if len(h.ready) > 0 {
		return h.ready[0]
	}
	return h.head
}

// giveBack takes the memory of a head that nobody needs any more.
func (h *heads) giveBack(head []byte) {
	const most = 16 << 10 // for every connection
	if cap(head) <= most {
		h.spare = head[:0]
	}
}
