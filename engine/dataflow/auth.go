package dataflow

import (
	"fmt"
	"net/url"
	"strings"
)

// AuthKind is the authentication of the data calls.
type AuthKind string

// The authentications; with the two places of the client credentials they are
// the five of the documentation, and there is no other (R3).
const (
	AuthNone              AuthKind = "none"
	AuthBearer            AuthKind = "bearer"
	AuthPassword          AuthKind = "oauth2-password"
	AuthClientCredentials AuthKind = "oauth2-client-credentials"
)

// Credentials is where the client credentials stand in a token request.
type Credentials string

// The places, in the words of the user interface.
const (
	BodyFormEncoded    Credentials = "body-form-encoded"
	BasicAuthorization Credentials = "basic-authorization"
)

// Auth is the authentication and its documented fields: each kind has exactly
// its own (R4), and the others are empty.
type Auth struct {
	Kind         AuthKind
	Token        Secret      // AuthBearer
	TokenURL     string      // both OAuth 2 kinds
	Credentials  Credentials // AuthClientCredentials
	ClientID     string      // both OAuth 2 kinds
	ClientSecret Secret      // both OAuth 2 kinds
	Username     string      // AuthPassword
	Password     Secret      // AuthPassword
	// URLEncodeBasic form-encodes id and secret before they are joined for
	// BasicAuthorization, as RFC 6749 §2.3.1 wants; the documented sample joins
	// them as they are, which is the default (A67).
	URLEncodeBasic bool
}

// FetchesTokens reports whether data calls carry an access token from a token
// endpoint.
func (a Auth) FetchesTokens() bool { return a.Kind == AuthPassword || a.Kind == AuthClientCredentials }

// authField is one field of an authentication: which kinds have it, and
// whether it is given.
type authField struct {
	path, name string
	given      string
	kinds      []AuthKind
}

func (a Auth) fields() []authField {
	oauth := []AuthKind{AuthPassword, AuthClientCredentials}
	return []authField{
		{"destination.auth.token", "bearer token", a.Token.Reveal(), []AuthKind{AuthBearer}},
		{"destination.auth.tokenURL", "access token URL", a.TokenURL, oauth},
		{"destination.auth.credentials", "client credentials type", string(a.Credentials), oauth[1:]},
		{"destination.auth.clientID", "client ID", a.ClientID, oauth},
		{"destination.auth.clientSecret", "client secret", a.ClientSecret.Reveal(), oauth},
		{"destination.auth.username", "username", a.Username, oauth[:1]},
		{"destination.auth.password", "password", a.Password.Reveal(), oauth[:1]},
	}
}

// validate checks R3, R4 and R5. endpoint is the URL of the data calls: where
// it may be plain http, so may the token URL.
func (a Auth) validate(endpoint string) []Problem {
	switch a.Kind {
	case AuthNone, AuthBearer, AuthPassword, AuthClientCredentials:
	default:
		return []Problem{{"destination.auth.type", fmt.Sprintf("%q is not one of the five authentications", a.Kind),
			"use none, bearer, oauth2-password, or oauth2-client-credentials with body-form-encoded or basic-authorization", Error}}
	}
	var problems []Problem
	for _, f := range a.fields() {
		if message, hint := f.problem(a.Kind); message != "" {
			problems = append(problems, Problem{f.path, message, hint, Error})
		}
	}
	if a.URLEncodeBasic && a.Credentials != BasicAuthorization {
		problems = append(problems, Problem{"destination.auth.urlEncodeBasic", "only basic-authorization has credentials to encode", "leave it out", Error})
	}
	if a.Kind == AuthClientCredentials && strings.TrimSpace(string(a.Credentials)) != "" {
		problems = append(problems, a.validateCredentials()...)
	}
	if a.FetchesTokens() && strings.TrimSpace(a.TokenURL) != "" {
		problems = append(problems, a.validateTokenURL(endpoint)...)
	}
	return problems
}

// problem is what is wrong with a field for a kind; the value is never
// repeated, since most are secret.
func (f authField) problem(kind AuthKind) (message, hint string) {
	mine := false
	for _, k := range f.kinds {
		mine = mine || k == kind
	}
	switch {
	case !mine && f.given != "":
		return fmt.Sprintf("authentication %s does not have a %s", kind, f.name), "leave it out, or use " + string(f.kinds[0])
	case mine && strings.TrimSpace(f.given) == "":
		return fmt.Sprintf("authentication %s needs a %s", kind, f.name), "add it: each authentication has exactly its own fields"
	case mine && strings.ContainsFunc(f.given, IsControl):
		return fmt.Sprintf("the %s has a control character", f.name), "remove it"
	}
	return "", ""
}

func (a Auth) validateCredentials() []Problem {
	switch {
	case a.Credentials != BodyFormEncoded && a.Credentials != BasicAuthorization:
		return []Problem{{"destination.auth.credentials", fmt.Sprintf("%q is not a client credentials type", a.Credentials), "use body-form-encoded or basic-authorization", Error}}
	case a.Credentials == BasicAuthorization && !a.URLEncodeBasic && strings.Contains(a.ClientID, ":"):
		return []Problem{{"destination.auth.clientID", "in Basic authorization a colon in the client ID looks like the separator before the secret",
			"use urlEncodeBasic, or body-form-encoded", Error}}
	}
	return nil
}

// validateTokenURL checks R5: of a token URL the documentation says that more
// than one query parameter can lead to issues when connecting. An empty
// parameter counts (A66).
func (a Auth) validateTokenURL(endpoint string) []Problem {
	const at = "destination.auth.tokenURL"
	u, err := url.Parse(a.TokenURL)
	if err != nil {
		return []Problem{{at, "not a URL", "use an absolute https URL", Error}}
	}
	var problems []Problem
	level := Error
	if a.Kind == AuthPassword {
		level = Warning // the page warns of client credentials alone
	}
	if parameters := strings.Count(u.RawQuery, "&") + 1; parameters > 1 {
		problems = append(problems, Problem{at, fmt.Sprintf("the access token URL has %d query parameters, and more than one can lead to issues when connecting", parameters),
			"keep at most one; an empty parameter between two & counts", level})
	}
	data, err := url.Parse(endpoint)
	plain := err == nil && data.Scheme == "http"
	switch {
	case u.Scheme == "http" && u.Host != "" && !plain:
		problems = append(problems, Problem{at, "plain http would expose the client secret on the network", "use an https URL", Error})
	case u.Scheme != "https" && u.Scheme != "http", u.Host == "":
		problems = append(problems, Problem{at, "not an absolute https URL", "write it as https://host/path", Error})
	case u.Fragment != "" || strings.HasSuffix(a.TokenURL, "#"):
		problems = append(problems, Problem{at, "a fragment never reaches a server", "remove everything from the # on", Error})
	case u.User != nil:
		problems = append(problems, Problem{at, "credentials within the URL", "use the client ID and client secret fields", Error})
	}
	return problems
}
