package witness

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
	"github.com/onsi/gomega/gexec"

	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/mockendpoint"
)

// binary is httpdest, built once.
var binary = sync.OnceValues(func() (string, error) {
	return gexec.Build("github.com/httpdest/httpdest/cmd/httpdest")
})

// service is httpdest serve as a user runs it.
type service struct {
	dir     string
	session *gexec.Session
	url     string
}

// serve starts it with a destination block, in a folder that holds its store.
func serve(dir, destination string, c *certificates) *service {
	GinkgoHelper()
	if runtime.GOOS == "windows" {
		Skip("no signals")
	}
	program, err := binary()
	Expect(err).NotTo(HaveOccurred())
	config := "audiences: {delorean: {}}\ndestination: " + destination + "\ndataflow: {audiences: [delorean], attributes: [n]}\n"
	file := filepath.Join(dir, "serve.yaml")
	Expect(os.WriteFile(file, []byte(config), 0o600)).To(Succeed())
	s := &service{dir: dir}
	s.session, err = gexec.Start(exec.Command(program, "serve", "--no-auth", "--config", file, "--data", filepath.Join(dir, "data"),
		"--cert", c.file("client.pem"), "--key", c.file("client-key.pem"), "--ca", c.file("ca.pem")), GinkgoWriter, GinkgoWriter)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { s.session.Kill().Wait(started) })
	Eventually(s.session, started).Should(gbytes.Say(`listening on http://127\.0\.0\.1:\d+ \(updates\)\n`))
	line := string(s.session.Out.Contents())
	s.url = strings.TrimSuffix(strings.TrimPrefix(line, "listening on "), " (updates)\n")
	return s
}

// update has a profile qualify, and returns the status of the answer.
func (s *service) update(profile string) int {
	GinkgoHelper()
	line := fmt.Sprintf(`{"profile": %q, "qualify": "delorean", "set": {"n": 1}, "addIdentity": {"crm": "%s@destination.test"}}`, profile, profile)
	answer, err := http.Post(s.url+"/updates", "application/x-ndjson", strings.NewReader(line))
	Expect(err).NotTo(HaveOccurred())
	_, _ = io.Copy(io.Discard, answer.Body) // only the status counts
	Expect(answer.Body.Close()).To(Succeed())
	return answer.StatusCode
}

func (s *service) stats() (st live.Stats) {
	GinkgoHelper()
	answer, err := http.Get(s.url + "/health")
	Expect(err).NotTo(HaveOccurred())
	defer func() { _ = answer.Body.Close() }()
	Expect(json.NewDecoder(answer.Body).Decode(&st)).To(Succeed())
	return st
}

// settled waits until that many messages are delivered or dead.
func (s *service) settled(n int) live.Stats {
	GinkgoHelper()
	Eventually(func() uint64 { st := s.stats(); return st.Delivered + st.Dropped }, time.Minute, 10*time.Millisecond).Should(BeEquivalentTo(n))
	return s.stats()
}

// end tells it to end, and wants a clean end.
func (s *service) end() {
	GinkgoHelper()
	s.session.Signal(syscall.SIGTERM)
	Eventually(s.session, time.Minute).Should(gexec.Exit(0))
}

// said is all it wrote.
func (s *service) said() string {
	return string(s.session.Out.Contents()) + string(s.session.Err.Contents())
}

func toBearer(url string) string {
	return fmt.Sprintf(`{name: crm, endpoint: %q, auth: {type: bearer, token: %s}, headers: "X-Tenant:%s", retry: {delays: [100ms, 100ms]}}`, url, bearer, tenant)
}

var _ = Describe("httpdest serve before nginx", func() {
	DescribeTable("delivers, with the certificate where it is insisted on, and sends nothing without it",
		func(verify string, answer decide, verified string, g mockendpoint.Generation) {
			c, app := newCertificates(g), startApplication(answer)
			server := startNginx(c, "TLSv1.2 TLSv1.3", verify, app)
			s := serve(GinkgoT().TempDir(), toBearer(server.url), c)
			for _, profile := range []string{"one", "two", "three"} {
				Expect(s.update(profile)).To(Equal(http.StatusOK))
			}
			st := s.settled(3)
			Expect(st.Delivered).To(BeEquivalentTo(3))
			s.end()
			Expect(s.said()).NotTo(ContainSubstring(bearer))
			posts := 0
			for _, q := range server.end() {
				if q.Method == "OPTIONS" {
					bare(q)
					continue
				}
				Expect(q.Verified).To(Equal(verified), "%+v", q)
				Expect(q.Authorization).To(Equal("Bearer " + bearer))
				Expect(q.Body).To(ContainSubstring("@destination.test"))
				posts++
			}
			Expect(posts).To(BeNumerically(">=", 3))
		},
		Entry("insists", "ssl_verify_client on;", decide(taking), "SUCCESS", mockendpoint.CurrentHierarchy),
		Entry("insists, the new hierarchy", "ssl_verify_client on;", decide(taking), "SUCCESS", mockendpoint.NewerHierarchy),
		Entry("the application refuses with 401", "ssl_verify_client optional;", insisting(401), "SUCCESS", mockendpoint.CurrentHierarchy),
		Entry("the application refuses with 403", "ssl_verify_client optional;", insisting(403), "SUCCESS", mockendpoint.CurrentHierarchy),
		Entry("does not ask", "ssl_verify_client off;", decide(taking), "NONE", mockendpoint.CurrentHierarchy),
	)
})

var _ = Describe("httpdest serve before openssl s_server", func() {
	DescribeTable("delivers with the certificate alone", func(protocol string) {
		c := newCertificates(mockendpoint.CurrentHierarchy)
		server := startOpenSSL(c, protocol)
		s := serve(GinkgoT().TempDir(), toBearer(server.url), c)
		Expect(s.update("one")).To(Equal(http.StatusOK))
		server.reply("one@destination.test")
		before, _, found := strings.Cut(server.printed(), "Client certificate")
		Expect(found).To(BeTrue())
		nothingIn(before)
		s.settled(1)
		s.end()
	}, Entry("TLS 1.2", "-tls1_2"), Entry("TLS 1.3", "-tls1_3"))
})
