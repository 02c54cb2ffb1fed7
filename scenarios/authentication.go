package scenarios

import (
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

var (
	authTypes        = []string{"none", "bearer", "oauth2-password", "oauth2-client-credentials"}
	credentialsTypes = []string{"body-form-encoded", "basic-authorization"}
	// tokenResults are how a token request ends.
	tokenResults = []string{"issued", "refused", "timeout", "unreachable", "tls", "not-json", "missing", "malformed", "of-another-type", "too-large", "expired"}
	grants       = []string{"client_credentials", "password", "refresh_token"}
)

// authFields are the fields of each authentication apart from its type,
// required ones first; a field may be left out from the optional-th on.
var authFields = map[string]struct {
	fields   []string
	optional int
}{
	"none":                      {nil, 0},
	"bearer":                    {[]string{"token"}, 1},
	"oauth2-password":           {[]string{"clientID", "clientSecret", "username", "password", "tokenURL"}, 4},
	"oauth2-client-credentials": {[]string{"credentials", "clientID", "clientSecret", "tokenURL", "urlEncodeBasic"}, 3},
}

// auth reads the authentication of the data calls: exactly the five kinds, each
// with exactly its fields.
func (r *reader) auth(n *yaml.Node) Auth {
	a := Auth{Type: "none"}
	o := r.object(n, "auth")
	if o == nil {
		return a
	}
	a.Pos = r.pos(o.node)
	t := r.configuredWord(o.require("type", "write "+oneOf(authTypes)), "type", authTypes...)
	a.Token, _ = o.secret("token")
	a.ClientSecret, _ = o.secret("clientSecret")
	a.Password, _ = o.secret("password")
	a.ClientID, a.Username = r.configured(o.take("clientID"), "clientID"), r.configured(o.take("username"), "username")
	a.TokenURL = r.tokenURL(o.take("tokenURL"))
	if c := o.take("credentials"); c != nil {
		a.Credentials = r.configuredWord(c, "credentials", credentialsTypes...)
	}
	a.URLEncodeBasic = o.flag("urlEncodeBasic", false)
	o.end()
	if t == "" {
		return a
	}
	a.Type = t
	r.authFields(o, t)
	if a.Credentials == "body-form-encoded" && o.has("urlEncodeBasic") {
		r.refuse(o.at("urlEncodeBasic"), "use credentials: basic-authorization, or leave it out", "auth: body-form-encoded has no Basic credentials to encode")
	}
	if !a.FetchesTokens() && !o.has("tokenURL") {
		a.TokenURL = ""
	}
	return a
}

// authFields reports fields that are missing, blank or of another kind.
func (r *reader) authFields(o *object, kind string) {
	const hint = "each authentication has exactly its own fields"
	own := authFields[kind]
	for i, name := range own.fields {
		n := o.valueOf(name)
		switch {
		case n == nil && i < own.optional && !o.has(name):
			r.refuse(o.node, "add "+name+": …", "auth: %s needs %s", kind, name)
		case n != nil && isText(n) && strings.TrimSpace(n.Value) == "" && name != "clientID" && name != "username":
			r.refuse(o.at(name), "give it; "+hint, "auth: %s is blank", name)
		}
	}
	for _, f := range o.fields {
		if f.name != "type" && slices.Contains(o.asked, f.name) && !slices.Contains(own.fields, f.name) {
			r.refuse(f.key, "leave it out, or use another type; "+hint, "auth: %s has no field %s", kind, f.name)
		}
	}
}

// tokenURL is where tokens come from: the mock's token endpoint, with a query
// where one is given, or a URL of its own, which nothing in a run answers.
func (r *reader) tokenURL(n *yaml.Node) string {
	if n == nil {
		return "mock"
	}
	u := r.noControl(n, "tokenURL")
	if rest, mock := strings.CutPrefix(u, "mock"); isText(n) && u != "" && !strings.Contains(u, "://") && !(mock && (rest == "" || rest[0] == '?' || rest[0] == '#')) {
		r.refuse(n, "use mock, mock?one=1, or an absolute URL", "tokenURL: %q must be mock or a URL", short(u))
	}
	return u
}

// tokenEndpoint reads `endpoint.token`.
func (r *reader) tokenEndpoint(parent *object) TokenEndpoint {
	a := r.to.Auth
	o := r.object(parent.take("token"), "token")
	if !a.FetchesTokens() {
		if o != nil {
			r.problem(parent.at("token"), "use auth: {type: oauth2-client-credentials, …}", "token: the destination fetches no tokens")
		}
		return TokenEndpoint{}
	}
	e := TokenEndpoint{ExpiresIn: time.Hour, ClientSecret: a.ClientSecret}
	if o == nil {
		return e
	}
	e.Pos = r.pos(o.node)
	if n := o.take("expiresIn"); n != nil {
		e.ExpiresIn = r.lifetime(n)
	}
	e.Refresh = o.flag("refresh", false)
	e.Rotate = o.flag("rotate", false)
	if e.Rotate && !e.Refresh {
		r.problem(o.at("rotate"), "add refresh: true", "rotate needs refresh: there is nothing to rotate")
	}
	if secret, given := o.secret("clientSecret"); given {
		e.ClientSecret = secret
	}
	o.end()
	return e
}

// lifetime reads the lifetime of an access token; 0 is an unlimited one, which
// the endpoint leaves out.
func (r *reader) lifetime(n *yaml.Node) time.Duration {
	if isText(n) && n.Value == "none" {
		return 0
	}
	d, ok := r.duration(n, "expiresIn")
	if ok && d < time.Second {
		r.problem(n, "write 1s or more, or none", "expiresIn must be in whole seconds")
	}
	return d
}

// tokenLine reads an expectation about token requests.
func (r *reader) tokenLine(o *object, e *Expectation) {
	o.what = "a token expectation"
	e.Token = r.word(o.take("token"), "token", tokenResults...)
	if n := o.take("grant"); n != nil {
		e.Grant = r.word(n, "grant", grants...)
	}
	e.Times = int(o.integer("times", 1, maxSteps, 1))
	o.exclude("token", "make it two lines", "profile", "profiles", "handshakes")
}
