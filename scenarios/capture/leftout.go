package capture

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/scenarios/recording"
)

// found is one entry of a file, before anybody decided whether it is judged.
type found struct {
	Exchange
	url  string // as the file tells it; "" where it does not
	kind string // of an entry that is not a request; "" for a request
	form bool   // the tool took the body for a form
	err  error  // keeps the entry from being judged
}

// alone is a body of which nothing else is told.
func alone(line int, body string) found {
	return found{Exchange: Exchange{Line: line, Told: Told{Body: true}, Request: recording.Request{Body: body}}}
}

// The kinds of entries that are left out, besides methods and schemes.
const (
	tokenRequest = "token request"
	untoldForm   = "form without its fields"
	webSocket    = "WebSocket"
	logLine      = "log line"
	otherURL     = "other URL"
	noRequest    = "entry without a request"
	otherFlow    = "line of another dataflow"
)

// scheme is that of an absolute URL, or of one such as data:text/plain,x.
var scheme = regexp.MustCompile(`^(?:([A-Za-z][A-Za-z0-9+.-]*)://|(data|blob|about|javascript|file|filesystem|mailto):)`)

// leaves names why an entry is left out; "" for one that is judged.
func (r *Reader) leaves(f found) string {
	if f.kind != "" {
		return f.kind
	}
	if strings.EqualFold(f.Request.Method, "CONNECT") {
		return "CONNECT"
	}
	if m := scheme.FindStringSubmatch(f.url); m != nil {
		switch name := strings.ToLower(m[1] + m[2]); name {
		case "http", "https":
		case "ws", "wss":
			return webSocket
		default:
			return name + ": URL"
		}
	}
	if slices.ContainsFunc(values(f.Request.Headers, "Upgrade"), func(v string) bool { return strings.EqualFold(v, "websocket") }) {
		return webSocket
	}
	if !r.selects(f) {
		return otherURL
	}
	if kind := f.Exchange.kind(); kind != "" {
		return kind
	}
	switch {
	case f.form && grant(f.Request.Body):
		return tokenRequest
	case !f.Told.Body && (f.form || formType(f.Request.Headers)):
		return untoldForm // as likely a request for a token as a message
	}
	return ""
}

// LeftOut lists what was left out so far, such as "2 log lines", sorted.
func (r *Reader) LeftOut() []string {
	var out []string
	for _, kind := range slices.Sorted(maps.Keys(r.left)) {
		n, words := r.left[kind], kind
		switch {
		case n == 1 || kind == strings.ToUpper(kind): // methods have no plural
		case kind == noRequest:
			words = "entries without a request"
		case kind == untoldForm:
			words = "forms without their fields"
		default:
			words += "s"
		}
		out = append(out, fmt.Sprintf("%d %s", n, words))
	}
	return out
}

// globbed compiles a pattern of --url.
func globbed(pattern string) *regexp.Regexp {
	text := regexp.QuoteMeta(pattern)
	text = strings.ReplaceAll(strings.ReplaceAll(text, `\*`, `.*`), `\?`, `.`)
	return regexp.MustCompile(`(?s)^` + text + `$`)
}

// selects reports whether a pattern matches the URL, or its path, with or
// without the query.
func (r *Reader) selects(f found) bool {
	if len(r.urls) == 0 {
		return true
	}
	candidates := []string{f.url, f.Request.Target}
	if hosts := values(f.Request.Headers, "Host"); f.url == "" && f.Told.Target && len(hosts) == 1 {
		candidates = append(candidates, "https://"+hosts[0]+f.Request.Target, "http://"+hosts[0]+f.Request.Target)
	}
	for _, c := range candidates {
		c, _, _ = strings.Cut(c, "#")
		path, _, _ := strings.Cut(c, "?")
		for _, u := range r.urls {
			if c != "" && (u.MatchString(c) || u.MatchString(path)) {
				return true
			}
		}
	}
	return false
}

// values are those of a header, in their order.
func values(headers []recording.Header, name string) []string {
	var out []string
	for _, h := range headers {
		if strings.EqualFold(h.Name, name) {
			out = append(out, h.Value)
		}
	}
	return out
}

// formType reports whether the content type is that of a form.
func formType(headers []recording.Header) bool {
	return slices.ContainsFunc(values(headers, "Content-Type"), isForm)
}

// isForm reports whether a media type is that of a form.
func isForm(media string) bool {
	media, _, _ = strings.Cut(media, ";")
	return strings.EqualFold(strings.TrimSpace(media), "application/x-www-form-urlencoded")
}

// grant reports whether a form asks for a token (RFC 6749 section 4).
func grant(body string) bool {
	for pair := range strings.SplitSeq(body, "&") {
		if strings.HasPrefix(pair, "grant_type=") {
			return true
		}
	}
	return false
}
