package check

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// shortest is the length from which on a secret is looked for: shorter ones are
// found by chance.
const shortest = 4

// issuedForm is what the tokens of the mock endpoint look like.
var issuedForm = regexp.MustCompile(`(access|refresh)-[0-9a-f]{32}`)

// secrets are the scenario's, in every spelling in which they travel.
func (v *view) secrets() []string {
	a, e := v.scenario.Destination.Auth, v.scenario.Endpoint
	var out []string
	add := func(secret string) {
		if len(secret) >= shortest {
			form := url.QueryEscape(secret)
			out = append(out, secret, form, strings.ReplaceAll(form, "+", "%20"), url.PathEscape(secret))
		}
	}
	for _, secret := range []string{a.Token.Reveal(), a.ClientSecret.Reveal(), a.Password.Reveal(), e.Bearer.Reveal(), e.Token.ClientSecret.Reveal()} {
		add(secret)
	}
	if secret := a.ClientSecret.Reveal(); secret != "" {
		add(base64.StdEncoding.EncodeToString([]byte(a.ClientID + ":" + secret)))
		add(base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(a.ClientID) + ":" + url.QueryEscape(secret))))
	}
	return out
}

// Secrets are the credentials of a scenario in every spelling in which they
// travel, the longest first: one may be a part of another. Whoever reads a
// capture of it takes them out.
func Secrets(sc *scenarios.Scenario) []string {
	all := (&view{scenario: sc}).secrets()
	slices.SortStableFunc(all, func(a, b string) int { return len(b) - len(a) })
	return all
}

// redaction looks for secrets in the whole recording (R32): those of the
// scenario, those the endpoint issued, and anything that stands where a
// credential does.
func (v *view) redaction(f *findings) {
	secrets := v.secrets()
	for _, s := range secrets {
		if e := escaped(s); e != s {
			secrets = append(secrets, e)
		}
	}
	slices.Sort(secrets)
	secrets = slices.Compact(secrets)
	if len(secrets) == 0 || len(v.attempts)+len(v.requests)+len(v.tokenCalls) == 0 {
		return // nothing was said of what has a credential
	}
	for n, l := range v.lines {
		leaks := false
		for _, text := range textsOf(l) {
			leaks = leaks || issuedForm.MatchString(text)
			for _, s := range secrets {
				leaks = leaks || strings.Contains(text, s)
			}
		}
		f.note(!leaks, "line %d of the recording shows one", n+1)
	}
	for _, a := range v.attempts {
		v.covered(f, a.Headers)
	}
	for _, r := range append(v.tokenCalls[:len(v.tokenCalls):len(v.tokenCalls)], v.requests...) {
		v.covered(f, r.Headers)
	}
}

// covered checks that an Authorization header shows its scheme at most.
func (v *view) covered(f *findings, all []recording.Header) {
	for _, h := range all {
		if strings.EqualFold(h.Name, "Authorization") {
			f.note(strings.HasSuffix(h.Value, "[redacted]") && strings.Count(h.Value, " ") <= 1, "an Authorization header of %d bytes", len(h.Value))
		}
	}
}

// named are the fields of a line that hold names of the author's: of profiles,
// exports, faults, hosts and certificates. A secret that is also a name there
// is not one that was shown.
var named = []string{"profile", "profiles", "exports", "id", "fault", "faults", "name", "serverName", "peer", "because", "unfinished"}

// textsOf is every text of a line that something other than the author of the
// scenario may have put a secret into: not the history itself, and not names.
func textsOf(l recording.Line) []string {
	if l.Run != nil || l.Update != nil || l.Action != nil {
		return nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	var object any
	if err := e.Encode(l); err != nil || json.Unmarshal(b.Bytes(), &object) != nil {
		return nil // a recording that cannot be written shows nothing
	}
	var out []string
	var walk func(key string, value any)
	walk = func(key string, value any) {
		switch x := value.(type) {
		case string:
			switch {
			case key == "body":
				out = append(out, bodyTexts(x)...)
			case key != "message" || l.Problem != nil:
				out = append(out, x)
			}
		case []any:
			for _, e := range x {
				walk(key, e)
			}
		case map[string]any:
			for k, e := range x {
				if !slices.Contains(named, k) {
					walk(k, e)
				}
			}
		}
	}
	walk("", object)
	return out
}

// bodyTexts is what a body holds besides names: the texts of a document as they
// are written, the values of a form, or all of anything else.
func bodyTexts(body string) []string {
	var out []string
	if json.Valid([]byte(body)) {
		for at := 0; at < len(body); at++ {
			if body[at] != '"' {
				continue
			}
			end := at + 1
			for ; body[end] != '"'; end++ {
				if body[end] == '\\' {
					end++
				}
			}
			if !strings.HasPrefix(strings.TrimLeft(body[end+1:], " \t\r\n"), ":") {
				out = append(out, body[at+1:end])
			}
			at = end
		}
		return out
	}
	if _, err := url.ParseQuery(body); err == nil && strings.Contains(body, "=") {
		for _, pair := range strings.Split(body, "&") {
			_, value, _ := strings.Cut(pair, "=")
			out = append(out, value)
		}
		return out
	}
	return []string{body}
}

// escaped is a secret as it stands within JSON.
func escaped(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return s
	}
	return strings.Trim(strings.TrimSpace(b.String()), `"`)
}
