package mockendpoint

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"time"

	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// TB is what Start needs of a test: *testing.T, *testing.B and GinkgoT() are
// one.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// Started is an endpoint that serves on loopback until the test ends, with what
// a client needs to talk to it.
type Started struct {
	URL      string // of the data endpoint: https://127.0.0.1:PORT, or http
	TokenURL string // of the token endpoint; "" without Options.Tokens
	// CA trusts the endpoint, Certificate is a client certificate that it
	// trusts. Both are of this test alone; nil and empty in the clear.
	CA          *x509.CertPool
	Certificate tls.Certificate
	// Journal is what arrived so far. Whoever has an answer finds its request.
	Journal *journal.Memory
	// Faults may be added and removed while the endpoint serves.
	Faults   *fault.Plan
	Endpoint *Endpoint
}

// Start serves an endpoint as o configures it, on free ports of loopback, and
// closes it when the test ends. Fields that o leaves out get defaults: a
// certificate for 127.0.0.1, ::1 and localhost, an authority for client
// certificates, a fault plan without faults. An o.Journal is told as well.
// Options that Check refuses end the test.
func Start(t TB, o Options) *Started {
	t.Helper()
	if err := o.Check(); err != nil {
		t.Fatalf("options of the mock endpoint: %v", err)
		return nil
	}
	s := &Started{Journal: &journal.Memory{}, Faults: o.Faults}
	if s.Faults == nil {
		s.Faults = fault.NewPlan(1)
		o.Faults = s.Faults
	}
	if o.Journal == nil {
		o.Journal = s.Journal
	} else {
		o.Journal = journal.Tee{s.Journal, o.Journal}
	}
	scheme := "https"
	if o.Mode == "" || o.Mode == Plain {
		scheme = "http"
	} else if err := s.certify(&o); err != nil {
		t.Fatalf("certificates of the mock endpoint: %v", err)
	}
	s.Endpoint = New(o)
	t.Cleanup(func() { _ = s.Endpoint.Close() })
	s.URL = s.listen(t, scheme, s.Endpoint.Serve)
	if o.Tokens != nil {
		s.TokenURL = s.listen(t, scheme, s.Endpoint.ServeTokens) + "/token"
	}
	return s
}

// certify makes what a client needs, and what o leaves out.
func (s *Started) certify(o *Options) error {
	from, to := time.Now().Add(-time.Hour), time.Now().AddDate(1, 0, 0)
	if o.Certificate.Certificate == nil {
		servers, err := NewAuthority("httpdest test server CA", from, to)
		if err != nil {
			return err
		}
		s.CA = servers.Pool()
		if o.Certificate, err = servers.Server("localhost", "127.0.0.1", "::1"); err != nil {
			return err
		}
	}
	if o.ClientCAs != nil {
		return nil
	}
	clients, err := NewAuthority("httpdest test client CA", from, to)
	if err != nil {
		return err
	}
	o.ClientCAs = clients.Pool()
	s.Certificate, err = clients.Client("httpdest test client", "client.test")
	return err
}

// listen serves on a free port until the test ends, and returns the URL.
func (s *Started) listen(t TB, scheme string, serve func(net.Listener) error) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatalf("mock endpoint: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- serve(l) }()
	t.Cleanup(func() {
		_ = l.Close()
		if err := <-ended; err != nil {
			t.Fatalf("mock endpoint: %v", err)
		}
	})
	return scheme + "://" + l.Addr().String()
}

// Client returns an HTTP client that trusts the endpoint and, where there is one,
// shows the client certificate, whatever authorities the endpoint names.
func (s *Started) Client() *http.Client {
	c := &tls.Config{RootCAs: s.CA}
	if s.Certificate.Certificate != nil {
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &s.Certificate, nil }
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: c}}
}
