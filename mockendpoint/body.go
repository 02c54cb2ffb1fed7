package mockendpoint

import (
	"errors"
	"io"
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/httpdest/httpdest/internal/limits"
)

// MaxBody bounds a request body: ten profiles of the largest size.
var MaxBody = int64(limits.BodyBytes.Most)

// Bounds of the bodies that are read at once.
const (
	// DefaultBodies is how many bytes bodies may take together.
	DefaultBodies = 256 << 20
	// lightBody is the size up to which a body neither waits for others nor is
	// refused because of them.
	lightBody = 64 << 10
)

// A body that is too large is read to its end all the same, up to these bounds:
// a client that is still sending would take the reset for the answer.
const (
	drainBytes = 64 << 20
	drainTime  = 5 * time.Second
)

var (
	errBodyTooLarge = errors.New("the body is larger than the limit")
	errBodiesFull   = errors.New("the endpoint cannot hold more request bodies at once")
)

// bodyRoom bounds the memory and the work of request bodies, so that large ones
// cannot keep small ones waiting.
type bodyRoom struct {
	most  int64
	heavy chan struct{} // holds one for every body above lightBody that is taken apart

	mu   sync.Mutex
	held int64
}

func newBodyRoom(most int64) *bodyRoom {
	if most == 0 {
		most = DefaultBodies
	}
	return &bodyRoom{most: most, heavy: make(chan struct{}, runtime.GOMAXPROCS(0))}
}

// reserve takes n bytes for one body that holds so many already.
func (b *bodyRoom) reserve(n, already int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held+n > b.most && already+n > lightBody {
		return false
	}
	b.held += n
	return true
}

func (b *bodyRoom) release(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held -= n
}

// work has a body of a size taken apart: large ones a few at a time.
func (b *bodyRoom) work(size int, do func()) {
	if size > lightBody {
		b.heavy <- struct{}{}
		defer func() { <-b.heavy }()
	}
	do()
}

// read reads the body of a request to its end. reserved is what must be released
// when it is not needed any more. The error is errBodyTooLarge, errBodiesFull, or
// why the body cannot be read.
func (b *bodyRoom) read(w http.ResponseWriter, r *http.Request) (body []byte, reserved int64, err error) {
	body, reserved, err = b.fill(r.Body, r.ContentLength)
	if errors.Is(err, errBodyTooLarge) || errors.Is(err, errBodiesFull) {
		err = b.drain(w, r, err)
	}
	return body, reserved, err
}

// fill is read for any body; length is the announced one, -1 without one. It leaves
// the rest of a refused body unread.
func (b *bodyRoom) fill(in io.Reader, length int64) (body []byte, reserved int64, err error) {
	body = []byte{}
	for {
		if len(body) == cap(body) {
			size := grown(int64(cap(body)), length)
			if !b.reserve(size-int64(cap(body)), int64(cap(body))) {
				return nil, reserved, errBodiesFull
			}
			reserved += size - int64(cap(body))
			larger := make([]byte, len(body), size)
			copy(larger, body)
			body = larger
		}
		n, err := in.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case int64(len(body)) > MaxBody:
			return nil, reserved, errBodyTooLarge
		case errors.Is(err, io.EOF):
			return body, reserved, nil
		case err != nil:
			return body, reserved, err
		}
	}
}

// grown is the next size of a buffer. A length is believed a piece at a time: a
// client that promises much and sends little holds little.
func grown(size, length int64) int64 {
	const least, piece = 512, 64 << 10
	if length >= 0 && length < size+piece && length >= size {
		return length + 1 // one more, in which the end is read
	}
	if length >= 0 && size == 0 {
		return piece
	}
	return max(least, 2*size)
}

// drain reads what follows of a body that is refused, unless the client waits to
// be told to send it.
func (b *bodyRoom) drain(w http.ResponseWriter, r *http.Request, because error) error {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(drainTime)) // an in-memory connection has no deadline
	_, _ = io.CopyN(io.Discard, r.Body, drainBytes)                              // how it ends does not matter
	return because
}

// turnedAway is how a request is refused whose body could not be read; ok is
// false where the client left.
func turnedAway(err error) (status int, reason string, ok bool) {
	switch {
	case errors.Is(err, errBodyTooLarge):
		return limits.BodyBytes.Status, limits.BodyBytes.Check(limits.BodyBytes.Most + 1).Error(), true
	case errors.Is(err, errBodiesFull):
		return http.StatusServiceUnavailable, err.Error(), true
	case isDeparture(err):
		return 0, "", false
	}
	return http.StatusBadRequest, "the body is malformed: " + err.Error(), true
}
