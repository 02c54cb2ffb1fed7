package mockendpoint

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"

	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// refusal turns what ended a handshake into a reason of low cardinality, and
// the client certificate where one was seen.
func refusal(err error) (reason string, peer *journal.Peer) {
	var verification *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var op *net.OpError
	var plain clearAlert
	switch {
	case errors.As(err, &plain):
		return "client-alert", nil
	case errors.Is(err, errReset):
		return "reset", nil
	case errors.Is(err, errClosed):
		return "closed", nil
	case errors.Is(err, errGarbage):
		return "garbage", nil
	case errors.As(err, &verification):
		if len(verification.UnverifiedCertificates) > 0 {
			peer = peerOf(verification.UnverifiedCertificates[0])
		}
		return certificateRefusal(verification.Err), peer
	case strings.Contains(err.Error(), "client didn't provide a certificate"):
		return "certificate-required", nil
	case errors.As(err, &record):
		return "not-tls", nil
	case errors.As(err, &op) && op.Op == "remote error":
		// The client refused us: our certificate, or our parameters.
		return "client-alert", nil
	case isDeparture(err):
		return "disconnected", nil
	case strings.Contains(err.Error(), "unsupported versions"), strings.Contains(err.Error(), "no cipher suite"):
		return "no-common-parameters", nil
	}
	return "handshake-failed", nil
}

func certificateRefusal(err error) string {
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &authority):
		return "unknown-ca"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "expired-certificate"
	case errors.As(err, &invalid) && invalid.Reason == x509.IncompatibleUsage:
		return "wrong-key-usage"
	}
	return "bad-certificate"
}

func peerOf(c *x509.Certificate) *journal.Peer {
	p := &journal.Peer{CommonName: c.Subject.CommonName, Issuer: c.Issuer.CommonName, SAN: append([]string{}, c.DNSNames...), Expires: c.NotAfter.UTC()}
	for _, ip := range c.IPAddresses {
		p.SAN = append(p.SAN, ip.String())
	}
	for _, u := range c.URIs {
		p.SAN = append(p.SAN, u.String())
	}
	return p
}
