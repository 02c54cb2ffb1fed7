package witness

import (
	"net/http/httptest"
	"net/url"
	"os/exec"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/mockendpoint/forward"
)

var _ = Describe("A proxy between programs that we did not write", func() {
	// sent posts by curl and returns its status.
	sent := func(c *certificates, to string, more ...string) string {
		GinkgoHelper()
		args := []string{"--silent", "--max-time", "20", "--noproxy", "*", "--cacert", c.file("ca.pem"),
			"--output", "/dev/null", "--write-out", "%{http_code}", "--data-binary", profileOne, "--header", "Authorization: Bearer " + bearer}
		out, err := exec.Command(needs("curl", "curl"), append(append(args, more...), to)...).Output()
		Expect(err).NotTo(HaveOccurred())
		return string(out)
	}

	It("has curl and nginx verify each other's certificates, once on either side", func() {
		c, app := newCertificates(mockendpoint.CurrentHierarchy), startApplication(taking)
		server := startNginx(c, "TLSv1.2 TLSv1.3", "ssl_verify_client on;", app)
		to, err := url.Parse("https://" + server.address)
		Expect(err).NotTo(HaveOccurred())
		receiver, err := forward.New(forward.Config{URL: to, Roots: c.roots, Certificate: &c.client})
		Expect(err).NotTo(HaveOccurred())
		proxy := mockendpoint.Start(GinkgoT(), mockendpoint.Options{Receiver: receiver, Listener: mockendpoint.Listener{
			Mode: mockendpoint.MTLSOnly, Certificate: c.server, ClientCAs: c.clientCAs}})
		identity := []string{"--cert", c.file("client.pem"), "--key", c.file("client-key.pem")}
		Expect(sent(c, proxy.URL+"/profiles", append(identity, proxy.URL+"/profiles")...)).To(Equal("204204"))
		Expect(proxy.Faults.Add(fault.Fault{ID: "f", Status: 503})).To(Succeed())
		Expect(sent(c, proxy.URL+"/profiles", identity...)).To(Equal("503"))

		requests := server.end()
		Expect(requests).To(HaveLen(2))
		Expect(requests).To(HaveEach(And(HaveField("Verified", "SUCCESS"), HaveField("Body", profileOne),
			HaveField("Authorization", "Bearer "+bearer), HaveField("Status", 204))))
		journalled := proxy.Journal.Requests()
		Expect(journalled).To(HaveLen(3))
		Expect(journalled[1]).To(And(HaveField("Socket", 1), HaveField("Number", 2)))
		Expect(journalled[0].Peer.CommonName).To(Equal("destination.test"))
		Expect(journalled).To(HaveEach(HaveField("Head", Not(ContainSubstring(bearer)))))
	})

	It("takes HTTP/1.0 from nginx, and passes nginx's refusal on", func() {
		c, app := newCertificates(mockendpoint.CurrentHierarchy), startApplication(taking)
		behind, err := url.Parse(app.URL)
		Expect(err).NotTo(HaveOccurred())
		receiver, err := forward.New(forward.Config{URL: behind})
		Expect(err).NotTo(HaveOccurred())
		proxy := mockendpoint.Start(GinkgoT(), mockendpoint.Options{Receiver: receiver})
		asProxy := &application{Server: &httptest.Server{URL: proxy.URL}}
		sender := startNginx(c, "TLSv1.3", "ssl_verify_client optional;", asProxy)
		Expect(sent(c, sender.url)).To(Equal("204"))
		Expect(proxy.Journal.Requests()[0]).To(And(HaveField("Proto", "HTTP/1.0"), HaveField("Status", 204)))
		Expect(app.seen).To(HaveExactElements(And(HaveField("Body", profileOne),
			HaveField("Authorization", "Bearer "+bearer))))

		strict := startNginx(c, "TLSv1.3", "ssl_verify_client on;", app)
		to, err := url.Parse("https://" + strict.address)
		Expect(err).NotTo(HaveOccurred())
		receiver, err = forward.New(forward.Config{URL: to, Roots: c.roots})
		Expect(err).NotTo(HaveOccurred())
		proxy = mockendpoint.Start(GinkgoT(), mockendpoint.Options{Receiver: receiver})
		Expect(sent(c, proxy.URL)).To(Equal("400"))
		Expect(proxy.Journal.Requests()[0].Forwards).To(HaveExactElements(HaveField("Status", 400)))
	})
})
