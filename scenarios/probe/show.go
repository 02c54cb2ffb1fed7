package probe

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/reports"
)

// maxShown is how much of a body is shown, in bytes.
const maxShown = 2000

// redactor takes credentials out of everything that is shown (R32).
type redactor struct {
	secrets []string
	headers map[string]bool // names of custom headers, lower case
}

const redacted = "[redacted]"

func newRedactor(c Config) redactor {
	a := c.Destination.Auth
	r := redactor{headers: map[string]bool{}}
	r.add(a.Token.Reveal(), a.ClientSecret.Reveal(), a.Password.Reveal(), c.Expired.Reveal())
	if _, value, ok := strings.Cut(c.State.Header.Reveal(), ":"); ok {
		r.add(strings.TrimSpace(value))
	}
	headers, _ := dataflow.ParseHeaders(c.Destination.Headers)
	for _, h := range headers {
		r.headers[strings.ToLower(h.Name)] = true
		if secretive(h.Name) {
			r.add(h.Value)
		}
	}
	for _, pair := range strings.Split(dataflow.ParseQuery(c.Destination.QueryParameters), "&") {
		if name, value, _ := strings.Cut(pair, "="); secretive(name) {
			r.add(value)
		}
	}
	return r
}

// secretive says whether a name is that of a credential.
func secretive(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc([]string{"auth", "key", "token", "secret", "cookie", "pass", "sig", "credential", "session"},
		func(part string) bool { return strings.Contains(name, part) })
}

// add makes more secret: an access token that was issued.
func (r *redactor) add(secrets ...string) {
	for _, s := range secrets {
		// What is shorter would be found in every other word.
		if len(s) >= 4 && !slices.Contains(r.secrets, s) {
			r.secrets = append(r.secrets, s)
			if escaped := url.QueryEscape(s); escaped != s {
				r.secrets = append(r.secrets, escaped)
			}
		}
	}
}

// text is a text without what is secret.
func (r *redactor) text(s string) string {
	for _, secret := range r.secrets {
		s = strings.ReplaceAll(s, secret, redacted)
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
		name, _, _ := strings.Cut(pair, "=")
		names = append(names, name+"="+redacted)
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
// of custom headers and of the query, are variables of the shell.
func (r *redactor) curl(a answer, ca string) string {
	x := a.exchange
	parts := []string{"curl -sS -i --http1.1"}
	if ca != "" {
		parts = append(parts, "--cacert "+quote(ca))
	}
	if a.Presented {
		parts = append(parts, `--cert "$CLIENT_CERT" --key "$CLIENT_KEY"`)
	}
	parts = append(parts, "-X "+x.Method, asVariables(x.URL))
	for _, h := range x.Headers {
		switch {
		case strings.EqualFold(h.Name, "User-Agent"):
		case strings.EqualFold(h.Name, "Authorization"):
			scheme, _, _ := strings.Cut(h.Value, " ")
			parts = append(parts, fmt.Sprintf(`-H "Authorization: %s $TOKEN"`, scheme))
		case r.headers[strings.ToLower(h.Name)]:
			parts = append(parts, fmt.Sprintf(`-H "%s: $%s"`, h.Name, shellName(h.Name)))
		default:
			parts = append(parts, "-H "+quote(h.Name+": "+h.Value))
		}
	}
	switch body := string(x.Body); {
	case body == "":
	case a.message == "" && r.text(body) != body:
		parts = append(parts, `--data-binary "$BODY"`)
	case len(body) > maxShown:
		return fmt.Sprintf("httpdest probe --print %s | %s --data-binary @-", a.message, strings.Join(parts, " "))
	default:
		parts = append(parts, "--data-binary "+quote(r.text(body)))
	}
	return strings.Join(parts, " ")
}

// asVariables is a URL in which the values of the query are variables.
func asVariables(raw string) string {
	base, query, ok := strings.Cut(raw, "?")
	if !ok {
		return quote(raw)
	}
	var pairs []string
	for _, pair := range strings.Split(query, "&") {
		name, _, _ := strings.Cut(pair, "=")
		pairs = append(pairs, name+"=$"+shellName(name))
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
