package token

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/httpdest/httpdest/mockendpoint/journal"
)

// Only one Authorization header, of the scheme Bearer and with an issued token
// and nothing else in it, lets a data call in.
func TestCheck(t *testing.T) {
	began := time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)
	i := New(Options{ClientID: "acme", ClientSecret: "s3cret", ExpiresIn: time.Hour, Refresh: true, Seed: 1})
	i.Answer(Request{Grant: "client_credentials", method: http.MethodPost}, began)
	first := i.make("access")
	i.Answer(Request{Grant: "client_credentials", method: http.MethodPost}, began.Add(time.Minute))
	second := i.make("access")
	for name, c := range map[string]struct {
		headers []string
		at      time.Duration
		want    journal.Authorization
		number  int
	}{
		"the first token":                {[]string{"Bearer " + first}, time.Minute, journal.Accepted, 1},
		"the second token":               {[]string{"Bearer " + second}, time.Minute, journal.Accepted, 2},
		"the scheme in lower case":       {[]string{"bearer " + first}, time.Minute, journal.Accepted, 1},
		"something behind the token":     {[]string{"Bearer " + first + "X"}, 0, journal.Wrong, 0},
		"a word behind the token":        {[]string{"Bearer " + first + " X"}, 0, journal.Wrong, 0},
		"a token cut short":              {[]string{"Bearer " + first[:len(first)-1]}, 0, journal.Wrong, 0},
		"two spaces":                     {[]string{"Bearer  " + first}, 0, journal.Wrong, 0},
		"the token alone":                {[]string{first}, 0, journal.Wrong, 0},
		"the scheme alone":               {[]string{"Bearer"}, 0, journal.Wrong, 0},
		"no value":                       {[]string{""}, 0, journal.Wrong, 0},
		"another scheme":                 {[]string{"Basic " + first}, 0, journal.Wrong, 0},
		"a refresh token":                {[]string{"Bearer " + refreshOf(i)}, 0, journal.Wrong, 0},
		"the right header twice":         {[]string{"Bearer " + first, "Bearer " + first}, 0, journal.Wrong, 0},
		"a wrong header after the right": {[]string{"Bearer " + first, "Bearer x"}, 0, journal.Wrong, 0},
		"a wrong header before":          {[]string{"Bearer x", "Bearer " + first}, 0, journal.Wrong, 0},
		"no header":                      {nil, 0, journal.Missing, 0},
		"the last moment":                {[]string{"Bearer " + first}, time.Hour - 1, journal.Accepted, 1},
		"the end of the first":           {[]string{"Bearer " + first}, time.Hour, journal.Expired, 1},
		"the second after that":          {[]string{"Bearer " + second}, time.Hour, journal.Accepted, 2},
	} {
		if got, number := i.Check(c.headers, began.Add(c.at)); got != c.want || number != c.number {
			t.Errorf("%s: %s, token %d; want %s, token %d", name, got, number, c.want, c.number)
		}
	}
}

// refreshOf is a refresh token that is good.
func refreshOf(i *Issuer) string {
	for token := range i.refreshes {
		return token
	}
	return ""
}

// A client is known by its id and its secret together, in the body or in one
// header of the scheme Basic.
func TestClient(t *testing.T) {
	i := New(Options{ClientID: "acme", ClientSecret: "s3cret"})
	pair := func(id, secret string) string { return base64.StdEncoding.EncodeToString([]byte(id + ":" + secret)) }
	for name, c := range map[string]struct {
		form    url.Values
		headers []string
		problem string
	}{
		"both in the body":          {url.Values{"client_id": {"acme"}, "client_secret": {"s3cret"}}, nil, ""},
		"both in the header":        {nil, []string{"Basic " + pair("acme", "s3cret")}, ""},
		"the id alone":              {url.Values{"client_id": {"acme"}}, nil, "invalid_client"},
		"the id, an empty secret":   {url.Values{"client_id": {"acme"}, "client_secret": {""}}, nil, "invalid_client"},
		"the secret alone":          {url.Values{"client_secret": {"s3cret"}}, nil, "invalid_client"},
		"another id":                {url.Values{"client_id": {"acme2"}, "client_secret": {"s3cret"}}, nil, "invalid_client"},
		"the secret and more":       {url.Values{"client_id": {"acme"}, "client_secret": {"s3cretX"}}, nil, "invalid_client"},
		"a header without a secret": {nil, []string{"Basic " + pair("acme", "")}, "invalid_client"},
		"a header without a colon":  {nil, []string{"Basic " + base64.StdEncoding.EncodeToString([]byte("acme"))}, "invalid_client"},
		"a header twice":            {nil, []string{"Basic " + pair("acme", "s3cret"), "Basic " + pair("acme", "s3cret")}, "invalid_client"},
		"another scheme":            {nil, []string{"Digest " + pair("acme", "s3cret")}, "invalid_client"},
		"an id beside the header":   {url.Values{"client_id": {"acme"}}, []string{"Basic " + pair("acme", "s3cret")}, "invalid_request"},
		"nobody":                    {nil, nil, "invalid_client"},
	} {
		form := url.Values{"grant_type": {"client_credentials"}}
		for key, values := range c.form {
			form[key] = values
		}
		r := &http.Request{Method: http.MethodPost, Header: http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Authorization": c.headers}}
		if got := i.Read(r, []byte(form.Encode())); got.problem != c.problem {
			t.Errorf("%s: %q; want %q", name, got.problem, c.problem)
		}
	}
}
