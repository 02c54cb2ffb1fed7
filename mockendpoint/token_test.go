package mockendpoint_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/httpdest/httpdest/mockendpoint"
	"github.com/httpdest/httpdest/mockendpoint/journal"
	"github.com/httpdest/httpdest/mockendpoint/token"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

const (
	clientID     = "hill valley"
	clientSecret = "1.21:gw/50%+&="
	password     = "gr&at scott"
)

// clock is the time of an endpoint, which a test moves.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// tokens is an endpoint over TLS with a token endpoint.
type tokens struct {
	served
	tokenURL string
	issuer   *token.Issuer
	clock    *clock
	client   *http.Client
}

func serveTokens(change func(*token.Options)) tokens {
	GinkgoHelper()
	return serveTokensWith(nil, change)
}

// serveTokensWith is serveTokens, where the endpoint is changed too.
func serveTokensWith(endpoint func(*mockendpoint.Options), change func(*token.Options)) tokens {
	GinkgoHelper()
	o := token.Options{ClientID: clientID, ClientSecret: clientSecret, Username: "emmett", Password: password, ExpiresIn: time.Hour, Refresh: true, Rotate: true, Seed: 1}
	if change != nil {
		change(&o)
	}
	t := tokens{issuer: token.New(o), clock: &clock{now: time.Now()}}
	t.served = serve(mockendpoint.TLS, func(o *mockendpoint.Options) {
		if o.Tokens, o.Now = t.issuer, t.clock.Now; endpoint != nil {
			endpoint(o)
		}
	})
	t.tokenURL = t.alsoTokens()
	transport := &http.Transport{TLSClientConfig: t.trusting()}
	DeferCleanup(transport.CloseIdleConnections)
	t.client = &http.Client{Transport: transport}
	return t
}

// ctx is what x/oauth2 takes its client from.
func (t tokens) ctx() context.Context {
	return context.WithValue(context.Background(), oauth2.HTTPClient, t.client)
}

// call makes a data call with a token and returns the status.
func (t tokens) call(token string) int {
	GinkgoHelper()
	r, err := http.NewRequest(http.MethodPost, t.url+"/profiles", strings.NewReader(body))
	Expect(err).NotTo(HaveOccurred())
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := t.client.Do(r)
	Expect(err).NotTo(HaveOccurred())
	Expect(answer.Body.Close()).To(Succeed())
	return answer.StatusCode
}

// last is what the journal has of the last token request.
func (t tokens) last() journal.Request {
	GinkgoHelper()
	all := t.journal.Requests()
	for i := len(all) - 1; i >= 0; i-- {
		if all[i].TokenRequest != nil {
			return all[i]
		}
	}
	Fail("no token request was journalled")
	return journal.Request{}
}

// The token endpoint is judged by a client we did not write.
var _ = Describe("The token endpoint, as golang.org/x/oauth2 sees it", func() {
	DescribeTable("issues a token for the client credentials grant", func(style oauth2.AuthStyle, credentials string) {
		t := serveTokens(nil)
		c := clientcredentials.Config{ClientID: clientID, ClientSecret: clientSecret, TokenURL: t.tokenURL, AuthStyle: style}
		got, err := c.Token(t.ctx())
		Expect(err).NotTo(HaveOccurred())
		Expect(got.Type()).To(Equal("Bearer"))
		Expect(got.RefreshToken).NotTo(BeEmpty())
		Expect(got.Expiry).To(BeTemporally("~", time.Now().Add(time.Hour), time.Minute))
		Expect(t.call(got.AccessToken)).To(Equal(200))
		Expect(t.last().TokenRequest).To(Equal(&journal.TokenRequest{Grant: "client_credentials", Credentials: credentials}))
		Expect(t.last().Token).To(Equal(1))
		Expect(t.issuer.Requests()).To(Equal(1))
	},
		Entry("credentials in the body", oauth2.AuthStyleInParams, "body"),
		Entry("credentials in the header, encoded first", oauth2.AuthStyleInHeader, "basic-url-encoded"),
	)

	DescribeTable("issues a token for the password grant, and refreshes it", func(style oauth2.AuthStyle) {
		t := serveTokens(nil)
		c := oauth2.Config{ClientID: clientID, ClientSecret: clientSecret, Endpoint: oauth2.Endpoint{TokenURL: t.tokenURL, AuthStyle: style}}
		first, err := c.PasswordCredentialsToken(t.ctx(), "emmett", password)
		Expect(err).NotTo(HaveOccurred())
		Expect(t.call(first.AccessToken)).To(Equal(200))
		first.Expiry = time.Now().Add(-time.Hour)
		second, err := c.TokenSource(t.ctx(), first).Token()
		Expect(err).NotTo(HaveOccurred())
		Expect(second.AccessToken).NotTo(Equal(first.AccessToken))
		Expect(second.RefreshToken).NotTo(Equal(first.RefreshToken), "it is rotated")
		Expect(t.last().TokenRequest.Grant).To(Equal("refresh_token"))
		_, err = c.TokenSource(t.ctx(), &oauth2.Token{RefreshToken: first.RefreshToken}).Token()
		var refused *oauth2.RetrieveError
		Expect(errors.As(err, &refused)).To(BeTrue())
		Expect(refused.ErrorCode).To(Equal("invalid_grant"), "a refresh token is good once")
	},
		Entry("credentials in the body", oauth2.AuthStyleInParams),
		Entry("credentials in the header", oauth2.AuthStyleInHeader),
	)

	It("refuses a wrong secret and a wrong password by the codes of the RFC", func() {
		t := serveTokens(nil)
		for _, wrong := range []struct {
			secret, word, code string
			status             int
		}{{"other", password, "invalid_client", 401}, {clientSecret, "other", "invalid_grant", 400}} {
			c := oauth2.Config{ClientID: clientID, ClientSecret: wrong.secret, Endpoint: oauth2.Endpoint{TokenURL: t.tokenURL, AuthStyle: oauth2.AuthStyleInHeader}}
			_, err := c.PasswordCredentialsToken(t.ctx(), "emmett", wrong.word)
			var refused *oauth2.RetrieveError
			Expect(errors.As(err, &refused)).To(BeTrue(), "%v", err)
			Expect(refused.ErrorCode).To(Equal(wrong.code))
			Expect(refused.Response.StatusCode).To(Equal(wrong.status))
		}
	})

	It("issues tokens that end with their lifetime and with a revocation", func() {
		t := serveTokens(nil)
		c := clientcredentials.Config{ClientID: clientID, ClientSecret: clientSecret, TokenURL: t.tokenURL, AuthStyle: oauth2.AuthStyleInParams}
		first, err := c.Token(t.ctx())
		Expect(err).NotTo(HaveOccurred())
		t.clock.pass(time.Hour - time.Second)
		Expect(t.call(first.AccessToken)).To(Equal(200))
		t.clock.pass(time.Second)
		Expect(t.call(first.AccessToken)).To(Equal(401))
		second, err := c.Token(t.ctx())
		Expect(err).NotTo(HaveOccurred())
		Expect(t.call(second.AccessToken)).To(Equal(200))
		t.issuer.Revoke()
		Expect(t.call(second.AccessToken)).To(Equal(401))
		Expect(t.call("access-0123456789abcdef0123456789abcdef")).To(Equal(401))
		Expect(t.call("")).To(Equal(401))
		var seen []journal.Authorization
		for _, r := range t.journal.Requests() {
			if r.TokenRequest == nil {
				seen = append(seen, r.Authorization)
			}
		}
		Expect(seen).To(Equal([]journal.Authorization{"accepted", "expired", "accepted", "revoked", "wrong", "missing"}))
	})
})

var _ = Describe("The token endpoint", func() {
	DescribeTable("answers the samples of the documentation, as curl sends them", func(credentials string, args ...string) {
		needs("curl")
		t := serveTokens(nil)
		// The options --location --request POST and --data-urlencode are those of the samples.
		all := append([]string{"--silent", "--show-error", "--max-time", "5", "--noproxy", "*", "--cacert", t.file("ca.pem"), "--location", "--request", "POST", t.tokenURL,
			"--data-urlencode", "grant_type=client_credentials"}, args...)
		out, err := exec.Command("curl", all...).Output()
		Expect(err).NotTo(HaveOccurred())
		var answer map[string]any
		Expect(json.Unmarshal(out, &answer)).To(Succeed(), string(out))
		Expect(answer).To(HaveKeyWithValue("token_type", "Bearer"))
		Expect(t.call(answer["access_token"].(string))).To(Equal(200))
		Expect(t.last().TokenRequest).To(Equal(&journal.TokenRequest{Grant: "client_credentials", Credentials: credentials}))
	},
		Entry("body form encoded", "body", "--header", "Content-Type: application/x-www-form-urlencoded",
			"--data-urlencode", "client_id="+clientID, "--data-urlencode", "client_secret="+clientSecret),
		Entry("basic authorization", "basic", "--user", clientID+":"+clientSecret, "--header", "Content-type: application/x-www-form-urlencoded; charset=UTF-8"),
	)

	DescribeTable("refuses a request that is not a token request", func(method, contentType, form, code string, status int, headers ...string) {
		t := serveTokens(nil)
		r, err := http.NewRequest(method, t.tokenURL, strings.NewReader(form))
		Expect(err).NotTo(HaveOccurred())
		r.Header.Set("Content-Type", contentType)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Add(headers[i], headers[i+1])
		}
		answer, err := t.client.Do(r)
		Expect(err).NotTo(HaveOccurred())
		defer func() { Expect(answer.Body.Close()).To(Succeed()) }()
		var got struct {
			Error string `json:"error"`
			Token string `json:"access_token"`
		}
		Expect(json.NewDecoder(answer.Body).Decode(&got)).To(Succeed())
		Expect(got.Error).To(Equal(code))
		Expect(got.Token).To(BeEmpty())
		Expect(answer.StatusCode).To(Equal(status))
		Expect(answer.Header.Get("Content-Type")).To(Equal("application/json"))
		Expect(answer.Header.Get("Cache-Control")).To(Equal("no-store"))
		Expect(answer.Header.Get("WWW-Authenticate") != "").To(Equal(status == 401), "a 401 names its scheme, and nothing else does")
	},
		Entry("a GET", "GET", formType, good, "invalid_request", 405),
		Entry("JSON", "POST", "application/json", `{"grant_type":"client_credentials"}`, "invalid_request", 400),
		Entry("another charset", "POST", formType+"; charset=latin1", good, "invalid_request", 400),
		Entry("no grant", "POST", formType, credentialsForm, "invalid_request", 400),
		Entry("a parameter twice", "POST", formType, good+"&grant_type=password", "invalid_request", 400),
		Entry("a broken escape", "POST", formType, good+"&x=%zz", "invalid_request", 400),
		Entry("credentials in both places", "POST", formType, good, "invalid_request", 400, "Authorization", "Basic eDp5"),
		Entry("another grant", "POST", formType, "grant_type=authorization_code&"+credentialsForm, "unsupported_grant_type", 400),
		Entry("no credentials", "POST", formType, "grant_type=client_credentials", "invalid_client", 401),
		Entry("a wrong secret in the body", "POST", formType, "grant_type=client_credentials&client_id=x&client_secret=y", "invalid_client", 401),
		Entry("Basic without base64", "POST", formType, "grant_type=client_credentials", "invalid_client", 401, "Authorization", "Basic !!"),
		Entry("another scheme", "POST", formType, "grant_type=client_credentials", "invalid_client", 401, "Authorization", "Bearer abc"),
		Entry("a refresh token of somebody else", "POST", formType, "grant_type=refresh_token&refresh_token=x&"+credentialsForm, "invalid_grant", 400),
	)

	It("keeps every secret out of its journal, known or not", func() {
		t := serveTokens(nil)
		secrets := []string{clientSecret, password, "a-wrong-secret", "a-wrong-password", "stolen-refresh-token"}
		for _, form := range []url.Values{
			{"grant_type": {"password"}, "username": {"emmett"}, "password": {password}, "client_id": {clientID}, "client_secret": {clientSecret}},
			{"grant_type": {"password"}, "username": {"emmett"}, "password": {"a-wrong-password"}, "client_id": {clientID}, "client_secret": {"a-wrong-secret"}},
			{"grant_type": {"refresh_token"}, "refresh_token": {"stolen-refresh-token"}},
		} {
			answer, err := t.client.PostForm(t.tokenURL+"?key="+url.QueryEscape(clientSecret), form)
			Expect(err).NotTo(HaveOccurred())
			var got map[string]any
			Expect(json.NewDecoder(answer.Body).Decode(&got)).To(Succeed())
			Expect(answer.Body.Close()).To(Succeed())
			for _, key := range []string{"access_token", "refresh_token"} {
				if s, ok := got[key].(string); ok {
					secrets = append(secrets, s)
					t.call(s)
				}
			}
		}
		answer, err := t.client.Post(t.tokenURL, "application/json", strings.NewReader(`{"client_secret":"a-wrong-secret"}`))
		Expect(err).NotTo(HaveOccurred())
		Expect(answer.Body.Close()).To(Succeed())
		Expect(secrets).To(HaveLen(7), "two more were issued")
		journalled, err := json.Marshal(t.journal.Requests())
		Expect(err).NotTo(HaveOccurred())
		for _, r := range t.journal.Requests() {
			journalled = append(append(journalled, r.Body...), r.Head...)
		}
		for _, secret := range secrets {
			for _, spelling := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret)} {
				Expect(string(journalled)).NotTo(ContainSubstring(spelling))
			}
		}
		Expect(string(t.journal.Requests()[0].Body)).To(ContainSubstring("client_secret=[redacted]"))
		Expect(string(t.journal.Requests()[0].Body)).To(ContainSubstring("username=emmett"))
	})

	It("makes the same tokens from the same seed, and others from another", func() {
		make := func(seed uint64) string {
			i := token.New(token.Options{ClientID: "a", ClientSecret: "b", Seed: seed})
			r, err := http.NewRequest(http.MethodPost, "https://auth.test", nil)
			Expect(err).NotTo(HaveOccurred())
			r.Header.Set("Content-Type", formType)
			return string(i.Answer(i.Read(r, []byte("grant_type=client_credentials&client_id=a&client_secret=b")), time.Now()).Body)
		}
		Expect(make(1)).To(Equal(make(1)))
		Expect(make(1)).NotTo(Equal(make(2)))
	})
})

const formType = "application/x-www-form-urlencoded"

var (
	credentialsForm = url.Values{"client_id": {clientID}, "client_secret": {clientSecret}}.Encode()
	good            = "grant_type=client_credentials&" + credentialsForm
)
