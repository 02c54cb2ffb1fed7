package delivery

import (
	"io"
	"net"
	"syscall"
)

// gate is a connection of the operating system. While it is shut, a read takes
// what has come already and waits for nothing; so an idle connection can be
// asked, through TLS too, whether it is still any good.
type gate struct {
	net.Conn
	system syscall.RawConn
	shut   bool
	take   func(fd uintptr) bool // takes into p, once for all reads so that none allocates
	p      []byte
	n      int
	err    error
}

// nothing is the error of a read through a shut gate when nothing has come. To
// crypto/tls it is a wait that ran out, after which it can read on.
type nothing struct{}

var errNothing net.Error = nothing{}

// Error implements error.
func (nothing) Error() string { return "nothing has come" }

// Timeout implements net.Error.
func (nothing) Timeout() bool { return true }

// Temporary implements net.Error: crypto/tls asks for it.
func (nothing) Temporary() bool { return true }

// newGate is open. A connection that is not the system's reads as ended once it
// is shut, and is not used again.
func newGate(c net.Conn) *gate {
	g := &gate{Conn: c}
	if s, ok := c.(syscall.Conn); ok {
		g.system, _ = s.SyscallConn()
	}
	g.take = func(fd uintptr) bool {
		g.n, g.err = readNow(fd, g.p)
		return true
	}
	return g
}

// Read implements net.Conn.
func (g *gate) Read(p []byte) (int, error) {
	if !g.shut {
		return g.Conn.Read(p)
	}
	if g.system == nil {
		return 0, io.EOF
	}
	g.p = p
	err := g.system.Read(g.take)
	g.p = nil
	switch {
	case err != nil:
		return 0, err
	case g.err != nil:
		return 0, g.err
	case g.n == 0:
		return 0, io.EOF
	}
	return g.n, nil
}
