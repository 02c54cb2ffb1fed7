package mockendpoint

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// lingering is how long a refused client may take to hang up.
const lingering = 5 * time.Second

// arrival is a connection that was accepted.
type arrival struct {
	raw     net.Conn
	ordinal int  // over all connections, from 1
	nth     int  // of the data or the token endpoint alone, from 1
	tokens  bool // it came to the token endpoint
	as      Listener
}

// take brings an accepted connection through the phases before its first
// request, and hands it to the HTTP server.
func (e *Endpoint) take(a arrival) {
	raw := a.raw
	ahead := &lookahead{Conn: raw}
	entry := journal.Handshake{Accepted: e.options.Now(), Socket: a.ordinal, Listener: a.as.Name, Remote: raw.RemoteAddr().String()}
	secure, err := e.admit(ahead, a, &entry)
	if err != nil {
		if code, ok := ahead.alert(); ok && strings.Contains(err.Error(), "bad record MAC") {
			err = clearAlert(code)
		}
		e.refuse(raw, entry, err)
		return
	}
	c := &connection{Conn: ahead, raw: raw, ordinal: a.ordinal, nth: a.nth, tokens: a.tokens, listener: a.as.Name, entry: entry}
	c.unread = func(answer []byte) { e.unreadable(c, answer) }
	if secure != nil {
		state := secure.ConnectionState()
		c.Conn, c.state = secure, &state
		c.entry.TLS = tls.VersionName(state.Version)
		if len(state.PeerCertificates) > 0 {
			c.entry.Peer = peerOf(state.PeerCertificates[0])
		}
	}
	if !e.ready.offer(c) {
		_ = raw.Close()
		e.done(raw)
	}
}

// admit plays the accept phase and the handshake. It returns nil without TLS.
func (e *Endpoint) admit(conn *lookahead, a arrival, entry *journal.Handshake) (*tls.Conn, error) {
	if err := e.early(conn, fault.Accept, a, entry); err != nil {
		return nil, err
	}
	if !a.as.encrypted() {
		return nil, nil
	}
	config := e.tlsConfig(a)
	config.GetConfigForClient = func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
		entry.ServerName = hello.ServerName
		e.patient(conn) // a fault may wait for as long as it says
		defer e.impatient(conn)
		return nil, e.early(conn, fault.Handshake, a, entry)
	}
	secure := tls.Server(conn, config)
	e.impatient(conn)
	defer e.patient(conn)
	// Without an end of its own: what ended the handshake is told by its error.
	if err := secure.HandshakeContext(context.Background()); err != nil {
		if agreed := secure.ConnectionState().Version; agreed != 0 {
			entry.TLS = tls.VersionName(agreed)
		}
		return nil, err
	}
	return secure, nil
}

// impatient ends a handshake that the client does not go on with, and patient
// takes that back.
func (e *Endpoint) impatient(conn *lookahead) {
	if e.silence > 0 {
		_ = conn.SetReadDeadline(time.Now().Add(e.silence))
	}
}

func (e *Endpoint) patient(conn *lookahead) {
	if e.silence > 0 {
		_ = conn.SetReadDeadline(time.Time{})
	}
}

// early plays a fault of a phase before there is a request.
func (e *Endpoint) early(conn *lookahead, phase fault.Phase, a arrival, entry *journal.Handshake) error {
	f := e.options.Faults.Connection(a.nth, phase, a.tokens)
	if f == nil {
		return nil
	}
	entry.Fault = f.ID
	if f.Latency > 0 {
		if err := e.waitOn(conn, f.Latency); err != nil {
			return errDisconnected
		}
	}
	if f.Stall {
		_ = e.waitOn(conn, Forever) // returns only when the client left
		return errDisconnected
	}
	if f.Reset {
		reset(conn.Conn)
		return errReset
	}
	// Our direction ends here, so that no alert of crypto/tls follows; refuse
	// does the rest.
	if f.Garbage {
		_, _ = conn.Write(noise(f))
		closeWrite(conn.Conn)
		return errGarbage
	}
	if f.Close {
		closeWrite(conn.Conn)
		return errClosed
	}
	return nil
}

// waitOn waits while nothing reads from the connection, and returns early when
// the client leaves.
func (e *Endpoint) waitOn(conn *lookahead, d time.Duration) error {
	ctx, cancel := context.WithCancel(context.WithValue(context.Background(), rawKey{}, conn.Conn))
	gone, stop := conn.watch()
	done := make(chan struct{})
	go func() { // ends with cancel
		defer close(done)
		select {
		case <-gone:
			cancel()
		case <-ctx.Done():
		}
	}()
	err := e.options.Wait(ctx, d)
	cancel()
	<-done
	stop()
	return err
}

var (
	errDisconnected = errors.New("the client left")
	errReset        = errors.New("reset by plan")
	errClosed       = errors.New("closed by plan")
	errGarbage      = errors.New("garbage by plan")
)

// refuse journals a connection that became no request, and closes it so that
// an alert on its way is not lost: our side first, the rest when the client
// has gone.
func (e *Endpoint) refuse(raw net.Conn, entry journal.Handshake, err error) {
	entry.Ended = e.options.Now()
	entry.Reason, entry.Peer = refusal(err)
	entry.Alert = alert(err, entry.Reason, entry.TLS)
	e.options.Journal.Handshake(entry)
	planned := errors.Is(err, errClosed) || errors.Is(err, errGarbage) // our side is closed
	if half, ok := raw.(interface{ CloseWrite() error }); ok && (planned || half.CloseWrite() == nil) {
		_ = raw.SetReadDeadline(time.Now().Add(lingering)) // against a client that never leaves
		_, _ = io.Copy(io.Discard, raw)
	}
	_ = raw.Close()
	e.done(raw)
}

// reset ends a connection with a TCP reset.
func reset(raw net.Conn) {
	if r, ok := raw.(interface{ Reset() error }); ok {
		_ = r.Reset()
		return
	}
	if t, ok := raw.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = raw.Close()
}

func isClosedListener(err error) bool { return errors.Is(err, net.ErrClosed) }

func isDeparture(err error) bool {
	return errors.Is(err, errDisconnected) || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}
