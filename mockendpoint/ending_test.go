package mockendpoint_test

import (
	"context"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gleak"

	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// met are the faults of everything the endpoint journalled.
func (s served) met() []string {
	var faults []string
	for _, r := range s.journal.Requests() {
		faults = append(faults, r.Fault)
	}
	for _, h := range s.journal.Handshakes() {
		faults = append(faults, h.Fault)
	}
	return faults
}

// Curl's exit status for every way to end an answer, with and without TLS.
// The exit statuses are those of its manual: 1 unsupported protocol (it takes
// garbage for HTTP/0.9), 18 partial file, 28 timeout, 35 handshake, 52 empty
// reply, 56 failure in receiving.
var _ = Describe("An answer that ends in another way, as curl sees it", func() {
	for _, mode := range []mockendpoint.Mode{mockendpoint.Plain, mockendpoint.TLS} {
		DescribeTable(string(mode), func(f fault.Fault, status string, exits ...int) {
			f.ID = "planned"
			patience := "20"
			if exits[0] == 28 { // it is to run out
				patience = "3"
			}
			s := serve(mode, func(o *mockendpoint.Options) { o.Faults = fault.NewPlan(1, f) })
			gotStatus, gotExit := s.curl(with("--max-time", patience)...)
			Expect(gotStatus).To(Equal(status))
			Expect(exits).To(ContainElement(gotExit))
			Eventually(s.met).WithTimeout(20 * time.Second).Should(Equal([]string{"planned"}))
		},
			Entry("an empty reply", fault.Fault{Close: true}, "000", 52, 56), // 56: over TLS, to OpenSSL 3
			Entry("a half-close", fault.Fault{HalfClose: true}, "000", 52, 56),
			Entry("garbage", fault.Fault{Garbage: true}, "000", 1),
			Entry("a malformed chunk", fault.Fault{MalformedChunk: true}, "200", 56),
			Entry("a truncated body", fault.Fault{Close: true, Phase: fault.Body}, "200", 18, 56),
			Entry("a half-close within the body", fault.Fault{HalfClose: true, Phase: fault.Body}, "200", 18, 56),
			Entry("an endless body", fault.Fault{Endless: true}, "200", 28),
			Entry("a reset after the answer", fault.Fault{Reset: true, Phase: fault.End}, "200", 0),
			Entry("a close after the answer", fault.Fault{Close: true, Phase: fault.End}, "200", 0),
			Entry("a half-close after the answer", fault.Fault{HalfClose: true, Phase: fault.End}, "200", 0),
			Entry("silence after the answer", fault.Fault{Stall: true, Phase: fault.End}, "200", 0),
			Entry("a close before accept", fault.Fault{Close: true, Phase: fault.Accept}, "000", 52, 35, 56),
		)
	}

	DescribeTable("in the handshake", func(f fault.Fault, reason string) {
		f.ID, f.Phase = "planned", fault.Handshake
		s := serve(mockendpoint.TLS, func(o *mockendpoint.Options) { o.Faults = fault.NewPlan(1, f) })
		status, exit := s.curl(post...)
		Expect(status).To(Equal("000"))
		Expect(exit).To(Equal(35))
		Eventually(s.met).WithTimeout(20 * time.Second).Should(Equal([]string{"planned"}))
		Expect(s.journal.Handshakes()[0].Reason).To(Equal(reason))
	},
		Entry("garbage", fault.Fault{Garbage: true}, "garbage"),
		Entry("a close", fault.Fault{Close: true}, "closed"),
	)

	It("takes up the next request when a connection died after its answer", func() {
		for _, f := range []fault.Fault{{Reset: true}, {Close: true}} {
			f.ID, f.Phase, f.Requests = "after", fault.End, fault.Range{First: 1, Last: 1}
			s := serve(mockendpoint.Plain, func(o *mockendpoint.Options) { o.Faults = fault.NewPlan(1, f) })
			status, exit := s.curl(with(s.url+"/first", "--next", "--silent", "--retry", "2", "--retry-all-errors", "--data-binary", "{}")...)
			Expect(exit).To(BeZero())
			Expect(status).To(HavePrefix("200"))
			Eventually(func() []journal.Request { return s.journal.Requests() }).Should(ContainElement(And(HaveField("Fault", ""), HaveField("Socket", 2))))
		}
	})
})

var _ = Describe("A rate limit", func() {
	It("answers 429 with Retry-After beyond the rate, by the endpoint's clock", func() {
		clock := &clock{now: time.Now()}
		s := serve(mockendpoint.Plain, func(o *mockendpoint.Options) {
			o.Now, o.Faults = clock.Now, fault.NewPlan(1, fault.Fault{ID: "limit", Rate: 0.1, Burst: 2})
		})
		ask := func() string {
			r, err := http.Post(s.url, "application/json", strings.NewReader(body))
			Expect(err).NotTo(HaveOccurred())
			defer func() { Expect(r.Body.Close()).To(Succeed()) }()
			return r.Status + " " + r.Header.Get("Retry-After")
		}
		Expect(ask()).To(Equal("200 OK "))
		Expect(ask()).To(Equal("200 OK "))
		Expect(ask()).To(Equal("429 Too Many Requests 10"))
		clock.pass(7500 * time.Millisecond)
		Expect(ask()).To(Equal("429 Too Many Requests 3"))
		clock.pass(2500 * time.Millisecond)
		Expect(ask()).To(Equal("200 OK "))
		Expect(s.met()).To(Equal([]string{"", "", "limit", "limit", ""}))
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	})
})

var _ = Describe("A fault", func() {
	It("leaves nothing running, whatever its kind", func() {
		before := gleak.Goroutines()
		// The first to be deferred is the last to run: after every listener is closed.
		DeferCleanup(func() { Eventually(gleak.Goroutines).WithTimeout(20 * time.Second).ShouldNot(gleak.HaveLeaked(before)) })
		for _, phase := range []fault.Phase{fault.Accept, fault.Handshake, fault.Response, fault.Body, fault.End} {
			for _, f := range []fault.Fault{{Stall: true}, {Reset: true}, {Close: true}, {HalfClose: true}, {Garbage: true}, {MalformedChunk: true}, {Endless: true}} {
				if f.Phase = phase; phase != fault.Response && (f.MalformedChunk || f.Endless || f.Garbage && phase != fault.Handshake) || f.HalfClose && (phase == fault.Accept || phase == fault.Handshake) {
					continue
				}
				f.ID = "planned"
				cutOff(f)
			}
		}
	})
})

// cutOff plays a fault to a client that gives up when it has met it, and closes
// the endpoint.
func cutOff(f fault.Fault) {
	GinkgoHelper()
	seen, plan := make(chan string, 10), fault.NewPlan(1, f)
	s := serve(mockendpoint.TLS, func(o *mockendpoint.Options) { o.Faults, o.Journal = plan, told{seen} })
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	transport := &http.Transport{TLSClientConfig: s.trusting()}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, strings.NewReader(body))
	Expect(err).NotTo(HaveOccurred())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if answer, err := transport.RoundTrip(r); err == nil {
			<-ctx.Done()
			_ = answer.Body.Close() // what is left of it nobody wants
		}
	}()
	Eventually(func() int { return plan.List()[0].Fired }).WithTimeout(20 * time.Second).Should(Equal(1))
	cancel()
	<-done
	transport.CloseIdleConnections()
	Expect(s.endpoint.Close()).To(Succeed())
	Expect(<-seen).To(Equal("planned"), "%+v", f)
}

// told is a journal that tells the faults.
type told struct{ faults chan string }

func (t told) Request(r journal.Request)     { t.faults <- r.Fault }
func (t told) Handshake(h journal.Handshake) { t.faults <- h.Fault }
