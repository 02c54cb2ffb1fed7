package check

import (
	"testing"
	"time"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// R108 is judged by what the endpoint saw: a handshake that broke off before
// the certificate was due shows nothing of the sender.
func TestCertificateIsJudgedWhereItShows(t *testing.T) {
	at := time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)
	peer := &recording.Peer{CommonName: "client"}
	handshake := func(reason string, peer *recording.Peer) recording.Line {
		return recording.Line{Handshake: &recording.Handshake{Socket: 3, Reason: reason, Peer: peer}}
	}
	request := recording.Line{Request: &recording.Request{Socket: 3, Number: 1, Method: "POST"}}
	for _, test := range []struct {
		name      string
		decision  string
		presented bool
		seen      []recording.Line
		known     bool
		wrong     bool
	}{
		{"presented as decided", "mtls-only", true, []recording.Line{request}, true, false},
		{"not presented, and the request arrived", "mtls-only", false, []recording.Line{request}, true, true},
		{"not presented, and no request followed", "mtls-only", false, []recording.Line{handshake("no-request", nil)}, true, true},
		{"not presented, and missed", "mtls-only", false, []recording.Line{handshake("certificate-required", nil)}, true, true},
		{"the endpoint closed before", "mtls-only", false, []recording.Line{handshake("closed", nil)}, false, false},
		{"the endpoint stalled before", "mtls-only", false, []recording.Line{handshake("timeout", nil)}, false, false},
		{"nothing of it arrived", "mtls-only", false, nil, false, false},
		{"the endpoint saw another in a broken handshake", "mtls-only", false, []recording.Line{handshake("unknown-ca", peer)}, true, true},
		{"presented against the decision", "tls-enabled", true, []recording.Line{request}, true, true},
		{"presented against the decision in a broken handshake", "tls-enabled", true, []recording.Line{handshake("closed", nil)}, true, true},
		{"not presented as decided", "tls-enabled", false, []recording.Line{request}, true, false},
	} {
		sc := &scenarios.Scenario{Endpoint: scenarios.Endpoint{TLS: "mtls-optional"}, Destination: scenarios.Destination{MTLS: "auto", ClientCertificate: "trusted"}}
		attempt := &recording.Attempt{At: at, Message: "doc#1", Number: 1, Socket: 3, Certificate: test.presented}
		lines := append([]recording.Line{{Decision: &recording.Decision{At: at, EndedAt: at, Result: test.decision}}}, test.seen...)
		v := newView(sc, append(lines, recording.Line{Attempt: attempt}))
		if got := v.certificateKnown(attempt); got != test.known {
			t.Errorf("%s: known is %t", test.name, got)
		}
		f := &findings{}
		v.certificates(f)
		if got := len(f.wrong) > 0; got != test.wrong {
			t.Errorf("%s: wrong is %q", test.name, f.wrong)
		}
	}
}

// A server that cannot be verified gets no request and answers no attempt (R139).
func TestServerIsVerified(t *testing.T) {
	request := recording.Line{Request: &recording.Request{Socket: 3, Number: 1}}
	for _, test := range []struct {
		name, certificate, outcome string
		seen                       []recording.Line
		looked, wrong              int
	}{
		{"refused", "wrong-host", "tls", nil, 1, 0},
		{"answered", "wrong-host", "200", nil, 1, 1},
		{"sent, and not answered", "wrong-host", "timeout", []recording.Line{request}, 2, 1},
		{"a certificate that can be verified", "", "200", []recording.Line{request}, 0, 0},
	} {
		sc := &scenarios.Scenario{Endpoint: scenarios.Endpoint{TLS: "tls", Certificate: test.certificate}}
		attempt := &recording.Attempt{Message: "doc#1", Number: 1, Socket: 3, Outcome: test.outcome}
		f := &findings{}
		newView(sc, append(test.seen, recording.Line{Attempt: attempt})).verified(f)
		if f.looked != test.looked || len(f.wrong) != test.wrong {
			t.Errorf("%s: looked at %d, wrong is %q", test.name, f.looked, f.wrong)
		}
	}
}
