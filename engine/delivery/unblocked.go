package delivery

import (
	"io"
	"net"
	"syscall"
)

// unblocked is a connection of the operating system of which a read can be told
// to take what has come already and to wait for nothing; so an idle connection can
// be asked, through TLS too, whether it is still any good.
type unblocked struct {
	net.Conn
	system syscall.RawConn
	atOnce bool                  // reads wait for nothing
	take   func(fd uintptr) bool // takes into p, once for all reads so that none allocates
	p      []byte
	n      int
	err    error
}

// nothing is the error of a read that waits for nothing when nothing has come. To
// crypto/tls it is a wait that ran out, after which it can read on.
type nothing struct{}

var errNothing net.Error = nothing{}

// Error implements error.
func (nothing) Error() string { return "nothing has come" }

// Timeout implements net.Error.
func (nothing) Timeout() bool { return true }

// Temporary implements net.Error: crypto/tls asks for it.
func (nothing) Temporary() bool { return true }

// newUnblocked waits in reads as any connection does. One that is not the system's
// reads as ended once it is told not to wait, and is not used again.
func newUnblocked(c net.Conn) *unblocked {
	u := &unblocked{Conn: c}
	if s, ok := c.(syscall.Conn); ok {
		u.system, _ = s.SyscallConn()
	}
	u.take = func(fd uintptr) bool {
		u.n, u.err = readNow(fd, u.p)
		return true
	}
	return u
}

// Read implements net.Conn.
func (u *unblocked) Read(p []byte) (int, error) {
	if !u.atOnce {
		return u.Conn.Read(p)
	}
	if u.system == nil {
		return 0, io.EOF
	}
	u.p = p
	err := u.system.Read(u.take)
	u.p = nil
	switch {
	case err != nil:
		return 0, err
	case u.err != nil:
		return 0, u.err
	case u.n == 0:
		return 0, io.EOF
	}
	return u.n, nil
}
