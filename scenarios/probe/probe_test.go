package probe_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/probe"
)

// config probes an endpoint as fast as it will go.
func config(endpoint string) probe.Config {
	rules, err := scenarios.Rules()
	Expect(err).NotTo(HaveOccurred())
	return probe.Config{
		Destination: dataflow.Destination{Name: "probe", Endpoint: endpoint, MTLS: dataflow.Auto, Retry: retry.Documented(), MaxProfilesPerRequest: 1,
			Auth: dataflow.Auth{Kind: dataflow.AuthBearer, Token: "s3cret-token"}},
		Pause:  5 * time.Millisecond,
		Limits: scenarios.Limits{Rate: 1000, Requests: 1000, Burst: 20}, Load: scenarios.StatedLoad{Rate: 100, For: 200 * time.Millisecond, Stated: true},
		Rules: rules, Version: "test",
	}
}

// probed probes; where this machine was too slow to judge, again.
func probed(c probe.Config) *reports.Report {
	for again := 3; ; again-- {
		r, err := probe.New(c).Run(context.Background())
		Expect(err).NotTo(HaveOccurred())
		if again == 1 || !strings.Contains(said(r, reports.Inconclusive), "this machine ") {
			return r
		}
	}
}

// failed are the rules that failed.
func failed(r *reports.Report) []string {
	out := []string{}
	for _, rule := range r.Rules {
		if rule.Verdict == reports.Fail {
			out = append(out, rule.ID)
		}
	}
	return out
}

func ruleOf(r *reports.Report, id string) reports.Rule {
	for _, rule := range r.Rules {
		if rule.ID == id {
			return rule
		}
	}
	Fail("no rule " + id)
	return reports.Rule{}
}

// said is everything that a check of a verdict says.
func said(r *reports.Report, v reports.Verdict) string {
	var b strings.Builder
	for _, c := range r.Cases {
		for _, k := range c.Checks {
			if k.Verdict == v {
				b.WriteString(k.Title + "|" + k.Actual + "|" + k.Fix + "\n")
			}
		}
	}
	return b.String()
}

var _ = Describe("a probe", func() {
	It("finds nothing wrong with a receiver that takes everything and checks credentials", func() {
		mock := mockendpoint.Start(GinkgoT(), mockendpoint.Options{Bearer: "s3cret-token"})
		r := probed(config(mock.URL + "/profiles"))
		Expect(failed(r)).To(BeEmpty())
		Expect(r.Verdict).To(Equal(reports.Pass))
		Expect(ruleOf(r, "rcv-2s").Verdict).To(Equal(reports.Pass))
		Expect(ruleOf(r, "rcv-auth").Verdict).To(Equal(reports.Pass))
		Expect(ruleOf(r, "rcv-idempotent")).To(And(HaveField("Verdict", reports.Skip), HaveField("Reason", ContainSubstring("set readBack"))))
		Expect(ruleOf(r, "trig-enter").Reason).To(Equal("not about a receiver: use run"))
		Expect(int(r.Metrics["requests"])).To(BeNumerically(">", 90))
		marked := 0
		for _, q := range mock.Journal.Requests() {
			if strings.Contains(string(q.Body), `"id":"`+probe.Mark) {
				marked++
			}
		}
		Expect(marked).To(BeNumerically(">", 80)) // all but the bodies that are not JSON
	})

	It("keeps to its limit of requests, and says what it could not judge", func() {
		mock := mockendpoint.Start(GinkgoT(), mockendpoint.Options{Bearer: "s3cret-token"})
		c := config(mock.URL + "/profiles")
		c.Limits.Requests = 30
		r := probed(c)
		Expect(len(mock.Journal.Requests())).To(BeNumerically("<=", 30))
		Expect(r.Verdict).To(Equal(reports.Inconclusive))
		Expect(said(r, reports.Inconclusive)).To(ContainSubstring("the limit of 30 requests is spent"))
	})

	It("stops at once when it is told to, with a report of what was found", func() {
		ctx, stop := context.WithCancel(context.Background())
		server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stop() }))
		defer server.Close()
		r, err := probe.New(config(server.URL)).Run(ctx)
		Expect(err).To(MatchError(context.Canceled))
		Expect(r.Verdict).To(Equal(reports.Inconclusive))
		reached := 0
		for _, c := range r.Cases {
			if c.Verdict == reports.Pass {
				reached++
			}
		}
		Expect(reached).To(BeNumerically("<", 3))
		Expect(caseOf(r, "pace/load").Reason).To(Equal("the probe was interrupted before this case"))
		Expect(r.Schema).To(Equal(reports.Schema))
	})

	It("shows a failure with the exchange, a command and causes, and no secret", func() {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			body, _ := io.ReadAll(q.Body)
			w.Header().Set("Server", "nginx/1.27")
			w.Header().Set("X-Echo", q.Header.Get("Authorization"))
			if len(body) > 20_000 {
				w.WriteHeader(http.StatusRequestEntityTooLarge)
			}
			_, _ = io.WriteString(w, q.Header.Get("Authorization")+" "+q.Header.Get("X-Api-Key")+" "+q.URL.RawQuery)
		}))
		defer server.Close()
		c := config(server.URL + "/in")
		c.Destination.Headers, c.Destination.QueryParameters = "X-Api-Key:k-12345678", "sig=q-12345678"
		r := probed(c)
		Expect(failed(r)).To(ConsistOf("rcv-schema", "rcv-auth"))
		var check reports.Check
		for _, k := range caseOf(r, "message/profile/audiences-250").Checks {
			check = k
		}
		Expect(check.Exchange.Status).To(Equal(413))
		Expect(check.Exchange.Phases).NotTo(BeEmpty())
		Expect(check.Reproduce).To(And(HavePrefix("httpdest probe --print profile/audiences-250 | curl "), ContainSubstring(`-H "X-Api-Key: $X_API_KEY"`),
			ContainSubstring(`?sig=$SIG"`), ContainSubstring(`Bearer $TOKEN`)))
		Expect(check.Causes[0]).To(And(HaveField("Server", "nginx"), HaveField("Fix", ContainSubstring("client_max_body_size"))))
		all, err := json.Marshal(r)
		Expect(err).NotTo(HaveOccurred())
		for _, secret := range []string{"s3cret-token", "k-12345678", "q-12345678"} {
			Expect(string(all)).NotTo(ContainSubstring(secret))
		}
	})

	It("gives a command that does it again, by curl", func() {
		if _, err := exec.LookPath("curl"); err != nil {
			Skip("no curl: install it")
		}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			body, _ := io.ReadAll(q.Body)
			switch {
			case q.Header.Get("Authorization") != "Bearer s3cret-token" || q.Header.Get("X-Api-Key") != "it's \"k\"" || q.URL.RawQuery != "sig=q-12345678":
				w.WriteHeader(401)
			case strings.Contains(string(body), "O’Çelik \\\"quoted\\\" \\\\ \\n"):
				w.WriteHeader(422)
			}
		}))
		defer server.Close()
		c := config(server.URL + "/in")
		c.Destination.Headers, c.Destination.QueryParameters = "X-Api-Key:it's \"k\"", "sig=q-12345678"
		c.Only = regexp.MustCompile("^message/(plain|profile/unicode)")
		command := caseOf(probed(c), "message/profile/unicode").Checks[0].Reproduce
		sh := exec.Command("sh", "-c", command)
		sh.Env = append(os.Environ(), "TOKEN=s3cret-token", "X_API_KEY=it's \"k\"", "SIG=q-12345678")
		out, err := sh.CombinedOutput()
		Expect(err).NotTo(HaveOccurred(), string(out))
		Expect(string(out)).To(HavePrefix("HTTP/1.1 422 "))
	})

	It("knows a secret in whatever form it comes back", func() {
		const token, header, value = "Zx9secretToken+with/signs", "hdr&Value77", "qry/Value88"
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
			_, _ = io.Copy(io.Discard, q.Body)
			bearer := strings.TrimPrefix(q.Header.Get("Authorization"), "Bearer ")
			w.WriteHeader(422)
			_, _ = fmt.Fprintf(w, "%s %s %s %s %.11s %s %s %s %s", bearer, strings.ToUpper(bearer), base64.StdEncoding.EncodeToString([]byte(bearer)),
				base64.StdEncoding.EncodeToString([]byte("Bearer "+bearer)), bearer, url.QueryEscape(bearer), html.EscapeString(q.Header.Get("X-Key")), q.URL.RawQuery, q.URL.Query().Get("apikey"))
		}))
		defer server.Close()
		c := config(server.URL)
		c.Destination.Auth.Token, c.Destination.Headers, c.Destination.QueryParameters = token, "X-Key:"+header, "apikey=qry%2FValue88"
		r := probed(c)
		Expect(failed(r)).NotTo(BeEmpty())
		all, err := json.Marshal(r)
		Expect(err).NotTo(HaveOccurred())
		said := strings.ToLower(string(all))
		for _, secret := range []string{token, "zx9secret", header, "hdr&amp;", `hdr\u0026`, value, "qry%2f", base64.StdEncoding.EncodeToString([]byte(token)), "qmvhcmvyifp4"} {
			Expect(said).NotTo(ContainSubstring(strings.ToLower(secret)))
		}
	})

	It("does not blame the form of a message for what is refused once, or throttled", func() {
		n, mu := 0, sync.Mutex{}
		server := func(refuse func(n int) int) *httptest.Server {
			n = 0
			return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
				body, _ := io.ReadAll(q.Body)
				mu.Lock()
				defer mu.Unlock()
				switch n++; {
				case q.Header.Get("Authorization") != "Bearer s3cret-token":
					w.WriteHeader(401)
				case !json.Valid(body):
					w.WriteHeader(400)
				default:
					if status := refuse(n); status != 200 {
						w.WriteHeader(status)
					}
				}
			}))
		}
		flaky := server(func(n int) int { return map[bool]int{true: 500, false: 200}[n == 5] })
		defer flaky.Close()
		r := probed(config(flaky.URL))
		Expect(failed(r)).To(Equal([]string{"rcv-2xx"}))
		Expect(said(r, reports.Fail)).To(ContainSubstring("refused, and accepted when it was sent again"))
		busy := server(func(n int) int { return map[bool]int{true: 429, false: 200}[n == 6 || n > 55] })
		defer busy.Close()
		c := config(busy.URL)
		c.Only = regexp.MustCompile("^(message/|pace/alone)")
		Expect(failed(probed(c))).To(BeEmpty())
	})

	It("blames the query, the headers or missing names when these are why everything is refused", func() {
		refuse := func(wrong func(*http.Request, string) bool) *httptest.Server {
			return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
				body, _ := io.ReadAll(q.Body)
				switch {
				case q.Header.Get("Authorization") != "Bearer s3cret-token":
					w.WriteHeader(401)
				case !json.Valid(body), wrong(q, string(body)):
					w.WriteHeader(400)
				}
			}))
		}
		for rule, wrong := range map[string]func(*http.Request, string) bool{
			"rcv-query":   func(q *http.Request, _ string) bool { return q.URL.RawQuery != "" },
			"rcv-headers": func(q *http.Request, _ string) bool { return q.Header.Get("X-Tenant") != "" },
			"rcv-optional-fields": func(_ *http.Request, body string) bool {
				return strings.Contains(body, `"status"`) && !strings.Contains(body, `"name":"First`)
			},
		} {
			server := refuse(wrong)
			c := config(server.URL)
			c.Destination.Headers, c.Destination.QueryParameters = "X-Tenant:acme", "source=aep"
			c.Only = regexp.MustCompile("^message/")
			Expect(failed(probed(c))).To(ConsistOf(rule))
			server.Close()
		}
	})
})

func caseOf(r *reports.Report, id string) reports.Case {
	for _, c := range r.Cases {
		if c.ID == id {
			return c
		}
	}
	Fail("no case " + id)
	return reports.Case{}
}

var _ = Describe("an address without a receiver", func() {
	hostile := func(serve func(net.Conn)) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(l.Close)
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				go serve(conn)
			}
		}()
		return l.Addr().String()
	}
	answering := func(status int, kind, body string, header ...string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}))
		DeferCleanup(server.Close)
		return server.URL + "/profiles"
	}

	It("is not there", func() {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		Expect(err).NotTo(HaveOccurred())
		Expect(l.Close()).To(Succeed())
		for _, scheme := range []string{"http", "https"} {
			r := probed(config(scheme + "://" + l.Addr().String()))
			Expect(r.Verdict).To(Equal(reports.Inconclusive))
			Expect(said(r, reports.Inconclusive)).To(ContainSubstring("nothing listens at " + l.Addr().String()))
			Expect(int(r.Metrics["requests"])).To(Equal(1))
		}
	})
	It("speaks no TLS", func() {
		r := probed(config(strings.Replace(answering(200, "text/plain", ""), "http:", "https:", 1)))
		Expect(failed(r)).To(Equal([]string{"rcv-tls"}))
		Expect(said(r, reports.Fail)).To(ContainSubstring("the server does not speak TLS on this port"))
	})
	It("never answers", func() {
		address := hostile(func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
		impatient := func(endpoint string) probe.Config {
			c := config(endpoint)
			c.Patience = 300 * time.Millisecond
			return c
		}
		r := probed(impatient("http://" + address))
		Expect(failed(r)).To(Equal([]string{"rcv-2s"}))
		Expect(said(r, reports.Fail)).To(ContainSubstring("no answer within 300 ms"))
		r = probed(impatient("https://" + address))
		Expect(failed(r)).To(Equal([]string{"rcv-tls"}))
		Expect(said(r, reports.Fail)).To(ContainSubstring("no TLS handshake within 300 ms"))
	})
	It("answers with a page", func() {
		r := probed(config(answering(200, "text/html; charset=utf-8", "<!doctype html><title>Log in</title>")))
		Expect(r.Verdict).To(Equal(reports.Inconclusive))
		Expect(said(r, reports.Inconclusive)).To(ContainSubstring("check that this is the receiver: a login, a proxy or a start page"))
		r = probed(config(answering(200, "text/html; charset=utf-8", "OK")))
		Expect(ruleOf(r, "rcv-2xx").Verdict).To(Equal(reports.Pass), "the content type alone makes no page")
		r = probed(config(answering(404, "text/html", "<html>")))
		Expect(failed(r)).To(Equal([]string{"rcv-2xx"}))
		Expect(said(r, reports.Fail)).To(ContainSubstring("404 with an HTML page"))
	})
	It("redirects", func() {
		r := probed(config(answering(301, "text/plain", "", "Location", "https://elsewhere.test/profiles")))
		Expect(failed(r)).To(Equal([]string{"rcv-2xx"}))
		Expect(said(r, reports.Fail)).To(And(ContainSubstring("redirects are not followed"), ContainSubstring(`a redirect to "https://elsewhere.test/profiles"`)))
	})
	It("speaks no HTTP", func() {
		address := hostile(func(c net.Conn) { _, _ = io.WriteString(c, "220 mail.test ESMTP\r\n"); _ = c.Close() })
		r := probed(config("http://" + address))
		Expect(r.Verdict).NotTo(Equal(reports.Pass))
		Expect(said(r, reports.Fail)).NotTo(BeEmpty())
	})
	It("does not resolve", func() {
		c := config("https://no-such-host.invalid/profiles")
		r := probed(c)
		Expect(r.Verdict).To(Equal(reports.Inconclusive))
	})
	It("has a certificate that is not valid", func() {
		for kind, says := range map[mockendpoint.Presented]string{
			mockendpoint.Expired: "has expired", mockendpoint.WrongHost: "is for another name", mockendpoint.UnknownCA: "not trusted",
			mockendpoint.MissingIntermediate: "intermediate is not sent", mockendpoint.NotYetValid: "not valid yet",
		} {
			servers, err := mockendpoint.NewAuthority("test", time.Now().AddDate(-1, 0, 0), time.Now().AddDate(1, 0, 0))
			Expect(err).NotTo(HaveOccurred())
			own, err := servers.Present(kind, time.Now(), "127.0.0.1")
			Expect(err).NotTo(HaveOccurred())
			mock := mockendpoint.Start(GinkgoT(), mockendpoint.Options{Listener: mockendpoint.Listener{Mode: mockendpoint.TLS, Certificate: own}})
			c := config(mock.URL)
			c.Roots = servers.Pool()
			r := probed(c)
			Expect(failed(r)).To(Equal([]string{"rcv-tls"}), string(kind))
			Expect(said(r, reports.Fail)).To(ContainSubstring(says), string(kind))
		}
	})
})
