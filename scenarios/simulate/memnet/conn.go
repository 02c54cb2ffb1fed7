package memnet

import (
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Socket is one connection: two ends, two directions. Its fields are read by
// an observer that holds the network's lock.
type Socket struct {
	Ordinal int // in order of dialling, from 1
	client  *Conn
	server  *Conn
}

// Address is the host:port that was dialled.
func (s *Socket) Address() string { return s.server.local.String() }

func newSocket(n *Network, ordinal int, addr string) *Socket {
	s := &Socket{Ordinal: ordinal}
	up, down := newStream(&n.mu), newStream(&n.mu)
	s.client = &Conn{network: n, socket: s, in: down, out: up, local: address("client"), remote: address(addr)}
	s.server = &Conn{network: n, socket: s, in: up, out: down, local: address(addr), remote: address("client"), gone: make(chan struct{})}
	return s
}

// InFlight reports whether bytes are on their way in either direction.
func (s *Socket) InFlight() bool { return len(s.client.in.data) > 0 || len(s.server.in.data) > 0 }

// ToClient reports whether bytes are on their way to the client.
func (s *Socket) ToClient() bool { return len(s.client.in.data) > 0 }

// ClientReading reports whether the client is blocked in Read and will stay so
// until the server acts.
func (s *Socket) ClientReading() bool { return s.client.in.blocked() }

// ClientClosed reports whether the client has closed its end.
func (s *Socket) ClientClosed() bool { return s.client.closed }

// stream is one direction: an unbounded buffer.
type stream struct {
	data    []byte
	ended   bool // the writer is done: EOF after data
	reset   bool // both ends fail at once; data is lost
	shut    bool // the reader closed its end
	expired bool // the reader's deadline is in the past
	readers int
	ready   sync.Cond
}

func newStream(mu *sync.Mutex) *stream { return &stream{ready: sync.Cond{L: mu}} }

func (s *stream) blocked() bool {
	return s.readers > 0 && len(s.data) == 0 && !s.ended && !s.reset && !s.shut && !s.expired
}

// Conn is one end of a socket.
type Conn struct {
	network       *Network
	socket        *Socket
	in, out       *stream
	closed        bool
	local, remote net.Addr
	gone          chan struct{} // of the server: closed when the client has closed or reset
	goneClosed    bool
}

// Socket is the connection this is an end of.
func (c *Conn) Socket() *Socket { return c.socket }

// Gone is closed when the client has closed its end or reset the connection.
// Only the server's end has it.
func (c *Conn) Gone() <-chan struct{} { return c.gone }

// Read implements net.Conn.
func (c *Conn) Read(p []byte) (int, error) {
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	s := c.in
	for {
		switch {
		case s.shut:
			return 0, net.ErrClosed
		case s.reset:
			return 0, &net.OpError{Op: "read", Net: "mem", Err: syscall.ECONNRESET}
		case s.expired:
			return 0, os.ErrDeadlineExceeded
		case len(p) == 0:
			return 0, nil
		case len(s.data) > 0:
			n := copy(p, s.data)
			s.data = s.data[n:]
			if len(s.data) == 0 {
				s.data = nil // give the buffer back
			}
			c.network.touch()
			return n, nil
		case s.ended:
			return 0, io.EOF
		}
		s.readers++
		c.network.touch()
		s.ready.Wait()
		s.readers--
		c.network.touch()
	}
}

// Write implements net.Conn. It never blocks.
func (c *Conn) Write(p []byte) (int, error) {
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	s := c.out
	switch {
	case c.closed || s.ended:
		return 0, net.ErrClosed
	case s.reset:
		return 0, &net.OpError{Op: "write", Net: "mem", Err: syscall.ECONNRESET}
	case s.shut:
		return 0, &net.OpError{Op: "write", Net: "mem", Err: syscall.EPIPE}
	}
	s.data = append(s.data, p...)
	c.network.touch()
	s.ready.Broadcast()
	return len(p), nil
}

// Close implements net.Conn: the peer reads what is in flight, then EOF.
func (c *Conn) Close() error {
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.closed = true
	c.out.ended = true
	c.in.shut = true
	c.in.data = nil // nobody will read it
	c.left()
	return nil
}

// CloseWrite ends this direction alone.
func (c *Conn) CloseWrite() error {
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.out.ended = true
	c.wake()
	return nil
}

// Reset ends the connection as a TCP reset does: what is in flight is lost,
// and the peer's next read fails with ECONNRESET.
func (c *Conn) Reset() error {
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	c.closed = true
	for _, s := range []*stream{c.in, c.out} {
		s.reset = true
		s.data = nil
	}
	c.in.shut = true
	c.left()
	return nil
}

// left notifies the peer, and everyone who waits, that this end is gone.
func (c *Conn) left() {
	if s := c.socket.server; c == c.socket.client && !s.goneClosed {
		s.goneClosed = true
		close(s.gone)
	}
	c.wake()
}

func (c *Conn) wake() {
	c.network.touch()
	c.in.ready.Broadcast()
	c.out.ready.Broadcast()
}

// SetReadDeadline implements net.Conn for the two values that matter to
// net/http and crypto/tls: the past, which wakes a reader up, and none. A
// deadline in the future of the wall clock means nothing in virtual time.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.network.mu.Lock()
	defer c.network.mu.Unlock()
	c.in.expired = !t.IsZero() && t.Before(longPast)
	c.wake()
	return nil
}

// longPast separates the deadlines that mean "now" (net/http uses time.Unix(1,
// 0)) from those meant for a wall clock.
var longPast = time.Unix(1_000_000_000, 0)

// SetWriteDeadline implements net.Conn. Write never blocks.
func (c *Conn) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }
