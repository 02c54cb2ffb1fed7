package delivery

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
)

// NetHTTP is the reference: each socket is an http.ClientConn.
var NetHTTP Transport = netHTTPTransport{}

type netHTTPTransport struct{}

func (netHTTPTransport) onSystemSockets() bool { return false }

func (netHTTPTransport) noticesEnds() bool { return true }

// open opens the connection and performs the handshake. The errors are those of the
// dialler and of crypto/tls.
func (netHTTPTransport) open(ctx context.Context, k *Socket, x *Exchange) (carrier, error) {
	t := &http.Transport{DisableCompression: true, MaxResponseHeaderBytes: MaxResponseHeaders, Protocols: &http.Protocols{}}
	t.Protocols.SetHTTP1(true)
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if err := k.connect(ctx, network, address); err != nil {
			return nil, err
		}
		k.watch = &watched{Conn: k.raw}
		return k.watch, nil
	}
	t.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		if _, err := t.DialContext(ctx, network, address); err != nil {
			return nil, err
		}
		if _, err := k.secure(ctx, x, k.raw, k.tlsConfig()); err != nil {
			return nil, err
		}
		return k.watch, nil
	}
	conn, err := t.NewClientConn(ctx, k.url.Scheme, k.address())
	if err != nil {
		return nil, err
	}
	return &netHTTP{conn: conn, watch: k.watch}, nil
}

// netHTTP is a connection of net/http.
type netHTTP struct {
	conn  *http.ClientConn
	watch *watched
}

func (c *netHTTP) begin(context.Context) {} // a request ends with its context

func (c *netHTTP) end() bool { return true }

func (c *netHTTP) inFlight() bool { return c.conn.InFlight() > 0 }

// isDead asks the connection as well: net/http reports its end later.
func (c *netHTTP) isDead() bool { return c.conn.Err() != nil || c.watch.ended() }

func (c *netHTTP) close() { _ = c.conn.Close() }

func (c *netHTTP) roundTrip(ctx context.Context, x *Exchange) (*http.Response, error) {
	trace := &httptrace.ClientTrace{GotFirstResponseByte: x.OnAnswering, WroteRequest: func(info httptrace.WroteRequestInfo) {
		if info.Err == nil && x.OnWritten != nil {
			x.OnWritten()
		}
	}}
	request := x.request(httptrace.WithClientTrace(ctx, trace))
	if len(x.Body) > 0 {
		request.Body = io.NopCloser(bytes.NewReader(x.Body))
	}
	return c.conn.RoundTrip(request)
}

// request is the exchange in net/http's form: headers keep the case and order they
// were configured with (R34).
func (x *Exchange) request(ctx context.Context) *http.Request {
	r := &http.Request{
		Method: x.Method, URL: x.target, Host: x.target.Host,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, ContentLength: int64(len(x.Body)),
	}
	for _, h := range x.Headers {
		r.Header[h.Name] = append(r.Header[h.Name], h.Value)
	}
	if _, own := r.Header["User-Agent"]; !own {
		// One that is configured in other letters would be joined by net/http's own.
		r.Header["User-Agent"] = nil
	}
	return r.WithContext(ctx)
}
