package delivery

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/internal/strictjson/strictjsontest"
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

const goodToken = `{"access_token":"abc","token_type":"bearer","expires_in":3600,"refresh_token":"again"}`

// fetcher is a sender whose token URL is served by a function.
func fetcher(a dataflow.Auth, tokenURL string) *Sender {
	return sender("https://receiver.test/in", func(c *Config) {
		a.TokenURL = tokenURL
		c.Destination.Auth = a
		c.Destination.Headers, c.Destination.QueryParameters = "X-Tenant:acme", "source=aep"
	})
}

var (
	bodyAuth     = dataflow.Auth{Kind: dataflow.AuthClientCredentials, Credentials: dataflow.BodyFormEncoded, ClientID: "hill valley", ClientSecret: "1.21:gw/50%+&=é"}
	basicAuth    = dataflow.Auth{Kind: dataflow.AuthClientCredentials, Credentials: dataflow.BasicAuthorization, ClientID: "hill valley", ClientSecret: "1.21:gw/50%+&=é"}
	passwordAuth = dataflow.Auth{Kind: dataflow.AuthPassword, ClientID: "i", ClientSecret: "s", Username: "emmett brown", Password: "gr&at"}
)

var _ = onEach("A token request on the wire", func() {
	DescribeTable("is as documented on the wire",
		func(a dataflow.Auth, op engine.Operation, body string, headers http.Header) {
			var got *http.Request
			var text string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				got, text = r, string(b)
				_, _ = io.WriteString(w, goodToken)
			}))
			DeferCleanup(server.Close)
			op.Kind = engine.Token
			r := fetcher(a, server.URL+"/token?one=1").Token(op).Do(context.Background())
			Expect(r.Issued).To(Equal(&engine.Issued{Access: "abc", Refresh: "again", ExpiresIn: time.Hour}))
			Expect(got.Method).To(Equal("POST"))
			Expect(got.RequestURI).To(Equal("/token?one=1"))
			Expect(text).To(Equal(body))
			headers.Set("User-Agent", "httpdest")
			headers.Set("Content-Length", fmt.Sprint(len(body)))
			Expect(got.Header).To(Equal(headers))
		},
		Entry("credentials in the body, encoded as curl does", bodyAuth, engine.Operation{Grant: engine.ClientCredentials},
			"grant_type=client_credentials&client_id=hill%20valley&client_secret=1.21%3Agw%2F50%25%2B%26%3D%C3%A9",
			http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}),
		Entry("Basic authorization, ID and secret as they are", basicAuth, engine.Operation{Grant: engine.ClientCredentials},
			"grant_type=client_credentials",
			http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=UTF-8"}, "Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("hill valley:1.21:gw/50%+&=é"))}}),
		Entry("Basic authorization, encoded first", encoded(basicAuth), engine.Operation{Grant: engine.ClientCredentials},
			"grant_type=client_credentials",
			http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=UTF-8"}, "Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("hill+valley:1.21%3Agw%2F50%25%2B%26%3D%C3%A9"))}}),
		Entry("the password grant", passwordAuth, engine.Operation{Grant: engine.Password},
			"grant_type=password&username=emmett%20brown&password=gr%26at&client_id=i&client_secret=s",
			http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}),
		Entry("a refresh, credentials in the body", passwordAuth, engine.Operation{Grant: engine.Refresh, Token: "a b"},
			"grant_type=refresh_token&refresh_token=a%20b&client_id=i&client_secret=s",
			http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}),
		Entry("a refresh with Basic authorization", basicAuth, engine.Operation{Grant: engine.Refresh, Token: "again"},
			"grant_type=refresh_token&refresh_token=again",
			http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=UTF-8"}, "Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("hill valley:1.21:gw/50%+&=é"))}}),
	)
})

func encoded(a dataflow.Auth) dataflow.Auth {
	a.URLEncodeBasic = true
	return a
}

var _ = onEach("A token request", func() {
	ask := engine.Operation{Kind: engine.Token, Grant: engine.ClientCredentials}

	It("has a socket of its own, which is closed after it", func() {
		var remotes []string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			remotes = append(remotes, r.RemoteAddr)
			_, _ = io.WriteString(w, goodToken)
		}))
		DeferCleanup(server.Close)
		s := sender(server.URL, func(c *Config) { c.Destination.Auth = bodyAuth; c.Destination.Auth.TokenURL = server.URL })
		do(s, false)
		x := s.Token(ask)
		Expect(x.Do(context.Background()).Issued).NotTo(BeNil())
		Expect(s.Finish(x)).To(BeNil())
		do(s, false)
		Expect(remotes).To(HaveLen(3))
		Expect(remotes[0]).To(Equal(remotes[2]), "the data endpoint keeps its socket")
		Expect(remotes[1]).NotTo(Equal(remotes[0]))
	})

	It("is not sent on to where a redirect points", func() {
		calls := 0
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			calls++
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}))
		DeferCleanup(server.Close)
		r := fetcher(bodyAuth, server.URL).Token(ask).Do(context.Background())
		Expect(r.Issued).To(BeNil())
		Expect(r.Outcome.Status).To(Equal(307))
		Expect(calls).To(Equal(1))
	})

	It("reads no more than a token needs", func() {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"access_token":"`+strings.Repeat("x", MaxTokenBody)+`"}`)
		}))
		DeferCleanup(server.Close)
		r := fetcher(bodyAuth, server.URL).Token(ask).Do(context.Background())
		Expect(r.Outcome.Kind).To(Equal(retry.TooLarge))
		Expect(r.Issued).To(BeNil())
	})

	It("ends when its budget is spent", func() {
		s := fetcher(bodyAuth, raw(func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }))
		ctx, cancel := context.WithCancelCause(context.Background())
		x := s.Token(ask)
		x.OnWritten = func() { cancel(ErrDeadline) }
		Expect(x.Do(ctx).Outcome).To(Equal(retry.Outcome{Kind: retry.Timeout, Reason: "no-answer-in-time"}))
	})
})

func TestParseToken(t *testing.T) {
	tests := []struct {
		name, body string
		want       engine.Issued
		problem    string
	}{
		{"all of it", goodToken, engine.Issued{Access: "abc", Refresh: "again", ExpiresIn: time.Hour}, ""},
		{"the token alone", `{"access_token":"abc"}`, engine.Issued{Access: "abc"}, ""},
		{"the type in capitals", `{"access_token":"abc","token_type":"BEARER"}`, engine.Issued{Access: "abc"}, ""},
		{"more than was asked for", `{"access_token":"abc","scope":"a","x":{"access_token":"no"}}`, engine.Issued{Access: "abc"}, ""},
		{"a lifetime as text", `{"access_token":"abc","expires_in":"60"}`, engine.Issued{Access: "abc", ExpiresIn: time.Minute}, ""},
		{"a lifetime with a fraction", `{"access_token":"abc","expires_in":0.5}`, engine.Issued{Access: "abc", ExpiresIn: 500 * time.Millisecond}, ""},
		{"a lifetime of nothing", `{"access_token":"abc","expires_in":0}`, engine.Issued{Access: "abc"}, ""},
		{"a lifetime in the past", `{"access_token":"abc","expires_in":-5}`, engine.Issued{Access: "abc"}, ""},
		{"a lifetime in words", `{"access_token":"abc","expires_in":"soon"}`, engine.Issued{Access: "abc"}, ""},
		{"a lifetime of null", `{"access_token":"abc","expires_in":null,"refresh_token":null}`, engine.Issued{Access: "abc"}, ""},
		{"longer than anything", `{"access_token":"abc","expires_in":1e300}`, engine.Issued{Access: "abc", ExpiresIn: longestLifetime}, ""},
		{"nothing", ``, engine.Issued{}, "not-json"},
		{"null", `null`, engine.Issued{}, "not-json"},
		{"a list", `["abc"]`, engine.Issued{}, "not-json"},
		{"a page", `<html>`, engine.Issued{}, "not-json"},
		{"a form", `access_token=abc`, engine.Issued{}, "not-json"},
		{"cut off", `{"access_token":"abc"`, engine.Issued{}, "not-json"},
		{"something after it", `{"access_token":"abc"} {}`, engine.Issued{}, "not-json"},
		{"another name", `{"accessToken":"abc"}`, engine.Issued{}, "missing"},
		{"the name in capitals", `{"ACCESS_TOKEN":"abc"}`, engine.Issued{}, "missing"},
		{"an empty token", `{"access_token":""}`, engine.Issued{}, "missing"},
		{"a number", `{"access_token":42}`, engine.Issued{}, "missing"},
		{"two headers in one", "{\"access_token\":\"abc\\r\\nX-Admin: 1\"}", engine.Issued{}, "malformed"},
		{"a space in it", `{"access_token":"abc def"}`, engine.Issued{}, "malformed"},
		{"another alphabet", `{"access_token":"абв"}`, engine.Issued{}, "malformed"},
		{"another type", `{"access_token":"abc","token_type":"mac"}`, engine.Issued{}, "of-another-type"},
		{"a type that is none", `{"access_token":"abc","token_type":1}`, engine.Issued{}, "of-another-type"},
	}
	for _, tt := range tests {
		got, problem := parseToken([]byte(tt.body))
		if problem != tt.problem || (got != nil) != (problem == "") || got != nil && *got != tt.want {
			t.Errorf("%s: parseToken = %#v, %q; want %#v, %q", tt.name, got, problem, tt.want, tt.problem)
		}
	}
}

// Whatever a token endpoint answers, there is a token that can stand in a
// header and live for a while, or a reason of few words.
func FuzzParseToken(f *testing.F) {
	for _, seed := range []string{goodToken, `{}`, `[]`, `null`, `{"access_token":"a","expires_in":"1e9","token_type":"Bearer"}`,
		`{"access_token":"a\u0000"}`, "{\"access_token\":\"\xff\"}", `{"access_token":"a","expires_in":-0.0}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, problem := parseToken(body)
		switch {
		case (got == nil) == (problem == ""):
			t.Fatalf("parseToken = %v, %q", got, problem)
		case got == nil:
			if strings.ContainsAny(problem, " \"{") || len(problem) > 20 {
				t.Fatalf("the problem %q is no word", problem)
			}
			return
		}
		token := got.Access.Reveal()
		if token == "" || strings.Trim(token, " \t\r\n") != token || strings.ContainsAny(token, "\r\n\x00 ") {
			t.Errorf("the token %q cannot stand in a header", token)
		}
		if got.ExpiresIn < 0 || got.ExpiresIn > longestLifetime {
			t.Errorf("it lives for %s", got.ExpiresIn)
		}
	})
}

// A response is read exactly when strictjson accepts it.
func TestTokenStrictness(t *testing.T) {
	for _, i := range strictjsontest.All() {
		body := `{"access_token":"abc","v":` + i.Text + `}`
		issued, problem := parseToken([]byte(body))
		if accepted := i.Accepted(1); (issued != nil) != accepted || !accepted && problem != "not-json" {
			t.Errorf("%s: parseToken(%.80q) = %v, %q", i.Name, body, issued, problem)
		}
		if _, problem := parseToken([]byte(i.Text)); i.Reason != "" && problem != "not-json" {
			t.Errorf("%s: parseToken(%.80q) has the problem %q", i.Name, i.Text, problem)
		}
	}
}
