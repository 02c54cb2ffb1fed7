package capture

import (
	"crypto/subtle"
	"slices"
	"strings"

	"github.com/httpdest/httpdest/internal/secret"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// redacted says what became of the bearer check, where nobody did it yet, and
// hides credentials (R32).
func (r *Reader) redacted(x Exchange) recording.Request {
	q := x.Request
	if q.Authorization == "" && r.bearer != "" && x.Told.Headers {
		q.Authorization = r.authorization(q.Headers)
	}
	q.Headers = slices.Clone(q.Headers)
	for i, h := range q.Headers {
		q.Headers[i].Value = r.redactor.Header(h.Name, h.Value)
	}
	q.Target, q.Body = r.redactor.Text(q.Target), r.redactor.JSON(q.Body)
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
	case slices.Equal(got, []string{"Bearer " + secret.Redacted}):
		return "" // whoever kept the capture took it out
	case len(got) == 1 && subtle.ConstantTimeCompare([]byte(got[0]), []byte("Bearer "+r.bearer)) == 1:
		return "accepted"
	}
	return "wrong"
}
