package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/httpdest/httpdest/engine/retry"
)

// outcomeOf says how a connection failed that was made for its handshake alone;
// package delivery says it of exchanges. It is asked about errors only.
func outcomeOf(err error, connected bool) retry.Outcome {
	var name *net.DNSError
	var record tls.RecordHeaderError
	var op *net.OpError
	switch {
	case errors.As(err, &name):
		return retry.Outcome{Kind: retry.Unresolved, Reason: "name-does-not-resolve"}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return retry.Outcome{Kind: retry.Timeout}
	case errors.Is(err, syscall.ECONNREFUSED):
		return retry.Outcome{Kind: retry.Refused, Reason: "connection-refused"}
	case !connected:
		return retry.Outcome{Kind: retry.Refused, Reason: "unreachable"}
	case errors.As(err, &record):
		return retry.Outcome{Kind: retry.TLS, Reason: "not-tls"}
	case errors.As(err, &op) && op.Op == "remote error":
		return retry.Outcome{Kind: retry.TLS, Reason: alertReason(op.Err.Error())}
	case errors.Is(err, syscall.ECONNRESET):
		return retry.Outcome{Kind: retry.Reset, Reason: "in-handshake"}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return retry.Outcome{Kind: retry.Closed, Reason: "in-handshake"}
	}
	return retry.Outcome{Kind: retry.TLS, Reason: certificateReason(err)}
}

// alertReason names the alert of a server.
func alertReason(text string) string {
	for part, reason := range map[string]string{"certificate required": "certificate-required", "bad certificate": "bad-certificate",
		"unknown certificate authority": "unknown-ca", "expired certificate": "expired-certificate", "protocol version": "protocol-version"} {
		if strings.Contains(text, part) {
			return reason
		}
	}
	return "handshake-failure"
}

// chained says whether the server sent more than one certificate.
func chained(err error) bool {
	var chain *tls.CertificateVerificationError
	return errors.As(err, &chain) && len(chain.UnverifiedCertificates) > 1
}

// certificateReason says what is wrong with the certificate of the server.
func certificateReason(err error) string {
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var authority x509.UnknownAuthorityError
	switch {
	case errors.As(err, &host):
		return "server-certificate-wrong-host"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired && strings.Contains(invalid.Detail, "is before"):
		return "server-certificate-not-yet-valid"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "server-certificate-expired"
	case errors.As(err, &authority) && authority.Cert != nil && bytes.Equal(authority.Cert.RawIssuer, authority.Cert.RawSubject) && !chained(err):
		return "server-certificate-self-signed"
	case errors.As(err, &authority):
		return "server-certificate-unknown-ca"
	case errors.As(err, &invalid):
		return "server-certificate-invalid"
	}
	return "handshake-failed"
}
