package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/reports"
)

// inTheClear is why cases about TLS are not tried.
func inTheClear(p *Prober) string {
	if !p.main.sender.Encrypted() {
		return "the endpoint is plain http on this machine"
	}
	return ""
}

// encryption are the cases about TLS and the certificate of the server.
func (p *Prober) encryption() []probeCase {
	return []probeCase{
		{id: "tls/certificate", title: "The certificate of the server is valid for its name", rules: []string{"rcv-tls"}, requests: 1, unless: inTheClear, run: serverCertificate},
		{id: "tls/version", title: "The server speaks TLS 1.2 or 1.3", rules: []string{"rcv-tls"}, requests: 3, unless: inTheClear, run: versions},
	}
}

// shake performs a TLS handshake, and nothing else.
func (t *caseRun) shake(ctx context.Context, low, high uint16) (tls.ConnectionState, answer, bool) {
	if t.stopped(t.budget.take(ctx, 1)) {
		return tls.ConnectionState{}, answer{}, false
	}
	a := answer{timing: &timing{began: time.Now()}, sender: t.main}
	within, cancel := context.WithTimeout(context.WithValue(ctx, clocked{}, a.timing), t.config.Patience)
	defer cancel()
	u := t.config.Destination.URL()
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), "443")
	}
	raw, err := dial(within, "tcp", address)
	if err != nil {
		a.Outcome = delivery.DialOutcome(err)
		return tls.ConnectionState{}, a, ctx.Err() == nil
	}
	defer func() { _ = raw.Close() }()
	conn := tls.Client(raw, t.clientTLS(low, high))
	err = conn.HandshakeContext(within)
	a.took = time.Since(a.timing.began)
	if err != nil {
		a.Outcome, a.Failure = delivery.HandshakeOutcome(err), err
		return tls.ConnectionState{}, a, ctx.Err() == nil
	}
	a.timing.mark(&a.timing.handshaken)
	return conn.ConnectionState(), a, true
}

// clientTLS is how the probe speaks TLS on connections of its own.
func (t *caseRun) clientTLS(low, high uint16) *tls.Config {
	own := t.certificate()
	return &tls.Config{ServerName: t.config.Destination.URL().Hostname(), RootCAs: t.config.Roots, MinVersion: low, MaxVersion: high, NextProtos: []string{"http/1.1"},
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			if own == nil {
				return &tls.Certificate{}, nil
			}
			return own, nil
		}}
}

func serverCertificate(ctx context.Context, t *caseRun) {
	state, a, ok := t.shake(ctx, tls.VersionTLS12, 0)
	if !ok {
		return
	}
	if a.Outcome.Kind != "" {
		t.unreachable("rcv-tls", a)
		return
	}
	leaf := state.PeerCertificates[0]
	t.pass("rcv-tls", "the certificate is valid for "+t.config.Destination.URL().Hostname(), "issued by "+leaf.Issuer.CommonName+", until "+leaf.NotAfter.UTC().Format(time.DateOnly))
	if left := time.Until(leaf.NotAfter); left < 14*24*time.Hour {
		t.advise("rcv-tls", "the certificate of the server ends soon", leaf.NotAfter.UTC().Format(time.DateOnly), "renew it", nil)
	}
}

// unreachable ends the probe: a receiver that is not there cannot be judged, and
// one that no sender can connect to has only this to fix.
func (t *caseRun) unreachable(rule string, a answer) {
	switch {
	case !a.connected() && !t.main.sender.Encrypted():
		t.unclear("rcv-2xx", a.says(), "check the address, and that the receiver runs")
	case !a.connected():
		t.unclear(rule, a.says(), "look at the address, at the receiver, and at the addresses that the firewall allows")
	case rule == "rcv-tls" || a.Outcome.Kind == "tls":
		shown := a
		k := failed("rcv-tls", "no TLS connection to the server", "HTTPS with TLS 1.2 or newer and a valid certificate", a.says())
		k.Fix = tlsFix(a.Outcome.Reason)
		if k.Causes = []reports.Cause{}; strings.HasPrefix(a.Outcome.Reason, "server-certificate-") {
			k.Causes = causes("rcv-tls", noTLS, &shown)
		}
		k.Reproduce = fmt.Sprintf("openssl s_client -connect %s -servername %s </dev/null", a.host(), t.config.Destination.URL().Hostname())
		t.check(k, nil)
	default:
		t.fail(rule, a.says(), "an answer with 2xx within 2 s", &a)
	}
	t.refused = fmt.Errorf("nothing can be sent: %s", a.says())
}

// tlsFix is what to do about a handshake that failed.
func tlsFix(reason string) string {
	switch reason {
	case "not-tls":
		return "serve HTTPS on this port, or probe the port that does; on this machine an endpoint may be http://"
	case "server-certificate-self-signed":
		return "have a public authority sign it; to probe with it as it is, give it with --ca"
	case "server-certificate-unknown-ca":
		return "send the intermediate along; to probe with a private authority, give it with --ca"
	case "server-certificate-expired", "server-certificate-not-yet-valid", "server-certificate-wrong-host", "server-certificate-invalid":
		return "" // that of the rule
	}
	return "look into the log of the server for the handshake, and whether something in between ends TLS"
}

// speaksTLS reports whether a port that does not take a message in the clear speaks
// TLS: then the endpoint is configured with the wrong scheme.
func (t *caseRun) speaksTLS(ctx context.Context, a answer) bool {
	suspicious := a.Outcome.Kind == retry.Malformed || a.Outcome.Kind == retry.Closed || a.Outcome.Kind == retry.Reset || a.status() == 400 || a.status() == 426
	if t.main.sender.Encrypted() || !suspicious {
		return false
	}
	within, cancel := context.WithTimeout(ctx, Deadline)
	defer cancel()
	u := t.config.Destination.URL()
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), "80")
	}
	raw, err := dial(within, "tcp", address)
	if err != nil {
		return false
	}
	defer func() { _ = raw.Close() }()
	// Whose certificate it is does not matter here: nothing is sent.
	conn := tls.Client(raw, &tls.Config{ServerName: u.Hostname(), InsecureSkipVerify: true})
	if conn.HandshakeContext(within) != nil {
		return false
	}
	k := t.refusal("rcv-tls", "this port speaks TLS, and the endpoint is http://", "HTTPS with TLS 1.2 or newer", a)
	k.Fix = "write the endpoint as https://" + u.Host + u.Path
	k.Causes = []reports.Cause{}
	t.check(k, &a)
	t.refused = errors.New("this port speaks TLS, and the endpoint is http://")
	return true
}

// failed is a check that fails without an exchange to show.
func failed(rule, title, expected, actual string) reports.Check {
	return reports.Check{Rule: rule, Verdict: reports.Fail, Title: title, Expected: expected, Actual: actual}
}

func versions(ctx context.Context, t *caseRun) {
	var spoken []string
	for _, v := range []uint16{tls.VersionTLS13, tls.VersionTLS12} {
		_, a, ok := t.shake(ctx, v, v)
		if !ok {
			return
		}
		if a.Outcome.Kind == "" {
			spoken = append(spoken, tls.VersionName(v))
		}
	}
	if len(spoken) == 0 {
		t.check(failed("rcv-tls", "neither TLS 1.3 nor TLS 1.2", "one of the two", "no handshake with either"), nil)
		t.refused = errors.New("no TLS version in common")
		return
	}
	t.pass("rcv-tls", "a version that the sender speaks", fmt.Sprint(spoken))
	if _, a, ok := t.shake(ctx, tls.VersionTLS10, tls.VersionTLS11); ok && a.Outcome.Kind == "" {
		t.advise("rcv-tls", "the server still speaks TLS 1.1 or older", "", "leave only TLS 1.2 and 1.3 enabled", nil)
	}
}

// certificate is the client certificate that messages are sent with.
func (t *caseRun) certificate() *tls.Certificate {
	return t.config.Clients.certificate(t.client())
}

// client is the name of that certificate: of the current hierarchy, unless the
// server accepts the other one alone.
func (p *Prober) client() string {
	if p.onlyNew {
		return "new"
	}
	return "current"
}

// leafOf is for messages about client certificates.
func leafOf(own *tls.Certificate) string {
	leaf, err := x509.ParseCertificate(own.Certificate[0])
	if err != nil {
		return "a client certificate"
	}
	return "the certificate " + leaf.Subject.CommonName
}
