package delivery

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/retry"
)

// Exchange is one operation on one socket. Method, Headers and Body are what
// goes out; headers are complete but for Host and Content-Length.
type Exchange struct {
	Method  string
	URL     string
	Headers []dataflow.Header
	Body    []byte
	Reused  bool // the socket carried an exchange before

	// OnHandshake, OnWritten and OnAnswering, where set, are called once each, on
	// a goroutine of the exchange: the TLS handshake is over on this side; the
	// request is written; the first byte of the answer is there.
	OnHandshake, OnWritten, OnAnswering func()
	// Keep hands the answer's headers and body out with the Result. An engine has
	// no use for them (A6); who looks for the reason of an answer has.
	Keep bool

	sender *Sender
	target *url.URL
	line   string // requestLine of target
	limit  int64  // of the response body
	socket *Socket
	header http.Header // of the answer, once there is one
	// failure is the error that ended the exchange.
	failure error
	carried atomic.Pointer[carrier] // by the socket's, once there is one
}

// Result is how an exchange ended.
type Result struct {
	Outcome   retry.Outcome
	Socket    int            // ordinal; 0 when no connection was opened
	Presented bool           // the client certificate was presented on this socket
	Asked     bool           // the server asked for one
	Answering bool           // at least one response byte came
	Issued    *engine.Issued // of a token request: nil when no token came
	Header    http.Header    // with Keep: of the answer
	Body      []byte         // with Keep: of an answer that is complete; a token endpoint's holds a token
	Failure   error          // with Keep: what the transport reported where there is no answer; may hold addresses
}

// Attempt prepares the request that carries a message, on a socket.
func (s *Sender) Attempt(op engine.Operation) *Exchange {
	x := s.Describe(op)
	x.ride(s.take(op.Certificate, false))
	return x
}

// Describe is the request that carries a message: POST, JSON, every custom
// header, every query parameter, on every attempt (R33–R35, R87). It cannot be
// performed, only looked at.
func (s *Sender) Describe(op engine.Operation) *Exchange {
	x := s.exchange(http.MethodPost)
	x.Body = op.Message.Body
	x.Headers = append(x.Headers, dataflow.Header{Name: "Content-Type", Value: "application/json"})
	token := op.Token // none for an attempt that is not sent for want of one
	if s.config.Destination.Auth.Kind == dataflow.AuthBearer {
		token = s.config.Destination.Auth.Token
	}
	if token != "" {
		x.Headers = append(x.Headers, dataflow.Header{Name: "Authorization", Value: "Bearer " + token.Reveal()})
	}
	if slices.ContainsFunc(s.headers, isUserAgent) {
		x.Headers = slices.DeleteFunc(x.Headers, isUserAgent) // the custom one is sent
	}
	x.Headers = append(x.Headers, s.headers...)
	return x
}

func isUserAgent(h dataflow.Header) bool { return strings.EqualFold(h.Name, "User-Agent") }

// Decision prepares a request of the mTLS decision: OPTIONS to the endpoint
// without body, Authorization or custom headers, always on a socket of its
// own, since a handshake is what it wants to see (design §4).
func (s *Sender) Decision(op engine.Operation) *Exchange {
	x := s.exchange(http.MethodOptions)
	x.ride(s.take(op.Certificate, true))
	return x
}

func (s *Sender) exchange(method string) *Exchange {
	headers := make([]dataflow.Header, 1, 3+len(s.headers))
	headers[0] = dataflow.Header{Name: "User-Agent", Value: s.config.UserAgent}
	return &Exchange{Method: method, URL: s.text, target: s.url, line: s.line, limit: MaxResponseBody, sender: s, Headers: headers}
}

// ride puts the exchange on a socket.
func (x *Exchange) ride(k *Socket) {
	x.socket, x.Reused = k, k.uses > 0
	if k.carrier != nil {
		x.carried.Store(&k.carrier)
	}
}

// InFlight reports whether the answer is incomplete, with NetHTTP. It may be
// called while Do runs, but never under a lock that a connection's Close needs.
func (x *Exchange) InFlight() bool {
	c := x.carried.Load()
	return c != nil && (*c).inFlight()
}

// Encrypted reports whether it runs over TLS.
func (x *Exchange) Encrypted() bool { return x.target.Scheme == "https" }

// Socket is the ordinal of the socket it runs on.
func (x *Exchange) Socket() int { return x.socket.Ordinal }

// Local is the sender's end of the connection of an exchange that is over; nil
// where none was opened.
func (x *Exchange) Local() net.Addr {
	if x.socket.raw == nil {
		return nil
	}
	return x.socket.raw.LocalAddr()
}

// Suppose ends an exchange that was not performed, because a model of the
// endpoint said what came of it; reusable is whether its socket stays open.
func (x *Exchange) Suppose(reusable bool) { x.socket.reusable = reusable }

func (x *Exchange) handshakeDone() {
	if x.OnHandshake != nil {
		x.OnHandshake()
	}
}

// Do performs the exchange. It reads no clock; the driver cancels ctx with
// ErrDeadline when the budget is spent. When it returns, the socket is either
// idle or closed.
func (x *Exchange) Do(ctx context.Context) Result {
	k := x.socket
	outcome, body := x.roundTrip(ctx)
	if k.private {
		k.reusable = false
	}
	if !k.reusable {
		k.close()
	}
	r := Result{Outcome: outcome}
	if x.Keep {
		r.Header, r.Body, r.Failure = x.header, body, x.failure
	}
	if k.private && outcome.Kind == retry.Answered && outcome.Status == http.StatusOK {
		r.Issued, r.Outcome.Reason = parseToken(body)
	}
	r.Asked, r.Presented = k.certificateState()
	if k.raw != nil {
		r.Socket = k.Ordinal
	}
	if k.watch != nil {
		r.Answering, _ = k.watch.state()
	}
	return r
}

// roundTrip sends the request and reads the answer. The body is kept for a
// token request and on request only: a receiver's is of no interest.
func (x *Exchange) roundTrip(ctx context.Context) (o retry.Outcome, body []byte) {
	k := x.socket
	k.reusable = false
	if k.carrier == nil {
		c, err := x.sender.config.Transport.open(ctx, k, x)
		if err != nil {
			return x.failed(ctx, err), nil
		}
		k.carrier = c
		x.carried.Store(&k.carrier)
	}
	k.watch.begin()
	k.carrier.begin(ctx)
	defer func() { k.reusable = k.carrier.end() && k.reusable }()
	response, err := k.carrier.roundTrip(ctx, x)
	if err != nil {
		return x.failed(ctx, err), nil
	}
	x.header = response.Header
	var kept bytes.Buffer
	into := io.Discard
	if k.private || x.Keep {
		into = &kept
	}
	read, err := io.Copy(into, io.LimitReader(response.Body, x.limit+1))
	_ = response.Body.Close()
	switch {
	case !k.private && x.sender.config.Destination.Readings.FirstByte && errors.Is(context.Cause(ctx), ErrDeadline):
		// The head came in time, which is enough (A5); the body is not waited for.
	case err != nil:
		return x.failed(ctx, err), nil
	case context.Cause(ctx) != nil:
		return x.failed(ctx, context.Cause(ctx)), nil
	case read > x.limit:
		return retry.Outcome{Kind: retry.TooLarge, Reason: "response-body-too-large"}, nil
	}
	k.reusable = err == nil && context.Cause(ctx) == nil && !response.Close && response.ProtoAtLeast(1, 1)
	return retry.Outcome{Kind: retry.Answered, Status: response.StatusCode, RetryAfter: retryAfter(response.Header)}, kept.Bytes()
}

// afterFunc is context.AfterFunc, without what that needs for a context that
// can do it itself.
func afterFunc(ctx context.Context, f func()) (stop func() bool) {
	if c, ok := ctx.(interface{ AfterFunc(func()) func() bool }); ok {
		return c.AfterFunc(f)
	}
	return context.AfterFunc(ctx, f)
}

// failed turns what ended the exchange into an outcome. The deadline is asked
// first: an exchange cut off by it fails in many ways, and all are timeouts.
func (x *Exchange) failed(ctx context.Context, err error) retry.Outcome {
	x.failure = err
	if errors.Is(context.Cause(ctx), ErrDeadline) {
		return retry.Outcome{Kind: retry.Timeout, Reason: "no-answer-in-time"}
	}
	w := x.socket.watch
	if w == nil || isHandshake(err) {
		return classify(err)
	}
	// net/http reports what it noticed first; the connection knows better.
	answered, seen := w.state()
	if o, ok := garbled(err, seen); ok {
		return o
	}
	if seen != nil {
		err = errors.Join(seen, err)
	}
	o := classify(err)
	if answered && o.Reason == noAnswer {
		o.Reason = "in-response"
	}
	return o
}

// retryAfter reads Retry-After in seconds; a date is left alone, since the
// exchange reads no clock.
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.ParseUint(h.Get("Retry-After"), 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// Prepare is the exchange of an operation, whatever its kind.
func (s *Sender) Prepare(op engine.Operation) *Exchange {
	switch op.Kind {
	case engine.Decision:
		return s.Decision(op)
	case engine.Token:
		return s.Token(op)
	}
	return s.Attempt(op)
}
