package mockendpoint_test

import (
	"crypto/tls"
	"net/http"
	"os/exec"
	"strings"

	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/journal"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// openssl prints the alert it was sent, so the journal's word has a witness.
var _ = Describe("The alert that ends a handshake", func() {
	handshake := func(s served, args ...string) (string, journal.Handshake) {
		GinkgoHelper()
		needs("openssl")
		cmd := exec.Command("openssl", append([]string{"s_client", "-connect", s.address, "-servername", "receiver.test", "-quiet"}, args...)...)
		cmd.Stdin = strings.NewReader("GET / HTTP/1.1\r\n\r\n")
		out, _ := cmd.CombinedOutput() // it fails, as it should
		Eventually(s.journal.Handshakes).Should(HaveLen(1))
		return string(out), s.journal.Handshakes()[0]
	}

	DescribeTable("is that of the wire",
		func(args []string, version, description string, number string) {
			s := serve(mockendpoint.MTLSOnly, nil)
			for i, a := range args {
				if strings.HasSuffix(a, ".pem") {
					args[i] = s.file(a)
				}
			}
			seen, h := handshake(s, args...)
			Expect(seen).To(ContainSubstring("SSL alert number " + number))
			Expect(h.TLS).To(Equal(version))
			Expect(h.ServerName).To(Equal("receiver.test"))
			Expect(h.Alert).NotTo(BeNil())
			Expect(h.Alert.By).To(Equal("endpoint"))
			Expect(h.Alert.Description).To(Equal(description))
		},
		Entry("no certificate, TLS 1.3", []string{"-tls1_3"}, "TLS 1.3", "certificate_required", "116"),
		Entry("no certificate, TLS 1.2", []string{"-tls1_2"}, "TLS 1.2", "handshake_failure", "40"),
		Entry("of an unknown authority", []string{"-tls1_3", "-cert", "stranger.pem", "-key", "stranger.pem"}, "TLS 1.3", "unknown_ca", "48"),
		Entry("only old versions", []string{"-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"}, "", "protocol_version", "70"),
		Entry("no cipher in common", []string{"-tls1_2", "-cipher", "AES256-SHA256"}, "TLS 1.2", "handshake_failure", "40"),
	)

	It("is the client's, where the client refuses", func() {
		s := serve(mockendpoint.TLS, nil)
		_, err := tls.Dial("tcp", s.address, &tls.Config{ServerName: "other.test"})
		Expect(err).To(HaveOccurred())
		Eventually(s.journal.Handshakes).Should(HaveLen(1))
		h := s.journal.Handshakes()[0]
		Expect(h.Reason).To(Equal("client-alert"))
		Expect(*h.Alert).To(Equal(journal.Alert{By: "client", Code: 42, Description: "bad_certificate"}))
	})

	It("is ours, where a client that trusts nobody hangs up in the middle", func() {
		s := serve(mockendpoint.TLS, nil)
		needs("curl")
		Expect(exec.Command("curl", "--silent", "--tlsv1.3", "--noproxy", "*", "--cacert", s.file("client.pem"), s.url).Run()).NotTo(Succeed())
		Eventually(s.journal.Handshakes).Should(HaveLen(1))
		Expect(s.journal.Handshakes()[0].Alert).NotTo(BeNil())
	})

	It("is not there, where a client speaks no TLS; the suite of a good one is told", func() {
		s := serve(mockendpoint.TLS, nil)
		_, err := http.Get("http://" + s.address)
		Expect(err).To(HaveOccurred())
		Eventually(s.journal.Handshakes).Should(HaveLen(1))
		Expect(s.journal.Handshakes()[0].Reason).To(Equal("not-tls"))
		Expect(s.journal.Handshakes()[0].Alert).To(BeNil())
		status, _ := s.curl("--tls-max", "1.2", "--data", "{}")
		Expect(status).To(Equal("200"))
		Expect(s.journal.Requests()[0].Cipher).To(HavePrefix("TLS_ECDHE_ECDSA_WITH_"))
	})
})
