// Package conformance tests a sender of your own in a Go test: it plays the
// endpoint of a scenario on loopback, and judges what arrives against the
// scenario's history, as httpdest mock and httpdest judge do together.
//
//	func TestSender(t *testing.T) {
//		conformance.Judge(t, "testdata/enter.yaml", func(url string) {
//			mysender.New(url).Run(history)
//		})
//	}
//
// What the documentation states fails the test where it is broken; what only a
// default of httpdest decides does not. A planned fault that never fires fails
// the test, and so does a capture that cannot be judged. Wrong plans are
// refused: a file with mistakes, a history that the configuration refuses.
package conformance

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"sync"
	"time"

	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/capture"
	"github.com/httpdest/httpdest/scenarios/check"
	"github.com/httpdest/httpdest/scenarios/recording"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// TB is what this package needs of a test: *testing.T, *testing.B and GinkgoT()
// are one.
type TB interface {
	Helper()
	Cleanup(func())
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// drain is how long requests under way may take when judging begins. A fault
// may answer never.
const drain = 5 * time.Second

// Mock is the endpoint of a scenario, which serves until it is judged or the
// test ends.
type Mock struct {
	URL      string // of the data endpoint: https://127.0.0.1:PORT, or http
	TokenURL string // of the token endpoint; "" where the scenario has no token endpoint
	// CA trusts the endpoint, Certificate is a client certificate that it
	// trusts. Both are of this test alone; nil and empty in the clear.
	CA          *x509.CertPool
	Certificate tls.Certificate
	// Scenario is what the file says: the history that the sender is to play.
	Scenario *scenarios.Scenario
	// Began is when the scenario began on the wall clock, for a sender that plays
	// its history in real time. Zero, the default: only gaps and order count.
	Began time.Time

	t        TB
	file     string
	receiver *simulate.Receiver
	started  *mockendpoint.Started
	recorder *simulate.EndpointRecorder
	recorded *buffer
	once     sync.Once
	err      error // of the end of the recording
	judged   bool
}

// Judge plays the endpoint of the scenario in file, calls send with its URL, and
// judges what arrived. send returns when everything is sent. The endpoint is
// served in the clear, since send could not trust its certificate by the URL
// alone; a scenario that is about TLS is refused: Start one and judge that.
func Judge(t TB, file string, send func(url string)) {
	t.Helper()
	sc := load(t, file)
	if sc == nil {
		return
	}
	if why := needsTLS(sc); why != "" {
		t.Fatalf("%s: %s: use conformance.Start, which supplies the certificates, and call Judge on its result", file, why)
		return
	}
	plain := *sc
	plain.Endpoint.TLS = string(mockendpoint.Plain)
	m := start(t, file, &plain)
	if m == nil {
		return
	}
	send(m.URL)
	m.Judge()
}

// needsTLS says what of a scenario cannot be played in the clear; "" for nothing.
func needsTLS(sc *scenarios.Scenario) string {
	e := sc.Endpoint
	switch {
	case e.TLS == string(mockendpoint.MTLSOnly) || e.TLS == string(mockendpoint.MTLSOptional):
		return "its endpoint has tls: " + e.TLS
	case e.Certificate != "" && e.Certificate != string(mockendpoint.Proper):
		return "its endpoint has certificate: " + e.Certificate
	case e.MinTLS != "" || e.MaxTLS != "":
		return "its endpoint bounds the TLS versions"
	}
	for _, f := range e.Faults {
		if f.Phase == fault.Handshake {
			return "the fault " + f.ID + " acts in the handshake"
		}
	}
	return ""
}

// Start serves the endpoint of the scenario in file, with its TLS mode,
// authentication, requirements and faults, until Judge is called or the test
// ends. A planned fault that has not fired by then fails the test.
func Start(t TB, file string) *Mock {
	t.Helper()
	sc := load(t, file)
	if sc == nil {
		return nil
	}
	return start(t, file, sc)
}

// StartDataflow is Start for a dataflow of a scenario with several: it serves the
// endpoint of its destination, and Judge judges by what that dataflow has to send.
func StartDataflow(t TB, file, dataflow string) *Mock {
	t.Helper()
	sc := loadPart(t, file, dataflow)
	if sc == nil {
		return nil
	}
	return start(t, file, sc)
}

// load reads a scenario with one dataflow, or ends the test.
func load(t TB, file string) *scenarios.Scenario {
	t.Helper()
	return loadPart(t, file, "")
}

// loadPart reads a scenario, and takes the part of it that is about a dataflow; "" is the
// only one.
func loadPart(t TB, file, dataflow string) *scenarios.Scenario {
	t.Helper()
	sc, err := scenarios.Load(file)
	if err != nil {
		t.Fatalf("%v", err)
		return nil
	}
	parts := sc.Split()
	part, known := sc.Only(dataflow)
	if dataflow == "" && len(parts) == 1 {
		part, known = parts[0], true
	}
	if !known {
		t.Fatalf("%s: it has %d dataflows, and none is called %q: use conformance.StartDataflow with the name of one", file, len(parts), dataflow)
		return nil
	}
	if sc.Refuses() {
		t.Fatalf("%s: it expects that its configuration is refused, so a sender has nothing to send: use a scenario with a history", file)
		return nil
	}
	if problems := simulate.Problems(sc); len(problems) > 0 {
		for _, p := range problems {
			if p.Level == "error" {
				t.Fatalf("%s: %s: %s (%s)", p.Pos, p.Path, p.Message, p.Hint)
				return nil
			}
		}
	}
	return part
}

func start(t TB, file string, sc *scenarios.Scenario) *Mock {
	t.Helper()
	m := &Mock{Scenario: sc, t: t, file: file, receiver: simulate.NewReceiver(sc), recorded: &buffer{}}
	o := m.receiver.Options()
	var err error
	if kind := mockendpoint.Presented(sc.Endpoint.Certificate); kind != "" && kind != mockendpoint.Proper {
		if o.Certificate, m.CA, err = presented(kind); err != nil {
			t.Fatalf("certificates of the mock endpoint: %v", err)
			return nil
		}
	}
	m.recorder = simulate.NewEndpointRecorder(m.recorded, sc, time.Now().UTC(), o.Bearer)
	o.Journal, o.Now = m.recorder, func() time.Time { return time.Now().UTC() }
	if m.started = mockendpoint.Start(t, o); m.started == nil {
		return nil
	}
	m.URL, m.TokenURL, m.Certificate = m.started.URL, m.started.TokenURL, m.started.Certificate
	if m.CA == nil {
		m.CA = m.started.CA
	}
	t.Cleanup(m.end)
	return m
}

// presented is a certificate that a sender must refuse.
func presented(kind mockendpoint.Presented) (tls.Certificate, *x509.CertPool, error) {
	now := time.Now()
	servers, err := mockendpoint.NewAuthority("httpdest test server CA", now.Add(-time.Hour), now.AddDate(1, 0, 0))
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	certificate, err := servers.Present(kind, now, "localhost", "127.0.0.1", "::1")
	return certificate, servers.Pool(), err
}

// Client returns an HTTP client that trusts the endpoint and, where there is
// one, shows the client certificate.
func (m *Mock) Client() *http.Client {
	c := &tls.Config{RootCAs: m.CA}
	if m.Certificate.Certificate != nil {
		c.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &m.Certificate, nil }
	}
	return &http.Client{
		Transport:     &http.Transport{TLSClientConfig: c},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // R90
	}
}

// Recording returns what arrived so far, in the format that httpdest judge
// reads. It is complete once Judge was called.
func (m *Mock) Recording() []byte { return m.recorded.bytes() }

// Fired returns how far every fault of the scenario got.
func (m *Mock) Fired() []recording.Fault { return m.receiver.Fired() }

// Judge ends the endpoint, after the requests under way are answered, and judges
// what arrived against the history. A failed rule, a fault that did not fire and
// a capture that cannot be judged fail the test. It returns the verdict with all
// of its checks.
func (m *Mock) Judge() reports.Case {
	m.t.Helper()
	m.judged = true
	if m.stop(); m.err != nil {
		m.t.Fatalf("%s: %v", m.file, m.err)
		return reports.Case{}
	}
	rules, err := scenarios.Rules()
	if err != nil {
		m.t.Fatalf("%v", err)
		return reports.Case{}
	}
	in, err := capture.NewReader(m.file, bytes.NewReader(m.Recording()), capture.Options{Format: capture.Recording,
		Bearer: m.Scenario.Destination.Auth.Token.Reveal(), Secrets: check.Secrets(m.Scenario)})
	if err != nil {
		m.t.Fatalf("%v", err)
		return reports.Case{}
	}
	c, err := check.JudgeCapture(in, rules, check.SenderOptions{File: m.file, Scenario: m.Scenario, Began: m.Began})
	if err != nil {
		m.t.Fatalf("%v", err)
		return reports.Case{}
	}
	c.ID = m.Scenario.ID
	m.tell(rules, c)
	return c
}

// tell fails the test for every verdict that is not a pass.
func (m *Mock) tell(rules scenarios.Catalogue, c reports.Case) {
	m.t.Helper()
	switch c.Verdict {
	case reports.Pass:
		return
	case reports.Skip, reports.Unspecified:
		m.t.Errorf("%s: no documented rule could be judged", m.file)
		return
	}
	var text bytes.Buffer
	if err := reports.WriteText(&text, check.SenderReport(rules, []reports.Case{c}), reports.TextOptions{Quiet: true}); err != nil {
		m.t.Fatalf("%v", err)
		return
	}
	m.t.Errorf("%s", text.String())
}

// stop ends the endpoint and the recording, once.
func (m *Mock) stop() {
	m.once.Do(func() {
		within, cancel := context.WithTimeout(context.Background(), drain)
		defer cancel()
		// A request that was not answered in time is cut; the recording holds it all
		// the same.
		_ = m.started.Endpoint.Shutdown(within)
		m.err = m.recorder.End(time.Now().UTC(), m.receiver.Fired())
	})
}

// end is the end of the test: it judges what Judge did not.
func (m *Mock) end() {
	if m.stop(); m.judged {
		return
	}
	if m.err != nil {
		m.t.Errorf("%s: %v", m.file, m.err)
	}
	for _, f := range m.Fired() {
		if f.Fired < max(1, f.Planned) {
			m.t.Errorf("%s:%d: the fault %s fired %d of %d times: send the requests it is planned for, or remove it", m.file, f.Line, f.ID, f.Fired, max(1, f.Planned))
		}
	}
}

// buffer is a bytes.Buffer that may be read while it is written.
type buffer struct {
	mu  sync.Mutex
	all bytes.Buffer
}

// Write implements io.Writer.
func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.Write(p)
}

func (b *buffer) bytes() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return bytes.Clone(b.all.Bytes())
}
