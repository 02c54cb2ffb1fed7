package delivery

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/httpdest/httpdest/engine/retry"
)

// dialError and handshakeError say in which phase a connection failed.
type (
	dialError      struct{ error }
	handshakeError struct{ error }
)

// Unwrap gives the cause.
func (e *dialError) Unwrap() error { return e.error }

// Unwrap gives the cause.
func (e *handshakeError) Unwrap() error { return e.error }

func isHandshake(err error) bool {
	var h *handshakeError
	return errors.As(err, &h)
}

// alerts are the texts of crypto/tls for the alerts a peer can send; the type
// behind them is not exported.
var alerts = map[string]string{
	"tls: handshake failure":              "handshake-failure",
	"tls: bad certificate":                "bad-certificate",
	"tls: unsupported certificate":        "unsupported-certificate",
	"tls: revoked certificate":            "revoked-certificate",
	"tls: expired certificate":            "expired-certificate",
	"tls: unknown certificate":            "unknown-certificate",
	"tls: unknown certificate authority":  "unknown-ca",
	"tls: access denied":                  "access-denied",
	"tls: protocol version not supported": "protocol-version",
	"tls: certificate required":           "certificate-required",
	"tls: unrecognized name":              "unrecognized-name",
	"tls: internal error":                 "internal-error",
	"tls: no application protocol":        "no-application-protocol",
}

// noAnswer is the reason of a connection that ended before the first byte of a
// response.
const noAnswer = "no-answer"

// classify turns an error of the connection into an outcome with a reason of
// low cardinality. Tested over every branch.
func classify(err error) retry.Outcome {
	if reason, ok := alert(err); ok {
		return retry.Outcome{Kind: retry.TLS, Reason: reason}
	}
	if reason, ok := certificateProblem(err); ok {
		return retry.Outcome{Kind: retry.TLS, Reason: reason}
	}
	var dns *net.DNSError
	var record tls.RecordHeaderError
	phase := noAnswer
	if isHandshake(err) {
		phase = "in-handshake"
	}
	switch {
	case errors.As(err, &dns):
		return retry.Outcome{Kind: retry.Unresolved, Reason: "name-does-not-resolve"}
	case errors.Is(err, syscall.ECONNREFUSED):
		return retry.Outcome{Kind: retry.Refused, Reason: "connection-refused"}
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return retry.Outcome{Kind: retry.Reset, Reason: phase}
	case errors.As(err, &record):
		return retry.Outcome{Kind: retry.TLS, Reason: "not-tls"}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return retry.Outcome{Kind: retry.Closed, Reason: phase}
	case isHandshake(err):
		return retry.Outcome{Kind: retry.TLS, Reason: "handshake-failed"}
	}
	var d *dialError
	if errors.As(err, &d) {
		return retry.Outcome{Kind: retry.Refused, Reason: "unreachable"}
	}
	return retry.Outcome{Kind: retry.Malformed, Reason: "not-http"}
}

// alert finds a TLS alert the peer sent.
func alert(err error) (reason string, ok bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return "", false
	}
	if reason, ok = alerts[op.Err.Error()]; ok {
		return reason, true
	}
	return "alert", true
}

// certificateProblem finds what is wrong with the endpoint's certificate.
func certificateProblem(err error) (reason string, ok bool) {
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &host):
		return "server-certificate-wrong-host", true
	case errors.As(err, &authority) && selfSigned(err, authority.Cert):
		return "server-certificate-self-signed", true
	case errors.As(err, &authority):
		return "server-certificate-unknown-ca", true
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if strings.Contains(invalid.Detail, "is before") {
			return "server-certificate-not-yet-valid", true
		}
		return "server-certificate-expired", true
	case errors.As(err, &invalid):
		return "server-certificate-invalid", true
	}
	return "", false
}

// selfSigned reports whether the endpoint's certificate vouches for itself; one
// that openssl makes says besides that it is an authority. culprit, which may
// be that of an authority above, is what there is without the chain.
func selfSigned(err error, culprit *x509.Certificate) bool {
	var chain *tls.CertificateVerificationError
	if errors.As(err, &chain) && len(chain.UnverifiedCertificates) > 0 {
		culprit = chain.UnverifiedCertificates[0]
	}
	return culprit != nil && bytes.Equal(culprit.RawIssuer, culprit.RawSubject)
}

// garbled finds a response that net/http could not read. Its errors have no
// types, so that their texts are compared; the tests with hostile servers tell
// when one changes. ended is what ended the connection, if anything did.
func garbled(err, ended error) (o retry.Outcome, ok bool) {
	text := err.Error()
	switch {
	case ended != nil && strings.Contains(text, "malformed MIME header"):
		return o, false // a line that was cut off when the connection ended
	case strings.Contains(text, "server response headers exceeded"):
		return retry.Outcome{Kind: retry.TooLarge, Reason: "response-headers-too-large"}, true
	case strings.Contains(text, "malformed"), strings.Contains(text, "chunk"), strings.Contains(text, "bad Content-Length"):
		return retry.Outcome{Kind: retry.Malformed, Reason: "not-http"}, true
	}
	return retry.Outcome{}, false
}
