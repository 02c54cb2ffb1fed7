package probe

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/httpdest/httpdest/engine/dataflow"
)

// crossings is how many messages are sent around the moment at which a server
// closes an idle connection, and spread over how much time.
const (
	crossings = 8
	crossed   = 8 * time.Millisecond
)

// watcher carries one message and then waits for the server to close the
// connection.
type watcher struct {
	mu     sync.Mutex
	conn   net.Conn
	closed time.Duration // after the answer; 0: it is open
}

func (w *watcher) after() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closed
}

func (w *watcher) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conn != nil {
		_ = w.conn.Close()
	}
}

// watchIdle sends a message by a connection of its own, and watches it until the
// probe ends.
func (t *caseRun) watchIdle(ctx context.Context) {
	access, err := t.access(ctx)
	if err != nil || t.budget.spend(1) != nil {
		return
	}
	conn, reader, err := t.opened(ctx, access)
	if err != nil {
		return
	}
	w := &watcher{conn: conn}
	t.watching = w
	answered := time.Now()
	go func() { // ends when the server or the probe closes the connection
		_, err := reader.ReadByte()
		if lasted := time.Since(answered); err == io.EOF {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.closed = lasted
		}
	}()
}

// opened is a connection on which one message was answered.
func (t *caseRun) opened(ctx context.Context, access dataflow.Secret) (net.Conn, *bufio.Reader, error) {
	u := t.config.Destination.URL()
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	}
	within, cancel := context.WithTimeout(ctx, Deadline)
	defer cancel()
	conn, err := dial(within, "tcp", address)
	if err != nil {
		return nil, nil, err
	}
	if t.main.sender.Encrypted() {
		secure := tls.Client(conn, t.clientTLS(tls.VersionTLS12, 0))
		if err := secure.HandshakeContext(within); err != nil {
			_ = conn.Close()
			return nil, nil, err
		}
		conn = secure
	}
	reader := bufio.NewReader(conn)
	if err := t.exchanged(conn, reader, access); err != nil {
		_ = conn.Close()
		return nil, nil, err
	}
	return conn, reader, nil
}

// exchanged sends a plain message on a connection and reads its answer.
func (t *caseRun) exchanged(conn net.Conn, reader *bufio.Reader, access dataflow.Secret) error {
	x := t.main.sender.Describe(t.operation(t.timed(), t.main.certificate, access))
	if t.main.alter != nil {
		t.main.alter(x)
	}
	request, err := http.NewRequest(x.Method, x.URL, bytes.NewReader(x.Body))
	if err != nil {
		return err
	}
	for _, h := range x.Headers {
		request.Header[h.Name] = append(request.Header[h.Name], h.Value)
	}
	if err := conn.SetDeadline(time.Now().Add(Deadline)); err != nil {
		return err
	}
	if err := request.Write(conn); err != nil {
		return err
	}
	response, err := http.ReadResponse(reader, request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return err
	}
	if response.Close {
		return fmt.Errorf("the connection is closed after each answer")
	}
	return conn.SetDeadline(time.Time{})
}

// crossing sends messages just when the server closes idle connections: one that
// meets the end of its connection is lost, and comes again 15 s later.
func crossing(ctx context.Context, t *caseRun) {
	const rule = "rcv-2s"
	if t.watching == nil || t.watching.after() == 0 {
		t.skipped("the server closed no idle connection while it was probed")
		return
	}
	after := t.watching.after()
	access, err := t.access(ctx)
	if err != nil || t.stopped(t.budget.take(ctx, 2*crossings)) {
		return
	}
	failed := make([]bool, crossings)
	var all sync.WaitGroup
	for i := range crossings {
		all.Go(func() {
			conn, reader, err := t.opened(ctx, access)
			if err != nil {
				return // it says nothing about the end of a connection
			}
			defer func() { _ = conn.Close() }()
			if wait(ctx, after-crossed/2+time.Duration(i)*crossed/crossings) == nil {
				failed[i] = t.exchanged(conn, reader, access) != nil
			}
		})
	}
	all.Wait()
	n := 0
	for _, f := range failed {
		if f {
			n++
		}
	}
	says := fmt.Sprintf("it closes idle connections after %s", ms(after))
	switch {
	case ctx.Err() != nil:
	case n == 0:
		t.pass(rule, "no message was lost at the end of an idle connection", says)
	default:
		t.advise(rule, fmt.Sprintf("%d of %d messages met the end of an idle connection and were lost", n, crossings), says, keepOpen, nil)
	}
}
