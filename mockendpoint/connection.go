package mockendpoint

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
	"sync/atomic"

	"github.com/httpdest/httpdest/mockendpoint/forward"
	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// connection is an accepted connection whose handshake is over, as http.Server
// reads and writes it. It keeps the raw heads of the requests that are read.
type connection struct {
	net.Conn // tls.Conn, or raw itself
	raw      net.Conn
	ordinal  int
	nth      int  // of the data or the token endpoint alone, from 1
	tokens   bool // to the token endpoint
	listener string
	requests int // answered by one goroutine after the other
	state    *tls.ConnectionState
	entry    journal.Handshake // should there be no request

	answering atomic.Bool         // a handler has a request, or its answer is being written
	refused   bool                // net/http refused a request
	unread    func(answer []byte) // told of it

	receiver *forward.Client // of a proxy; nil: no request was forwarded yet
	splice   splice          // of the answer that is being written
	learned  learned

	mu    sync.Mutex
	heads heads
}

type connectionKey struct{}

// RawConn returns the accepted connection an exchange or handshake runs on: the
// value of the ctx that Options.Wait is called with. nil without one.
func RawConn(ctx context.Context) net.Conn {
	if raw, ok := ctx.Value(rawKey{}).(net.Conn); ok {
		return raw
	}
	if c, ok := ctx.Value(connectionKey{}).(*connection); ok {
		return c.raw
	}
	return nil
}

type rawKey struct{}

// Read implements net.Conn.
func (c *connection) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heads.write(p[:n])
	return n, err
}

// wireTLS notes what a request came by.
func (c *connection) wireTLS(entry *journal.Request) {
	if c.state == nil {
		return
	}
	entry.TLS, entry.ServerName = tls.VersionName(c.state.Version), c.state.ServerName
	entry.Cipher = tls.CipherSuiteName(c.state.CipherSuite)
	if len(c.state.PeerCertificates) > 0 {
		entry.Peer = peerOf(c.state.PeerCertificates[0])
	}
}

// takeHead returns the raw head of the request that is being handled.
func (c *connection) takeHead() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.heads.take()
}

// giveBack takes the memory of a head that nobody needs any more.
func (c *connection) giveBack(head []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heads.giveBack(head)
}

// handover is the listener by which connections past their handshake reach the
// HTTP server.
type handover struct {
	conns chan net.Conn
	quit  chan struct{}
	once  sync.Once
}

func newHandover() *handover {
	return &handover{conns: make(chan net.Conn), quit: make(chan struct{})}
}

// offer blocks until the server takes the connection; false when it is closed.
func (h *handover) offer(c net.Conn) bool {
	select {
	case h.conns <- c:
		return true
	case <-h.quit:
		return false
	}
}

// Accept implements net.Listener.
func (h *handover) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.quit:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (h *handover) Close() error {
	h.once.Do(func() { close(h.quit) })
	return nil
}

// Addr implements net.Listener.
func (h *handover) Addr() net.Addr { return noAddr{} }

type noAddr struct{}

func (noAddr) Network() string { return "handover" }
func (noAddr) String() string  { return "handover" }
