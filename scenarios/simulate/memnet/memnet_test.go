package memnet

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// pair is both ends of a fresh socket.
func pair(t *testing.T) (client, server *Conn, n *Network) {
	t.Helper()
	n = New()
	l := n.Listen("h:1")
	c, err := n.Dial(context.Background(), "tcp", "h:1")
	if err != nil {
		t.Fatal(err)
	}
	s, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return c.(*Conn), s.(*Conn), n
}

func TestDialIsRefusedWhereNothingListens(t *testing.T) {
	n := New()
	var unknown *net.DNSError
	if _, err := n.Dial(context.Background(), "tcp", "h:1"); !errors.As(err, &unknown) || !unknown.IsNotFound {
		t.Errorf("Dial = %v; want a name that does not resolve", err)
	}
	l := n.Listen("h:1")
	if _, err := n.Dial(context.Background(), "tcp", "h:2"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("Dial of another port = %v; want refused", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Dial(context.Background(), "tcp", "h:1"); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("Dial after Close = %v; want refused", err)
	}
	if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close = %v; want closed", err)
	}
}

func TestBytesArriveInOrderAndThenTheEnd(t *testing.T) {
	client, server, _ := pair(t)
	for _, piece := range []string{"one ", "two ", "three"} {
		if _, err := client.Write([]byte(piece)); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(server)
	if string(got) != "one two three" || err != nil {
		t.Errorf("ReadAll = %q, %v", got, err)
	}
	select {
	case <-server.Gone():
	default:
		t.Error("Gone is open although the client has closed")
	}
	if _, err := server.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("Write to a client that closed = %v; want EPIPE", err)
	}
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Read of one's own closed end = %v; want closed", err)
	}
}

func TestHalfClose(t *testing.T) {
	client, server, _ := pair(t)
	if err := server.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("Read = %v; want the end", err)
	}
	if _, err := client.Write([]byte("x")); err != nil {
		t.Errorf("Write against a half-close = %v; want it to arrive", err)
	}
	if n, err := server.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Errorf("Read = %d, %v", n, err)
	}
}

func TestResetLosesWhatIsInFlight(t *testing.T) {
	client, server, _ := pair(t)
	if _, err := server.Write([]byte("lost")); err != nil {
		t.Fatal(err)
	}
	if err := server.Reset(); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Read(make([]byte, 4)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("Read = %v; want a reset", err)
	}
	if _, err := client.Write([]byte("x")); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("Write = %v; want a reset", err)
	}
}

// net/http stops its background read by a deadline in the past; one in the
// future of the wall clock means nothing here.
func TestDeadlines(t *testing.T) {
	client, _, _ := pair(t)
	if err := client.SetReadDeadline(time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read = %v; want the deadline", err)
	}
	if err := errors.Join(client.SetReadDeadline(time.Time{}), client.SetReadDeadline(time.Now().Add(time.Nanosecond))); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { _, err := client.Read(make([]byte, 1)); done <- err }()
	waitUntil(client.network, func() bool { return client.socket.ClientReading() })
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Read = %v; want closed", err)
	}
}

// waitUntil waits for a state of the network, woken by its changes.
func waitUntil(n *Network, ok func() bool) {
	for {
		n.Lock()
		done := ok()
		n.Unlock()
		if done {
			return
		}
		<-n.Changed()
	}
}

func TestWhatAnObserverSees(t *testing.T) {
	client, server, n := pair(t)
	s := client.Socket()
	see := func(f func() bool) bool { n.Lock(); defer n.Unlock(); return f() }
	if see(s.InFlight) || see(s.ClientReading) || see(s.ClientClosed) {
		t.Error("a fresh socket is at rest, with nobody reading")
	}
	if _, err := server.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if !see(s.InFlight) || !see(s.ToClient) {
		t.Error("a byte to the client is in flight")
	}
	if _, err := client.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if see(s.InFlight) {
		t.Error("nothing is in flight after it was read")
	}
	before := n.version
	if _, err := client.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if see(s.ToClient) || !see(s.InFlight) || n.version == before {
		t.Error("a byte to the server is in flight, and the version has moved")
	}
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if !see(s.ClientClosed) {
		t.Error("the client has closed")
	}
}

// Real HTTP over real TLS, by the pooled client of net/http and its server:
// only the connection is ours.
func TestCarriesHTTPS(t *testing.T) {
	n := New()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // HTTP/1.1 of net/http is not duplex
		_, _ = w.Write(body)
	}))
	server.Listener = n.Listen("h:443")
	server.StartTLS()
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{
		DialContext:     func(ctx context.Context, network, _ string) (net.Conn, error) { return n.Dial(ctx, network, "h:443") },
		TLSClientConfig: &tls.Config{RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs, ServerName: "example.com"},
	}}
	defer client.CloseIdleConnections()
	goroutines := runtime.NumGoroutine()
	for range 20 {
		body := make([]byte, 100_000)
		response, err := client.Post("https://h/", "application/octet-stream", io.NopCloser(io.LimitReader(zeros{}, int64(len(body)))))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(response.Body)
		if err != nil || len(got) != len(body) {
			t.Fatalf("%d bytes came back, %v; want %d", len(got), err, len(body))
		}
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if n.sockets > 2 {
		t.Errorf("%d sockets for requests one after the other; keep-alive should need one", n.sockets)
	}
	if now := runtime.NumGoroutine(); now > goroutines+20 {
		t.Errorf("%d goroutines, %d before", now, goroutines)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
