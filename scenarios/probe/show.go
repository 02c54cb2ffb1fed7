package probe

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/internal/secret"
	"github.com/httpdest/httpdest/reports"
)

// maxShown is how much of a body is shown, in bytes.
const maxShown = 2000

// redactor takes credentials out of everything that is shown (R32): the
// configured ones, those that the token endpoint issues, and the values of custom
// headers and of the configured query, of which only the names are shown.
type redactor struct {
	known   secret.Redactor
	mu      sync.RWMutex    // of known: a token may come while something is shown
	headers map[string]bool // names of custom headers, lower case
	query   map[string]bool // names of the configured parameters
}

func newRedactor(c Config) *redactor {
	a := c.Destination.Auth
	r := &redactor{headers: map[string]bool{}, query: map[string]bool{}}
	r.known.Echoed = true // in lower case, wrapped, or both
	r.add(a.Token.Reveal(), a.ClientSecret.Reveal(), a.Password.Reveal(), c.Expired.Reveal())
	if _, value, ok := strings.Cut(c.State.Header.Reveal(), ":"); ok {
		r.addHeader(value)
	}
	headers, _ := dataflow.ParseHeaders(c.Destination.Headers)
	for _, h := range headers {
		r.headers[strings.ToLower(h.Name)] = true
		r.addHeader(h.Value)
	}
	for _, raw := range []string{c.Destination.Endpoint, c.Destination.URL().String(), a.TokenURL, c.State.URL} {
		if _, query, ok := strings.Cut(raw, "?"); ok {
			r.addQuery(query)
		}
		if u, err := url.Parse(raw); err == nil && u.User != nil {
			password, _ := u.User.Password()
			r.add(password)
		}
	}
	return r
}

// add makes texts secret, as they are and as a URL spells them.
func (r *redactor) add(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range secrets {
		r.known.Add(s)
		if plain, err := url.QueryUnescape(s); err == nil {
			r.known.Add(plain)
		}
	}
}

// text is a text without secrets.
func (r *redactor) text(s string) string {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.known.Text(s)
}

// addHeader makes the value of a header secret, and the credential behind a
// scheme: a receiver may quote one without the other.
func (r *redactor) addHeader(value string) {
	value = strings.TrimSpace(value)
	r.add(value)
	scheme, credential, ok := strings.Cut(value, " ")
	if !ok {
		return
	}
	r.add(credential)
	if plain, err := base64.StdEncoding.DecodeString(credential); err == nil && strings.EqualFold(scheme, "Basic") {
		_, password, _ := strings.Cut(string(plain), ":")
		r.add(password)
	}
}

func (r *redactor) addQuery(query string) {
	query, _, _ = strings.Cut(query, "#")
	for _, pair := range strings.Split(query, "&") {
		name, value, hasValue := strings.Cut(pair, "=")
		if r.query[name] = true; !hasValue {
			r.add(name) // a key without a name, as some receivers want it
			continue
		}
		r.add(value)
	}
}

// learn makes secret what a token endpoint answered: the tokens, and whatever
// else may be one. A token under an unexpected name is a token all the same.
func (r *redactor) learn(a answer) {
	if i := a.Issued; i != nil {
		r.add(i.Access.Reveal(), i.Refresh.Reveal())
	}
	if a.status() < 400 {
		r.add(secret.Credentials(string(a.Body))...)
	}
}

// header is one for a report: custom ones may hold anything, so that only
// their names are shown.
func (r *redactor) header(name, value string) string {
	switch {
	case r.headers[strings.ToLower(name)]:
		value = secret.Redacted
	case strings.EqualFold(name, "Location"), strings.EqualFold(name, "Content-Location"), strings.EqualFold(name, "Refresh"):
		value = r.address(value)
	}
	r.mu.RLock()
	defer r.mu.RUnlock()
	return name + ": " + short(r.known.Header(name, value))
}

// address is a URL without the values of the configured query, whatever they
// are, and without secrets elsewhere.
func (r *redactor) address(raw string) string {
	// Before it is taken apart: a secret that is not escaped may have separators.
	base, query, ok := strings.Cut(r.text(strings.ToValidUTF8(raw, "�")), "?")
	if !ok {
		return base
	}
	pairs := strings.Split(query, "&")
	for i, pair := range pairs {
		switch name, _, hasValue := strings.Cut(pair, "="); {
		case r.query[name] && hasValue:
			pairs[i] = name + "=" + secret.Redacted
		case r.query[name]:
			pairs[i] = secret.Redacted
		}
	}
	return r.text(base + "?" + strings.Join(pairs, "&"))
}

// looked is how much of a body is looked through for secrets, in bytes.
const looked = 16 * maxShown

// body is the part of a body that is shown. It is cut off after the redaction,
// since half a secret is harder to find; of a body that is not looked through to
// its end, the last part is not shown.
func (r *redactor) body(b []byte) string {
	s := r.text(strings.ToValidUTF8(string(b[:min(len(b), looked)]), "�"))
	if len(b) > looked {
		s = s[:max(0, len(s)-maxShown)]
	}
	if len(b) <= maxShown {
		return s
	}
	return strings.ToValidUTF8(s[:min(len(s), maxShown)], "") + fmt.Sprintf("… (%d bytes)", len(b))
}

// show is an exchange for a report.
func (r *redactor) show(a answer) *reports.Exchange {
	x := a.exchange
	out := &reports.Exchange{Method: x.Method, URL: r.address(x.URL), RequestBody: r.requestBody(a), Status: a.status(), Outcome: a.outcome(),
		Reused: a.reused, DurationMs: float64(a.took.Microseconds()) / 1000, Phases: a.timing.phases(), ResponseBody: r.responseBody(a)}
	for _, h := range x.Headers {
		out.RequestHeaders = append(out.RequestHeaders, r.header(h.Name, h.Value))
	}
	for _, name := range sortedNames(a.Header) {
		for _, value := range a.Header[name] {
			if a.token && !slices.Contains(plainHeaders, name) && !(name == "Www-Authenticate" && a.status() >= 400) {
				value = secret.Redacted // a token may come under any name
			}
			out.ResponseHeaders = append(out.ResponseHeaders, r.header(name, value))
		}
	}
	return out
}

// report takes the secrets out of everything that a case says.
func (r *redactor) report(c *reports.Case) {
	c.Reason = r.text(c.Reason)
	for i := range c.Checks {
		k := &c.Checks[i]
		for _, s := range []*string{&k.Title, &k.Fix, &k.Expected, &k.Actual} {
			*s = r.text(*s)
		}
		if x := k.Exchange; x != nil {
			x.Outcome = r.text(x.Outcome)
		}
	}
}

// plainHeaders are those of a token endpoint's answer that never hold a token.
var plainHeaders = []string{"Allow", "Cache-Control", "Connection", "Content-Length", "Content-Type", "Date", "Pragma", "Retry-After", "Server",
	"Transfer-Encoding", "Via", "X-Powered-By"}

// requestBody is the body of a request as it is shown.
func (r *redactor) requestBody(a answer) string {
	if a.token {
		r.mu.RLock()
		defer r.mu.RUnlock()
		return r.known.Form(string(a.exchange.Body))
	}
	return r.body(a.exchange.Body)
}

// responseBody is the body of a response as it is shown. A token endpoint's may
// hold a token in any form, unless the status is that of a refusal.
func (r *redactor) responseBody(a answer) string {
	switch {
	case a.Issued != nil:
		return ""
	case a.token && a.status() < 400:
		r.mu.RLock()
		defer r.mu.RUnlock()
		return short(r.known.Answer(string(a.Body)))
	}
	return r.body(a.Body)
}

// location is the target of a redirect as it is shown. A token endpoint may
// answer with a token in the query or in the fragment.
func (r *redactor) location(a answer) string {
	target := a.Header.Get("Location")
	if at := strings.IndexAny(target, "?#"); a.token && at >= 0 {
		target = target[:at+1] + secret.Redacted
	}
	return short(r.address(target))
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
	x, r := a.exchange, p.redact
	parts := []string{"curl -sS -i --http1.1"}
	if p.config.CAFile != "" {
		parts = append(parts, "--cacert "+quote(p.config.CAFile))
	}
	if dir := p.config.ClientsDir; a.Presented && dir != "" {
		parts = append(parts, fmt.Sprintf("--cert %s --key %s", quote(dir+"/"+a.sender.kind+".pem"), quote(dir+"/"+a.sender.kind+"-key.pem")))
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
	case a.token:
		parts = append(parts, asForm(body))
	case len(body) > maxShown && a.message != "":
		return p.printing(a.message) + " | " + strings.Join(parts, " ") + " --data-binary @-"
	default:
		parts = append(parts, "--data-binary "+quote(r.text(body)))
	}
	return strings.Join(parts, " ")
}

// authorization is the header as curl takes it. A credential that nobody has
// need not be hidden.
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

// asForm is the body of a token request as curl takes it.
func asForm(body string) string {
	var parts []string
	for _, pair := range strings.Split(body, "&") {
		name, value, _ := strings.Cut(pair, "=")
		plain, _ := url.QueryUnescape(value)
		if slices.Contains(secret.Fields, name) {
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
		return quote(r.text(raw))
	}
	var pairs []string
	for _, pair := range strings.Split(query, "&") {
		switch name, _, hasValue := strings.Cut(pair, "="); {
		case r.query[name] && hasValue:
			pair = name + "=$" + shellName(name)
		case r.query[name]:
			pair = "$QUERY"
		}
		pairs = append(pairs, pair)
	}
	return `"` + r.text(base) + "?" + strings.Join(pairs, "&") + `"`
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
