package delivery

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/httpdest/httpdest/engine/dataflow"
)

// Blocking has the goroutine of the exchange write the request and read the
// answer itself, with net/http as the parser of answers.
//
// Decision: our own writer in front of crypto/tls. Reason: net/http hands each
// request to one goroutine and each answer to another, which costs more than
// the request itself where thousands a second are sent. Cost: what net/http
// notices on an idle socket by its reader is asked before each use. Every spec
// of this package runs with both.
//
// It needs sockets of the operating system: with Config.Dial, and where a
// socket cannot be asked without waiting, exchanges are carried by NetHTTP.
var Blocking Transport = blockingTransport{}

type blockingTransport struct{}

func (blockingTransport) onSystemSockets() bool { return true }

func (blockingTransport) noticesEnds() bool { return false }

// atOnce is how long a request may be, in bytes, that is written before the
// answer is read: as long as the buffers of a new connection take without a
// receiver that reads. A longer one might wait for a receiver that waits for its
// answer to be taken, and is written while the answer is read.
const atOnce = 16 << 10

// firstRead is how much is read of an answer at once, in bytes.
const firstRead = 4 << 10

// errHeaders is the error of an answer with more headers than are taken.
var errHeaders = errors.New("delivery: server response headers exceeded the limit")

// past is a time that any wait for has ended.
var past = time.Unix(1, 0)

// blockingConn is a connection with what one exchange after the other needs of it.
type blockingConn struct {
	below   *unblocked
	conn    net.Conn // the one below, or TLS over it
	limited io.LimitedReader
	reader  *bufio.Reader
	out     []byte
	plain   http.Response // the last that was brief
	writing chan error    // of a long request; nil when none is being written
	// unwritten is why the last request could not be written.
	unwritten error

	interrupt func()      // ends every wait, for good
	left      func() bool // takes back that the end of the exchange interrupts
}

// open opens the connection and performs the handshake.
func (blockingTransport) open(ctx context.Context, k *Socket, x *Exchange) (carrier, error) {
	if err := k.connect(ctx, "tcp", k.address()); err != nil {
		return nil, err
	}
	raw := k.raw
	d := &blockingConn{below: newUnblocked(raw), interrupt: func() { _ = raw.SetDeadline(past) }}
	d.conn = d.below
	k.watch = &watched{Conn: d.below}
	if k.url.Scheme == "https" {
		config := k.tlsConfig()
		config.DynamicRecordSizingDisabled = true // a message is written whole, and not in pieces of a packet
		var err error
		if d.conn, err = k.secure(ctx, x, d.below, config); err != nil {
			return nil, err
		}
	}
	d.limited = io.LimitedReader{R: k.watch}
	d.reader = bufio.NewReaderSize(&d.limited, firstRead)
	return d, nil
}

// begin has a wait end with ctx: the connection is useless after that.
func (d *blockingConn) begin(ctx context.Context) { d.left = afterFunc(ctx, d.interrupt) }

// end settles what the exchange left under way.
func (d *blockingConn) end() bool { return d.left() && d.settle() }

func (d *blockingConn) inFlight() bool { return false }

func (d *blockingConn) close() {} // the socket closes the connection

// isDead reports whether an idle connection was closed, or something was said on it.
func (d *blockingConn) isDead() bool {
	if d.reader.Buffered() > 0 {
		return true
	}
	d.below.atOnce = true
	defer func() { d.below.atOnce = false }()
	var one [1]byte
	_, err := d.conn.Read(one[:])
	return !errors.Is(err, errNothing)
}

// roundTrip writes the request and reads the answer up to its body.
func (d *blockingConn) roundTrip(_ context.Context, x *Exchange) (*http.Response, error) {
	if err := d.write(x); err != nil {
		return nil, err
	}
	d.limited.N = MaxResponseHeaders
	if _, err := d.reader.Peek(1); err != nil {
		return nil, d.broken(err)
	}
	if x.OnAnswering != nil {
		x.OnAnswering()
	}
	// A recorded response, or one of a token endpoint, is read by net/http.
	if buffered, _ := d.reader.Peek(d.reader.Buffered()); !x.Keep && !x.socket.private {
		if status, size, ok := plainAnswer(buffered); ok {
			_, _ = d.reader.Discard(size) // it is all there
			d.plain = http.Response{StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Body: http.NoBody}
			return &d.plain, nil
		}
	}
	for {
		response, err := http.ReadResponse(d.reader, nil)
		switch {
		case err != nil && d.limited.N <= 0:
			return nil, errHeaders
		case err != nil:
			return nil, d.broken(err)
		}
		switched := response.StatusCode == http.StatusSwitchingProtocols
		if response.StatusCode < 200 && !switched {
			continue // an intermediate answer
		}
		d.limited.N = math.MaxInt64 // Exchange bounds the body
		// Closing the body would read all of it.
		response.Body = io.NopCloser(response.Body)
		if switched {
			response.Body, response.Close = io.NopCloser(d.reader), true // any byte that comes now is not HTTP
		}
		return response, nil
	}
}

// write sends the request. A receiver may have answered and hung up before it
// took the request, so that an error of writing is left to the reader, who
// hears what came of it.
func (d *blockingConn) write(x *Exchange) error {
	var err error
	if d.out, err = x.appendHead(d.out[:0]); err != nil {
		return err
	}
	if len(d.out)+len(x.Body) > atOnce {
		head, written := d.out, make(chan error, 1)
		d.out, d.writing, d.unwritten = nil, written, nil
		go func() { // ends with the request, or with the connection: settle waits for it
			_, err := d.conn.Write(head)
			if err == nil {
				_, err = d.conn.Write(x.Body)
			}
			if err == nil && x.OnWritten != nil {
				x.OnWritten()
			}
			written <- err
		}()
		return nil
	}
	d.out = append(d.out, x.Body...)
	if _, d.unwritten = d.conn.Write(d.out); d.unwritten == nil && x.OnWritten != nil {
		x.OnWritten()
	}
	return nil
}

// broken is why no answer could be read. The system tells that a connection was
// reset once, to the writer or to the reader, who then reads an ordinary end.
func (d *blockingConn) broken(err error) error {
	if d.writing != nil {
		d.interrupt()
		d.unwritten, d.writing = <-d.writing, nil
	}
	if d.unwritten == nil || errors.Is(d.unwritten, os.ErrDeadlineExceeded) {
		return err
	}
	return errors.Join(err, d.unwritten)
}

// settle ends what an exchange left under way, and reports whether the whole
// request went out.
func (d *blockingConn) settle() bool {
	if d.writing == nil {
		return d.unwritten == nil
	}
	written := d.writing
	d.writing = nil
	select {
	case err := <-written:
		return err == nil
	default:
	}
	d.interrupt()
	<-written
	return false
}

// appendHead appends the request without its body.
func (x *Exchange) appendHead(b []byte) ([]byte, error) {
	b = append(append(b, x.Method...), x.line...)
	for _, h := range x.Headers {
		if strings.ContainsFunc(h.Value, dataflow.IsControl) {
			return nil, fmt.Errorf("delivery: header %s has a value that cannot be sent", h.Name)
		}
		b = append(append(append(append(b, h.Name...), ": "...), h.Value...), "\r\n"...)
	}
	if len(x.Body) > 0 || x.Method == http.MethodPost {
		b = append(strconv.AppendInt(append(b, "Content-Length: "...), int64(len(x.Body)), 10), "\r\n"...)
	}
	return append(b, "\r\n"...), nil
}

// requestLine is what follows the method in every request to a URL: the rest of
// the first line, and Host as net/http writes it.
func requestLine(u *url.URL) string {
	var sample bytes.Buffer
	host := u.Host
	if err := (&http.Request{Method: http.MethodPost, URL: u, Host: u.Host}).Write(&sample); err == nil {
		if read, err := http.ReadRequest(bufio.NewReader(&sample)); err == nil {
			host = read.Host
		}
	}
	return " " + u.RequestURI() + " HTTP/1.1\r\nHost: " + host + "\r\n"
}
