package forward

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
)

// The errors by which a ReadBody refuses a body.
var (
	ErrTooLarge = errors.New("the body of the answer is larger than the limit")
	ErrFull     = errors.New("the proxy cannot hold more bodies at once")
)

// Failure is why a receiver gave no answer that can be passed on.
type Failure struct {
	// Reason is one of a few words: unknown-host, refused, timeout, unreachable,
	// not-tls, untrusted-certificate, tls-alert, tls, closed, reset, malformed,
	// cut-off, too-large, full.
	Reason string
	text   string
	cause  error
}

// Error explains the reason. It quotes nothing that the receiver sent.
func (f *Failure) Error() string { return f.text }

// Unwrap returns the cause, which may quote the receiver.
func (f *Failure) Unwrap() error { return f.cause }

// failureOf gives an error a reason.
func failureOf(err error) *Failure {
	because := func(reason, text string) *Failure { return &Failure{reason, text, err} }
	var lookup *net.DNSError
	var verification *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var op *net.OpError
	var alert tls.AlertError
	var cut cutOffError
	switch {
	case errors.Is(err, ErrTooLarge):
		return because("too-large", ErrTooLarge.Error())
	case errors.Is(err, ErrFull):
		return because("full", ErrFull.Error())
	case errors.As(err, &cut):
		return because("cut-off", "the receiver ended its answer before it was complete")
	case errors.Is(err, errMalformed), errors.Is(err, errHead), errors.Is(err, errUnasked):
		return because("malformed", "the receiver answered with something that is not HTTP/1.1")
	case errors.As(err, &lookup):
		return because("unknown-host", "the receiver's host name has no address")
	case errors.As(err, &verification):
		return because("untrusted-certificate", "the receiver's certificate is not trusted: "+untrusted(verification.Err))
	case errors.As(err, &record):
		return because("not-tls", "the receiver does not answer in TLS")
	case errors.As(err, &alert):
		return because("tls-alert", "the receiver refused the TLS connection: "+alert.Error())
	case errors.As(err, &op) && op.Op == "remote error":
		return because("tls-alert", "the receiver refused the TLS connection: "+op.Err.Error())
	case errors.Is(err, syscall.ECONNREFUSED):
		return because("refused", "the receiver refuses connections")
	case errors.Is(err, os.ErrDeadlineExceeded), isTimeout(err):
		return because("timeout", "the receiver cannot be reached in time")
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return because("reset", "the receiver reset the connection")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, errNotSent), errors.Is(err, net.ErrClosed):
		return because("closed", "the receiver closed the connection without an answer")
	case errors.As(err, &op):
		return because("unreachable", "the receiver cannot be reached")
	}
	return because("tls", "no TLS connection to the receiver was possible")
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// untrusted is what is wrong with a certificate, without its names.
func untrusted(err error) string {
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &authority):
		return "its authority is unknown; name it with --ca"
	case errors.As(err, &host):
		return "it is for another host"
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "it has expired or is not yet valid"
	}
	return "it cannot be verified"
}
