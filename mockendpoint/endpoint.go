// Package mockendpoint is a receiver that enforces and misbehaves: listeners in
// the clear, with TLS, with optional and with required client certificates, a
// bearer check, faults by plan, and a journal of requests and of refused
// handshakes.
//
// It never sleeps: every wait goes through Options.Wait, a timer live and an
// event in simulation. It knows nothing of the engine that sends to it.
package mockendpoint

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/httpdest/httpdest/internal/secret"

	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/mockendpoint/forward"
	"github.com/httpdest/httpdest/mockendpoint/journal"
	"github.com/httpdest/httpdest/mockendpoint/token"
)

// Mode is what a listener asks of a connection.
type Mode string

// The modes. MTLSOnly refuses a connection without a trusted client
// certificate in the handshake.
const (
	Plain        Mode = "plain"
	TLS          Mode = "tls"
	MTLSOptional Mode = "mtls-optional"
	MTLSOnly     Mode = "mtls-only"
)

// Forever is the wait without end of a stall.
const Forever = time.Duration(-1)

// The bounds of silent connections on the wall clock: of one that does not go on
// with its handshake or its request head, and of one between two requests. They
// are longer than what the destination itself waits for.
const (
	silence = time.Minute
	idle    = 2 * time.Minute
)

// State is what a connection's goroutine on the endpoint is doing.
type State int

// The states of a connection; Done comes last, when nothing of the endpoint
// runs for it any more and its journal entries are written.
const (
	Active State = iota
	Idle
	Done
)

// Options configure an Endpoint. The zero value is a plain endpoint on the
// wall clock that accepts everything.
type Options struct {
	Listener        // what Serve and ServeTokens are given
	Bearer   string // what Authorization must be; "" is not checked
	Require  Requirements
	// Tokens issues the access tokens that data calls must carry, instead of
	// Bearer; ServeTokens serves it. nil: there is no token endpoint.
	Tokens  *token.Issuer
	Faults  *fault.Plan
	Journal journal.Sink // nil discards
	// Receiver, where set, makes the endpoint a proxy: requests go to the receiver,
	// and its answers are the ordinary ones. It excludes Bearer and Tokens.
	Receiver *forward.Receiver
	// Hidden are texts that the journal must not show, as well as the bearer token
	// and the secrets of Require and Tokens.
	Hidden []string
	// ProfileOf names the profile an identity belongs to, for faults and the
	// journal; nil names none.
	ProfileOf func(namespace, id string) (name string, ok bool)
	// Now is the clock of the journal and of certificates; nil means time.Now.
	Now func() time.Time
	// Wait waits for d, or without end when d is Forever, and returns early
	// with an error when ctx is done. nil waits by a timer.
	Wait func(ctx context.Context, d time.Duration) error
	// Bodies is how many bytes the request bodies that are being read or answered
	// may take together; a large one beyond that is refused with 503. 0 means
	// DefaultBodies.
	Bodies int64
	// OnState, where set, is called with every change of a connection's state.
	OnState func(net.Conn, State)
}

// Endpoint serves any number of listeners with one journal and fault plan.
type Endpoint struct {
	options  Options
	redactor *secret.Redactor
	server   *http.Server
	ready    *handover
	bodies   *bodyRoom
	silence  time.Duration   // of a client in its handshake; 0: without an end
	alive    context.Context // until Close
	end      context.CancelFunc

	mu      sync.Mutex
	sockets int
	tokens  int // sockets of the token endpoint
	open    map[net.Conn]bool
	gone    *sync.Cond // one less is open
	closed  bool
	wg      sync.WaitGroup
}

// New returns an Endpoint that serves nothing yet.
func New(o Options) *Endpoint {
	if o.Mode == "" {
		o.Mode = Plain
	}
	if o.Journal == nil {
		o.Journal = discard{}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	wall := o.Wait == nil
	if wall {
		o.Wait = waitOnTimer
	}
	if o.OnState == nil {
		o.OnState = func(net.Conn, State) {}
	}
	o.Faults.Begin(o.Now)
	e := &Endpoint{options: o, redactor: secret.NewRedactor(o.Bearer), ready: newHandover(), bodies: newBodyRoom(o.Bodies), open: map[net.Conn]bool{}}
	e.alive, e.end = context.WithCancel(context.Background())
	if o.Tokens != nil {
		e.redactor.Add(o.Tokens.Secrets()...)
	}
	e.redactor.Add(o.Require.Secrets()...)
	e.redactor.Add(o.Hidden...)
	e.gone = sync.NewCond(&e.mu)
	e.server = &http.Server{
		Handler:                      http.HandlerFunc(e.handle),
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     log.New(io.Discard, "", 0), // the journal tells
		Protocols:                    http1(),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connectionKey{}, c.(*connection))
		},
		ConnState: func(c net.Conn, s http.ConnState) { e.stateChanged(c.(*connection), s) },
	}
	if wall { // in simulation a silent connection is an event, and no time of the wall clock ends it
		e.silence = silence
		e.server.ReadHeaderTimeout, e.server.IdleTimeout = silence, idle
	}
	e.wg.Go(func() { _ = e.server.Serve(e.ready) }) // ends with Close
	return e
}

func http1() *http.Protocols {
	p := &http.Protocols{}
	p.SetHTTP1(true)
	return p
}

func (e *Endpoint) stateChanged(c *connection, s http.ConnState) {
	switch s {
	case http.StateActive:
		e.options.OnState(c.raw, Active)
	case http.StateIdle:
		c.answering.Store(false)
		e.options.OnState(c.raw, Idle)
	case http.StateClosed, http.StateHijacked:
		if s == http.StateClosed && c.requests == 0 {
			e.silent(c)
		}
		if c.receiver != nil {
			c.receiver.Close()
		}
		e.done(c.raw)
	case http.StateNew:
		// Handed over after its handshake: it stays Active until a request.
	}
}

// silent journals a connection that ended after its handshake and before a
// request: so does a client end it that likes the certificate and not the host
// it is for.
func (e *Endpoint) silent(c *connection) {
	entry := c.entry
	entry.Ended, entry.Reason = e.options.Now(), "no-request"
	e.options.Journal.Handshake(entry)
}

func (e *Endpoint) done(raw net.Conn) {
	e.options.OnState(raw, Done)
	e.mu.Lock()
	delete(e.open, raw)
	e.gone.Broadcast()
	e.mu.Unlock()
}

// Serve accepts connections for data calls until the listener or the endpoint is
// closed; then it returns nil. Another error of the listener is returned.
func (e *Endpoint) Serve(l net.Listener) error { return e.serve(l, e.options.Listener, false) }

// ServeOn is Serve with another mode, certificate or version than those of the
// Options. Journal, requirements and faults are the same.
func (e *Endpoint) ServeOn(l net.Listener, as Listener) error { return e.serve(l, as, false) }

// ServeTokens is Serve for the token endpoint, Options.Tokens. Under TLS it asks
// for a client certificate in every mode but insists on none, so that a client
// that shows one here is found out (R31).
func (e *Endpoint) ServeTokens(l net.Listener) error { return e.serve(l, e.options.Listener, true) }

// ServeTokensOn is ServeTokens with a certificate, a mode or a version of its
// own.
func (e *Endpoint) ServeTokensOn(l net.Listener, as Listener) error { return e.serve(l, as, true) }

func (e *Endpoint) serve(l net.Listener, as Listener, tokens bool) error {
	for {
		raw, err := l.Accept()
		if err != nil {
			if e.isClosed() || isClosedListener(err) {
				return nil
			}
			return err
		}
		a, ok := e.register(raw, as, tokens)
		if !ok {
			_ = raw.Close()
			return nil
		}
		e.wg.Go(func() { e.take(a) })
	}
}

// register counts a connection, unless the endpoint is closed.
func (e *Endpoint) register(raw net.Conn, as Listener, tokens bool) (a arrival, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return arrival{}, false
	}
	e.sockets++
	e.open[raw] = true
	a = arrival{raw: raw, ordinal: e.sockets, nth: e.sockets - e.tokens, tokens: tokens, as: as}
	if tokens {
		e.tokens++
		a.nth = e.tokens
	}
	return a, true
}

func (e *Endpoint) isClosed() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.closed
}

// Shutdown takes no further connection, waits until what is being answered is
// answered or ctx is done, and then closes: a client that waits for an answer
// that is on its way gets it. The listeners remain their owner's to close. It
// returns ctx's error where something had to be cut.
func (e *Endpoint) Shutdown(ctx context.Context) error {
	err := e.server.Shutdown(ctx)
	return errors.Join(err, e.Close())
}

// Close cuts every connection and waits until nothing of the endpoint runs.
// The listeners remain their owner's to close.
func (e *Endpoint) Close() error {
	e.end()
	e.mu.Lock()
	e.closed = true
	for raw := range e.open {
		_ = raw.Close() // nobody waits for what is on it
	}
	e.mu.Unlock()
	err := e.server.Close()
	e.wg.Wait()
	e.mu.Lock()
	for len(e.open) > 0 { // what is on them still has to be journalled
		e.gone.Wait()
	}
	e.mu.Unlock()
	return err
}

// waitOnTimer is the live Options.Wait.
func waitOnTimer(ctx context.Context, d time.Duration) error {
	if d == Forever {
		<-ctx.Done()
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// discard is the journal of an endpoint without one.
type discard struct{}

func (discard) Request(journal.Request)     {}
func (discard) Handshake(journal.Handshake) {}
