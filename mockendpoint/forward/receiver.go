// Package forward carries requests to a receiver on behalf of a fault proxy. A
// request and its answer pass byte for byte, except the fields that belong to one
// connection (RFC 9110 section 7.6.1). The package adds no header, follows no
// redirect, decompresses nothing and sends nothing twice.
//
// One connection of a sender is one connection to the receiver, so that the
// receiver sees keep-alive as the sender uses it.
package forward

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"
)

// reach bounds dialling and the TLS handshake.
const reach = 10 * time.Second

// Config names a receiver and how to reach it.
type Config struct {
	URL         *url.URL         // scheme, host and port
	Roots       *x509.CertPool   // that its certificate must come from; nil: the system's
	Certificate *tls.Certificate // shown where the receiver asks for one; nil: none
	OwnHost     bool             // send the host of URL as Host, not the sender's
	// Observe, where set, is called with the result of every request: a *Failure,
	// or nil. It must be safe for concurrent use.
	Observe func(error)
}

// Receiver is where requests go. It is safe for concurrent use.
type Receiver struct {
	config  Config
	address string // host:port
	secure  *tls.Config
	dialer  net.Dialer
}

// New checks a configuration. The error never shows the URL, which may hold a
// password.
func New(c Config) (*Receiver, error) {
	u := c.URL
	switch {
	case u == nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return nil, errors.New("the receiver must have an http or https URL with a host")
	case u.User != nil:
		return nil, errors.New("the URL of the receiver must not hold a password: the sender's requests bring it")
	case u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("the URL of the receiver must end after host and port: requests bring path and query")
	}
	r := &Receiver{config: c, dialer: net.Dialer{Timeout: reach}}
	port := u.Port()
	if u.Scheme == "http" {
		if c.Certificate != nil || c.Roots != nil {
			return nil, errors.New("certificates need an https receiver")
		}
		r.address = net.JoinHostPort(u.Hostname(), orDefault(port, "80"))
		return r, nil
	}
	r.address = net.JoinHostPort(u.Hostname(), orDefault(port, "443"))
	r.secure = &tls.Config{RootCAs: c.Roots, ServerName: u.Hostname(), NextProtos: []string{"http/1.1"}}
	if c.Certificate != nil {
		// Certificates would be left out silently where the receiver's list of
		// authorities does not match.
		r.secure.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return c.Certificate, nil
		}
	}
	return r, nil
}

func orDefault(port, otherwise string) string {
	if port == "" {
		return otherwise
	}
	return port
}

// dial opens a connection. The error is a *Failure, or that of ctx.
func (r *Receiver) dial(ctx context.Context) (*connection, error) {
	within, cancel := context.WithTimeout(ctx, reach)
	defer cancel()
	raw, err := r.dialer.DialContext(within, "tcp", r.address)
	if err != nil {
		return nil, unreached(ctx, err)
	}
	if r.secure == nil {
		return newConnection(raw), nil
	}
	secure := tls.Client(raw, r.secure)
	if err := secure.HandshakeContext(within); err != nil {
		_ = raw.Close()
		return nil, unreached(ctx, fmt.Errorf("TLS handshake: %w", err))
	}
	return newConnection(secure), nil
}

// unreached is why a receiver could not be reached; the error of ctx where the
// sender left meanwhile.
func unreached(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return failureOf(err)
}

// Client is the receiver's side of one connection of a sender. One goroutine
// uses it at a time.
type Client struct {
	receiver *Receiver
	conn     *connection // nil: none yet
}

// Client returns a Client that has no connection yet.
func (r *Receiver) Client() *Client { return &Client{receiver: r} }

// Send sends a request and returns the answer, which read has read. The
// connection of the request before is used again unless the receiver has closed
// it. The error is a *Failure, or that of ctx, which ends the connection.
func (c *Client) Send(ctx context.Context, q *Request, read ReadBody) (Answer, error) {
	answer, err := c.send(ctx, q, read)
	if observe := c.receiver.config.Observe; observe != nil && ctx.Err() == nil {
		observe(err)
	}
	return answer, err
}

func (c *Client) send(ctx context.Context, q *Request, read ReadBody) (Answer, error) {
	if c.conn != nil {
		answer, err := c.conn.exchange(ctx, q, read)
		if !errors.Is(err, errNotSent) {
			return answer, err
		}
		c.Close() // the receiver closed it while it was idle: nothing of the request was sent
	}
	conn, err := c.receiver.dial(ctx)
	if err != nil {
		return Answer{}, err
	}
	c.conn = conn
	answer, err := conn.exchange(ctx, q, read)
	if errors.Is(err, errNotSent) {
		err = failureOf(conn.why())
	}
	return answer, err
}

// Close closes the connection, and returns when nothing reads from it any more.
func (c *Client) Close() {
	if c.conn != nil {
		c.conn.close()
		c.conn = nil
	}
}
