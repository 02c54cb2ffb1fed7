package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// endings are how servers end a connection whose client certificate they refuse,
// after the handshake of the client has succeeded (TLS 1.3).
var endings = map[string]func(conn *net.TCPConn, refused bool) error{
	// The alert is on its way, and the connection ends behind it.
	"alert": func(*net.TCPConn, bool) error { return nil },
	// The server does not read the request: the reset may overtake the alert.
	"reset": func(conn *net.TCPConn, refused bool) error {
		if refused {
			return conn.SetLinger(0)
		}
		return nil
	},
	// The request was read, and then the connection ends.
	"late": func(conn *net.TCPConn, refused bool) error {
		if refused {
			_, err := conn.Read(make([]byte, 4096))
			return err
		}
		return nil
	},
}

// refusing is the address of a server that ends connections in its own way where
// the handshake fails, and answers 204 otherwise.
func refusing(t *testing.T, config *tls.Config, end func(conn *net.TCPConn, refused bool) error) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	accepted := &handshaken{Listener: l, conns: make(chan net.Conn)}
	server := &http.Server{ErrorLog: quiet, Handler: http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		_, _ = io.Copy(io.Discard, q.Body)
		w.WriteHeader(http.StatusNoContent)
	})}
	go func() { _ = server.Serve(accepted) }() // ends with the server
	go func() {                                // ends with the listener
		for {
			raw, err := l.Accept()
			if err != nil {
				close(accepted.conns)
				return
			}
			go func() { // ends with the handshake
				conn := tls.Server(raw, config)
				err := conn.HandshakeContext(context.Background())
				_ = end(raw.(*net.TCPConn), err != nil)
				if err != nil {
					_ = raw.Close()
					return
				}
				accepted.conns <- conn
			}()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); _ = server.Close() })
	return "https://" + l.Addr().String()
}

// handshaken is a listener of connections whose handshake has succeeded.
type handshaken struct {
	net.Listener
	conns chan net.Conn
}

func (h *handshaken) Accept() (net.Conn, error) {
	if conn, open := <-h.conns; open {
		return conn, nil
	}
	return nil, net.ErrClosed
}

// The probe of a server that refuses clients without a certificate under TLS 1.3
// has the same report each time, however the refusal is noticed: 200 probes of each
// kind of server, and 50 with certificates, of which a foreign and an expired one
// are refused.
func TestOneReportForOneRefusal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "clients")
	if err := WriteClients(dir, time.Now()); err != nil {
		t.Fatal(err)
	}
	clients, err := ReadClients(dir)
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	content, err := os.ReadFile(filepath.Join(dir, "client-ca.pem"))
	if err != nil || !trusted.AppendCertsFromPEM(content) {
		t.Fatalf("client-ca.pem: %v", err)
	}
	own := httptest.NewTLSServer(nil) // for its certificate
	own.Close()
	base := tlsReceiver(t, tls.VersionTLS13, tls.NoClientCert, nil).config
	base.Roots, base.Only = x509.NewCertPool(), regexp.MustCompile("^(mtls/|message/plain)")
	base.Roots.AddCert(own.Certificate())
	for name, end := range endings {
		url := refusing(t, &tls.Config{MinVersion: tls.VersionTLS13, Certificates: own.TLS.Certificates, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: trusted}, end)
		for _, plan := range []struct {
			planned     *Clients
			repetitions int
			verdict     string
		}{{nil, 200, "inconclusive message/plain:rcv-mtls-only:inconclusive:mtls"}, {clients, 50, "pass mtls/current:rcv-new-ca:pass: "}} {
			if testing.Short() {
				plan.repetitions /= 10
			}
			reports := map[string]int{}
			for range plan.repetitions {
				c := base
				c.Destination.Endpoint, c.Clients = url, plan.planned
				r, err := New(c).Run(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				said := string(r.Verdict)
				for _, c := range r.Cases {
					for _, k := range c.Checks {
						said += " " + c.ID + ":" + k.Rule + ":" + string(k.Verdict) + ":" + k.Class
					}
				}
				reports[said]++
			}
			if len(reports) != 1 {
				t.Errorf("%s, certificates planned: %v: %d different reports: %v", name, plan.planned != nil, len(reports), reports)
			}
			for said := range reports {
				if !strings.HasPrefix(said, plan.verdict) {
					t.Errorf("%s: the report is %s; want %s", name, said, plan.verdict)
				}
			}
		}
	}
}
