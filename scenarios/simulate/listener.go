package simulate

import (
	"crypto/tls"
	"fmt"
	"slices"

	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/mockendpoint/payload"
	"github.com/httpdest/httpdest/scenarios"
)

// listenerOf is how the endpoint of a scenario takes its connections, with
// certificates that are the caller's.
func listenerOf(e scenarios.Endpoint) mockendpoint.Listener {
	l := mockendpoint.Listener{Mode: mockendpoint.Mode(e.TLS)}
	for _, v := range []struct {
		text string
		into *uint16
	}{{e.MinTLS, &l.MinVersion}, {e.MaxTLS, &l.MaxVersion}} {
		if v.text == "" {
			continue
		}
		number, err := mockendpoint.ParseVersion(v.text)
		if err != nil {
			panic(fmt.Sprintf("%s: %v", e.Pos, err)) // the loader knows the same
		}
		*v.into = number
	}
	return l
}

// requirementsOf are the requirements of a scenario's endpoint. Their values
// are not secret: they are in the scenario.
func requirementsOf(q scenarios.Requirements) mockendpoint.Requirements {
	out := mockendpoint.Requirements{ContentType: q.ContentType, Headers: requiredFields(q.Headers), Query: requiredFields(q.Query)}
	if q.Payload {
		out.Payload = payload.Export()
	}
	return out
}

func requiredFields(all []scenarios.Field) []mockendpoint.Field {
	var out []mockendpoint.Field
	for _, f := range all {
		out = append(out, mockendpoint.Field{Name: f.Name, Value: f.Value})
	}
	return out
}

// modelled reports whether the wire Model can stand for the endpoint of a
// scenario: it has neither bytes nor certificates.
func modelled(sc *scenarios.Scenario) bool {
	e, q := sc.Endpoint, sc.Endpoint.Require
	plain := (e.Certificate == "" || e.Certificate == string(mockendpoint.Proper)) && e.MinTLS == "" && e.MaxTLS == ""
	asks := q.ContentType != "" || len(q.Headers) > 0 || len(q.Query) > 0 || q.Payload
	after := slices.ContainsFunc(e.Faults, func(f scenarios.Fault) bool { return f.Phase == fault.End })
	return plain && !asks && !after && !takesFirstByte(sc) && !sc.Destination.Auth.FetchesTokens()
}

// takesFirstByte reports whether an answer counts whose body is late: the model
// knows one instant of an answer.
func takesFirstByte(sc *scenarios.Scenario) bool {
	return sc.Destination.Readings.Of(scenarios.ReadingAnswerWithin) == "first-byte"
}

// withCertificates are two listeners alike but for their certificates: that of
// the token endpoint is always a proper one.
func withCertificates(l mockendpoint.Listener, p *pki) (data, tokens mockendpoint.Listener) {
	l.ClientCAs, l.Certificate = p.clients, p.server
	tokens = l
	tokens.Certificate = p.auth
	if tokens.MaxVersion != 0 && tokens.MaxVersion < tls.VersionTLS12 {
		tokens.MinVersion, tokens.MaxVersion = 0, 0 // what is wrong is wrong at the receiver
	}
	return l, tokens
}
