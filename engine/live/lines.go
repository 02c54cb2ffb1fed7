package live

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/httpdest/httpdest/internal/limits"
)

// silence is how long a body may be silent while it is read.
const silence = 30 * time.Second

// firstPiece is the buffer of a body whose lines are short.
const firstPiece = 16 << 10

// brokenBody is a body that could not be read to its end.
type brokenBody struct{ error }

// Unwrap is why.
func (b brokenBody) Unwrap() error { return b.error }

// lines are those of a body, each within limits.UpdateBytes.
type lines struct {
	body    io.Reader
	reserve func(n int64) error // asked before the buffer grows
	buffer  []byte
	rest    []byte // read, and not returned yet
	end     error  // of the body: io.EOF, or brokenBody; nil before
}

// next returns a line without its end, valid until the next call. The error is
// io.EOF after the last, a *limits.Exceeded, that of reserve, or brokenBody; what
// came of a line before it is lost.
func (l *lines) next() ([]byte, error) {
	scanned := 0
	for {
		if end := bytes.IndexByte(l.rest[scanned:], '\n'); end >= 0 {
			line := l.rest[:scanned+end]
			l.rest = l.rest[scanned+end+1:]
			return bytes.TrimSuffix(line, []byte("\r")), limits.UpdateBytes.Check(len(line))
		}
		scanned = len(l.rest)
		switch err := limits.UpdateBytes.Check(scanned); {
		case err != nil:
			return nil, limits.UpdateBytes.Check(limits.UpdateBytes.Most + 1)
		case l.end != nil && (scanned == 0 || !errors.Is(l.end, io.EOF)):
			return nil, l.end
		case l.end != nil:
			line := l.rest
			l.rest = nil
			return line, nil
		}
		if err := l.read(); err != nil {
			return nil, err
		}
	}
}

// read reads a piece of the body behind the rest.
func (l *lines) read() error {
	if err := l.makeRoom(); err != nil {
		return err
	}
	n, err := l.body.Read(l.buffer[len(l.rest):])
	l.rest = l.buffer[:len(l.rest)+n]
	switch {
	case errors.Is(err, io.EOF):
		l.end = io.EOF
	case err != nil:
		l.end = brokenBody{err} // for after the lines that came with it
	}
	return nil
}

// makeRoom moves the rest to the start of the buffer, and makes that larger where
// a line fills it.
func (l *lines) makeRoom() error {
	if len(l.rest) < len(l.buffer) {
		copy(l.buffer, l.rest)
		return nil
	}
	size := max(firstPiece, 2*len(l.buffer))
	if err := l.reserve(int64(size - len(l.buffer))); err != nil {
		return err
	}
	larger := make([]byte, size)
	copy(larger, l.rest)
	l.buffer = larger
	return nil
}

// impatient is a body that may not be silent for long: a client that never goes
// on would keep what it holds.
type impatient struct {
	body    io.Reader
	control *http.ResponseController
}

// Read implements io.Reader. The deadline holds for this one read: a later one
// would end the request while it waits to be durable.
func (b impatient) Read(p []byte) (int, error) {
	_ = b.control.SetReadDeadline(time.Now().Add(silence)) // a writer of a test has no deadline
	defer func() { _ = b.control.SetReadDeadline(time.Time{}) }()
	n, err := b.body.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = fmt.Errorf("the body cannot be read to its end: %w", err)
	}
	return n, err
}
