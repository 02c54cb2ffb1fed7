package dataflow

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/engine/audience"
)

func ofKind(kind AuthKind, change func(*Auth)) Auth {
	a := Auth{Kind: kind}
	switch kind {
	case AuthBearer:
		a.Token = "s3cret"
	case AuthPassword:
		a.TokenURL, a.ClientID, a.ClientSecret, a.Username, a.Password = "https://auth.test/token", "acme", "s3cret", "emmett", "gr3at"
	case AuthClientCredentials:
		a.TokenURL, a.ClientID, a.ClientSecret, a.Credentials = "https://auth.test/token", "acme", "s3cret", BodyFormEncoded
	}
	if change != nil {
		change(&a)
	}
	return a
}

// R3, R4: exactly five authentications, each with exactly its fields.
func TestFiveAuthentications(t *testing.T) {
	right := []Auth{
		ofKind(AuthNone, nil), ofKind(AuthBearer, nil), ofKind(AuthPassword, nil), ofKind(AuthClientCredentials, nil),
		ofKind(AuthClientCredentials, func(a *Auth) { a.Credentials = BasicAuthorization }),
	}
	for _, a := range right {
		if p := a.validate("https://receiver.test"); len(p) > 0 {
			t.Errorf("%s %s: %v", a.Kind, a.Credentials, p)
		}
	}
	set := map[string]func(*Auth, string){
		"destination.auth.token":        func(a *Auth, s string) { a.Token = Secret(s) },
		"destination.auth.tokenURL":     func(a *Auth, s string) { a.TokenURL = s },
		"destination.auth.credentials":  func(a *Auth, s string) { a.Credentials = Credentials(s) },
		"destination.auth.clientID":     func(a *Auth, s string) { a.ClientID = s },
		"destination.auth.clientSecret": func(a *Auth, s string) { a.ClientSecret = Secret(s) },
		"destination.auth.username":     func(a *Auth, s string) { a.Username = s },
		"destination.auth.password":     func(a *Auth, s string) { a.Password = Secret(s) },
	}
	for _, a := range right {
		for path, change := range set {
			blank, other := a, a
			change(&blank, " ")
			change(&other, "")
			mine := len(other.validate("https://receiver.test")) > 0 // it cannot be left out
			if got := blank.validate("https://receiver.test"); len(got) != 1 || got[0].Path != path {
				t.Errorf("%s with a blank %s: %v", a.Kind, path, got)
			}
			if want := fieldOf(a.Kind, path); mine != want {
				t.Errorf("%s needs %s: %t; want %t", a.Kind, path, mine, want)
			}
		}
	}
	for _, kind := range []AuthKind{"", "basic", "oauth2", "None", "oauth2-authorization-code"} {
		if p := ofKind(kind, nil).validate("https://receiver.test"); len(p) != 1 || p[0].Path != "destination.auth.type" {
			t.Errorf("kind %q: %v; want one problem of auth.type", kind, p)
		}
	}
}

// fieldOf is the table of the documentation.
func fieldOf(kind AuthKind, path string) bool {
	return strings.Contains(map[AuthKind]string{
		AuthBearer:            " token ",
		AuthPassword:          " tokenURL clientID clientSecret username password ",
		AuthClientCredentials: " tokenURL credentials clientID clientSecret ",
	}[kind], " "+strings.TrimPrefix(path, "destination.auth.")+" ")
}

// R5, A65, A66: what a token URL may be.
func TestTokenURL(t *testing.T) {
	tests := []struct {
		url      string
		endpoint string
		wants    string // a part of the message, "" for no problem
	}{
		{"https://auth.test/token", "https://r.test", ""},
		{"https://auth.test/token?", "https://r.test", ""},
		{"https://auth.test/token?one=1", "https://r.test", ""},
		{"https://auth.test/token?one=1&two=2", "https://r.test", "2 query parameters"},
		{"https://auth.test/token?one=1&", "https://r.test", "2 query parameters"},
		{"https://auth.test/token?&", "https://r.test", "2 query parameters"},
		{"https://auth.test/token?a&b&c", "https://r.test", "3 query parameters"},
		{"https://auth.test/token?one=1%26two=2", "https://r.test", ""},
		{"http://auth.test/token", "https://r.test", "plain http"},
		{"http://auth.test/token", "http://r.test", ""},
		{"https://auth.test/token", "http://r.test", ""},
		{"https://auth.test/token#x", "https://r.test", "fragment"},
		{"https://auth.test/token#", "https://r.test", "fragment"},
		{"https://u:p@auth.test/token", "https://r.test", "credentials"},
		{"/token", "https://r.test", "absolute"},
		{"ftp://auth.test/token", "https://r.test", "absolute"},
		{"https:///token", "https://r.test", "absolute"},
		{"https://auth.test/%zz", "https://r.test", "not a URL"},
	}
	for _, tt := range tests {
		a := ofKind(AuthClientCredentials, func(a *Auth) { a.TokenURL = tt.url })
		p := a.validate(tt.endpoint)
		if tt.wants == "" && len(p) > 0 || tt.wants != "" && (len(p) != 1 || p[0].Path != "destination.auth.tokenURL" || !strings.Contains(p[0].Message, tt.wants)) {
			t.Errorf("%s beside %s: %v; want %q", tt.url, tt.endpoint, p, tt.wants)
		}
		for _, problem := range p {
			if strings.Contains(problem.String(), "u:p") {
				t.Errorf("the problem shows a credential: %s", problem)
			}
		}
	}
}

// A66: the documentation warns of client credentials alone; with the password
// grant the same URL is worth a warning, not an error.
func TestTokenURLOfThePasswordGrant(t *testing.T) {
	f := valid()
	f.Destination.Auth = ofKind(AuthPassword, func(a *Auth) { a.TokenURL = "https://auth.test/token?a=1&b=2" })
	directory := audience.NewDirectory(audience.Audience{Ref: a1})
	if err := f.Validate(directory); err != nil {
		t.Errorf("Validate = %v; want nil", err)
	}
	var found []Problem
	for _, p := range f.Problems(directory) {
		if p.Path == "destination.auth.tokenURL" {
			found = append(found, p)
		}
	}
	if len(found) != 1 || found[0].Level != Warning {
		t.Errorf("problems of the token URL = %v; want one warning", found)
	}
}

func TestBasicCredentials(t *testing.T) {
	basic := func(change func(*Auth)) []Problem {
		return ofKind(AuthClientCredentials, func(a *Auth) { a.Credentials = BasicAuthorization; change(a) }).validate("https://r.test")
	}
	if p := basic(func(a *Auth) { a.ClientID = "a:b" }); len(p) != 1 || p[0].Path != "destination.auth.clientID" {
		t.Errorf("a colon in the client ID: %v", p)
	}
	if p := basic(func(a *Auth) { a.ClientID, a.URLEncodeBasic = "a:b", true }); len(p) > 0 {
		t.Errorf("a colon that is encoded: %v", p)
	}
	if p := basic(func(a *Auth) { a.Credentials, a.URLEncodeBasic = BodyFormEncoded, true }); len(p) != 1 || p[0].Path != "destination.auth.urlEncodeBasic" {
		t.Errorf("nothing to encode: %v", p)
	}
	if p := basic(func(a *Auth) { a.Credentials = "query" }); len(p) != 1 || p[0].Path != "destination.auth.credentials" {
		t.Errorf("another place: %v", p)
	}
}

// R32: no spelling of an authentication shows its secrets, and neither does a
// problem with one of them.
func TestNoAuthenticationShowsItsSecrets(t *testing.T) {
	for _, a := range []Auth{ofKind(AuthBearer, nil), ofKind(AuthPassword, nil), ofKind(AuthClientCredentials, nil),
		ofKind(AuthBearer, func(a *Auth) { a.Token = "s3cret\r\n" }), ofKind(AuthNone, func(a *Auth) { a.Token, a.Password = "s3cret", "gr3at" })} {
		j, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{fmt.Sprint(a), fmt.Sprintf("%+v %#v %q", a, a, a.ClientSecret), string(j), fmt.Sprint(a.validate("https://r.test"))} {
			if strings.Contains(text, "s3cret") || strings.Contains(text, "gr3at") {
				t.Errorf("%s: a secret shows in %q", a.Kind, text)
			}
		}
	}
}
