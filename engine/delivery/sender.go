// Package delivery is the wire: it performs one operation the dispatcher asked
// for, over HTTPS, and answers with an outcome. It decides nothing, waits for
// nothing but its own socket, and takes its deadline from the driver.
//
// Sockets are its own (http.ClientConn): the pooled http.Transport repeats a
// POST that carries Idempotency-Key on a reused socket, and may answer a
// request on another socket than the one it dialled. Redirects are not
// followed, nothing is compressed, HTTP/1.1 only.
package delivery

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/engine/dataflow"
)

// ErrDeadline is the cause a driver cancels an exchange with when its budget
// is spent; the exchange then ends as a timeout, whatever error it sees.
var ErrDeadline = errors.New("the budget of the operation is spent")

// IdleTimeout is how long an unused socket stays open. A driver closes it,
// by an event in simulation and a timer live.
const IdleTimeout = 60 * time.Second

// MaxResponseBody bounds what is read of a response; its content is ignored.
const MaxResponseBody = 1 << 20

// MaxResponseHeaders bounds the headers of a response, in bytes.
const MaxResponseHeaders = 64 << 10

// Config is what a Sender needs to know.
type Config struct {
	Destination dataflow.Destination // valid
	// Dial opens a connection to host:port; nil dials TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// ConnectTo are other addresses to connect to, by the host:port of a URL. Names
	// in requests and certificates stay those of the URL.
	ConnectTo map[string]string
	// Roots verify the endpoint's certificate; nil means the system's.
	Roots *x509.CertPool
	// Certificate is the client certificate; nil without one.
	Certificate *tls.Certificate
	// Current, where set, returns the present client certificate: it is reissued
	// now and then. Called during handshakes.
	Current func() *tls.Certificate
	// Now is the clock certificates are checked against; nil means time.Now.
	Now func() time.Time
	// UserAgent of every request.
	UserAgent string
	// Transport carries the exchanges; nil is NetHTTP.
	Transport Transport
}

// Sender owns the sockets to one destination. Its methods are called by one
// driver, one at a time; only Exchange.Do runs concurrently.
type Sender struct {
	config   Config
	url      *url.URL
	text     string   // of url
	line     string   // requestLine of url
	tokenURL *url.URL // nil without OAuth 2
	headers  []dataflow.Header
	idle     map[bool][]*Socket // by whether the client certificate is offered; the last used is last
	dialled  int
}

// New returns a Sender without sockets. It panics when the destination is not
// valid: Validate comes first.
func New(c Config) *Sender {
	headers, problems := dataflow.ParseHeaders(c.Destination.Headers)
	if len(problems) > 0 {
		panic("delivery: " + dataflow.Invalid(problems).Error())
	}
	if c.Destination.Auth.Kind != dataflow.AuthNone {
		// The authentication wins over a custom header (A63).
		headers = slices.DeleteFunc(headers, func(h dataflow.Header) bool { return strings.EqualFold(h.Name, "Authorization") })
	}
	if c.Transport == nil || c.Transport.onSystemSockets() && (c.Dial != nil || !canAsk) {
		c.Transport = NetHTTP
	}
	if c.Dial == nil {
		c.Dial = (&net.Dialer{}).DialContext
	}
	u := c.Destination.URL()
	s := &Sender{config: c, url: u, text: u.String(), line: requestLine(u), headers: headers, idle: map[bool][]*Socket{}}
	if a := c.Destination.Auth; a.FetchesTokens() {
		u, err := url.Parse(a.TokenURL)
		if err != nil {
			panic("delivery: a token URL that Validate refuses: " + err.Error())
		}
		s.tokenURL = u
	}
	return s
}

// Encrypted reports whether the endpoint is https; only then is there an mTLS
// decision.
func (s *Sender) Encrypted() bool { return s.url.Scheme == "https" }

// HasCertificate reports whether there is a client certificate to present.
func (s *Sender) HasCertificate() bool { return s.config.Certificate != nil || s.config.Current != nil }

// take hands out the idle socket that was used last, or a new one. A socket
// that the endpoint closed meanwhile, or sent data on without a request, is
// useless: a message sent on it would only fail.
func (s *Sender) take(certificate, fresh bool) *Socket {
	noticed := s.config.Transport.noticesEnds()
	if noticed {
		s.bury(certificate)
	}
	for pool := s.idle[certificate]; len(pool) > 0 && !fresh; pool = s.idle[certificate] {
		last := pool[len(pool)-1]
		s.idle[certificate] = pool[:len(pool)-1]
		if noticed || !last.isDead() {
			return last
		}
		last.close()
		s.bury(certificate) // what ended one socket may have ended others
	}
	s.dialled++
	return &Socket{sender: s, Ordinal: s.dialled, url: s.url, certificate: certificate}
}

// bury closes the idle sockets that are dead.
func (s *Sender) bury(certificate bool) {
	s.idle[certificate] = slices.DeleteFunc(s.idle[certificate], func(k *Socket) bool {
		dead := k.isDead()
		if dead {
			k.close()
		}
		return dead
	})
}

// Idle is how many sockets are open and carry nothing.
func (s *Sender) Idle() int {
	s.bury(true)
	s.bury(false)
	return len(s.idle[true]) + len(s.idle[false])
}

// Finish returns the exchange's socket to the pool after Do has returned. It
// returns nil when the socket is not reusable, and was closed.
func (s *Sender) Finish(x *Exchange) *Socket {
	k := x.socket
	if !k.reusable {
		return nil
	}
	k.uses++
	s.idle[k.certificate] = append(s.idle[k.certificate], k)
	return k
}

// CloseIdle closes a socket if it has not been used since its use number uses;
// it reports whether it did.
func (s *Sender) CloseIdle(k *Socket, uses int) bool {
	pool := s.idle[k.certificate]
	at := slices.Index(pool, k)
	if at < 0 || k.uses != uses {
		return false
	}
	s.idle[k.certificate] = slices.Delete(pool, at, at+1)
	k.close()
	return true
}

// CloseRested closes the sockets that are idle since a time or longer, as Rest
// says. It returns since when the first of the others is, zero without one.
func (s *Sender) CloseRested(since time.Time) (first time.Time) {
	for certificate, pool := range s.idle {
		s.idle[certificate] = slices.DeleteFunc(pool, func(k *Socket) bool {
			if !k.rested.After(since) {
				k.close()
				return true
			}
			if first.IsZero() || k.rested.Before(first) {
				first = k.rested
			}
			return false
		})
	}
	return first
}

// Close closes every idle socket.
func (s *Sender) Close() {
	for _, pool := range s.idle {
		for _, k := range pool {
			k.close()
		}
	}
	clear(s.idle)
}
