package delivery

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/httpdest/httpdest/engine/retry"
)

func TestClassify(t *testing.T) {
	remote := func(text string) error { return &net.OpError{Op: "remote error", Err: errors.New(text)} }
	handshake := func(err error) error { return fmt.Errorf("tls: %w", &handshakeError{err}) }
	tests := []struct {
		err    error
		kind   retry.Kind
		reason string
	}{
		{remote("tls: certificate required"), retry.TLS, "certificate-required"},
		{handshake(remote("tls: unknown certificate authority")), retry.TLS, "unknown-ca"},
		{remote("tls: something of a later release"), retry.TLS, "alert"},
		{handshake(&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}), retry.TLS, "server-certificate-unknown-ca"},
		{handshake(&tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{}, Host: "h"}}), retry.TLS, "server-certificate-wrong-host"},
		{handshake(x509.CertificateInvalidError{Reason: x509.Expired, Detail: "current time 2 is after 1"}), retry.TLS, "server-certificate-expired"},
		{handshake(x509.CertificateInvalidError{Reason: x509.Expired, Detail: "current time 1 is before 2"}), retry.TLS, "server-certificate-not-yet-valid"},
		{handshake(x509.CertificateInvalidError{Reason: x509.TooManyIntermediates}), retry.TLS, "server-certificate-invalid"},
		{handshake(tls.RecordHeaderError{}), retry.TLS, "not-tls"},
		{handshake(errors.New("no common version")), retry.TLS, "handshake-failed"},
		{handshake(io.EOF), retry.Closed, "in-handshake"},
		{handshake(syscall.ECONNRESET), retry.Reset, "in-handshake"},
		{&dialError{&net.DNSError{IsNotFound: true}}, retry.Unresolved, "name-does-not-resolve"},
		{&dialError{syscall.ECONNREFUSED}, retry.Refused, "connection-refused"},
		{&dialError{syscall.EHOSTUNREACH}, retry.Refused, "unreachable"},
		{fmt.Errorf("read: %w", syscall.ECONNRESET), retry.Reset, "no-answer"},
		{fmt.Errorf("write: %w", syscall.EPIPE), retry.Reset, "no-answer"},
		{io.ErrUnexpectedEOF, retry.Closed, "no-answer"},
		{net.ErrClosed, retry.Closed, "no-answer"},
		{errors.New("malformed HTTP response"), retry.Malformed, "not-http"},
	}
	for _, tt := range tests {
		if got := classify(tt.err); got.Kind != tt.kind || got.Reason != tt.reason {
			t.Errorf("classify(%v) = %+v; want %s, %s", tt.err, got, tt.kind, tt.reason)
		}
	}
}
