package delivery

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
)

// parsed is what a server reads of a request.
type parsed struct {
	Method, URI, Host, Body string
	Length                  int64
	Header                  http.Header
}

func parse(t *testing.T, text []byte) parsed {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(text)))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	return parsed{r.Method, r.RequestURI, r.Host, string(body), r.ContentLength, r.Header}
}

// The direct writer writes what net/http would have written: wherever the
// endpoint is, whatever the headers are, and for every kind of request.
func TestHeadIsThatOfNetHTTP(t *testing.T) {
	auth := dataflow.Auth{Kind: dataflow.AuthClientCredentials, Credentials: dataflow.BodyFormEncoded, ClientID: "id", ClientSecret: "s3cret", TokenURL: "https://tokens.example:8443/a b?x=1#f"}
	for _, endpoint := range []string{"http://127.0.0.1:8080", "https://receiver.example/in?a=b&c=%2F", "https://[::1]:8443/%C3%A4/b%2Fc;d", "http://bücher.example:80/ü?q=ü",
		"https://RECEIVER.example:443//x/../y", "http://[fe80::1%25eth0]:80/z"} {
		for _, headers := range []string{"", "X-Tenant:acme,x-tenant:backup,X-Empty:", "User-Agent:own/1.0,accept-encoding:gzip,X-Tab:a\tb"} {
			s := New(Config{Transport: Blocking, UserAgent: "httpdest/1", Destination: dataflow.Destination{Endpoint: endpoint, Headers: headers, QueryParameters: "source=aep", Auth: auth}})
			m := &engine.Message{Body: []byte(`{"a":"ü"}`)}
			attempt := s.Describe(engine.Operation{Kind: engine.Attempt, Message: m, Token: "t0ken"})
			for _, x := range []*Exchange{attempt, s.Decision(engine.Operation{}), s.Token(engine.Operation{Kind: engine.Token, Grant: engine.ClientCredentials})} {
				got, err := x.appendHead(nil)
				if err != nil {
					t.Fatal(err)
				}
				request := x.request(context.Background())
				if len(x.Body) > 0 {
					request.Body = io.NopCloser(bytes.NewReader(x.Body))
				}
				var want bytes.Buffer
				if err := request.Write(&want); err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(parse(t, want.Bytes()), parse(t, append(got, x.Body...))); diff != "" {
					t.Errorf("%s to %s with %q: -net/http +direct\n%s", x.Method, endpoint, headers, diff)
				}
			}
		}
	}
}

// A value that would end its header is sent by neither.
func TestHeadHasNoLineBreaks(t *testing.T) {
	s := New(Config{Transport: Blocking, Destination: dataflow.Destination{Endpoint: "http://receiver.example", Auth: dataflow.Auth{Kind: dataflow.AuthNone}}})
	for _, value := range []string{"a\r\nX-Evil: 1", "a\nb", "a\x00", "a\x7f"} {
		x := s.Describe(engine.Operation{Message: &engine.Message{}})
		x.Headers = append(x.Headers, dataflow.Header{Name: "X-Token", Value: value})
		_, err := x.appendHead(nil)
		if err == nil || !strings.Contains(err.Error(), "X-Token") || strings.Contains(err.Error(), value) {
			t.Errorf("%q: %v; want an error that names the header and not its value", value, err)
		}
	}
}
