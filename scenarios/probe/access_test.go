package probe_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"go.yaml.in/yaml/v4"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/platform"
	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/payload"
	"github.com/httpdest/httpdest/mockendpoint/token"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios/probe"
)

var _ = Describe("client certificates", func() {
	// server is one whose TLS is configured by change, for a probe with test
	// certificates.
	server := func(change func(c *tls.Config, roots func(string) *x509.CertPool)) probe.Config {
		dir := filepath.Join(GinkgoT().TempDir(), "clients")
		Expect(probe.WriteClients(dir, time.Now())).To(Succeed())
		clients, err := probe.ReadClients(dir)
		Expect(err).NotTo(HaveOccurred())
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			if q.Method == http.MethodPost && q.Header.Get("Authorization") != "Bearer s3cret-token" {
				w.WriteHeader(401)
			}
		}))
		s.Config.ErrorLog = log.New(io.Discard, "", 0) // handshakes are refused on purpose
		s.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert}
		change(s.TLS, func(name string) *x509.CertPool {
			content, err := os.ReadFile(filepath.Join(dir, name))
			Expect(err).NotTo(HaveOccurred())
			p := x509.NewCertPool()
			Expect(p.AppendCertsFromPEM(content)).To(BeTrue())
			return p
		})
		s.StartTLS()
		DeferCleanup(s.Close)
		c := config(s.URL)
		c.Only = regexp.MustCompile(`^(tls/|mtls/|message/plain)`)
		c.Clients, c.Roots = clients, x509.NewCertPool()
		c.Roots.AddCert(s.Certificate())
		return c
	}
	It("are accepted where both hierarchies are trusted, and refused as they should be", func() {
		r := probed(server(func(c *tls.Config, roots func(string) *x509.CertPool) { c.ClientCAs = roots("client-ca.pem") }))
		Expect(failed(r)).To(BeEmpty())
		Expect(ruleOf(r, "rcv-mtls-only").Verdict).To(Equal(reports.Pass))
		Expect(ruleOf(r, "rcv-new-ca").Verdict).To(Equal(reports.Pass))
	})
	It("must come from both hierarchies", func() {
		for _, one := range []string{"current-ca.pem", "new-ca.pem"} {
			r := probed(server(func(c *tls.Config, roots func(string) *x509.CertPool) { c.ClientCAs = roots(one) }))
			Expect(failed(r)).To(Equal([]string{"rcv-new-ca"}), one)
			Expect(ruleOf(r, "rcv-2xx").Verdict).To(Equal(reports.Pass), "the rest is probed with the one that is accepted")
		}
	})
	It("would never be sent where TLS is still enabled", func() {
		r := probed(server(func(c *tls.Config, roots func(string) *x509.CertPool) {
			c.ClientCAs, c.ClientAuth = roots("client-ca.pem"), tls.VerifyClientCertIfGiven
		}))
		Expect(failed(r)).To(Equal([]string{"rcv-mtls-only"}))
		Expect(said(r, reports.Fail)).To(ContainSubstring("TLS is still enabled: the sender would never present its certificate|the server requested a client certificate and did not require it"))
	})
	It("are worth nothing where neither hierarchy is trusted", func() {
		r := probed(server(func(c *tls.Config, _ func(string) *x509.CertPool) { c.ClientCAs = x509.NewCertPool() }))
		Expect(failed(r)).To(ContainElement("rcv-mtls-only"))
		Expect(caseOf(r, "message/plain").Reason).To(ContainSubstring("trust client-ca.pem in the receiver"))
	})
	It("are asked for by name where the owner gave none", func() {
		c := server(func(c *tls.Config, roots func(string) *x509.CertPool) { c.ClientCAs = roots("client-ca.pem") })
		c.Clients = nil
		r := probed(c)
		Expect(r.Verdict).To(Equal(reports.Inconclusive))
		Expect(said(r, reports.Inconclusive)).To(ContainSubstring("--write-certificates"))
	})
})

var _ = Describe("tokens", func() {
	issuing := func(o token.Options) probe.Config {
		o.ClientID, o.ClientSecret = "me", "s3cret-client"
		mock := mockendpoint.Start(GinkgoT(), mockendpoint.Options{Tokens: token.New(o)})
		c := config(mock.URL + "/profiles")
		c.Only = regexp.MustCompile(`^(token/|auth/|message/plain)`)
		c.Destination.Auth = dataflow.Auth{Kind: dataflow.AuthClientCredentials, Credentials: dataflow.BodyFormEncoded, ClientID: "me", ClientSecret: "s3cret-client", TokenURL: mock.TokenURL}
		return c
	}
	It("are fetched as documented, and wrong ones refused", func() {
		for _, place := range []dataflow.Credentials{dataflow.BodyFormEncoded, dataflow.BasicAuthorization} {
			c := issuing(token.Options{ExpiresIn: 48 * time.Hour})
			c.Destination.Auth.Credentials = place
			r := probed(c)
			Expect(failed(r)).To(BeEmpty())
			Expect(ruleOf(r, "rcv-token").Verdict).To(Equal(reports.Pass))
			Expect(ruleOf(r, "rcv-auth").Verdict).To(Equal(reports.Pass))
			Expect(said(r, reports.Unspecified)).NotTo(ContainSubstring("24 hours"))
		}
	})
	It("are fetched with a password, too", func() {
		c := issuing(token.Options{ExpiresIn: 48 * time.Hour, Username: "doc", Password: "s3cret-password"})
		c.Destination.Auth.Kind, c.Destination.Auth.Credentials = dataflow.AuthPassword, ""
		c.Destination.Auth.Username, c.Destination.Auth.Password = "doc", "s3cret-password"
		r := probed(c)
		Expect(failed(r)).To(BeEmpty())
		Expect(ruleOf(r, "rcv-token").Verdict).To(Equal(reports.Pass))
	})
	It("should live for a day", func() {
		r := probed(issuing(token.Options{ExpiresIn: time.Hour}))
		Expect(said(r, reports.Unspecified)).To(ContainSubstring("tokens live for less than the advised 24 hours|expires_in: 1h0m0s"))
		Expect(failed(r)).To(BeEmpty())
	})
	It("end the probe where the token endpoint issues no token", func() {
		c := issuing(token.Options{})
		c.Destination.Auth.ClientSecret = "another-secret"
		r := probed(c)
		Expect(failed(r)).To(Equal([]string{"rcv-token"}))
		Expect(caseOf(r, "message/plain").Reason).To(Equal("the token endpoint issues no token: fix that first"))
	})
})

var _ = Describe("what a probe sends", func() {
	It("is what an export looks like", func() {
		for _, id := range probe.SampleIDs(probe.Config{}) {
			m, ok := probe.Sample(probe.Config{}, id)
			Expect(ok).To(BeTrue())
			if strings.HasPrefix(id, "batch/") || id == "exited/existing" || strings.HasPrefix(id, "times/") || id == "profile/no-audiences" {
				continue // forms of older samples, and one that no default dataflow sends
			}
			Expect(payload.Export().Check(m.Body)).To(Succeed(), id)
		}
		_, ok := probe.Sample(probe.Config{}, "no-such-message")
		Expect(ok).To(BeFalse())
	})
	It("is told before it is sent", func() {
		var b strings.Builder
		c := config("https://receiver.example.com/profiles")
		Expect(probe.New(c).Describe(&b)).To(Succeed())
		Expect(b.String()).To(And(ContainSubstring("  20  pace/alone "), ContainSubstring("nothing was sent"), ContainSubstring("@httpdest.invalid")))
	})
})

var _ = Describe("a firewall", func() {
	published, err := platform.ShippedEgress()
	It("must allow the published addresses", func() {
		Expect(err).NotTo(HaveOccurred())
		all, ok := published.Allowed("VA7")
		Expect(ok).To(BeTrue())
		shut := func(list string) []netip.Prefix {
			out, err := probe.ShutOut(strings.NewReader(list), "VA7", published)
			Expect(err).NotTo(HaveOccurred())
			return out
		}
		Expect(shut("0.0.0.0/0 # everybody")).To(BeEmpty())
		Expect(shut("0.0.0.0/1\n128.0.0.0/1\n")).To(BeEmpty(), "two halves are the whole")
		Expect(shut("# nobody")).To(HaveLen(len(all)))
		Expect(shut("3.209.222.108")).To(HaveLen(len(all) - 1))
		_, err := probe.ShutOut(strings.NewReader("3.209.222.108\nnowhere\n"), "VA7", published)
		Expect(err).To(MatchError(`line 2: "nowhere" is neither an address nor a CIDR block`))
		_, err = probe.ShutOut(strings.NewReader(""), "XX1", published)
		Expect(err).To(MatchError(ContainSubstring(`region "XX1" does not exist: choose one of AUS5`)))
	})
})

var _ = Describe("a statement", func() {
	It("says by groups what was shown", func() {
		mock := mockendpoint.Start(GinkgoT(), mockendpoint.Options{Bearer: "s3cret-token"})
		r := probed(config(mock.URL + "/profiles"))
		var b strings.Builder
		Expect(probe.WriteStatement(&b, r, probe.Implementation{Project: "CRM", Version: "1"}, time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC), "httpdest probe URL")).To(Succeed())
		var s struct {
			Kind, Verdict, Date string
			Groups              []struct {
				Name, Result string
				Statistics   struct{ Passed, Failed, Skipped int }
			}
		}
		Expect(yaml.Unmarshal([]byte(b.String()), &s)).To(Succeed())
		Expect(s.Kind).To(Equal("ConformanceReport"))
		Expect(s.Date).To(Equal("2026-11-27T12:00:00Z"))
		sum := 0
		results := map[string]string{}
		for _, g := range s.Groups {
			sum += g.Statistics.Passed + g.Statistics.Failed + g.Statistics.Skipped
			results[g.Name] = g.Result
		}
		Expect(sum).To(Equal(20), "every rule from R92 to R111")
		Expect(results).To(And(HaveKeyWithValue("Profiles", "success"), HaveKeyWithValue("State", "not tested"), HaveKeyWithValue("Security", "partial")))
	})
})
