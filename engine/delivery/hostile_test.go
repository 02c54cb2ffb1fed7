package delivery

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gleak"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/retry"
)

// rude is a server that does to each connection what behave says, and counts
// those that are open.
type rude struct {
	listener net.Listener
	running  sync.WaitGroup
	stalled  chan struct{} // told when a connection does nothing any more
	left     chan struct{} // closed when the spec ends

	mu    sync.Mutex
	open  map[net.Conn]bool
	count int
}

// serve takes connections until the spec ends.
func serve(behave func(*rude, net.Conn)) *rude {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	r := &rude{listener: l, stalled: make(chan struct{}, 16), left: make(chan struct{}), open: map[net.Conn]bool{}}
	r.running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			r.mu.Lock()
			r.open[c], r.count = true, r.count+1
			r.mu.Unlock()
			r.running.Go(func() {
				defer GinkgoRecover()
				behave(r, c)
				_ = c.Close()
				r.mu.Lock()
				defer r.mu.Unlock()
				delete(r.open, c)
			})
		}
	})
	DeferCleanup(func() {
		close(r.left)
		_ = l.Close()    // a spec may have done so
		r.running.Wait() // a connection the sender left open would hold this up
	})
	return r
}

func (r *rude) connections() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count
}

// stall does nothing until the client leaves.
func (r *rude) stall(c net.Conn) {
	r.stalled <- struct{}{}
	_, _ = io.Copy(io.Discard, c)
}

// request reads one request whole.
func request(c net.Conn) *http.Request {
	q, err := http.ReadRequest(bufio.NewReader(c))
	if err != nil {
		return nil
	}
	_, _ = io.Copy(io.Discard, q.Body)
	return q
}

// reply reads a request and sends a text; what follows is up to then.
func reply(text string, then func(*rude, net.Conn)) func(*rude, net.Conn) {
	return func(r *rude, c net.Conn) {
		request(c)
		_, _ = io.WriteString(c, text)
		then(r, c)
	}
}

func hangUp(*rude, net.Conn) {}

// halfClose says at once that nothing will come, and still takes what the
// client sends: a close with unread bytes would be a reset or not, as the
// kernel's timing goes.
func halfClose(_ *rude, c net.Conn) {
	_ = c.(*net.TCPConn).CloseWrite()
	_, _ = io.Copy(io.Discard, c)
}

func abort(_ *rude, c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0) }

func stall(r *rude, c net.Conn) { r.stall(c) }

// inTLS plays behave behind a handshake with a certificate.
func inTLS(config *tls.Config, behave func(*rude, net.Conn)) func(*rude, net.Conn) {
	return func(r *rude, c net.Conn) {
		secure := tls.Server(c, config)
		if secure.Handshake() != nil {
			_, _ = io.Copy(io.Discard, c)
			return
		}
		behave(r, secure)
	}
}

// sent performs one attempt; the budget is spent when the server stalls.
func sent(s *Sender, r *rude) Result { return sentBody(s, r, []byte(`{"a":1}`)) }

func sentBody(s *Sender, r *rude, body []byte) Result {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-r.stalled:
			cancel(ErrDeadline)
		case <-done:
		}
	}()
	x := s.Attempt(engine.Operation{ID: 1, Kind: engine.Attempt, Number: 1, Message: &engine.Message{ID: "doc#1", Body: body}})
	result := x.Do(ctx)
	s.Finish(x)
	return result
}

func hostileSender(scheme string, r *rude, roots *x509.CertPool) *Sender {
	return New(Config{Transport: transport, UserAgent: "httpdest", Roots: roots, Destination: dataflow.Destination{
		Endpoint: scheme + "://" + r.listener.Addr().String() + "/profiles", Auth: dataflow.Auth{Kind: dataflow.AuthNone}, MTLS: dataflow.Never}})
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

var _ = onEach("a hostile endpoint", func() {
	BeforeEach(func() {
		before := gleak.Goroutines()
		DeferCleanup(func() { Eventually(gleak.Goroutines, 5*time.Second).ShouldNot(gleak.HaveLeaked(before)) })
	})

	DescribeTable("in the clear", func(behave func(*rude, net.Conn), kind retry.Kind, status int, reason string) {
		r := serve(behave)
		s := hostileSender("http", r, nil)
		defer s.Close()
		got := sent(s, r).Outcome
		Expect(got).To(Equal(retry.Outcome{Kind: kind, Status: status, Reason: reason}))
		Expect(r.connections()).To(Equal(1), "nothing is sent twice")
	},
		Entry("hangs up at once", halfClose, retry.Closed, 0, "no-answer"),
		Entry("resets at once", func(r *rude, c net.Conn) { request(c); abort(r, c) }, retry.Reset, 0, "no-answer"),
		Entry("answers nothing", reply("", hangUp), retry.Closed, 0, "no-answer"),
		Entry("never answers", reply("", stall), retry.Timeout, 0, "no-answer-in-time"),
		Entry("answers garbage", reply("\x00\xff\x13 garbage\r\n\r\n", hangUp), retry.Malformed, 0, "not-http"),
		Entry("answers something like HTTP", reply("HTTP/1.1 twohundred OK\r\n\r\n", hangUp), retry.Malformed, 0, "not-http"),
		Entry("answers in HTML without HTTP", reply("<html>\n<body>It works</body></html>\n", hangUp), retry.Malformed, 0, "not-http"),
		Entry("resets within the headers", reply("HTTP/1.1 200 OK\r\nContent-", abort), retry.Reset, 0, "in-response"),
		Entry("hangs up within the headers", reply("HTTP/1.1 200 OK\r\nContent-", hangUp), retry.Closed, 0, "in-response"),
		Entry("stalls within the headers", reply("HTTP/1.1 200 OK\r\nContent-", stall), retry.Timeout, 0, "no-answer-in-time"),
		Entry("resets within the body", reply("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", abort), retry.Reset, 0, "in-response"),
		Entry("ends before its Content-Length", reply("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", hangUp), retry.Closed, 0, "in-response"),
		Entry("stalls within the body", reply("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", stall), retry.Timeout, 0, "no-answer-in-time"),
		Entry("breaks a chunk", reply("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n", hangUp), retry.Malformed, 0, "not-http"),
		Entry("has a Content-Length that is not a number", reply("HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok", hangUp), retry.Malformed, 0, "not-http"),
		Entry("speaks HTTP/1.0", reply("HTTP/1.0 200 OK\r\n\r\nok", hangUp), retry.Answered, 200, ""),
		Entry("redirects to itself", reply("HTTP/1.1 302 Found\r\nLocation: /profiles\r\nContent-Length: 0\r\n\r\n", hangUp), retry.Answered, 302, ""),
		Entry("answers before it reads the body", func(r *rude, c net.Conn) {
			_, _ = bufio.NewReader(c).ReadString('\n')
			_, _ = io.WriteString(c, ok)
			_, _ = io.Copy(io.Discard, c)
		}, retry.Answered, 200, ""),
		Entry("sends headers without end", reply("HTTP/1.1 200 OK\r\n", func(_ *rude, c net.Conn) {
			for n := 0; ; n++ {
				if _, err := fmt.Fprintf(c, "X-%d: %s\r\n", n, strings.Repeat("y", 1000)); err != nil {
					return
				}
			}
		}), retry.TooLarge, 0, "response-headers-too-large"),
		Entry("sends a body without end", reply("HTTP/1.1 200 OK\r\n\r\n", func(_ *rude, c net.Conn) {
			for {
				if _, err := io.WriteString(c, strings.Repeat("y", 1<<16)); err != nil {
					return
				}
			}
		}), retry.TooLarge, 0, "response-body-too-large"),
		Entry("drips a byte at a time, and never comes to an end", reply("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", func(r *rude, c net.Conn) {
			for range 20 {
				_, _ = io.WriteString(c, "y")
			}
			r.stall(c)
		}), retry.Timeout, 0, "no-answer-in-time"),
		Entry("sends a hundred intermediate answers first", reply(strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 100)+ok, hangUp), retry.Answered, 200, ""),
	)

	// More than the buffers of the kernel hold, so that a writer has to wait.
	DescribeTable("that is sent eight megabytes", func(behave func(*rude, net.Conn), kind retry.Kind, status int) {
		r := serve(behave)
		s := hostileSender("http", r, nil)
		defer s.Close()
		got := sentBody(s, r, bytes.Repeat([]byte("x"), 8<<20)).Outcome
		got.Reason = ""
		Expect(got).To(Equal(retry.Outcome{Kind: kind, Status: status}))
		Expect(r.connections()).To(Equal(1))
	},
		Entry("and takes them", reply(ok, hangUp), retry.Answered, 200),
		Entry("and answers before it reads them", func(_ *rude, c net.Conn) {
			_, _ = bufio.NewReader(c).ReadString('\n')
			_, _ = io.WriteString(c, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
			_, _ = io.Copy(io.Discard, c)
		}, retry.Answered, 413),
		Entry("and reads nothing", func(r *rude, c net.Conn) {
			_, _ = bufio.NewReader(c).ReadString('\n')
			r.stalled <- struct{}{}
			<-r.left
		}, retry.Timeout, 0),
		Entry("and resets in the middle", func(_ *rude, c net.Conn) {
			_, _ = io.CopyN(io.Discard, c, 1<<20)
			abort(nil, c)
		}, retry.Reset, 0),
	)

	It("hangs up with the request unread: closed or reset, and not sent again", func() {
		r := serve(hangUp)
		s := hostileSender("http", r, nil)
		defer s.Close()
		got := sent(s, r).Outcome
		Expect(got.Kind).To(BeElementOf(retry.Closed, retry.Reset))
		Expect(got.Reason).To(Equal("no-answer"))
		Expect(r.connections()).To(Equal(1))
	})

	It("sends more than it announced: the answer counts, and the socket is not used again", func() {
		r := serve(func(_ *rude, c net.Conn) {
			request(c)
			_, _ = io.WriteString(c, ok+ok+"surplus")
			_, _ = io.Copy(io.Discard, c)
		})
		s := hostileSender("http", r, nil)
		defer s.Close()
		Expect(sent(s, r).Outcome).To(Equal(retry.Outcome{Kind: retry.Answered, Status: 200}))
		Eventually(func() bool { return s.Idle() == 0 }, 5*time.Second).Should(BeTrue())
		Expect(sent(s, r).Outcome).To(Equal(retry.Outcome{Kind: retry.Answered, Status: 200}))
		Expect(r.connections()).To(Equal(2))
	})

	It("hangs up while the socket is idle: the next message goes on a new one", func() {
		r := serve(reply(ok, hangUp))
		s := hostileSender("http", r, nil)
		defer s.Close()
		for n := range 3 {
			Expect(sent(s, r).Outcome).To(Equal(retry.Outcome{Kind: retry.Answered, Status: 200}))
			Eventually(func() bool { return s.Idle() == 0 }, 5*time.Second).Should(BeTrue())
			Expect(r.connections()).To(Equal(n + 1))
		}
	})

	It("does not listen", func() {
		r := serve(hangUp)
		s := hostileSender("http", r, nil)
		defer s.Close()
		Expect(r.listener.Close()).To(Succeed())
		got := sent(s, r)
		Expect(got.Outcome).To(Equal(retry.Outcome{Kind: retry.Refused, Reason: "connection-refused"}))
		Expect(got.Socket).To(BeZero())
	})

	It("has a name that does not resolve", func() {
		s := New(Config{Transport: transport, Destination: dataflow.Destination{Endpoint: "http://receiver.invalid/profiles", Auth: dataflow.Auth{Kind: dataflow.AuthNone}}})
		defer s.Close()
		got := sent(s, &rude{stalled: make(chan struct{})}).Outcome
		Expect(got).To(Equal(retry.Outcome{Kind: retry.Unresolved, Reason: "name-does-not-resolve"}))
	})

	DescribeTable("with TLS", func(config func(*certificates) *tls.Config, behave func(*rude, net.Conn), kind retry.Kind, reason string) {
		pki := newCertificates()
		r := serve(inTLS(config(pki), behave))
		s := hostileSender("https", r, pki.roots)
		defer s.Close()
		got := sent(s, r).Outcome
		got.Status = 0
		Expect(got).To(Equal(retry.Outcome{Kind: kind, Reason: reason}))
		Expect(r.connections()).To(Equal(1))
	},
		Entry("and all is well", (*certificates).good, reply(ok, hangUp), retry.Answered, ""),
		Entry("an expired certificate", (*certificates).expired, hangUp, retry.TLS, "server-certificate-expired"),
		Entry("one that is not valid yet", (*certificates).early, hangUp, retry.TLS, "server-certificate-not-yet-valid"),
		Entry("one for another host", (*certificates).otherHost, hangUp, retry.TLS, "server-certificate-wrong-host"),
		Entry("one it signed itself", (*certificates).selfSigned, hangUp, retry.TLS, "server-certificate-self-signed"),
		Entry("one of an unknown authority", (*certificates).unknown, hangUp, retry.TLS, "server-certificate-unknown-ca"),
		Entry("TLS 1.0 only", (*certificates).old, hangUp, retry.TLS, "protocol-version"),
		Entry("a reset after the handshake", (*certificates).good, func(_ *rude, c net.Conn) {
			request(c)
			_ = c.(*tls.Conn).NetConn().(*net.TCPConn).SetLinger(0)
			_ = c.(*tls.Conn).NetConn().Close()
		}, retry.Reset, "no-answer"),
	)

	DescribeTable("that is to speak TLS", func(behave func(*rude, net.Conn), kind retry.Kind, reason string) {
		r := serve(behave)
		s := hostileSender("https", r, x509.NewCertPool())
		defer s.Close()
		Expect(sent(s, r).Outcome).To(Equal(retry.Outcome{Kind: kind, Reason: reason}))
	},
		Entry("and speaks HTTP", reply("HTTP/1.1 400 Bad Request\r\n\r\n", hangUp), retry.TLS, "not-tls"),
		Entry("and hangs up", halfClose, retry.Closed, "in-handshake"),
		Entry("and resets", func(r *rude, c net.Conn) {
			_, _ = c.Read(make([]byte, 4096))
			abort(r, c)
		}, retry.Reset, "in-handshake"),
		Entry("and stalls in the handshake", func(r *rude, c net.Conn) { r.stall(c) }, retry.Timeout, "no-answer-in-time"),
	)
})

// net/http may break off an answer that is read while the request is written:
// which it is depends on the machine.
var _ = Describe("a hostile endpoint, direct alone", func() {
	It("has a long answer taken before it reads eight megabytes: the answer counts", func() {
		transport = Blocking
		r := serve(func(_ *rude, c net.Conn) {
			_, _ = fmt.Fprintf(c, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", 1<<19, strings.Repeat("y", 1<<19))
			_, _ = io.Copy(io.Discard, c)
		})
		s := hostileSender("http", r, nil)
		defer s.Close()
		Expect(sentBody(s, r, bytes.Repeat([]byte("x"), 8<<20)).Outcome).To(Equal(retry.Outcome{Kind: retry.Answered, Status: 200}))
	})
})
