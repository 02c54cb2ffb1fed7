package mockendpoint_test

import (
	"crypto/tls"
	"net"
	"os/exec"
	"strings"
	"time"

	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/journal"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// shake runs openssl s_client against an address and returns all it says.
func (s served) shake(address string, args ...string) string {
	GinkgoHelper()
	needs("openssl")
	all := append([]string{"s_client", "-connect", address, "-CAfile", s.file("ca.pem"), "-verify_return_error", "-verify_hostname", "localhost", "-servername", "localhost"}, args...)
	cmd := exec.Command("openssl", all...)
	cmd.Stdin = strings.NewReader("")
	out, err := cmd.CombinedOutput()
	if err != nil {
		Expect(err).To(BeAssignableToTypeOf(&exec.ExitError{}), "%s", out)
	}
	return string(out)
}

// presenting is an endpoint whose certificate is of a kind.
func presenting(kind mockendpoint.Presented) served {
	GinkgoHelper()
	s := serve(mockendpoint.TLS, nil)
	authority, err := mockendpoint.NewAuthority("test server CA", time.Now().AddDate(-1, 0, 0), time.Now().AddDate(1, 0, 0))
	Expect(err).NotTo(HaveOccurred())
	proper, err := authority.Server("localhost", "127.0.0.1")
	Expect(err).NotTo(HaveOccurred())
	s.write("ca.pem", proper, 1)
	own, err := authority.Present(kind, time.Now(), "localhost", "127.0.0.1")
	Expect(err).NotTo(HaveOccurred())
	s.also(mockendpoint.Listener{Mode: mockendpoint.TLS, Certificate: own}, func(address string) { s.address, s.url = address, "https://"+address })
	return s
}

// also serves one more listener of the endpoint.
func (s served) also(as mockendpoint.Listener, with func(address string)) {
	GinkgoHelper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	Expect(err).NotTo(HaveOccurred())
	done := make(chan error, 1)
	go func() { done <- s.endpoint.ServeOn(l, as) }()
	DeferCleanup(func() {
		Expect(l.Close()).To(Succeed())
		Expect(<-done).To(Succeed())
	})
	with(l.Addr().String())
}

var _ = Describe("the certificate of the server", func() {
	DescribeTable("by kind", func(kind mockendpoint.Presented, openssl string) {
		s := presenting(kind)
		status, exit := s.curl("--data", "{}")
		if openssl == "" {
			Expect(status).To(Equal("200"))
			Expect(s.shake(s.address)).To(ContainSubstring("Verify return code: 0 (ok)"))
			return
		}
		Expect(exit).To(Equal(60), "curl cannot verify the certificate of the server")
		Expect(status).To(Equal("000"))
		Expect(s.shake(s.address)).To(ContainSubstring(openssl))
		Eventually(s.journal.Handshakes, 5*time.Second).Should(HaveLen(2))
		Expect(s.journal.Requests()).To(BeEmpty())
		for _, h := range s.journal.Handshakes() {
			Expect(h.Reason).To(BeElementOf("client-alert", "no-request")) // curl looks at the name after the handshake
			if h.Reason == "client-alert" {
				Expect(h.Alert).To(HaveField("By", "client"))
			}
		}
	},
		Entry(nil, mockendpoint.Proper, ""),
		Entry(nil, mockendpoint.Expired, "certificate has expired"),
		Entry(nil, mockendpoint.NotYetValid, "certificate is not yet valid"),
		Entry(nil, mockendpoint.WrongHost, "ostname mismatch"),
		Entry(nil, mockendpoint.UnknownCA, "self-signed certificate in certificate chain"),
		Entry(nil, mockendpoint.SelfSigned, "self-signed certificate"),
		Entry(nil, mockendpoint.MissingIntermediate, "unable to get local issuer certificate"),
	)

	It("must be a known kind", func() {
		_, err := mockendpoint.ParsePresented("stale")
		Expect(err).To(MatchError(ContainSubstring(`unknown certificate "stale": use one of proper, expired`)))
		Expect(mockendpoint.ParsePresented("")).To(Equal(mockendpoint.Proper))
	})
})

var _ = Describe("TLS versions and ciphers", func() {
	It("are those that were chosen", func() {
		const suite = "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"
		chosen, err := mockendpoint.ParseCipherSuites(suite)
		Expect(err).NotTo(HaveOccurred())
		s := serve(mockendpoint.TLS, func(o *mockendpoint.Options) {
			o.MaxVersion, o.CipherSuites = tls.VersionTLS12, chosen
		})
		Expect(s.shake(s.address)).To(And(ContainSubstring("TLSv1.2"), ContainSubstring("ECDHE-ECDSA-AES256-GCM-SHA384")))
		Expect(s.shake(s.address, "-tls1_3")).To(ContainSubstring("alert protocol version"))
		Expect(s.shake(s.address, "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")).To(ContainSubstring("alert handshake failure"))
		status, _ := s.curl("--data", "{}")
		Expect(status).To(Equal("200"))
		Expect(s.journal.Requests()[0].TLS).To(Equal("TLS 1.2"))
	})

	It("are 1.3 alone where 1.3 is the lowest", func() {
		s := serve(mockendpoint.TLS, func(o *mockendpoint.Options) { o.MinVersion = tls.VersionTLS13 })
		Expect(s.shake(s.address, "-tls1_2")).To(ContainSubstring("alert protocol version"))
		Expect(s.shake(s.address)).To(ContainSubstring("TLSv1.3"))
	})

	DescribeTable("that cannot be", func(text, want string) {
		_, err := mockendpoint.ParseCipherSuites(text)
		Expect(err).To(MatchError(ContainSubstring(want)))
	},
		Entry(nil, "ECDHE-ECDSA-AES128-GCM-SHA256", "use any of TLS_ECDHE"),
		Entry(nil, "TLS_AES_128_GCM_SHA256", "belongs to TLS 1.3, whose suites cannot be chosen"),
	)

	It("are refused where no client could agree", func() {
		Expect(mockendpoint.Listener{MinVersion: tls.VersionTLS13, MaxVersion: tls.VersionTLS12}.Check()).To(MatchError(ContainSubstring("above")))
		Expect(mockendpoint.Listener{MinVersion: tls.VersionTLS13, CipherSuites: []uint16{1}}.Check()).To(MatchError(ContainSubstring("up to TLS 1.2")))
		Expect(mockendpoint.Listener{}.Check()).To(Succeed())
		_, err := mockendpoint.ParseVersion("TLS1.2")
		Expect(err).To(MatchError(ContainSubstring("use 1.0, 1.1, 1.2 or 1.3")))
		Expect(mockendpoint.ParseVersion("1.2")).To(BeEquivalentTo(tls.VersionTLS12))
	})
})

var _ = Describe("several listeners", func() {
	It("share a journal, which names them", func() {
		s := serve(mockendpoint.MTLSOnly, func(o *mockendpoint.Options) { o.Name = "strict" })
		status, _ := s.curl("--data", "{}", "--cert", s.file("client.pem"))
		Expect(status).To(Equal("200"))
		_, exit := s.curl("--data", "{}")
		Expect(exit).To(BeNumerically(">", 0))
		s.also(mockendpoint.Listener{Name: "open"}, func(address string) {
			open := s
			open.url = "http://" + address
			status, _ := open.curl("--data", "{}")
			Expect(status).To(Equal("200"))
		})
		Eventually(s.journal.Handshakes, 5*time.Second).Should(HaveLen(1))
		Expect(s.journal.Handshakes()[0]).To(HaveField("Listener", "strict"))
		var names []string
		for _, r := range s.journal.Requests() {
			names = append(names, r.Listener+" "+r.TLS)
		}
		Expect(names).To(Equal([]string{"strict TLS 1.3", "open "}))
		Expect(s.journal.Requests()).To(HaveEach(HaveField("Authorization", journal.NotChecked)))
	})
})
