package mockendpoint_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gleak"

	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/mockendpoint/forward"
	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// before starts a proxy in front of a receiver that was started.
func before(receiver *mockendpoint.Started, o mockendpoint.Options) *mockendpoint.Started {
	GinkgoHelper()
	to, err := url.Parse(receiver.URL)
	Expect(err).NotTo(HaveOccurred())
	c := forward.Config{URL: to, Roots: receiver.CA}
	if to.Scheme == "https" {
		c.Certificate = &receiver.Certificate
	}
	return inFrontOf(c, o)
}

func inFrontOf(c forward.Config, o mockendpoint.Options) *mockendpoint.Started {
	GinkgoHelper()
	var err error
	o.Receiver, err = forward.New(c)
	Expect(err).NotTo(HaveOccurred())
	return mockendpoint.Start(GinkgoT(), o)
}

// outcome is what a sender gets, in a few words.
func outcome(c *http.Client, to string) string {
	GinkgoHelper()
	return received(c, posting(context.Background(), to), nil)
}

// abandoned is outcome for a fault without an end: the sender gives up when it has
// the head of the answer or, without one, when the fault has fired.
func abandoned(c *http.Client, to string, plan *fault.Plan, headed bool) string {
	GinkgoHelper()
	ctx, giveUp := context.WithCancel(context.Background())
	defer giveUp()
	done := make(chan string, 1)
	go func() { done <- received(c, posting(ctx, to), giveUp) }()
	if !headed {
		Eventually(func() int { return plan.List()[0].Fired }).WithTimeout(20 * time.Second).Should(Equal(1))
		giveUp()
	}
	return <-done
}

func posting(ctx context.Context, to string) *http.Request {
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(body))
	if err != nil {
		panic(err) // the URL is that of a listener
	}
	return q
}

// received is the answer to a request, or how it ended. headed, where it is not nil,
// is called when the head has come.
func received(c *http.Client, q *http.Request, headed func()) string {
	r, err := c.Transport.RoundTrip(q)
	if err != nil {
		return ended(err)
	}
	defer func() { _ = r.Body.Close() }()
	if headed != nil {
		headed()
	}
	got, err := io.ReadAll(io.LimitReader(r.Body, 100<<10))
	switch {
	case len(got) == 100<<10:
		return fmt.Sprint(r.StatusCode, " endless")
	case err != nil:
		return fmt.Sprint(r.StatusCode, " ", ended(err))
	}
	return fmt.Sprint(r.StatusCode, " ", string(got))
}

func ended(err error) string {
	switch text := err.Error(); {
	case errors.Is(err, context.Canceled):
		return "nothing"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "reset"
	case errors.Is(err, io.EOF), strings.Contains(text, "server closed"), strings.Contains(text, "EOF"):
		return "closed"
	case strings.Contains(text, "malformed HTTP"):
		return "garbage"
	case strings.Contains(text, "chunk"):
		return "malformed"
	default:
		return text
	}
}

var _ = Describe("A fault of a proxy", func() {
	DescribeTable("acts between sender and receiver", func(f fault.Fault, want string, stored int) {
		receiver := newWireReceiver(GinkgoTB(), func(int, seen) ([]byte, bool) {
			return []byte("HTTP/1.1 201 Stored\r\nX-Kept: 1\r\nContent-Length: 6\r\n\r\nstored"), false
		})
		mode := mockendpoint.Plain
		if f.Phase == fault.Handshake {
			mode = mockendpoint.TLS
		}
		f.ID = "planned"
		proxy := inFrontOf(forward.Config{URL: receiver.url()}, mockendpoint.Options{Listener: mockendpoint.Listener{Mode: mode},
			Faults: fault.NewPlan(1, f)})
		client := proxy.Client()
		DeferCleanup(client.CloseIdleConnections)
		if strings.HasSuffix(want, "nothing") {
			Expect(abandoned(client, proxy.URL, proxy.Faults, want != "nothing")).To(Equal(want))
		} else {
			Expect(outcome(client, proxy.URL)).To(Equal(want))
		}
		Expect(receiver.all()).To(HaveLen(stored))
		Expect(proxy.Faults.List()[0].Fired).To(Equal(1))
	},
		Entry("a status", fault.Fault{Status: 503}, "503 ", 0),
		Entry("a status, late", fault.Fault{Status: 503, Latency: time.Millisecond}, "503 ", 0),
		Entry("a late request", fault.Fault{Latency: time.Millisecond}, "201 stored", 1),
		Entry("a header", fault.Fault{Headers: map[string]string{"Retry-After": "7"}}, "201 stored", 1),
		Entry("a reset", fault.Fault{Reset: true}, "reset", 0),
		Entry("a close", fault.Fault{Close: true}, "closed", 0),
		Entry("a half-close", fault.Fault{HalfClose: true}, "closed", 0),
		Entry("garbage", fault.Fault{Garbage: true}, "garbage", 0),
		Entry("a stall", fault.Fault{Stall: true}, "nothing", 0),
		Entry("a reset at accept", fault.Fault{Phase: fault.Accept, Reset: true}, "reset", 0),
		Entry("a close at accept", fault.Fault{Phase: fault.Accept, Close: true}, "closed", 0),
		Entry("a stall at accept", fault.Fault{Phase: fault.Accept, Stall: true}, "nothing", 0),
		Entry("a reset in the handshake", fault.Fault{Phase: fault.Handshake, Reset: true}, "reset", 0),
		Entry("a close in the handshake", fault.Fault{Phase: fault.Handshake, Close: true}, "closed", 0),
		Entry("a stall in the handshake", fault.Fault{Phase: fault.Handshake, Stall: true}, "nothing", 0),
		Entry("a slow body", fault.Fault{SlowBody: time.Millisecond}, "201 stored", 1),
		Entry("a slow body, headers late", fault.Fault{SlowBody: time.Microsecond, HeadersAt: 1}, "201 stored", 1),
		Entry("a slow body without an end", fault.Fault{SlowBody: time.Hour}, "201 nothing", 1),
		Entry("a malformed chunk", fault.Fault{MalformedChunk: true}, "201 malformed", 1),
		Entry("an endless body", fault.Fault{Endless: true}, "201 endless", 1),
		Entry("a reset within the body", fault.Fault{Phase: fault.Body, Reset: true}, "201 reset", 1),
		Entry("a close within the body", fault.Fault{Phase: fault.Body, Close: true}, "201 closed", 1),
		Entry("a half-close within the body", fault.Fault{Phase: fault.Body, HalfClose: true}, "201 closed", 1),
		Entry("a stall within the body", fault.Fault{Phase: fault.Body, Stall: true}, "201 nothing", 1),
		Entry("a reset after the answer", fault.Fault{Phase: fault.End, Reset: true}, "201 stored", 1),
		Entry("a close after the answer", fault.Fault{Phase: fault.End, Close: true}, "201 stored", 1),
		Entry("a stall after the answer", fault.Fault{Phase: fault.End, Stall: true}, "201 stored", 1),
	)

	DescribeTable("forwards when the fault says", func(f fault.Fault, want string, stored int) {
		receiver := newWireReceiver(GinkgoTB(), func(n int, _ seen) ([]byte, bool) {
			return fmt.Appendf(nil, "HTTP/1.1 201 Stored\r\nContent-Length: 7\r\n\r\nstored%d", n), false
		})
		f.ID, f.Requests = "planned", fault.Range{First: 1, Last: 1}
		begun := make(chan int, 1) // requests at the receiver when the latency begins
		wait := func(ctx context.Context, d time.Duration) error {
			if d == time.Hour {
				begun <- len(receiver.all())
				return nil
			}
			if d == mockendpoint.Forever {
				<-ctx.Done()
			}
			return ctx.Err()
		}
		proxy := inFrontOf(forward.Config{URL: receiver.url()}, mockendpoint.Options{Faults: fault.NewPlan(1, f),
			Wait: wait})
		client := proxy.Client()
		DeferCleanup(client.CloseIdleConnections)
		if want == "nothing" {
			Expect(abandoned(client, proxy.URL, proxy.Faults, false)).To(Equal(want))
			Eventually(proxy.Journal.Requests).Should(HaveLen(1))
		} else {
			got := outcome(client, proxy.URL)
			if f.Forward == fault.ForwardAtOnce { // whichever the receiver takes first
				got = strings.TrimRight(got, "12")
			}
			Expect(got).To(Equal(want))
		}
		Expect(receiver.all()).To(HaveLen(stored))
		if f.Latency > 0 {
			late := 0 // of those that the receiver has already
			if f.Forward == fault.ForwardBefore {
				late = stored
			}
			Expect(<-begun).To(Equal(late))
		}
		forwards := proxy.Journal.Requests()[0].Forwards
		Expect(forwards).To(HaveLen(stored))
		Expect(forwards).To(HaveEach(HaveField("Status", 201)))
		Expect(outcome(client, proxy.URL)).To(Equal(fmt.Sprint("201 stored", stored+1)), "the retry is one more")
	},
		Entry("a late answer", fault.Fault{Forward: fault.ForwardBefore, Latency: time.Hour}, "201 stored1", 1),
		Entry("a late request", fault.Fault{Forward: fault.ForwardAfter, Latency: time.Hour}, "201 stored1", 1),
		Entry("a late request, by default", fault.Fault{Latency: time.Hour}, "201 stored1", 1),
		Entry("another status", fault.Fault{Forward: fault.ForwardBefore, Status: 503}, "503 ", 1),
		Entry("another status, both late", fault.Fault{Forward: fault.ForwardAfter, Status: 503, Latency: time.Hour},
			"503 ", 1),
		Entry("a lost answer: a reset", fault.Fault{Forward: fault.ForwardBefore, Reset: true}, "reset", 1),
		Entry("a lost answer: a close", fault.Fault{Forward: fault.ForwardAfter, Close: true}, "closed", 1),
		Entry("a lost answer: a half-close", fault.Fault{Forward: fault.ForwardBefore, HalfClose: true}, "closed", 1),
		Entry("a lost answer: garbage", fault.Fault{Forward: fault.ForwardBefore, Garbage: true}, "garbage", 1),
		Entry("a lost answer: silence", fault.Fault{Forward: fault.ForwardBefore, Stall: true}, "nothing", 1),
		Entry("a lost answer, late", fault.Fault{Forward: fault.ForwardBefore, Reset: true, Latency: time.Hour},
			"reset", 1),
		Entry("a duplicate", fault.Fault{Forward: fault.ForwardTwice}, "201 stored1", 2),
		Entry("a duplicate, late", fault.Fault{Forward: fault.ForwardTwice, Latency: time.Hour}, "201 stored1", 2),
		Entry("a duplicate without an answer", fault.Fault{Forward: fault.ForwardTwice, Reset: true}, "reset", 2),
		Entry("a duplicate at the same moment", fault.Fault{Forward: fault.ForwardAtOnce}, "201 stored", 2),
		Entry("a duplicate at the same moment, another status", fault.Fault{Forward: fault.ForwardAtOnce, Status: 500},
			"500 ", 2),
	)

	It("sends a duplicate at the same moment, on a connection of its own", func() {
		both := make(chan struct{})
		receiver := newWireReceiver(GinkgoTB(), func(n int, _ seen) ([]byte, bool) {
			if n == 2 {
				close(both)
			}
			<-both // neither is answered before both are there
			return []byte("HTTP/1.1 204 No Content\r\n\r\n"), false
		})
		plan := fault.NewPlan(1, fault.Fault{ID: "f", Forward: fault.ForwardAtOnce})
		p := inFrontOf(forward.Config{URL: receiver.url()}, mockendpoint.Options{Faults: plan})
		client := p.Client()
		DeferCleanup(client.CloseIdleConnections)
		Expect(outcome(client, p.URL)).To(Equal("204 "))
		Expect([]int{receiver.all()[0].conn, receiver.all()[1].conn}).To(ConsistOf(1, 2))
	})

	It("replaces a header of the receiver's answer, and changes no other", func() {
		receiver := newWireReceiver(GinkgoTB(), func(int, seen) ([]byte, bool) {
			return []byte("HTTP/1.1 200 OK\r\nretry-after: 1\r\nX-b: 1\r\nX-A: 2\r\nContent-Length: 2\r\n\r\nok"), false
		})
		address, _ := proxied(GinkgoTB(), receiver.url(), func(o *mockendpoint.Options) {
			o.Faults = fault.NewPlan(1, fault.Fault{ID: "f", Headers: map[string]string{"Retry-After": "7"}})
		})
		Expect(exchanged(address, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")).To(
			Equal("HTTP/1.1 200 OK\r\nX-b: 1\r\nX-A: 2\r\nContent-Length: 2\r\nRetry-After: 7\r\n\r\nok"))
	})

	It("leaves nothing running, at the receiver neither", func() {
		running := gleak.Goroutines()
		DeferCleanup(func() {
			Eventually(gleak.Goroutines).WithTimeout(20 * time.Second).ShouldNot(gleak.HaveLeaked(running))
		})
		faults := []fault.Fault{{Latency: time.Nanosecond}, {Phase: fault.Body, Stall: true}, {Endless: true},
			{Phase: fault.End, Reset: true}}
		for _, f := range faults {
			receiver := newWireReceiver(GinkgoTB(), func(int, seen) ([]byte, bool) {
				return []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), false
			})
			f.ID = "planned"
			plan := fault.NewPlan(1, f)
			proxy := inFrontOf(forward.Config{URL: receiver.url()}, mockendpoint.Options{Faults: plan})
			client := proxy.Client()
			Expect(abandoned(client, proxy.URL, plan, true)).To(HavePrefix("200"))
			client.CloseIdleConnections()
			Expect(proxy.Endpoint.Close()).To(Succeed())
			Eventually(receiver.connected).WithTimeout(20 * time.Second).Should(BeZero())
		}
	})
})

var _ = Describe("A proxy", func() {
	DescribeTable("carries requests between any two modes", func(sender, receiver mockendpoint.Mode) {
		r := mockendpoint.Start(GinkgoT(), mockendpoint.Options{Listener: mockendpoint.Listener{Mode: receiver},
			Bearer: "s3cret"})
		p := before(r, mockendpoint.Options{Listener: mockendpoint.Listener{Mode: sender}})
		client := p.Client()
		DeferCleanup(client.CloseIdleConnections)
		for range 5 {
			q, err := http.NewRequest(http.MethodPost, p.URL+"/profiles?source=aep", strings.NewReader(body))
			Expect(err).NotTo(HaveOccurred())
			q.Header.Set("Authorization", "Bearer s3cret")
			Expect(received(client, q, nil)).To(Equal("200 "))
		}
		stored, passed := r.Journal.Requests(), p.Journal.Requests()
		Expect(stored).To(HaveLen(5))
		for i, q := range stored {
			Expect(q.Socket).To(Equal(1), "one connection of the sender is one to the receiver")
			Expect(q.Authorization).To(Equal(journal.Accepted))
			Expect(q.Peer != nil).To(Equal(receiver == mockendpoint.MTLSOnly || receiver == mockendpoint.MTLSOptional))
			Expect(passed[i].Peer != nil).To(Equal(sender == mockendpoint.MTLSOnly))
			Expect(passed[i].Forwards).To(HaveLen(1))
			Expect(passed[i].Forwards[0]).To(And(HaveField("Status", 200), HaveField("Failure", "")))
			Expect(passed[i].Forwards[0].Took).To(BeNumerically(">", 0))
			Expect(string(passed[i].Head)).NotTo(ContainSubstring("s3cret"))
			Expect(q.Head).To(Equal(passed[i].Head), "both redact the token, and nothing else differs")
		}
	},
		Entry("plain to plain", mockendpoint.Plain, mockendpoint.Plain),
		Entry("plain to mTLS", mockendpoint.Plain, mockendpoint.MTLSOnly),
		Entry("TLS to optional mTLS", mockendpoint.TLS, mockendpoint.MTLSOptional),
		Entry("TLS to TLS", mockendpoint.TLS, mockendpoint.TLS),
		Entry("mTLS to mTLS", mockendpoint.MTLSOnly, mockendpoint.MTLSOnly),
		Entry("mTLS to plain", mockendpoint.MTLSOnly, mockendpoint.Plain),
	)

	It("connects again when the receiver closed an idle connection", func() {
		receiver := newWireReceiver(GinkgoTB(), func(int, seen) ([]byte, bool) {
			return []byte("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"), true
		})
		p := inFrontOf(forward.Config{URL: receiver.url()}, mockendpoint.Options{})
		client := p.Client()
		DeferCleanup(client.CloseIdleConnections)
		for range 3 {
			Expect(outcome(client, p.URL)).To(Equal("200 ok"))
		}
		Expect(receiver.all()[2].conn).To(Equal(3))
		Expect(p.Journal.Requests()[2].Socket).To(Equal(1), "the sender keeps its connection")
	})

	It("closes the connection to the receiver when the sender leaves", func() {
		left := make(chan struct{})
		wait := func(ctx context.Context, _ time.Duration) error {
			<-ctx.Done()
			close(left)
			return ctx.Err()
		}
		r := mockendpoint.Start(GinkgoT(), mockendpoint.Options{Wait: wait,
			Faults: fault.NewPlan(1, fault.Fault{ID: "f", Stall: true})})
		p := before(r, mockendpoint.Options{})
		ctx, leave := context.WithCancel(context.Background())
		q, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL, strings.NewReader(body))
		Expect(err).NotTo(HaveOccurred())
		done := make(chan string, 1)
		go func() { done <- received(p.Client(), q, nil) }()
		Eventually(func() int { return r.Faults.List()[0].Fired }).Should(Equal(1))
		leave()
		Expect(<-done).To(Equal("nothing"))
		Eventually(left).Should(BeClosed())
		Eventually(p.Journal.Requests).Should(HaveLen(1))
		Expect(p.Journal.Requests()[0]).To(And(HaveField("Disconnected", true),
			HaveField("Forwards", HaveExactElements(HaveField("Failure", "sender-left")))))
	})

	It("refuses what its own requirements lack, and sends it nowhere", func() {
		r := mockendpoint.Start(GinkgoT(), mockendpoint.Options{})
		tenant := mockendpoint.Requirements{Headers: []mockendpoint.Field{{Name: "X-Tenant"}}}
		p := before(r, mockendpoint.Options{Require: tenant})
		Expect(outcome(p.Client(), p.URL)).To(HavePrefix("400 "))
		Expect(r.Journal.Requests()).To(BeEmpty())
		Expect(p.Journal.Requests()[0].Refused).To(Equal("header X-Tenant is missing"))
	})

	It("hides credentials where they stand a second time, and forwards them", func() {
		receiver := newWireReceiver(GinkgoTB(), func(int, seen) ([]byte, bool) {
			return []byte("HTTP/1.1 204 No Content\r\n\r\n"), false
		})
		p := inFrontOf(forward.Config{URL: receiver.url()}, mockendpoint.Options{})
		password := base64.StdEncoding.EncodeToString([]byte("acme:s3cret-password"))
		content := `{"note":"s3cret-password"}`
		request := fmt.Sprintf("POST /?p=s3cret-password HTTP/1.1\r\nHost: h\r\nAuthorization: Basic %s\r\n"+
			"X-Echo: s3cret-password %s\r\nContent-Length: %d\r\n\r\n%s", password, password, len(content), content)
		Expect(exchanged(strings.TrimPrefix(p.URL, "http://"), request)).To(HavePrefix("HTTP/1.1 204 "))
		Expect(receiver.all()[0].head + receiver.all()[0].body).To(Equal(request))
		shown := fmt.Sprintf("%+v %s %s", p.Journal.Requests()[0], p.Journal.Requests()[0].Head, p.Journal.Requests()[0].Body)
		Expect(shown).NotTo(Or(ContainSubstring("s3cret-password"), ContainSubstring(password)))
		Expect(string(p.Journal.Requests()[0].Body)).To(Equal(`{"note":"[redacted]"}`))
	})

	It("opens no tunnel", func() {
		r := mockendpoint.Start(GinkgoT(), mockendpoint.Options{})
		address, j := proxied(GinkgoTB(), must(url.Parse(r.URL)), nil)
		Expect(exchanged(address, "CONNECT other.test:443 HTTP/1.1\r\nHost: other.test:443\r\n\r\n")).To(
			HavePrefix("HTTP/1.1 405 "))
		Expect(j.Requests()[0].Refused).To(Equal("the proxy opens no tunnels"))
		Expect(r.Journal.Requests()).To(BeEmpty())
	})

	It("sends the receiver's own host where it should", func() {
		const empty = "HTTP/1.1 204 No Content\r\n\r\n"
		receiver := newWireReceiver(GinkgoTB(), func(int, seen) ([]byte, bool) { return []byte(empty), false })
		p := inFrontOf(forward.Config{URL: receiver.url(), OwnHost: true}, mockendpoint.Options{})
		head := func(host string) string { return "GET /a HTTP/1.1\r\nX-A: 1\r\nhost: " + host + "\r\n\r\n" }
		Expect(exchanged(strings.TrimPrefix(p.URL, "http://"), head("sender.test"))).To(Equal(empty))
		Expect(receiver.all()[0].head).To(Equal(head(receiver.url().Host)))
	})
})

func must[T any](v T, err error) T {
	GinkgoHelper()
	Expect(err).NotTo(HaveOccurred())
	return v
}

var _ = Describe("A receiver that cannot answer", func() {
	DescribeTable("is answered for with 502 and a reason", func(start func() forward.Config, reason, text string) {
		told := make(chan error, 10)
		c := start()
		c.Observe = func(err error) { told <- err }
		p := inFrontOf(c, mockendpoint.Options{Bodies: 1 << 20})
		client := p.Client()
		DeferCleanup(client.CloseIdleConnections)
		Expect(outcome(client, p.URL)).To(Equal(`502 {"error":"the receiver gave no answer: ` + reason + `"}`))
		Expect(p.Journal.Requests()[0].Forwards).To(HaveExactElements(And(HaveField("Failure", reason),
			HaveField("Status", 0))))
		Expect(<-told).To(MatchError(ContainSubstring(text)))
	},
		Entry("nobody listens", at("http://127.0.0.1:1"), "refused", "refuses connections"),
		Entry("no address", at("http://receiver.invalid"), "unknown-host", "no address"),
		Entry("not TLS", func() forward.Config {
			to := must(url.Parse(mockendpoint.Start(GinkgoT(), mockendpoint.Options{}).URL))
			to.Scheme = "https"
			return forward.Config{URL: to}
		}, "not-tls", "does not answer in TLS"),
		Entry("an unknown authority", func() forward.Config {
			r := encrypted(mockendpoint.Listener{Mode: mockendpoint.TLS})
			return forward.Config{URL: must(url.Parse(r.URL)), Roots: x509.NewCertPool()}
		}, "untrusted-certificate", "its authority is unknown"),
		Entry("no client certificate", func() forward.Config {
			r := encrypted(mockendpoint.Listener{Mode: mockendpoint.MTLSOnly})
			return forward.Config{URL: must(url.Parse(r.URL)), Roots: r.CA}
		}, "tls-alert", "certificate required"),
		Entry("no client certificate, TLS 1.2", func() forward.Config {
			r := encrypted(mockendpoint.Listener{Mode: mockendpoint.MTLSOnly, MaxVersion: tls.VersionTLS12})
			return forward.Config{URL: must(url.Parse(r.URL)), Roots: r.CA}
		}, "tls-alert", "refused the TLS connection"),
		Entry("a close", answering("", true), "closed", "without an answer"),
		Entry("half an answer", answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", true),
			"cut-off", "before it was complete"),
		Entry("half a head", answering("HTTP/1.1 200 OK\r\nContent-Le", true), "cut-off", "before it was complete"),
		Entry("half a chunk", answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", true),
			"cut-off", "before it was complete"),
		Entry("something else than HTTP", answering("SSH-2.0-OpenSSH_9.2\r\n\r\n", true), "malformed", "not HTTP/1.1"),
		Entry("another protocol", answering("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n", false),
			"malformed", "not HTTP/1.1"),
		Entry("more than there is room for",
			answering("HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n"+strings.Repeat("x", 2_000_000), false),
			"full", "more bodies at once"),
	)

	It("may answer interim responses first, and before the request is complete", func() {
		receiver := newWireReceiver(GinkgoTB(), func(int, seen) ([]byte, bool) {
			return []byte("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" +
				"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), false
		})
		p := inFrontOf(forward.Config{URL: receiver.url()}, mockendpoint.Options{})
		client := p.Client()
		DeferCleanup(client.CloseIdleConnections)
		for range 2 {
			Expect(outcome(client, p.URL)).To(Equal("200 ok"))
		}
		early := newEarlyReceiver(GinkgoTB())
		p = inFrontOf(forward.Config{URL: early}, mockendpoint.Options{})
		q, err := http.NewRequest(http.MethodPost, p.URL, strings.NewReader(strings.Repeat("x", 8<<20)))
		Expect(err).NotTo(HaveOccurred())
		Expect(received(client, q, nil)).To(Equal("413 large"))
	})
})

// at is a receiver by its URL.
func at(to string) func() forward.Config {
	return func() forward.Config { return forward.Config{URL: must(url.Parse(to))} }
}

// encrypted starts a receiver over TLS.
func encrypted(l mockendpoint.Listener) *mockendpoint.Started {
	GinkgoHelper()
	return mockendpoint.Start(GinkgoT(), mockendpoint.Options{Listener: l})
}

// answering starts a receiver with one answer.
func answering(answer string, hangUp bool) func() forward.Config {
	return func() forward.Config {
		r := newWireReceiver(GinkgoTB(), func(int, seen) ([]byte, bool) { return []byte(answer), hangUp })
		return forward.Config{URL: r.url()}
	}
}
