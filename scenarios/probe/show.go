package probe

import (
	"encoding/base64"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/reports"
)

// maxShown is how much of a body is shown, in bytes.
const maxShown = 2000

// redactor takes credentials out of everything that is shown (R32).
type redactor struct {
	secrets []*regexp.Regexp
	known   map[string]bool
	headers map[string]bool // names of custom headers, lower case
	query   map[string]bool // configured pairs
}

const redacted = "[redacted]"

// shortest is the length from which a secret is looked for: what is shorter
// would be found in every other word.
const shortest = 4

func newRedactor(c Config) redactor {
	a := c.Destination.Auth
	r := redactor{known: map[string]bool{}, headers: map[string]bool{}, query: map[string]bool{}}
	r.add(a.Token.Reveal(), a.ClientSecret.Reveal(), a.Password.Reveal(), c.Expired.Reveal())
	if _, value, ok := strings.Cut(c.State.Header.Reveal(), ":"); ok {
		r.add(strings.TrimSpace(value), strings.TrimPrefix(strings.TrimSpace(value), "Bearer "))
	}
	headers, _ := dataflow.ParseHeaders(c.Destination.Headers)
	for _, h := range headers {
		r.headers[strings.ToLower(h.Name)] = true
		r.add(h.Value)
	}
	for _, pair := range strings.Split(c.Destination.URL().RawQuery, "&") {
		_, value, _ := strings.Cut(pair, "=")
		r.query[pair] = true
		r.add(value)
	}
	return r
}

// add makes more secret: an access token that was issued. A secret is found in
// the forms in which a receiver gives back what it was sent: escaped for a URL
// or a page, or not, in base64, in any case, and cut off after eight letters.
func (r *redactor) add(secrets ...string) {
	for _, secret := range secrets {
		plain, err := url.QueryUnescape(secret)
		if err != nil {
			plain = secret
		}
		for _, s := range []string{secret, plain} {
			for _, form := range []string{s, url.QueryEscape(s), url.PathEscape(s), html.EscapeString(s), base64.StdEncoding.EncodeToString([]byte(s)),
				base64.RawURLEncoding.EncodeToString([]byte(s)), strings.TrimRight(base64.StdEncoding.EncodeToString([]byte("Bearer "+s)), "=")} {
				r.addForm(form)
			}
		}
	}
}

func (r *redactor) addForm(s string) {
	if len(s) < shortest || r.known[s] {
		return
	}
	r.known[s] = true
	r.secrets = append(r.secrets, regexp.MustCompile("(?i)"+regexp.QuoteMeta(s)))
	if len(s) > 12 {
		// Cut off, or with more behind it than was known.
		r.secrets = append(r.secrets, regexp.MustCompile("(?i)"+regexp.QuoteMeta(s[:8])+`[^\s"'<>&,;]*`))
	}
}

// text is a text without what is secret.
func (r *redactor) text(s string) string {
	for _, secret := range r.secrets {
		s = secret.ReplaceAllString(s, redacted)
	}
	return s
}

// header is one for a report: custom ones may hold anything, so that only
// their names are shown.
func (r *redactor) header(name, value string) string {
	switch {
	case strings.EqualFold(name, "Authorization"):
		scheme, _, _ := strings.Cut(value, " ")
		value = scheme + " " + redacted
	case r.headers[strings.ToLower(name)], strings.EqualFold(name, "Set-Cookie"):
		value = redacted
	}
	return name + ": " + r.text(value)
}

// address is the URL without the values of its query.
func (r *redactor) address(raw string) string {
	base, query, ok := strings.Cut(raw, "?")
	if !ok {
		return raw
	}
	var names []string
	for _, pair := range strings.Split(query, "&") {
		if name, _, _ := strings.Cut(pair, "="); r.query[pair] {
			pair = name + "=" + redacted
		}
		names = append(names, pair)
	}
	return base + "?" + strings.Join(names, "&")
}

// body is what is shown of one.
func (r *redactor) body(b []byte) string {
	s := strings.ToValidUTF8(string(b[:min(len(b), maxShown)]), "�")
	if len(b) > maxShown {
		s += fmt.Sprintf("… (%d bytes)", len(b))
	}
	return r.text(s)
}

// show is an exchange for a report. What a token endpoint answers is not shown:
// it holds a token.
func (r *redactor) show(a answer) *reports.Exchange {
	x := a.exchange
	out := &reports.Exchange{Method: x.Method, URL: r.address(x.URL), RequestBody: r.body(x.Body), Status: a.status(), Outcome: a.outcome(),
		Reused: a.reused, DurationMs: float64(a.took.Microseconds()) / 1000, Phases: a.timing.phases()}
	for _, h := range x.Headers {
		out.RequestHeaders = append(out.RequestHeaders, r.header(h.Name, h.Value))
	}
	for _, name := range sortedNames(a.Header) {
		for _, value := range a.Header[name] {
			out.ResponseHeaders = append(out.ResponseHeaders, r.header(name, short(value)))
		}
	}
	if a.Issued == nil {
		out.ResponseBody = r.body(a.Body)
	}
	return out
}

func sortedNames(h http.Header) []string {
	var names []string
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// curl is a command that sends the request again. Credentials, and the values
// of custom headers and of the configured query, are variables of the shell.
func (p *Prober) curl(a answer) string {
	x, r := a.exchange, &p.redact
	parts := []string{"curl -sS -i --http1.1"}
	if p.config.CAFile != "" {
		parts = append(parts, "--cacert "+quote(p.config.CAFile))
	}
	if dir := p.config.ClientsDir; a.Presented && dir != "" {
		parts = append(parts, fmt.Sprintf("--cert %s --key %s", quote(dir+"/"+a.lane.kind+".pem"), quote(dir+"/"+a.lane.kind+"-key.pem")))
	}
	parts = append(parts, "-X "+x.Method, r.variables(x.URL))
	for _, h := range x.Headers {
		switch {
		case strings.EqualFold(h.Name, "User-Agent"):
		case strings.EqualFold(h.Name, "Authorization"):
			parts = append(parts, p.authorization(h.Value))
		case r.headers[strings.ToLower(h.Name)]:
			parts = append(parts, fmt.Sprintf(`-H "%s: $%s"`, h.Name, shellName(h.Name)))
		default:
			parts = append(parts, "-H "+quote(h.Name+": "+h.Value))
		}
	}
	switch body := string(x.Body); {
	case body == "":
	case strings.HasPrefix(x.URL, p.config.Destination.Auth.TokenURL) && p.fetches():
		parts = append(parts, form(body))
	case len(body) > maxShown && a.message != "":
		return p.printing(a.message) + " | " + strings.Join(parts, " ") + " --data-binary @-"
	default:
		parts = append(parts, "--data-binary "+quote(r.text(body)))
	}
	return strings.Join(parts, " ")
}

// authorization is the header as curl takes it. A credential that nobody has is
// no secret.
func (p *Prober) authorization(value string) string {
	scheme, credential, _ := strings.Cut(value, " ")
	switch {
	case credential == wrongCredential.Reveal():
		return "-H " + quote("Authorization: "+value)
	case credential == p.config.Expired.Reveal():
		return fmt.Sprintf(`-H "Authorization: %s $EXPIRED_TOKEN"`, scheme)
	case scheme == "Basic":
		return `-u "$CLIENT_ID:$CLIENT_SECRET"`
	}
	return fmt.Sprintf(`-H "Authorization: %s $TOKEN"`, scheme)
}

// printing is the command that prints a message like the one that was sent.
func (p *Prober) printing(message string) string {
	command := "httpdest probe"
	switch {
	case p.config.File != "":
		command += " --config " + quote(p.config.File)
	case p.config.Destination.MaxProfilesPerRequest > 1:
		command += fmt.Sprintf(" --batch %d", p.config.Destination.MaxProfilesPerRequest)
	}
	return command + " --print " + message
}

// form is the body of a token request as curl takes it.
func form(body string) string {
	var parts []string
	for _, pair := range strings.Split(body, "&") {
		name, value, _ := strings.Cut(pair, "=")
		plain, _ := url.QueryUnescape(value)
		if name == "client_secret" || name == "password" || name == "refresh_token" {
			parts = append(parts, fmt.Sprintf(`--data-urlencode "%s=$%s"`, name, shellName(name)))
			continue
		}
		parts = append(parts, "--data-urlencode "+quote(name+"="+plain))
	}
	return strings.Join(parts, " ")
}

// variables is a URL in which the configured values of the query are variables.
func (r *redactor) variables(raw string) string {
	base, query, ok := strings.Cut(raw, "?")
	if !ok {
		return quote(raw)
	}
	var pairs []string
	for _, pair := range strings.Split(query, "&") {
		if name, _, _ := strings.Cut(pair, "="); r.query[pair] {
			pair = name + "=$" + shellName(name)
		}
		pairs = append(pairs, pair)
	}
	return `"` + base + "?" + strings.Join(pairs, "&") + `"`
}

// shellName makes the name of a variable.
func shellName(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, s)
}

// quote is a text as one word of a shell.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
