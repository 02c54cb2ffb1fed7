package secret

import (
	"net/url"
	"slices"
	"strings"
)

// Header is the value of a header without secrets. Of a credential's header
// nothing but the scheme is shown, whatever it holds.
func (r *Redactor) Header(name, value string) string {
	switch strings.ToLower(name) {
	case "authorization", "proxy-authorization":
		if scheme, _, ok := strings.Cut(value, " "); ok {
			return scheme + " " + Redacted
		}
		return Redacted
	case "cookie", "set-cookie":
		return Redacted
	}
	return r.Text(value)
}

// Fields are the parameters of a token request whose values are credentials
// (RFC 6749, RFC 7521), and those of its answer.
var Fields = []string{"client_secret", "password", "refresh_token", "access_token", "client_assertion", "assertion", "code"}

// parameters are the other standard names of a token request. A secret that
// happens to be a part of one is not searched in them.
var parameters = []string{"grant_type", "client_id", "username", "scope", "client_assertion_type", "redirect_uri", "token_type"}

// grants are the documented values of grant_type.
var grants = []string{"client_credentials", "password", "refresh_token"}

// Form is the body of a token request without credentials: the values of
// credential fields are hidden whatever they are, and the names of standard
// fields stay as they are. A body that is not a form is hidden as a whole.
func (r *Redactor) Form(body string) string {
	if _, err := url.ParseQuery(body); err != nil || body != "" && !strings.Contains(body, "=") {
		return Redacted
	}
	pairs := strings.Split(body, "&")
	for n, pair := range pairs {
		name, value, hasValue := strings.Cut(pair, "=")
		plain, err := url.QueryUnescape(name)
		plain = strings.ToLower(plain)
		switch {
		case err != nil || slices.Contains(Fields, plain):
			value = Redacted
		case plain == "grant_type" && slices.Contains(grants, value):
		case slices.Contains(parameters, plain):
			value = r.Text(value)
		default:
			name, value = r.Text(name), r.Text(value)
		}
		if pairs[n] = name; hasValue {
			pairs[n] += "=" + value
		}
	}
	return strings.Join(pairs, "&")
}

// JSON is a document without secrets in its texts. Its keys, its numbers and
// its punctuation stay as they are, so that what was valid JSON still is: a
// secret that is also a key or a number of the data is not one there. Anything
// that is not a JSON document is treated as text.
func (r *Redactor) JSON(body string) string {
	if !r.Has(body) {
		return body
	}
	var b strings.Builder
	for at := 0; at < len(body); {
		if body[at] != '"' {
			next := strings.IndexByte(body[at:], '"')
			if next < 0 {
				next = len(body) - at
			}
			between := body[at : at+next]
			if strings.Trim(between, " \t\r\n{}[]:,0123456789+-.eEtrufalsn") != "" {
				return r.Text(body) // not JSON
			}
			b.WriteString(between)
			at += next
			continue
		}
		end := closing(body, at)
		if end < 0 {
			return r.Text(body)
		}
		literal := body[at+1 : end-1]
		if !strings.HasPrefix(strings.TrimLeft(body[end:], " \t\r\n"), ":") {
			literal = without(literal, wholeEscapes(literal, r.find(literal)))
		}
		b.WriteString(`"` + literal + `"`)
		at = end
	}
	return b.String()
}

// wholeEscapes widens stretches of a string of JSON that begin or end within an
// escape: half of one is not JSON.
func wholeEscapes(s string, found []stretch) []stretch {
	if len(found) == 0 {
		return nil
	}
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			continue
		}
		end := i + 2
		if strings.HasPrefix(s[i+1:], "u") {
			end = i + 6
		}
		for n := range found {
			f := &found[n]
			if f.from > i && f.from < end {
				f.from = i
			}
			if f.to > i && f.to < end {
				f.to = min(end, len(s))
			}
		}
		i = end - 1
	}
	return merged(s, found)
}

// closing is the place after the quote that ends the string at a place; -1
// where it does not end.
func closing(s string, at int) int {
	for i := at + 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return -1
}
