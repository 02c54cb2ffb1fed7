package loadtest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/httpdest/httpdest/loadtest/model"
	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// MockSettings are what the mock endpoint is like as a receiver under load.
type MockSettings struct {
	Mode    mockendpoint.Mode
	Latency *model.Latency // nil: none
	Errors  float64        // share answered 503
	Rate    float64        // requests a second, what is more is answered 429; 0: no limit
	Bearer  string         // "": not checked
	Seed    uint64
	Journal journal.Sink // nil: nothing is kept
}

// Mock is the mock endpoint on loopback, in this process.
type Mock struct {
	URL         string
	Roots       *x509.CertPool   // nil in the clear
	Certificate *tls.Certificate // of the client; nil in the clear

	plan     *fault.Plan
	endpoint *mockendpoint.Endpoint
	listener net.Listener
	served   chan error
}

// burstSeconds is how much of a mock's rate may come at once.
const burstSeconds = 0.1

// StartMock serves until Close.
func StartMock(s MockSettings) (*Mock, error) {
	m := &Mock{plan: fault.NewPlan(s.Seed), served: make(chan error, 1)}
	o := mockendpoint.Options{Listener: mockendpoint.Listener{Mode: s.Mode}, Bearer: s.Bearer, Faults: m.plan, Journal: s.Journal}
	scheme := "http"
	if s.Mode != mockendpoint.Plain {
		scheme = "https"
		if err := m.certify(&o); err != nil {
			return nil, fmt.Errorf("certificates of the mock endpoint: %w", err)
		}
	}
	for _, f := range s.faults() {
		if err := m.plan.Add(f); err != nil {
			return nil, fmt.Errorf("mock endpoint: %w", err)
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	m.listener, m.endpoint, m.URL = l, mockendpoint.New(o), scheme+"://"+l.Addr().String()+"/"
	go func() { m.served <- m.endpoint.Serve(l) }() // ends with Close
	return m, nil
}

// faults are the settings as a plan: of several that select a request the
// first acts, and an answer by chance takes as long as any other.
func (s MockSettings) faults() (all []fault.Fault) {
	slow := fault.Fault{}
	if s.Latency != nil {
		slow.Latencies = spread(*s.Latency)
	}
	if s.Rate > 0 {
		f := slow
		f.ID, f.Rate, f.Burst, f.Status = "rate", s.Rate, max(1, int(s.Rate*burstSeconds)), 429
		f.Latencies = nil // a limiter says no at once
		all = append(all, f)
	}
	if s.Errors > 0 {
		f := slow
		f.ID, f.Probability, f.Status = "errors", s.Errors, 503
		all = append(all, f)
	}
	if s.Latency != nil {
		slow.ID = "latency"
		all = append(all, slow)
	}
	return all
}

// spread is a latency as a fault has it.
func spread(l model.Latency) *fault.Distribution {
	d := &fault.Distribution{Shape: fault.Percentiles}
	for percent := 0.25; percent < 100; percent += 0.5 {
		d.Table = append(d.Table, fault.Percentile{Percent: percent, At: seconds(l.Quantile(percent / 100))})
	}
	return d
}

func (m *Mock) certify(o *mockendpoint.Options) error {
	from, to := time.Now().Add(-time.Hour), time.Now().AddDate(0, 1, 0)
	servers, err := mockendpoint.NewAuthority("httpdest load server CA", from, to)
	if err != nil {
		return err
	}
	clients, err := mockendpoint.NewAuthority("httpdest load client CA", from, to)
	if err != nil {
		return err
	}
	own, err := clients.Client("httpdest load client", "client.test")
	if err != nil {
		return err
	}
	m.Roots, o.ClientCAs, m.Certificate = servers.Pool(), clients.Pool(), &own
	o.Certificate, err = servers.Server("localhost", "127.0.0.1", "::1")
	return err
}

// Break adds an outage, counted from now.
func (m *Mock) Break(o Outage) error {
	f := fault.Fault{ID: "outage", From: o.At, Until: o.At + o.Length}
	switch o.Kind {
	case Refusing:
		f.Reset = true
	case Unavailable:
		f.Status = 503
	default:
		f.Stall = true
	}
	// Before all others, since the first that selects a request acts.
	others := m.plan.List()
	m.plan.Clear()
	err := m.plan.Add(f)
	for _, x := range others {
		err = errors.Join(err, m.plan.Add(x.Fault))
	}
	return err
}

// Broken is how many requests met the outage.
func (m *Mock) Broken() int64 {
	for _, f := range m.plan.Firings() {
		if f.ID == "outage" {
			return int64(f.Fired)
		}
	}
	return 0
}

// Close ends it.
func (m *Mock) Close() error {
	return errors.Join(m.listener.Close(), m.endpoint.Close(), <-m.served)
}
