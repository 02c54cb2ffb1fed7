package mockendpoint_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/forward"
	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// seen is a message as it came over the wire.
type seen struct {
	conn int    // of the receiver, from 1
	head string // with its empty line
	body string
}

// wireReceiver is a receiver that reads and writes bytes, as an independent
// witness of a proxy: net/http would sort and respell them.
type wireReceiver struct {
	listener net.Listener
	// answer returns the bytes of an answer; hangUp closes the connection after it.
	answer func(n int, q seen) (answer []byte, hangUp bool)

	mu    sync.Mutex
	seen  []seen
	conns int
	wg    sync.WaitGroup
	open  map[net.Conn]bool
}

func newWireReceiver(t testing.TB, answer func(n int, q seen) ([]byte, bool)) *wireReceiver {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &wireReceiver{listener: l, answer: answer, open: map[net.Conn]bool{}}
	r.wg.Go(r.serve)
	t.Cleanup(func() {
		_ = l.Close()
		r.mu.Lock()
		for c := range r.open {
			_ = c.Close()
		}
		r.mu.Unlock()
		r.wg.Wait()
	})
	return r
}

func (r *wireReceiver) url() *url.URL {
	return &url.URL{Scheme: "http", Host: r.listener.Addr().String()}
}

func (r *wireReceiver) serve() {
	for {
		c, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.mu.Lock()
		r.conns++
		n := r.conns
		r.open[c] = true
		r.mu.Unlock()
		r.wg.Go(func() { r.talk(c, n) })
	}
}

func (r *wireReceiver) talk(c net.Conn, conn int) {
	defer func() {
		_ = c.Close()
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.open, c)
	}()
	in := bufio.NewReader(c)
	for {
		head, body, err := readMessage(in, "")
		if err != nil {
			return
		}
		q := seen{conn, head, body}
		r.mu.Lock()
		r.seen = append(r.seen, q)
		n := len(r.seen)
		r.mu.Unlock()
		answer, hangUp := r.answer(n, q)
		if _, err := c.Write(answer); err != nil || hangUp {
			return
		}
	}
}

// connected counts the connections that are open.
func (r *wireReceiver) connected() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.open)
}

func (r *wireReceiver) all() []seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.seen)
}

// readMessage reads a head and the body after it, in chunks or not. method is that
// of the request where the message is an answer.
func readMessage(in *bufio.Reader, method string) (head, body string, err error) {
	length, chunked, toEnd := 0, false, false
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return head, "", err
		}
		if head += line; line == "\r\n" {
			break
		}
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		value = strings.TrimSpace(value)
		switch strings.ToLower(name) {
		case "content-length":
			if length, err = strconv.Atoi(value); err != nil {
				return head, "", err
			}
		case "transfer-encoding":
			chunked = chunked || value == "chunked"
		}
	}
	if method != "" {
		_, rest, _ := strings.Cut(head, " ")
		status, _, _ := strings.Cut(rest, " ")
		if method == http.MethodHead || status == "204" || status == "304" {
			return head, "", nil
		}
		toEnd = !chunked && !strings.Contains(strings.ToLower(head), "\r\ncontent-length:")
	}
	var content []byte
	switch {
	case toEnd:
		content, err = io.ReadAll(in)
	case chunked:
		if content, err = io.ReadAll(httputil.NewChunkedReader(in)); err == nil {
			_, err = in.ReadString('\n')
		}
	default:
		content = make([]byte, length)
		_, err = io.ReadFull(in, content)
	}
	return head, string(content), err
}

// chunks is a body in chunks of a few bytes.
func chunks(body string) string {
	var b bytes.Buffer
	for piece := range slices.Chunk([]byte(body), 7) {
		fmt.Fprintf(&b, "%x\r\n%s\r\n", len(piece), piece)
	}
	return b.String() + "0\r\n\r\n"
}

// proxied starts a proxy in front of a receiver.
func proxied(t testing.TB, to *url.URL, change func(*mockendpoint.Options)) (address string, j *journal.Memory) {
	receiver, err := forward.New(forward.Config{URL: to})
	if err != nil {
		t.Fatal(err)
	}
	j = &journal.Memory{}
	o := mockendpoint.Options{Receiver: receiver, Journal: j}
	if change != nil {
		change(&o)
	}
	e := mockendpoint.New(o)
	address = serveOn(t, func(l net.Listener) func() {
		ended := make(chan error, 1)
		go func() { ended <- e.Serve(l) }()
		return func() { _ = e.Close(); <-ended }
	})
	return address, j
}

// newEarlyReceiver answers when it has the head of a request, and reads no body.
func newEarlyReceiver(t testing.TB) *url.URL {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		c, err := l.Accept()
		if err != nil {
			return
		}
		for in := bufio.NewReader(c); ; {
			if line, err := in.ReadString('\n'); err != nil || line == "\r\n" {
				break
			}
		}
		_, _ = io.WriteString(c, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\n\r\nlarge")
		t.Cleanup(func() { _ = c.Close() })
	}()
	t.Cleanup(func() { _ = l.Close(); <-ended })
	return &url.URL{Scheme: "http", Host: l.Addr().String()}
}

// exchanged is the answer to bytes that are sent on a connection of their own.
func exchanged(address, request string) (string, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, request); err != nil {
		return "", err
	}
	method, _, _ := strings.Cut(request, " ")
	head, body, err := readMessage(bufio.NewReader(c), method)
	return head + body, err
}
