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

// secretive says whether a text holds a secret, so that a recording shows it
// redacted.
func (v *view) secretive(text string) bool {
	return slices.ContainsFunc(v.secrets(), func(s string) bool { return strings.Contains(text, s) })
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
		if l.Run != nil {
			continue // the title is the author's
		}
		text := plain(l)
		leaks := issuedForm.MatchString(text)
		for _, s := range secrets {
			leaks = leaks || strings.Contains(text, s)
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

// plain is a line as JSON without the escapes of HTML.
func plain(l recording.Line) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(l); err != nil {
		return "" // a recording that cannot be written shows nothing
	}
	return b.String()
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
