package mockendpoint_test

import (
	"crypto/tls"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/mockendpoint/token"
)

// refused is a test that keeps what it was ended with.
type refused struct {
	test
	with string
}

func (r *refused) Fatalf(format string, args ...any) { r.with = fmt.Sprintf(format, args...) }

// Every part of a plan that cannot be played is refused by Start, never ignored.
func TestStartRefusesWrongOptions(t *testing.T) {
	listener := func(l mockendpoint.Listener) mockendpoint.Options { return mockendpoint.Options{Listener: l} }
	faults := func(f ...fault.Fault) mockendpoint.Options {
		return mockendpoint.Options{Faults: fault.NewPlan(1, f...)}
	}
	require := func(q mockendpoint.Requirements) mockendpoint.Options { return mockendpoint.Options{Require: q} }
	for _, c := range []struct {
		options mockendpoint.Options
		want    string
	}{
		{listener(mockendpoint.Listener{Mode: "mtls"}), `unknown mode "mtls"`},
		{listener(mockendpoint.Listener{Mode: mockendpoint.TLS, MinVersion: tls.VersionTLS13, MaxVersion: tls.VersionTLS12}), "is above the highest"},
		{listener(mockendpoint.Listener{MinVersion: tls.VersionTLS13}), "an endpoint without TLS has no TLS versions"},
		{listener(mockendpoint.Listener{CipherSuites: []uint16{1}}), "has no cipher suites"},
		{listener(mockendpoint.Listener{Certificate: tls.Certificate{Certificate: [][]byte{{1}}}}), "has no certificate"},
		{faults(fault.Fault{ID: "f", Status: 1000}), "status must be from 200 to 599, but is 1000"},
		{faults(fault.Fault{ID: "f"}), "the fault does nothing"},
		{faults(fault.Fault{Status: 503, Reset: true}), "exclude each other"},
		{faults(fault.Fault{Status: 503, On: "messages"}), "on must be"},
		{faults(fault.Fault{Status: 503, Phase: "before"}), "at must be"},
		{faults(fault.Fault{Status: 503, Probability: 2}), "probability"},
		{faults(fault.Fault{Status: 503, Rate: -1}), "rate"},
		{faults(fault.Fault{Status: 503, Requests: fault.Range{First: 3, Last: 2}}), "requests"},
		{faults(fault.Fault{Status: 503, Requests: fault.Range{Last: 2}}), "requests"},
		{faults(fault.Fault{Latency: -time.Second, Status: 503}), "latency"},
		{faults(fault.Fault{Status: 503, Profiles: func(string) bool { return true }}), "profileCount"},
		{faults(fault.Fault{ID: "f", Status: 503}, fault.Fault{ID: "f", Status: 500}), "two faults"},
		{mockendpoint.Options{Bearer: "s3\ncret"}, "bearer token"},
		{mockendpoint.Options{Bearer: "s3cret", Tokens: token.New(token.Options{})}, "exclude each other"},
		{require(mockendpoint.Requirements{ContentType: "json"}), "media type"},
		{require(mockendpoint.Requirements{ContentType: "application/json; charset=utf-8"}), "media type"},
		{require(mockendpoint.Requirements{Headers: []mockendpoint.Field{{Name: "X Y"}}}), "name of a header"},
		{require(mockendpoint.Requirements{Headers: []mockendpoint.Field{{Name: "X", Value: "a\r\nb"}}}), "no header can carry"},
		{require(mockendpoint.Requirements{Query: []mockendpoint.Field{{}}}), "needs a name"},
		{require(mockendpoint.Requirements{Sources: []netip.Prefix{{}}}), "prefix"},
	} {
		r := &refused{}
		mock := mockendpoint.Start(r, c.options)
		r.end()
		if mock != nil || !strings.Contains(r.with, c.want) {
			t.Errorf("refused with %q, want %q", r.with, c.want)
		}
		if strings.Contains(r.with, "s3") {
			t.Errorf("the error holds a secret: %q", r.with)
		}
	}
	for _, o := range []mockendpoint.Options{
		{}, listener(mockendpoint.Listener{Mode: mockendpoint.MTLSOptional, MinVersion: tls.VersionTLS12}),
		faults(fault.Fault{Rate: 2}, fault.Fault{Status: 503, Probability: 0.5}, fault.Fault{Phase: fault.Handshake, Reset: true}),
		require(mockendpoint.Requirements{ContentType: "application/json", Headers: []mockendpoint.Field{{Name: "X-Tenant"}}}),
	} {
		if err := o.Check(); err != nil {
			t.Errorf("refused: %v", err)
		}
	}
}
