package witness

import (
	"io"
	"os/exec"
	"regexp"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
	"github.com/onsi/gomega/gexec"
)

// openssl is an s_server: it prints what it decrypts, and sends what it is
// given. It knows nothing of HTTP.
type openssl struct {
	url     string
	session *gexec.Session
	answer  io.Writer
}

var accepting = regexp.MustCompile(`ACCEPT 127\.0\.0\.1:(\d+)`)

// startOpenSSL starts one that ends a connection without a certificate that it
// can verify.
func startOpenSSL(c *certificates, protocol string) *openssl {
	GinkgoHelper()
	program := needs("openssl", "openssl")
	command := exec.Command(program, "s_server", "-accept", "127.0.0.1:0", protocol, "-no_ticket",
		"-cert", c.file("server.pem"), "-key", c.file("server-key.pem"), "-CAfile", c.file("client-ca.pem"), "-Verify", "1", "-verify_return_error")
	o := &openssl{}
	var err error
	o.answer, err = command.StdinPipe()
	Expect(err).NotTo(HaveOccurred())
	o.session, err = gexec.Start(command, GinkgoWriter, GinkgoWriter)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { o.session.Kill().Wait(started) })
	Eventually(o.session, started).Should(gbytes.Say(accepting.String()))
	o.url = "https://127.0.0.1:" + string(accepting.FindSubmatch(o.session.Out.Contents())[1]) + "/profiles"
	return o
}

// reply answers a request as soon as its last word was printed.
func (o *openssl) reply(last string) {
	GinkgoHelper()
	Eventually(o.session, started).Should(gbytes.Say(regexp.QuoteMeta(last)))
	_, err := io.WriteString(o.answer, "HTTP/1.1 204 No Content\r\n\r\n")
	Expect(err).NotTo(HaveOccurred())
}

// printed is everything it decrypted or said of its connections.
func (o *openssl) printed() string { return string(o.session.Out.Contents()) }
