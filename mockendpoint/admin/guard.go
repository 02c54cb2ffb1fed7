package admin

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// NewToken returns a random token of 192 bits.
func NewToken() string {
	b := make([]byte, 24)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// policy allows what the page brings with it, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

func protect(h http.Header) {
	for name, value := range map[string]string{
		"Content-Security-Policy":      policy,
		"X-Content-Type-Options":       "nosniff",
		"Referrer-Policy":              "no-referrer",
		"Cache-Control":                "no-store",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Cross-Origin-Opener-Policy":   "same-origin",
	} {
		h.Set(name, value)
	}
}

// foreign refuses what a page of somebody else made a browser send: to a name
// that is not ours (DNS rebinding), or from another origin.
func (a *Admin) foreign(r *http.Request) *problem {
	if !a.ours(r.Host) {
		return &problem{"Misdirected Request", http.StatusMisdirectedRequest, "the Host header names neither localhost nor an address"}
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		if u, err := url.Parse(origin); err != nil || u.Host != r.Host {
			return &problem{"Forbidden", http.StatusForbidden, "a page of another origin may not use this API"}
		}
	}
	return nil
}

// ours says whether a Host is one that DNS cannot turn on us.
func (a *Admin) ours(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	if strings.EqualFold(name, "localhost") || a.options.Host != "" && strings.EqualFold(name, a.options.Host) {
		return true
	}
	_, err = netip.ParseAddr(name)
	return err == nil
}

func (a *Admin) knows(r *http.Request) bool {
	if a.options.Token == "" {
		return true
	}
	return subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+a.options.Token)) == 1
}

func (a *Admin) authorized(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !a.knows(r) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="httpdest mock"`)
			refuse(w, http.StatusUnauthorized, "send Authorization: Bearer with the token that httpdest mock printed")
			return
		}
		next(w, r)
	}
}
