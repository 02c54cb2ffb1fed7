package capture

import (
	"crypto/subtle"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/scenarios/recording"
)

const redaction = "[redacted]"

// redacted says what became of the bearer check, where nobody did it yet, and
// hides credentials (R32).
func (r *Reader) redacted(x Exchange) recording.Request {
	q := x.Request
	if q.Authorization == "" && r.bearer != "" && x.Told.Headers {
		q.Authorization = r.authorization(q.Headers)
	}
	q.Headers = slices.Clone(q.Headers)
	for i, h := range q.Headers {
		q.Headers[i].Value = r.hide(h.Name, h.Value)
	}
	q.Target, q.Body = r.hide("", q.Target), r.hide("", q.Body)
	return q
}

func (r *Reader) authorization(headers []recording.Header) string {
	var got []string
	for _, h := range headers {
		if strings.EqualFold(h.Name, "Authorization") {
			got = append(got, h.Value)
		}
	}
	switch {
	case len(got) == 0:
		return "missing"
	case slices.Equal(got, []string{"Bearer " + redaction}):
		return "" // whoever kept the capture took it out
	case len(got) == 1 && subtle.ConstantTimeCompare([]byte(got[0]), []byte("Bearer "+r.bearer)) == 1:
		return "accepted"
	}
	return "wrong"
}

// hide takes out all of a credential's header but its scheme, and secrets
// wherever they stand.
func (r *Reader) hide(name, value string) string {
	switch strings.ToLower(name) {
	case "authorization", "proxy-authorization":
		if scheme, _, ok := strings.Cut(value, " "); ok {
			return scheme + " " + redaction
		}
		return redaction
	case "cookie":
		return redaction
	}
	for _, secret := range r.hidden {
		value = strings.ReplaceAll(value, secret, redaction)
	}
	return value
}
