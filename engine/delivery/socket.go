package delivery

import (
	"context"
	"crypto/tls"
	"net"
	"net/url"
	"sync"
	"time"
)

// Socket is one TCP connection, to the destination with or without offering the
// client certificate, or to the token endpoint.
type Socket struct {
	Ordinal int // in order of dialling, from 1

	sender      *Sender
	url         *url.URL
	certificate bool // offer the client certificate
	private     bool // of a token request: closed after it
	uses        int  // exchanges finished on it
	rested      time.Time
	reusable    bool // decided by the last exchange
	raw         net.Conn
	carrier     carrier // nil until it is dialled
	watch       *watched

	mu        sync.Mutex
	asked     bool // the server asked for a certificate
	presented bool
}

// Uses is how many exchanges it finished: it distinguishes an idle socket from
// one used again.
func (k *Socket) Uses() int { return k.uses }

// Rest notes since when an idle socket is idle.
func (k *Socket) Rest(since time.Time) { k.rested = since }

// connect opens the connection itself.
func (k *Socket) connect(ctx context.Context, network, address string) error {
	if other := k.sender.config.ConnectTo[address]; other != "" {
		address = other
	}
	raw, err := k.sender.config.Dial(ctx, network, address)
	if err != nil {
		return &dialError{err}
	}
	k.raw = raw
	return nil
}

// secure performs the handshake over it.
func (k *Socket) secure(ctx context.Context, x *Exchange, over net.Conn, config *tls.Config) (net.Conn, error) {
	secure := tls.Client(over, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = k.raw.Close() // HandshakeContext leaves it open when the peer refused
		return nil, &handshakeError{err}
	}
	x.handshakeDone()
	k.watch = &watched{Conn: secure}
	return secure, nil
}

// address is host:port.
func (k *Socket) address() string {
	u := k.url
	if u.Port() != "" {
		return u.Host
	}
	return net.JoinHostPort(u.Hostname(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
}

// isDead reports whether an idle socket is useless: the endpoint closed it, or
// sent data without a request. A socket never dialled belongs to a simulated
// exchange (see Suppose).
func (k *Socket) isDead() bool { return k.carrier != nil && k.carrier.isDead() }

func (k *Socket) tlsConfig() *tls.Config {
	c := k.sender.config
	return &tls.Config{
		ServerName: k.url.Hostname(),
		RootCAs:    c.Roots,
		MinVersion: tls.VersionTLS12, // R111, A75
		NextProtos: []string{"http/1.1"},
		Time:       c.Now,
		// Through this callback and not through Certificates: that one silently
		// sends nothing when the server's list of authorities does not match.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.asked = true
			own := c.Certificate
			if c.Current != nil {
				own = c.Current()
			}
			if !k.certificate || own == nil {
				return &tls.Certificate{}, nil
			}
			k.presented = true
			return own, nil
		},
	}
}

func (k *Socket) certificateState() (asked, presented bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.asked, k.presented
}

func (k *Socket) close() {
	k.reusable = false
	if k.carrier != nil {
		k.carrier.close()
	}
	if k.raw != nil {
		_ = k.raw.Close() // nothing is left to lose on it
	}
}

// watched notes what net/http hides: whether a response byte came, and the
// error that ended the connection.
type watched struct {
	net.Conn
	mu       sync.Mutex
	answered bool
	err      error
}

// Read implements net.Conn.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answered = w.answered || n > 0
	if err != nil && w.err == nil {
		w.err = err
	}
	return n, err
}

// begin forgets the answer of the exchange before.
func (w *watched) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answered = false
}

// ended reports whether nothing more can be read.
func (w *watched) ended() bool {
	_, err := w.state()
	return err != nil
}

func (w *watched) state() (answered bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.answered, w.err
}
