package delivery

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/internal/strictjson"
)

// MaxTokenBody bounds what is read of a token endpoint's answer, which is a few
// hundred bytes where all is well.
const MaxTokenBody = 64 << 10

// longestLifetime caps the lifetime of a token: beyond it the sum with a time
// would overflow.
const longestLifetime = 100 * 365 * 24 * time.Hour

// Token prepares a request to the token endpoint, in the wire form of the
// documented samples, on a socket of its own that is closed after it and does not
// show the client certificate, unless a reading has it shown on request (R31, A73). Custom headers and query parameters
// are those of the data calls, and not sent.
func (s *Sender) Token(op engine.Operation) *Exchange {
	a := s.config.Destination.Auth
	x := s.exchange(http.MethodPost)
	x.target, x.line, x.URL, x.limit = s.tokenURL, requestLine(s.tokenURL), s.tokenURL.String(), MaxTokenBody
	form := a.Credentials
	contentType := "application/x-www-form-urlencoded"
	if form == dataflow.BasicAuthorization {
		contentType += "; charset=UTF-8"
		x.Headers = append(x.Headers, dataflow.Header{Name: "Authorization", Value: "Basic " + basic(a)})
	}
	x.Headers = append(x.Headers, dataflow.Header{Name: "Content-Type", Value: contentType})
	x.Body = tokenForm(a, op)
	s.dialled++
	presents := s.HasCertificate() && s.config.Destination.Readings.TokenCertificate
	x.ride(&Socket{sender: s, Ordinal: s.dialled, url: s.tokenURL, private: true, certificate: presents})
	return x
}

// basic is the credentials of Basic authorization: as they are, or each
// form-encoded first (A67).
func basic(a dataflow.Auth) string {
	id, secret := a.ClientID, a.ClientSecret.Reveal()
	if a.URLEncodeBasic {
		id, secret = url.QueryEscape(id), url.QueryEscape(secret)
	}
	return base64.StdEncoding.EncodeToString([]byte(id + ":" + secret))
}

// tokenForm is the body of a token request: the documented fields in the
// documented order, percent-encoded (R25–R27, A68, A72).
func tokenForm(a dataflow.Auth, op engine.Operation) []byte {
	var form []string
	// %20 and not + for a space, as in the documented sample.
	add := func(name, value string) {
		form = append(form, name+"="+strings.ReplaceAll(url.QueryEscape(value), "+", "%20"))
	}
	add("grant_type", string(op.Grant))
	switch op.Grant {
	case engine.Password:
		add("username", a.Username)
		add("password", a.Password.Reveal())
	case engine.Refresh:
		add("refresh_token", op.Token.Reveal())
	}
	if a.Credentials != dataflow.BasicAuthorization {
		add("client_id", a.ClientID)
		add("client_secret", a.ClientSecret.Reveal())
	}
	return []byte(strings.Join(form, "&"))
}

// parseToken reads the answer of a token endpoint to a request that succeeded.
// The problem is of low cardinality, and never a part of the answer: that may
// hold a token. Names are taken exactly as RFC 6749 writes them.
func parseToken(body []byte) (issued *engine.Issued, problem string) {
	var fields map[string]json.RawMessage
	if err := strictjson.Unmarshal(body, &fields); err != nil || fields == nil {
		return nil, "not-json"
	}
	access, ok := text(fields["access_token"])
	if !ok || access == "" {
		return nil, "missing"
	}
	if !sendable(access) {
		return nil, "malformed"
	}
	if kind, given := fields["token_type"]; given {
		if name, ok := text(kind); !ok || !strings.EqualFold(name, "Bearer") {
			return nil, "of-another-type" // RFC 6749 §7.1: not to be used
		}
	}
	issued = &engine.Issued{Access: dataflow.Secret(access), ExpiresIn: lifetime(fields["expires_in"])}
	if refresh, ok := text(fields["refresh_token"]); ok {
		issued.Refresh = dataflow.Secret(refresh)
	}
	return issued, ""
}

func text(raw json.RawMessage) (string, bool) {
	var s *string
	if json.Unmarshal(raw, &s) != nil || s == nil {
		return "", false
	}
	return *s, true
}

// sendable reports whether a token can stand in a header: visible ASCII,
// without a space.
func sendable(token string) bool {
	return !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' })
}

// lifetime reads expires_in in seconds, as a number or, as some endpoints have
// it, as text. An unusable value counts as absent, which is 0.
func lifetime(raw json.RawMessage) time.Duration {
	digits := string(bytes.Trim(raw, `"`))
	seconds, err := strconv.ParseFloat(digits, 64)
	if err != nil || math.IsNaN(seconds) || seconds <= 0 {
		return 0
	}
	if seconds >= longestLifetime.Seconds() {
		return longestLifetime
	}
	return time.Duration(seconds * float64(time.Second))
}
