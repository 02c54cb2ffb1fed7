package delivery

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/export"
	"github.com/httpdest/httpdest/engine/retry"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

func attempt(certificate bool) engine.Operation {
	x := engine.Export{ID: "doc#1", Profile: "doc", Because: []export.Trigger{export.Audience}, Body: []byte(`{"identityMap":{}}`)}
	m := &engine.Message{ID: x.ID, Exports: []engine.Export{x}, Body: x.Body}
	return engine.Operation{ID: 1, Kind: engine.Attempt, Message: m, Number: 1, Certificate: certificate, Budget: engine.Budget}
}

// do performs one attempt and returns the socket to its pool.
func do(s *Sender, certificate bool) Result {
	x := s.Attempt(attempt(certificate))
	r := x.Do(context.Background())
	s.Finish(x)
	return r
}

func sender(url string, change func(*Config)) *Sender {
	c := Config{Transport: transport, UserAgent: "httpdest", Destination: dataflow.Destination{
		Endpoint: url, Auth: dataflow.Auth{Kind: dataflow.AuthBearer, Token: "s3cret"}, MTLS: dataflow.Auto,
	}}
	if change != nil {
		change(&c)
	}
	s := New(c)
	DeferCleanup(s.Close)
	return s
}

// raw serves one connection with a function that sees its bytes.
func raw(serve func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(l.Close)
	go func() { // ends when the listener is closed
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			serve(c)
			_ = c.Close()
		}
	}()
	return "http://" + l.Addr().String()
}

// answer reads a request and writes a text in its place.
func answer(text string) func(net.Conn) {
	return func(c net.Conn) {
		if r, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(c, text)
		}
	}
}

var _ = onEach("An attempt", func() {
	It("carries everything that was configured, and nothing is compressed or cached", func() {
		var got *http.Request
		var body string
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			got, body = r, string(b)
		}))
		DeferCleanup(server.Close)
		s := sender(server.URL+"/in?x=0", func(c *Config) {
			c.Destination.Headers = "X-Tenant:acme,X-Tenant:backup,Authorization:Digest x"
			c.Destination.QueryParameters = "source=aep&list=%2F"
		})
		r := do(s, false)
		Expect(r.Outcome).To(Equal(retry.Outcome{Kind: retry.Answered, Status: 200}))
		Expect(got.Method).To(Equal("POST"))
		Expect(got.RequestURI).To(Equal("/in?x=0&source=aep&list=%2F"))
		Expect(got.Header).To(Equal(http.Header{
			"Authorization": {"Bearer s3cret"}, "Content-Type": {"application/json"}, "Content-Length": {"18"},
			"User-Agent": {"httpdest"}, "X-Tenant": {"acme", "backup"},
		}))
		Expect(body).To(Equal(`{"identityMap":{}}`))
	})

	It("keeps its socket for the next one, and the last used is used first", func() {
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		DeferCleanup(server.Close)
		s := sender(server.URL, nil)
		a, b := s.Attempt(attempt(false)), s.Attempt(attempt(false))
		Expect(a.Do(context.Background()).Socket).To(Equal(1))
		Expect(b.Do(context.Background()).Socket).To(Equal(2))
		s.Finish(a)
		k := s.Finish(b)
		uses := k.Uses()
		Expect(do(s, false).Socket).To(Equal(2))
		Expect(s.CloseIdle(k, uses)).To(BeFalse(), "it was used again")
		Expect(s.CloseIdle(k, k.Uses())).To(BeTrue())
		Expect(do(s, false).Socket).To(Equal(1))
	})

	It("leaves a socket that is closed when it has rested for long, unless it is in use", func() {
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		DeferCleanup(server.Close)
		s := sender(server.URL, nil)
		exchanges := []*Exchange{s.Attempt(attempt(false)), s.Attempt(attempt(false)), s.Attempt(attempt(false))}
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for i, x := range exchanges {
			Expect(x.Do(context.Background()).Outcome.Status).To(Equal(200))
			if i < 2 {
				s.Finish(x).Rest(at.Add(time.Duration(i) * time.Second))
			}
		}
		Expect(s.CloseRested(at.Add(-1))).To(Equal(at))
		Expect(s.Idle()).To(Equal(2))
		Expect(s.CloseRested(at)).To(Equal(at.Add(time.Second)))
		Expect(s.Idle()).To(Equal(1))
		Expect(s.CloseRested(at.Add(time.Hour))).To(BeZero())
		Expect(s.Idle()).To(BeZero())
		Expect(s.Finish(exchanges[2])).NotTo(BeNil(), "it was in use")
		Expect(do(s, false).Socket).To(Equal(3))
	})

	It("does not follow a redirect", func() {
		var hits atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			hits.Add(1)
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}))
		DeferCleanup(server.Close)
		Expect(do(sender(server.URL, nil), false).Outcome.Status).To(Equal(307))
		Expect(hits.Load()).To(BeEquivalentTo(1))
	})

	// The pooled http.Transport sends such a POST again when a reused socket
	// breaks.
	It("is never sent twice, Idempotency-Key or not", func() {
		var requests atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			if requests.Add(1) > 1 {
				panic(http.ErrAbortHandler)
			}
		}))
		DeferCleanup(server.Close)
		s := sender(server.URL, func(c *Config) { c.Destination.Headers = "Idempotency-Key:1" })
		Expect(do(s, false).Outcome.Status).To(Equal(200))
		Expect(do(s, false).Outcome.Kind).To(Equal(retry.Closed))
		Expect(requests.Load()).To(BeEquivalentTo(2))
	})

	It("is a timeout when the driver's deadline cancels it, wherever it is", func() {
		arrived := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			close(arrived)
			<-r.Context().Done()
		}))
		DeferCleanup(server.Close)
		ctx, cancel := context.WithCancelCause(context.Background())
		go func() { <-arrived; cancel(ErrDeadline) }()
		s := sender(server.URL, nil)
		x := s.Attempt(attempt(false))
		Expect(x.Do(ctx).Outcome.Kind).To(Equal(retry.Timeout))
		Expect(s.Finish(x)).To(BeNil())
	})

	DescribeTable("has an outcome for every bad answer", func(serve func(net.Conn), kind retry.Kind) {
		Expect(do(sender(raw(serve), nil), false).Outcome.Kind).To(Equal(kind))
	},
		Entry("none", answer(""), retry.Closed),
		Entry("half of it", answer("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), retry.Closed),
		Entry("garbage", answer("I am a teapot\r\n\r\n"), retry.Malformed),
		Entry("a bad chunk", answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), retry.Malformed),
		Entry("a reset", func(c net.Conn) {
			_, _ = c.Read(make([]byte, 1))
			_ = c.(*net.TCPConn).SetLinger(0)
		}, retry.Reset),
		Entry("more than the bound", func(c net.Conn) {
			answer("HTTP/1.1 200 OK\r\n\r\n")(c)
			for _, err := io.WriteString(c, strings.Repeat("x", 1<<16)); err == nil; {
				_, err = io.WriteString(c, strings.Repeat("x", 1<<16))
			}
		}, retry.TooLarge),
	)

	It("does not keep a socket the endpoint wants closed", func() {
		s := sender(raw(answer("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")), nil)
		x := s.Attempt(attempt(false))
		Expect(x.Do(context.Background()).Outcome.Status).To(Equal(204))
		Expect(s.Finish(x)).To(BeNil())
	})

	It("connects elsewhere where it is told to, under the names of the URL", func() {
		var host string
		var remote string
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { host, remote = r.Host, r.RemoteAddr }))
		DeferCleanup(server.Close)
		s := sender("http://receiver.test/profiles", func(c *Config) {
			c.ConnectTo = map[string]string{"receiver.test:80": server.Listener.Addr().String()}
		})
		x := s.Attempt(attempt(false))
		Expect(x.Local()).To(BeNil())
		Expect(x.Do(context.Background()).Outcome.Status).To(Equal(200))
		Expect(host).To(Equal("receiver.test"))
		Expect(x.Local().String()).To(Equal(remote))
	})

	It("is refused where nothing listens, without a socket", func() {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		Expect(l.Close()).To(Succeed())
		r := do(sender("http://"+l.Addr().String(), nil), false)
		Expect(r.Outcome.Kind).To(Equal(retry.Refused))
		Expect(r.Socket).To(BeZero())
	})
})

var _ = onEach("Over TLS", func() {
	var server *httptest.Server
	var roots *x509.CertPool
	start := func(auth tls.ClientAuthType, version uint16) {
		server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodOptions && (len(r.Header) > 1 || r.ContentLength > 0) {
				w.WriteHeader(http.StatusTeapot)
			}
		}))
		server.TLS = &tls.Config{ClientAuth: auth, MinVersion: version, MaxVersion: version}
		server.StartTLS()
		DeferCleanup(server.Close)
		roots = x509.NewCertPool()
		roots.AddCert(server.Certificate())
	}
	trusting := func(c *Config) {
		c.Roots = roots
		certificate := server.TLS.Certificates[0]
		c.Certificate = &certificate
	}

	DescribeTable("an endpoint that insists refuses an attempt without the certificate before it answers",
		func(version uint16, reason string) {
			start(tls.RequireAnyClientCert, version)
			s := sender(server.URL, trusting)
			x := s.Decision(engine.Operation{Budget: engine.Budget})
			r := x.Do(context.Background())
			Expect(r.Outcome).To(Equal(retry.Outcome{Kind: retry.TLS, Reason: reason}))
			Expect(r.Asked).To(BeTrue())
			Expect(r.Presented).To(BeFalse())
			Expect(r.Answering).To(BeFalse())
			with := do(s, true)
			Expect(with.Outcome.Status).To(Equal(200))
			Expect(with.Presented).To(BeTrue())
		},
		Entry("TLS 1.2", uint16(tls.VersionTLS12), "handshake-failure"),
		Entry("TLS 1.3: at the first read", uint16(tls.VersionTLS13), "certificate-required"),
	)

	It("an endpoint that does not ask is never shown the certificate", func() {
		start(tls.NoClientCert, tls.VersionTLS13)
		r := do(sender(server.URL, trusting), true)
		Expect(r.Outcome.Status).To(Equal(200))
		Expect(r.Asked).To(BeFalse())
		Expect(r.Presented).To(BeFalse())
	})

	It("the decision sends no body, credentials or custom headers", func() {
		start(tls.NoClientCert, tls.VersionTLS13)
		s := sender(server.URL, func(c *Config) { trusting(c); c.Destination.Headers = "X-Tenant:acme" })
		Expect(s.Decision(engine.Operation{}).Do(context.Background()).Outcome.Status).To(Equal(200))
	})

	It("a server certificate that is not trusted fails the attempt", func() {
		start(tls.NoClientCert, tls.VersionTLS13)
		r := do(sender(server.URL, nil), false)
		Expect(r.Outcome).To(Equal(retry.Outcome{Kind: retry.TLS, Reason: "server-certificate-self-signed"}))
	})

	It("an endpoint that speaks no TLS fails the attempt", func() {
		url := raw(answer("HTTP/1.1 400 Bad Request\r\n\r\n"))
		r := do(sender(strings.Replace(url, "http:", "https:", 1), nil), false)
		Expect(r.Outcome.Kind).To(Or(Equal(retry.TLS), Equal(retry.Closed)))
	})
})
