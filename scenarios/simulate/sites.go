package simulate

import (
	"crypto/tls"
	"errors"
	"net"
	"net/url"

	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/mockendpoint/token"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// site is the mock endpoint of a destination: its own listeners, faults and
// tokens.
type site struct {
	key           string              // of the destination; "" for the only one
	part          *scenarios.Scenario // of a dataflow to it
	certificates  *pki
	plan          *fault.Plan
	tokens        *token.Issuer          // nil where no tokens are fetched
	endpoint      *mockendpoint.Endpoint // nil in a model
	listener      net.Listener
	tokenListener net.Listener
	tokensAs      mockendpoint.Listener // how connections of the token endpoint are taken
	sockets       int                   // that were dialled to it
}

// outlet is what a dataflow sends with: sockets of its own.
type outlet struct {
	id       string // of the dataflow at the engine
	key      string // of the dataflow; "" for the only one
	order    int    // among the dataflows
	site     *site
	sender   *delivery.Sender
	url      *url.URL           // of its requests
	target   string             // of url
	triggers scenarios.Triggers // as the history left them
}

// carrier names a socket: the nth that an outlet opened.
type carrier struct {
	outlet  *outlet
	ordinal int
}

// newSite translates the endpoint of a destination.
func newSite(part *scenarios.Scenario, w Wire) (*site, error) {
	certificates, err := certificatesFor(part, w)
	if err != nil {
		return nil, err
	}
	return &site{key: part.Destination.Key, part: part, certificates: certificates, plan: faultPlan(part), tokens: issuer(part)}, nil
}

// options are those of the endpoint, without clock and journal.
func (s *site) options(profileOf func(namespace, id string) (string, bool)) mockendpoint.Options {
	e := s.part.Endpoint
	o := mockendpoint.Options{Require: requirementsOf(e.Require), Bearer: e.Bearer.Reveal(), Tokens: s.tokens, Faults: s.plan, ProfileOf: profileOf}
	o.Listener, s.tokensAs = withCertificates(listenerOf(e), s.certificates)
	return o
}

// hosts are the names of the data and of the token endpoint.
func (s *site) hosts() (data, tokens string) {
	return hostOf(receiverHost, s.key), hostOf(authHost, s.key)
}

// addresses are the hosts with the port that the scheme has.
func (s *site) addresses() (data, tokens string) {
	port := "443"
	if s.part.Endpoint.TLS == string(mockendpoint.Plain) {
		port = "80"
	}
	data, tokens = s.hosts()
	return net.JoinHostPort(data, port), net.JoinHostPort(tokens, port)
}

// hostOf is a host of the simulation, or that of one among several destinations.
func hostOf(host, destination string) string {
	if destination == "" {
		return host
	}
	return destination + "." + host
}

// serve has the endpoint accept connections; a model has no connections.
func (s *site) serve() (ended <-chan error) {
	served := make(chan error, 2)
	if s.endpoint == nil {
		close(served)
		return served
	}
	go func() { served <- s.endpoint.Serve(s.listener) }()
	go func() { served <- s.endpoint.ServeTokensOn(s.tokenListener, s.tokensAs) }()
	return served
}

func (s *site) close(served <-chan error) error {
	if s.endpoint == nil {
		return nil
	}
	_ = s.listener.Close() // nothing is left to accept
	_ = s.tokenListener.Close()
	return errors.Join(s.endpoint.Close(), <-served, <-served)
}

// fired is how often every fault acted.
func (s *site) fired() []recording.Fault {
	out := recordedFaults(s.part.Endpoint.Faults, s.plan.Firings())
	for i := range out {
		out[i].Destination = s.key
	}
	return out
}

// delivers is the configuration of a sender to the site. certificates are checked by
// the clock.
func (s *site) delivers(f *flowConfiguration, dial delivery.Config) delivery.Config {
	c := dial
	c.Destination, c.Roots, c.UserAgent = f.Flow.Destination, s.certificates.roots, "httpdest"
	c.Transport = delivery.Blocking // as serve does, where there are real sockets: on the wall clock
	if s.certificates.has {
		now := c.Now
		c.Current = func() *tls.Certificate { return s.certificates.current(now()) }
	}
	return c
}
