package mockendpoint_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/mockendpoint/journal"
	"github.com/httpdest/httpdest/mockendpoint/token"
)

// misbehaving is a token endpoint with a fault plan.
func misbehaving(faults ...fault.Fault) tokens {
	GinkgoHelper()
	for i := range faults {
		if faults[i].ID == "" {
			faults[i].ID = "planned"
		}
	}
	return serveTokensWith(func(o *mockendpoint.Options) { o.Faults = fault.NewPlan(1, faults...) }, nil)
}

// credentials is the client credentials grant at a token endpoint.
func (t tokens) credentials() clientcredentials.Config {
	return clientcredentials.Config{ClientID: clientID, ClientSecret: clientSecret, TokenURL: t.tokenURL, AuthStyle: oauth2.AuthStyleInParams}
}

// gate is an Options.Wait that announces each wait, and ends them all at once.
func gate(arrived chan<- bool, letGo <-chan struct{}) func(context.Context, time.Duration) error {
	return func(ctx context.Context, _ time.Duration) error {
		arrived <- true
		select {
		case <-letGo:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

var _ = Describe("A token endpoint that misbehaves by plan, as golang.org/x/oauth2 sees it", func() {
	DescribeTable("fails once, and then issues", func(f fault.Fault, says string) {
		f.On, f.Requests = fault.Token, fault.Range{First: 1, Last: 1}
		t := misbehaving(f)
		t.client.Timeout = 2 * time.Second
		c := t.credentials()
		_, err := c.Token(t.ctx())
		Expect(err).To(MatchError(ContainSubstring(says)))
		Expect(err.Error()).NotTo(ContainSubstring(clientSecret))
		t.client.Timeout = 20 * time.Second
		got, err := c.Token(t.ctx())
		Expect(err).NotTo(HaveOccurred())
		Expect(t.call(got.AccessToken)).To(Equal(200))
		Eventually(t.met).WithTimeout(20 * time.Second).Should(ContainElement("planned"))
	},
		Entry("a 5xx", fault.Fault{Status: 503, Headers: map[string]string{"Retry-After": "1"}}, "503"),
		Entry("no access_token", fault.Fault{Answer: "no-access-token"}, "missing access_token"),
		Entry("JSON that is cut off", fault.Fault{Answer: "not-json"}, "unexpected end of JSON input"),
		Entry("a page", fault.Fault{Answer: "html"}, "cannot"),
		Entry("nothing", fault.Fault{Answer: "empty"}, "unexpected end of JSON input"),
		Entry("an answer that is too late", fault.Fault{Latency: time.Hour}, "Client.Timeout"),
		Entry("a slow body", fault.Fault{SlowBody: time.Hour}, "Client.Timeout"),
		Entry("a stall", fault.Fault{Stall: true}, "Client.Timeout"),
		Entry("a reset", fault.Fault{Reset: true}, "reset"),
		Entry("an empty reply", fault.Fault{Close: true}, "EOF"),
		Entry("a truncated body", fault.Fault{Close: true, Phase: fault.Body}, "unexpected EOF"),
		Entry("garbage", fault.Fault{Garbage: true}, "malformed HTTP"),
		Entry("a malformed chunk", fault.Fault{MalformedChunk: true}, "chunk"),
	)

	It("issues without expires_in, or for seconds", func() {
		none, short := time.Duration(0), 5*time.Second
		t := misbehaving(fault.Fault{ID: "none", On: fault.Token, Requests: fault.Range{First: 1, Last: 1}, ExpiresIn: &none},
			fault.Fault{ID: "short", On: fault.Token, Requests: fault.Range{First: 2, Last: 2}, ExpiresIn: &short})
		c := t.credentials()
		unsaid, err := c.Token(t.ctx())
		Expect(err).NotTo(HaveOccurred())
		Expect(unsaid.Expiry).To(BeZero())
		brief, err := c.Token(t.ctx())
		Expect(err).NotTo(HaveOccurred())
		Expect(brief.Expiry).To(BeTemporally("~", time.Now(), time.Minute))
		usual, err := c.Token(t.ctx())
		Expect(err).NotTo(HaveOccurred())
		Expect(usual.Expiry).To(BeTemporally("~", time.Now().Add(time.Hour), time.Minute))
		t.clock.pass(5 * time.Second)
		Expect([]int{t.call(unsaid.AccessToken), t.call(brief.AccessToken), t.call(usual.AccessToken)}).To(Equal([]int{200, 401, 200}))
		t.clock.pass(time.Hour)
		Expect([]int{t.call(unsaid.AccessToken), t.call(usual.AccessToken)}).To(Equal([]int{200, 401}))
	})

	It("limits the rate of its requests", func() {
		t := misbehaving(fault.Fault{On: fault.Token, Rate: 0.1, Burst: 2})
		c := t.credentials()
		for range 2 {
			_, err := c.Token(t.ctx())
			Expect(err).NotTo(HaveOccurred())
		}
		_, err := c.Token(t.ctx())
		var refused *oauth2.RetrieveError
		Expect(errors.As(err, &refused)).To(BeTrue())
		Expect(refused.Response.StatusCode).To(Equal(429))
		Expect(refused.Response.Header.Get("Retry-After")).To(Equal("10"))
		t.clock.pass(10 * time.Second)
		_, err = c.Token(t.ctx())
		Expect(err).NotTo(HaveOccurred())
	})

	It("revokes in the middle of a run: one 401, and the refresh token is gone too", func() {
		t := misbehaving(fault.Fault{ID: "revoked", Requests: fault.Range{First: 2, Last: 2}, Revoke: true})
		c := t.credentials()
		first, err := c.Token(t.ctx())
		Expect(err).NotTo(HaveOccurred())
		Expect([]int{t.call(first.AccessToken), t.call(first.AccessToken)}).To(Equal([]int{200, 401}))
		refresh := oauth2.Config{ClientID: clientID, ClientSecret: clientSecret, Endpoint: oauth2.Endpoint{TokenURL: t.tokenURL, AuthStyle: oauth2.AuthStyleInParams}}
		_, err = refresh.TokenSource(t.ctx(), &oauth2.Token{RefreshToken: first.RefreshToken}).Token()
		var refused *oauth2.RetrieveError
		Expect(errors.As(err, &refused)).To(BeTrue())
		Expect(refused.ErrorCode).To(Equal("invalid_grant"))
		second, err := c.Token(t.ctx())
		Expect(err).NotTo(HaveOccurred())
		Expect(t.call(second.AccessToken)).To(Equal(200))
		calls := t.journal.Requests()
		Expect(calls[2].Fault).To(Equal("revoked"))
		Expect(calls[2].Authorization).To(Equal(journal.Revoked))
	})

	It("shows a stampede: as many requests as senders without a common source, one with it", func() {
		const senders = 20
		stampede := func(one func(clientcredentials.Config, tokens) oauth2.TokenSource) token.Counts {
			arrived, plan := make(chan bool, senders), fault.NewPlan(1, fault.Fault{ID: "slow", On: fault.Token, Latency: time.Hour})
			letGo := make(chan struct{})
			t := serveTokensWith(func(o *mockendpoint.Options) { o.Faults, o.Wait = plan, gate(arrived, letGo) }, nil)
			source := one(t.credentials(), t)
			var wg sync.WaitGroup
			for range senders {
				mine := source
				if mine == nil {
					c := t.credentials()
					mine = c.TokenSource(t.ctx())
				}
				wg.Go(func() { _, _ = mine.Token() }) // what comes of it the counts tell
			}
			expected := senders
			if source != nil {
				expected = 1
			}
			for range expected {
				<-arrived
			}
			close(letGo)
			wg.Wait()
			return t.issuer.Counts()
		}
		Expect(stampede(func(clientcredentials.Config, tokens) oauth2.TokenSource { return nil })).To(
			Equal(token.Counts{Requests: senders, MostAtOnce: senders, Issued: senders}))
		Expect(stampede(func(c clientcredentials.Config, t tokens) oauth2.TokenSource { return c.TokenSource(t.ctx()) })).To(
			Equal(token.Counts{Requests: 1, MostAtOnce: 1, Issued: 1}))
	})

	It("keeps every token of a fault out of its journal", func() {
		short := 5 * time.Second
		t := misbehaving(fault.Fault{On: fault.Token, ExpiresIn: &short, Headers: map[string]string{"X-Fault": "yes"}}, fault.Fault{ID: "revoked", Revoke: true})
		c := t.credentials()
		got, err := c.Token(t.ctx())
		Expect(err).NotTo(HaveOccurred())
		Expect(t.call(got.AccessToken)).To(Equal(http.StatusUnauthorized))
		journalled, err := json.Marshal(t.journal.Requests())
		Expect(err).NotTo(HaveOccurred())
		for _, secret := range []string{got.AccessToken, got.RefreshToken, clientSecret} {
			Expect(secret).NotTo(BeEmpty())
			Expect(string(journalled)).NotTo(ContainSubstring(secret))
		}
	})
})
