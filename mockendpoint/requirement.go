package mockendpoint

import (
	"crypto/subtle"
	"fmt"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/mockendpoint/journal"
	"github.com/httpdest/httpdest/mockendpoint/payload"
)

// Field is a header or a query parameter that a request must carry.
type Field struct {
	Name  string
	Value string // "" is any that is not empty
	// Secret keeps the value out of the journal, as that of an API key.
	Secret bool
}

// Requirements are what a request must bring besides its credentials. The zero
// value requires nothing. The journal and the answer have the reason of each
// refusal; neither holds a value.
type Requirements struct {
	Sources     []netip.Prefix  // addresses it may come from, for every request; nil are all: else 403 (R110)
	ContentType string          // media type of data calls, without parameters: else 415
	Headers     []Field         // of data calls: else 400
	Query       []Field         // of data calls: else 400
	Payload     *payload.Schema // of data calls: else 422
}

// unmet is the status and the reason by which a request is refused; 0 where it
// is not. The cheapest and least revealing checks come first.
func (q Requirements) unmet(r *http.Request, body []byte) (status int, reason string) {
	if r.Method != http.MethodPost {
		return 0, ""
	}
	if q.ContentType != "" {
		if got, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || got != strings.ToLower(q.ContentType) {
			return http.StatusUnsupportedMediaType, "the content type is not " + q.ContentType
		}
	}
	for _, h := range q.Headers {
		if lacks := h.in(r.Header.Values(h.Name)); lacks != "" {
			return http.StatusBadRequest, fmt.Sprintf("header %s %s", h.Name, lacks)
		}
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil && len(q.Query) > 0 {
		return http.StatusBadRequest, "the query is malformed"
	}
	for _, p := range q.Query {
		if lacks := p.in(query[p.Name]); lacks != "" {
			return http.StatusBadRequest, fmt.Sprintf("query parameter %s %s", p.Name, lacks)
		}
	}
	if q.Payload != nil {
		if err := q.Payload.Check(body); err != nil {
			return http.StatusUnprocessableEntity, err.Error()
		}
	}
	return 0, ""
}

// in is the problem with the received values; "" without one.
func (f Field) in(values []string) string {
	switch {
	case len(values) == 0:
		return "is missing"
	case len(values) > 1:
		return "is present more than once"
	case f.Value == "" && values[0] == "":
		return "is empty"
	case f.Value != "" && subtle.ConstantTimeCompare([]byte(values[0]), []byte(f.Value)) != 1:
		return "does not have the required value"
	}
	return ""
}

// matched are the fields with a secret value that a request brings as they are
// required: the journal shows neither value, so it has to say that they agree.
func (q Requirements) matched(r *http.Request) []string {
	var out []string
	for _, h := range q.Headers {
		if h.Secret && h.in(r.Header.Values(h.Name)) == "" {
			out = append(out, "header "+h.Name)
		}
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return out
	}
	for _, p := range q.Query {
		if p.Secret && p.in(query[p.Name]) == "" {
			out = append(out, "query "+p.Name)
		}
	}
	return out
}

// admits reports whether requests may come from an address.
func (q Requirements) admits(remote net.Addr) bool {
	if q.Sources == nil {
		return true
	}
	at, err := netip.ParseAddrPort(remote.String())
	return err == nil && slices.ContainsFunc(q.Sources, func(p netip.Prefix) bool { return p.Contains(at.Addr().Unmap()) })
}

// Secrets are the values of the secret fields, which nothing may show.
func (q Requirements) Secrets() []string {
	var out []string
	for _, f := range slices.Concat(q.Headers, q.Query) {
		if f.Secret {
			out = append(out, f.Value)
		}
	}
	return out
}

// redact hides the secret fields, as a header or within the query of a target.
func (q Requirements) redact(name, value string) string {
	for _, h := range q.Headers {
		if h.Secret && name != "" && strings.EqualFold(h.Name, name) {
			return journal.Redacted
		}
	}
	if name != "" {
		return value
	}
	for _, p := range q.Query {
		if p.Secret {
			value = redactParameter(value, p.Name)
		}
	}
	return value
}

// redactParameter hides the values of one query parameter in a request target
// or a request line.
func redactParameter(target, name string) string {
	before, query, ok := strings.Cut(target, "?")
	if !ok {
		return target
	}
	query, after, spaced := strings.Cut(query, " ") // of a request line
	parts := strings.Split(query, "&")
	for i, part := range parts {
		key, _, _ := strings.Cut(part, "=")
		if plain, err := url.QueryUnescape(key); err == nil && plain == name {
			parts[i] = key + "=" + journal.Redacted
		}
	}
	if spaced {
		after = " " + after
	}
	return before + "?" + strings.Join(parts, "&") + after
}
