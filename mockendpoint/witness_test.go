package mockendpoint_test

import (
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/mockendpoint/journal"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// The endpoint is judged by clients we did not write: curl and openssl.

// served is an endpoint on a TCP port with files of its throwaway authorities.
type served struct {
	endpoint *mockendpoint.Endpoint
	address  string // host:port
	url      string
	dir      string
	journal  *journal.Memory
}

func (s served) file(name string) string { return filepath.Join(s.dir, name) }

// serve starts an endpoint whose trusted client certificate is client.pem, an
// untrusted one stranger.pem, and whose own authority is ca.pem.
func serve(mode mockendpoint.Mode, change func(*mockendpoint.Options)) served {
	GinkgoHelper()
	s := served{dir: GinkgoT().TempDir(), journal: &journal.Memory{}}
	from, to := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	servers, err := mockendpoint.NewAuthority("test server CA", from, to)
	Expect(err).NotTo(HaveOccurred())
	clients, err := mockendpoint.NewAuthority("test client CA", from, to)
	Expect(err).NotTo(HaveOccurred())
	strangers, err := mockendpoint.NewAuthority("test unknown CA", from, to)
	Expect(err).NotTo(HaveOccurred())
	own, err := servers.Server("localhost", "127.0.0.1")
	Expect(err).NotTo(HaveOccurred())
	s.write("ca.pem", own, 1)
	for name, authority := range map[string]*mockendpoint.Authority{"client.pem": clients, "stranger.pem": strangers} {
		certificate, err := authority.Client("the client", "client.test")
		Expect(err).NotTo(HaveOccurred())
		s.write(name, certificate, 0)
	}
	o := mockendpoint.Options{Listener: mockendpoint.Listener{Mode: mode, Certificate: own, ClientCAs: clients.Pool()}, Journal: s.journal}
	if change != nil {
		change(&o)
	}
	e := mockendpoint.New(o)
	s.endpoint = e
	l, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	done := make(chan error, 1)
	go func() { done <- e.Serve(l) }()
	DeferCleanup(func() {
		Expect(l.Close()).To(Succeed())
		Expect(e.Close()).To(Succeed())
		Expect(<-done).To(Succeed())
	})
	s.address = l.Addr().String()
	s.url = "https://" + s.address
	if mode == mockendpoint.Plain {
		s.url = "http://" + s.address
	}
	return s
}

// trusting is what a Go client needs to trust the endpoint.
func (s served) trusting() *tls.Config {
	GinkgoHelper()
	pool := x509.NewCertPool()
	ca, err := os.ReadFile(s.file("ca.pem"))
	Expect(err).NotTo(HaveOccurred())
	Expect(pool.AppendCertsFromPEM(ca)).To(BeTrue())
	return &tls.Config{RootCAs: pool}
}

// alsoTokens serves the token endpoint on a port of its own and returns its URL.
func (s served) alsoTokens() string {
	GinkgoHelper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	done := make(chan error, 1)
	go func() { done <- s.endpoint.ServeTokens(l) }()
	DeferCleanup(func() {
		Expect(l.Close()).To(Succeed())
		Expect(<-done).To(Succeed())
	})
	return "https://" + l.Addr().String() + "/token"
}

// write puts a certificate of the chain, and for the leaf its key, into a file.
func (s served) write(name string, c tls.Certificate, index int) {
	GinkgoHelper()
	content := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[index]})
	if index == 0 {
		key, err := x509.MarshalECPrivateKey(c.PrivateKey.(*ecdsa.PrivateKey))
		Expect(err).NotTo(HaveOccurred())
		content = append(content, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: key})...)
	}
	Expect(os.WriteFile(s.file(name), content, 0o600)).To(Succeed())
}

// curl runs curl against the endpoint and returns the status it saw (000 for
// none) and its exit status.
func (s served) curl(args ...string) (status string, exit int) {
	GinkgoHelper()
	needs("curl")
	all := append([]string{"--silent", "--output", os.DevNull, "--write-out", "%{http_code}", "--max-time", "5", "--noproxy", "*",
		"--cacert", s.file("ca.pem")}, args...)
	cmd := exec.Command("curl", append(all, s.url+"/profiles?source=test")...)
	out, err := cmd.Output()
	if err != nil {
		Expect(err).To(BeAssignableToTypeOf(&exec.ExitError{}))
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// needs skips where a witness is missing on a user's machine; in CI it must be
// there.
func needs(program string) {
	GinkgoHelper()
	if _, err := exec.LookPath(program); err != nil {
		if os.Getenv("CI") == "true" {
			Fail(program + " is missing, and CI must have it")
		}
		Skip("install " + program + " to run this")
	}
}

const body = `{"identityMap":{"ecid":[{"id":"42"}]},"segmentMembership":{}}`

var post = []string{"--data-binary", body, "--header", "Content-Type: application/json"}

func with(args ...string) []string { return append(append([]string{}, post...), args...) }

var _ = Describe("An endpoint in the clear", func() {
	It("journals a request as it came over the wire", func() {
		s := serve(mockendpoint.Plain, func(o *mockendpoint.Options) {
			o.ProfileOf = func(namespace, id string) (string, bool) { return "doc", namespace == "ecid" && id == "42" }
		})
		status, _ := s.curl(with("--header", "x-odd-CASE: a", "--header", "X-Two: 1", "--header", "X-Two: 2")...)
		Expect(status).To(Equal("200"))
		requests := s.journal.Requests()
		Expect(requests).To(HaveLen(1))
		r := requests[0]
		Expect(r.Method).To(Equal("POST"))
		Expect(r.Target).To(Equal("/profiles?source=test"))
		Expect(string(r.Body)).To(Equal(body))
		Expect(r.Profiles).To(Equal([]string{"doc"}))
		Expect(r.Headers).To(ContainElements(journal.Header{Name: "x-odd-CASE", Value: "a"}, journal.Header{Name: "X-Two", Value: "1"}, journal.Header{Name: "X-Two", Value: "2"}))
		Expect(string(r.Head)).To(HavePrefix("POST /profiles?source=test HTTP/1.1\r\nHost: "))
		Expect(r.Status).To(Equal(200))
	})

	It("checks the bearer token, and keeps it out of the journal", func() {
		s := serve(mockendpoint.Plain, func(o *mockendpoint.Options) { o.Bearer = "s3cret" })
		for _, c := range []struct {
			args   []string
			status string
			want   journal.Authorization
		}{
			{nil, "401", journal.Missing},
			{[]string{"--header", "Authorization: Bearer other"}, "401", journal.Wrong},
			{[]string{"--header", "Authorization: Bearer s3cret", "--header", "X-Echo: s3cret"}, "200", journal.Accepted},
		} {
			status, _ := s.curl(with(c.args...)...)
			Expect(status).To(Equal(c.status))
			all := s.journal.Requests()
			last := all[len(all)-1]
			Expect(last.Authorization).To(Equal(c.want))
			Expect(string(last.Head)).NotTo(ContainSubstring("s3cret"))
			Expect(last.Headers).NotTo(ContainElement(HaveField("Value", ContainSubstring("s3cret"))))
		}
	})

	It("answers another method with 405", func() {
		s := serve(mockendpoint.Plain, nil)
		status, _ := s.curl()
		Expect(status).To(Equal("405"))
	})

	DescribeTable("plays a fault", func(f fault.Fault, status string, exits ...int) {
		f.ID = "planned"
		s := serve(mockendpoint.Plain, func(o *mockendpoint.Options) { o.Faults = fault.NewPlan(1, f) })
		gotStatus, gotExit := s.curl(with("--max-time", "1")...)
		Expect(gotStatus).To(Equal(status))
		Expect(exits).To(ContainElement(gotExit))
		Eventually(func() []string {
			var faults []string
			for _, r := range s.journal.Requests() {
				faults = append(faults, r.Fault)
			}
			for _, h := range s.journal.Handshakes() {
				faults = append(faults, h.Fault)
			}
			return faults
		}).Should(Equal([]string{"planned"}))
	},
		Entry("a status with a header", fault.Fault{Status: 429, Headers: map[string]string{"Retry-After": "5"}}, "429", 0),
		Entry("a delay within patience", fault.Fault{Latency: time.Millisecond}, "200", 0),
		Entry("a delay beyond it", fault.Fault{Latency: time.Hour}, "000", 28),
		Entry("a slow body", fault.Fault{SlowBody: time.Hour}, "200", 28),
		Entry("a stall", fault.Fault{Stall: true}, "000", 28),
		Entry("a stall within the body", fault.Fault{Stall: true, Phase: fault.Body}, "200", 28),
		Entry("a reset", fault.Fault{Reset: true}, "000", 56),
		Entry("a reset within the body", fault.Fault{Reset: true, Phase: fault.Body}, "200", 56),
		Entry("a stall before accept", fault.Fault{Stall: true, Phase: fault.Accept}, "000", 28),
		Entry("a reset before accept", fault.Fault{Reset: true, Phase: fault.Accept}, "000", 56, 7), // 7: it came before curl saw the connection
	)
})

var _ = Describe("An endpoint with TLS", func() {
	It("asks for no certificate", func() {
		s := serve(mockendpoint.TLS, nil)
		status, _ := s.curl(with("--cert", s.file("client.pem"))...)
		Expect(status).To(Equal("200"))
		r := s.journal.Requests()[0]
		Expect(r.Peer).To(BeNil())
		Expect(r.TLS).To(Equal("TLS 1.3"))
	})

	It("stalls a handshake by plan, and other connections go on", func() {
		s := serve(mockendpoint.TLS, func(o *mockendpoint.Options) {
			o.Faults = fault.NewPlan(1, fault.Fault{ID: "f", Phase: fault.Handshake, Connections: fault.Range{First: 1, Last: 1}, Stall: true})
		})
		status, exit := s.curl(with("--max-time", "1")...)
		Expect(status).To(Equal("000"))
		Expect(exit).To(Equal(28))
		Eventually(s.journal.Handshakes).Should(HaveLen(1))
		Expect(s.journal.Handshakes()[0].Reason).To(Equal("disconnected"))
		status, _ = s.curl(post...)
		Expect(status).To(Equal("200"))
	})

	It("journals a client that speaks no TLS", func() {
		s := serve(mockendpoint.TLS, nil)
		c, err := net.Dial("tcp", s.address)
		Expect(err).NotTo(HaveOccurred())
		_, err = c.Write([]byte("GET / HTTP/1.1\r\n\r\n"))
		Expect(err).NotTo(HaveOccurred())
		Expect(c.Close()).To(Succeed())
		Eventually(s.journal.Handshakes).Should(HaveLen(1))
		Expect(s.journal.Handshakes()[0].Reason).To(Equal("not-tls"))
	})
})

var _ = Describe("An mTLS-only endpoint", func() {
	DescribeTable("refuses in the handshake, and journals why", func(file, reason string, peer bool) {
		s := serve(mockendpoint.MTLSOnly, nil)
		args := post
		if file != "" {
			args = with("--cert", s.file(file))
		}
		status, exit := s.curl(args...)
		Expect(status).To(Equal("000"))
		Expect(exit).To(BeElementOf(35, 56))
		Eventually(s.journal.Handshakes).Should(HaveLen(1))
		h := s.journal.Handshakes()[0]
		Expect(h.Reason).To(Equal(reason))
		Expect(h.Peer != nil).To(Equal(peer))
		Expect(s.journal.Requests()).To(BeEmpty())
	},
		Entry("no certificate", "", "certificate-required", false),
		Entry("a certificate of an unknown authority", "stranger.pem", "unknown-ca", true),
	)

	It("takes the trusted certificate, and journals whose it is", func() {
		s := serve(mockendpoint.MTLSOnly, nil)
		status, _ := s.curl(with("--cert", s.file("client.pem"))...)
		Expect(status).To(Equal("200"))
		peer := *s.journal.Requests()[0].Peer
		Expect(peer.Expires).To(BeTemporally("~", time.Now().Add(time.Hour), time.Minute))
		peer.Expires = time.Time{}
		Expect(peer).To(Equal(journal.Peer{CommonName: "the client", SAN: []string{"client.test"}, Issuer: "test client CA"}))
	})

	It("asks for a certificate of its own authority, as openssl sees it", func() {
		s := serve(mockendpoint.MTLSOnly, nil)
		out := s.openssl("-tls1_2")
		Expect(out).To(ContainSubstring("Acceptable client certificate CA names"))
		Expect(out).To(ContainSubstring("CN = test client CA"))
		Expect(s.openssl("-tls1_1")).To(ContainSubstring("Cipher is (NONE)"))
	})
})

var _ = Describe("An mTLS-optional endpoint", func() {
	It("asks, and works with and without", func() {
		s := serve(mockendpoint.MTLSOptional, nil)
		Expect(s.openssl("-tls1_2")).To(ContainSubstring("Acceptable client certificate CA names"))
		for _, args := range [][]string{post, with("--cert", s.file("client.pem"))} {
			status, _ := s.curl(args...)
			Expect(status).To(Equal("200"))
		}
		requests := s.journal.Requests()
		Expect(requests[len(requests)-2].Peer).To(BeNil())
		Expect(requests[len(requests)-1].Peer).NotTo(BeNil())
	})
})

// openssl connects with s_client and returns what it says.
func (s served) openssl(args ...string) string {
	needs("openssl")
	cmd := exec.Command("openssl", append([]string{"s_client", "-connect", s.address, "-CAfile", s.file("ca.pem")}, args...)...)
	cmd.Stdin = strings.NewReader("")
	out, _ := cmd.CombinedOutput() // it fails where it is refused, with the reason in out
	return string(out)
}
