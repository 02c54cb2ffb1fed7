package forward

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// lastWords is how long a receiver that stopped reading may take to say why.
const lastWords = time.Second

// errNotSent is a connection that was closed before anything of a request left.
var errNotSent = errors.New("the connection is closed")

// errUnasked is a receiver that sends what nobody asked for.
var errUnasked = errors.New("the receiver sent bytes between two answers")

// connection is a connection to the receiver. A goroutine reads from it all the
// time, so that it is known when the receiver closes it.
type connection struct {
	net.Conn
	in   *bufio.Reader
	gone chan struct{} // closed when the goroutine ended

	mu      sync.Mutex
	waiting *reply
	ended   error // why nothing more comes; nil while it is open
}

// reply is what a request waits for.
type reply struct {
	method  string
	read    ReadBody
	sent    atomic.Bool // the whole request left
	hurried bool        // the answer was complete before that
	done    chan struct{}
	answer  Answer
	err     error
}

func newConnection(c net.Conn) *connection {
	k := &connection{Conn: c, in: bufio.NewReader(c), gone: make(chan struct{})}
	go k.listen() // ends with close
	return k
}

// listen reads answers until the connection ends.
func (c *connection) listen() {
	defer close(c.gone)
	for {
		_, err := c.in.Peek(1)
		p := c.take(err)
		if p == nil {
			return
		}
		if err == nil {
			p.answer, err = readAnswer(c.in, p.method, p.read)
		}
		p.err = err
		if !p.sent.Load() {
			p.hurried = true
			_ = c.SetWriteDeadline(time.Now()) // nobody reads the rest of the request
		}
		over := err != nil || !p.answer.keep
		if over {
			c.end(errNotSent)
		}
		close(p.done)
		if over {
			return
		}
	}
}

// take is who waits for what came, or for the error. Without anybody the
// connection ends.
func (c *connection) take(err error) *reply {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.waiting
	c.waiting = nil
	if p == nil && err == nil {
		err = errUnasked
	}
	if err != nil {
		c.ended = err
	}
	return p
}

func (c *connection) end(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended == nil {
		c.ended = why
	}
}

// why is the reason for which the connection ended.
func (c *connection) why() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// expect has the next answer go to p; false where the connection has ended.
func (c *connection) expect(p *reply) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended != nil {
		return false
	}
	c.waiting = p
	return true
}

// exchange sends a request and waits for its answer. The error is errNotSent, a
// *Failure, or that of ctx.
func (c *connection) exchange(ctx context.Context, q *Request, read ReadBody) (Answer, error) {
	p := &reply{method: q.method, read: read, done: make(chan struct{})}
	if !c.expect(p) {
		return Answer{}, errNotSent
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	unsent := q.write(c.Conn)
	p.sent.Store(true)
	if unsent != nil {
		_ = c.SetReadDeadline(time.Now().Add(lastWords))
	}
	<-p.done
	switch {
	case p.err != nil || unsent != nil:
		c.end(errNotSent)
		_ = c.Close()
	case p.hurried:
		_ = c.SetWriteDeadline(time.Time{})
	}
	switch {
	case p.err == nil:
		return p.answer, nil
	case ctx.Err() != nil:
		return Answer{}, ctx.Err()
	case unsent != nil && errors.Is(p.err, io.EOF):
		return Answer{}, failureOf(unsent)
	}
	return Answer{}, failureOf(p.err)
}

// close ends the connection, and waits for the goroutine.
func (c *connection) close() {
	c.end(errNotSent)
	_ = c.Close()
	<-c.gone
}
