package witness

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/mockendpoint"
)

// The ways in which nginx can handle client certificates, and the expected
// results. statuses are those of the decision's requests, without the
// certificate and with it; 0: no request.
type nginxCase struct {
	verify   string
	answer   decide
	verdict  engine.MTLSVerdict
	statuses [2]int
	untaken  bool // it takes nothing without the certificate
}

var nginxCases = map[string]nginxCase{
	"insists": {"ssl_verify_client on;", taking, engine.MTLSOnly, [2]int{400, 204}, false},
	"insists, with an error page that says 401": {
		"ssl_verify_client on; error_page 495 496 = @refused; location @refused { return 401; }",
		taking, engine.MTLSOnly, [2]int{401, 204}, false},
	"insists, with an error page that says 403": {
		"ssl_verify_client on; error_page 495 496 =403 @refused; location @refused { return 403; }",
		taking, engine.MTLSOnly, [2]int{403, 204}, false},
	"insists, and hangs up without an answer": {
		"ssl_verify_client on; error_page 495 496 = @refused; location @refused { return 444; }",
		taking, engine.MTLSOnly, [2]int{0, 0}, false},
	// It answers without a certificate as no refusal does: that is TLS enabled,
	// and the endpoint loses what is sent there.
	"insists, with an error page that redirects": {
		"ssl_verify_client on; error_page 495 496 = @refused; location @refused { return 302 /help; }",
		taking, engine.TLSEnabled, [2]int{302, 0}, true},
	"asks, and the application refuses with 401": {"ssl_verify_client optional;", insisting(401), engine.MTLSOnly, [2]int{401, 204}, false},
	"asks, and the application refuses with 403": {"ssl_verify_client optional;", insisting(403), engine.MTLSOnly, [2]int{403, 204}, false},
	"asks, and the application takes everybody":  {"ssl_verify_client optional;", taking, engine.TLSEnabled, [2]int{204, 0}, false},
	"asks, and the application knows no OPTIONS": {"ssl_verify_client optional;", without("OPTIONS", 405), engine.TLSEnabled, [2]int{405, 0}, false},
	"asks, and a firewall refuses every OPTIONS": {"ssl_verify_client optional;", without("OPTIONS", 403), engine.TLSEnabled, [2]int{403, 403}, false},
	"does not ask": {"ssl_verify_client off;", taking, engine.TLSEnabled, [2]int{204, 0}, false},
	"does not ask, and refuses OPTIONS with 403":   {"ssl_verify_client off;", without("OPTIONS", 403), engine.TLSEnabled, [2]int{403, 0}, false},
	"does not ask, and the application fails: 500": {"ssl_verify_client off;", without("OPTIONS", 500), engine.TLSEnabled, [2]int{500, 0}, false},
}

// without is an application that refuses a method, certificate or not.
func without(method string, status int) decide {
	return func(m, _ string) int {
		if m == method {
			return status
		}
		return http.StatusNoContent
	}
}

var _ = Describe("The mTLS decision before nginx", func() {
	for _, protocols := range []string{"TLSv1.2 TLSv1.3", "TLSv1.2", "TLSv1.3"} {
		for name, n := range nginxCases {
			It("which "+name+", "+protocols, func() { beforeNginx(protocols, n) })
		}
	}

	DescribeTable("which insists takes the certificates of both hierarchies, knowing their root alone", func(g mockendpoint.Generation) {
		c, app := newCertificates(g), startApplication(taking)
		server := startNginx(c, "TLSv1.2 TLSv1.3", "ssl_verify_client on;", app)
		got := deliver(server.url, c, &c.client)
		Expect(got.decided.Verdict).To(Equal(engine.MTLSOnly))
		Expect(got.settled).To(Equal([]retry.Outcome{{Kind: retry.Answered, Status: 204}, {Kind: retry.Answered, Status: 204}}))
		bare(carried(server.end(), "SUCCESS")...)
	}, Entry("current: server and client", mockendpoint.CurrentHierarchy), Entry("new: client only", mockendpoint.NewerHierarchy))

	// Refused with the certificate as without it: nothing tells it apart from an
	// endpoint that refuses OPTIONS (design §4), so that the data is sent, and
	// refused as well. The application behind nginx never sees any of it.
	It("which does not trust the certificate: the same refusal twice is TLS enabled, and the receiver gets nothing", func() {
		c, app := newCertificates(mockendpoint.CurrentHierarchy), startApplication(taking)
		server := startNginx(c, "TLSv1.2 TLSv1.3", "ssl_verify_client on;", app)
		got := deliver(server.url, c, &c.stranger)
		Expect(got.decided.Verdict).To(Equal(engine.TLSEnabled))
		Expect(got.decided.First.Status).To(Equal(400))
		Expect(got.decided.Second.Status).To(Equal(400))
		for _, o := range got.settled {
			Expect(o.Status).To(Equal(400))
		}
		server.end()
		Expect(app.requests()).To(BeEmpty())
	})

	It("whose own certificate is not trusted is undecided, and nothing reaches it", func() {
		c, other := newCertificates(mockendpoint.CurrentHierarchy), newCertificates(mockendpoint.CurrentHierarchy)
		app := startApplication(taking)
		server := startNginx(c, "TLSv1.2 TLSv1.3", "ssl_verify_client on;", app)
		other.client = c.client
		got := deliver(server.url, other, &c.client)
		Expect(got.decided.Verdict).To(Equal(engine.Undecided))
		Expect(got.decided.First).To(Equal(retry.Outcome{Kind: retry.TLS, Reason: "server-certificate-unknown-ca"}))
		Expect(got.unsent).To(Equal(2))
		Expect(got.attempts).To(BeEmpty())
		Expect(server.end()).To(BeEmpty())
		Expect(app.requests()).To(BeEmpty())
	})
})

func beforeNginx(protocols string, n nginxCase) {
	GinkgoHelper()
	c, app := newCertificates(mockendpoint.CurrentHierarchy), startApplication(n.answer)
	server := startNginx(c, protocols, n.verify, app)
	got := deliver(server.url, c, &c.client)

	Expect(got.decided.Verdict).To(Equal(n.verdict))
	Expect(got.decided.Asked).To(Equal(!strings.Contains(n.verify, "off")))
	Expect(got.decided.First.Status).To(Equal(n.statuses[0]))
	if n.statuses[1] == 0 {
		Expect(got.decided.Second).To(BeNil())
	} else {
		Expect(got.decided.Second.Status).To(Equal(n.statuses[1]))
	}
	log := server.end()
	for _, q := range log {
		Expect(strings.Fields(protocols)).To(ContainElement(q.Protocol))
	}
	for _, a := range got.attempts {
		Expect(a.Presented).To(Equal(n.verdict == engine.MTLSOnly))
	}
	if n.untaken {
		Expect(got.settled).To(HaveLen(2))
		Expect(app.requests()).To(BeEmpty())
		return
	}
	Expect(got.settled).To(Equal([]retry.Outcome{{Kind: retry.Answered, Status: 204}, {Kind: retry.Answered, Status: 204}}))
	verified := "NONE"
	if n.verdict == engine.MTLSOnly {
		verified = "SUCCESS"
	}
	bare(carried(log, verified)...)
	carried(app.requests(), verified)
}

var _ = Describe("The mTLS decision before openssl s_server", func() {
	DescribeTable("which insists: mTLS-only by its alert, and it decrypts data on connections with the certificate alone",
		func(protocol string, g mockendpoint.Generation) {
			c := newCertificates(g)
			server := startOpenSSL(c, protocol)
			done := make(chan delivered, 1)
			go func() {
				defer GinkgoRecover()
				done <- deliver(server.url, c, &c.client)
			}()
			server.reply(profileOne)
			before, _, found := strings.Cut(server.printed(), "Client certificate")
			Expect(found).To(BeTrue(), "it prints the certificate before the data")
			nothingIn(before)
			server.reply(profileTwo)
			var got delivered
			Eventually(done, started).Should(Receive(&got))
			Expect(got.decided.Verdict).To(Equal(engine.MTLSOnly))
			Expect(got.decided.Asked).To(BeTrue())
			Expect(got.decided.First.Kind).To(BeElementOf(retry.TLS, retry.Reset, retry.Closed), "an alert that a reset may overtake")
			Expect(got.decided.Second).To(BeNil())
			Expect(got.settled).To(Equal([]retry.Outcome{{Kind: retry.Answered, Status: 204}, {Kind: retry.Answered, Status: 204}}))
			Expect(strings.Count(server.printed(), bearer)).To(Equal(2))
		},
		Entry("TLS 1.2, the current hierarchy", "-tls1_2", mockendpoint.CurrentHierarchy),
		Entry("TLS 1.3, the current hierarchy", "-tls1_3", mockendpoint.CurrentHierarchy),
		Entry("TLS 1.2, the new hierarchy", "-tls1_2", mockendpoint.NewerHierarchy),
		Entry("TLS 1.3, the new hierarchy", "-tls1_3", mockendpoint.NewerHierarchy),
	)
})

// goServer is Go's own, which records the requests that reach its handler.
func goServer(c *certificates, auth tls.ClientAuthType, version uint16) *application {
	GinkgoHelper()
	a := &application{}
	a.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := seenBy(r)
		q.Verified = "NONE"
		if len(r.TLS.VerifiedChains) > 0 {
			q.Verified = "SUCCESS"
		}
		a.add(q)
		w.WriteHeader(http.StatusNoContent)
	}))
	a.Config.ErrorLog = log.New(io.Discard, "", 0)
	a.TLS = &tls.Config{Certificates: []tls.Certificate{c.server}, ClientAuth: auth, ClientCAs: c.clientCAs, MinVersion: version, MaxVersion: version}
	a.StartTLS()
	DeferCleanup(a.Close)
	return a
}

var _ = Describe("The mTLS decision before Go's server", func() {
	for name, version := range map[string]uint16{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		for _, g := range []mockendpoint.Generation{mockendpoint.CurrentHierarchy, mockendpoint.NewerHierarchy} {
			It("which insists: mTLS-only, and its handler sees the certificate with everything, "+name+", the "+string(g)+" hierarchy", func() {
				c := newCertificates(g)
				server := goServer(c, tls.RequireAndVerifyClientCert, version)
				got := deliver(server.URL, c, &c.client)
				Expect(got.decided.Verdict).To(Equal(engine.MTLSOnly))
				Expect(got.decided.Second).To(BeNil())
				Expect(got.settled).To(Equal([]retry.Outcome{{Kind: retry.Answered, Status: 204}, {Kind: retry.Answered, Status: 204}}))
				Expect(carried(server.requests(), "SUCCESS")).To(BeEmpty(), "the decision ends in the handshake")
			})
		}

		It("which does not trust the certificate: mTLS-only, every attempt shows it, and nothing reaches the handler, "+name, func() {
			c := newCertificates(mockendpoint.CurrentHierarchy)
			server := goServer(c, tls.RequireAndVerifyClientCert, version)
			got := deliver(server.URL, c, &c.stranger)
			Expect(got.decided.Verdict).To(Equal(engine.MTLSOnly))
			for _, a := range got.attempts {
				Expect(a.Presented).To(BeTrue())
				Expect(a.Outcome.Kind).To(BeElementOf(retry.TLS, retry.Reset, retry.Closed), "an alert that a reset may overtake")
			}
			Expect(server.requests()).To(BeEmpty())
		})

		It("which asks and takes everybody: TLS enabled, and the certificate is not shown, "+name, func() {
			c := newCertificates(mockendpoint.CurrentHierarchy)
			server := goServer(c, tls.VerifyClientCertIfGiven, version)
			got := deliver(server.URL, c, &c.client)
			Expect(got.decided.Verdict).To(Equal(engine.TLSEnabled))
			Expect(got.decided.Asked).To(BeTrue())
			bare(carried(server.requests(), "NONE")...)
		})
	}

	It("that is not there is undecided, and the attempts fail without a request", func() {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		Expect(l.Close()).To(Succeed())
		c := newCertificates(mockendpoint.CurrentHierarchy)
		got := deliver("https://"+l.Addr().String(), c, &c.client)
		Expect(got.decided.Verdict).To(Equal(engine.Undecided))
		Expect(got.unsent).To(Equal(2))
		Expect(got.attempts).To(BeEmpty())
		for _, o := range got.settled {
			Expect(o).To(Equal(retry.Outcome{Kind: retry.Refused, Reason: "mtls-undecided"}))
		}
	})
})
