package capture

import (
	"crypto/subtle"
	"encoding/base64"
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
	r.learn(q.Headers)
	q.Headers = slices.Clone(q.Headers)
	for i, h := range q.Headers {
		q.Headers[i].Value = r.redactor.Header(h.Name, h.Value)
	}
	q.Target, q.Body = r.redactor.Text(q.Target), r.redactor.JSON(q.Body)
	return q
}

const (
	// leastLearned is the length in bytes from which a credential of a capture is
	// searched in everything else: a shorter one may be a word of the data.
	leastLearned = 16
	// mostLearned bounds the credentials that are known at once: each costs a
	// search of every exchange.
	mostLearned = 64
)

// learn makes the credential of an exchange a secret of the capture: a sender may
// have put it elsewhere too. The oldest gives way where a sender has many.
func (r *Reader) learn(headers []recording.Header) {
	for _, h := range headers {
		if !strings.EqualFold(h.Name, "Authorization") && !strings.EqualFold(h.Name, "Proxy-Authorization") {
			continue
		}
		scheme, credential, ok := strings.Cut(h.Value, " ")
		if !ok {
			credential = h.Value
		}
		if len(credential) < leastLearned || isRemoved(h.Value) || slices.Contains(r.learned, credential) {
			continue
		}
		if r.learned = append(r.learned, credential); len(r.learned) > mostLearned {
			r.learned = slices.Delete(r.learned, 0, 1)
			r.redactor = secret.NewRedactor(append(slices.Clone(r.learned), r.given...)...)
		}
		r.redactor.Add(credential)
		if plain, err := base64.StdEncoding.DecodeString(credential); err == nil && strings.EqualFold(scheme, "Basic") {
			if _, password, _ := strings.Cut(string(plain), ":"); len(password) >= leastLearned {
				r.redactor.Add(password)
			}
		}
	}
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
