// Package access keeps strangers away from the HTTP listeners that are for the
// people and tools of this machine: the intake of httpdest serve and the admin
// API of httpdest mock. It checks the Host against DNS rebinding, the Origin
// against pages of other sites, and a bearer token.
package access

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// NewToken returns a random token of 192 bits.
func NewToken() string {
	b := make([]byte, 24)
	_, _ = rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// Loopback reports whether only this machine reaches a host.
func Loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.IsLoopback()
}

// Guard decides who may use a listener. The zero value lets everybody of this
// machine in and no page of another origin.
type Guard struct {
	// Token is what Authorization: Bearer must carry; "" asks for none.
	Token string
	// Hosts are names by which the listener is reached, in addition to localhost and
	// addresses.
	Hosts []string
	Realm string // of the 401
}

// Refusal is the answer to a refused request. The zero value refuses nothing.
type Refusal struct {
	Status int
	Detail string
}

// Foreign refuses what a page of somebody else made a browser send: to a name
// that is not of this listener (DNS rebinding), or from another origin.
func (g Guard) Foreign(r *http.Request) (refusal Refusal, refused bool) {
	if !g.knowsHost(r.Host) {
		return Refusal{http.StatusMisdirectedRequest, "the Host header names neither localhost nor an address"}, true
	}
	origins := r.Header.Values("Origin")
	if len(origins) == 0 {
		return Refusal{}, false
	}
	if u, err := url.Parse(origins[0]); len(origins) > 1 || err != nil || u.Host == "" || u.Host != r.Host {
		return Refusal{http.StatusForbidden, "a page of another origin may not use this API"}, true
	}
	return Refusal{}, false
}

// knowsHost reports whether a Host is one that DNS cannot turn on this
// listener.
func (g Guard) knowsHost(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	same := func(own string) bool { return own != "" && strings.EqualFold(name, own) }
	if same("localhost") || slices.ContainsFunc(g.Hosts, same) {
		return true
	}
	_, err = netip.ParseAddr(name)
	return err == nil
}

// Knows reports whether a request carries the token.
func (g Guard) Knows(r *http.Request) bool {
	if g.Token == "" {
		return true
	}
	given := r.Header.Values("Authorization")
	return len(given) == 1 && subtle.ConstantTimeCompare([]byte(given[0]), []byte("Bearer "+g.Token)) == 1
}

// Unknown is the refusal of a request without the token; it sets the header that
// a 401 must have.
func (g Guard) Unknown(w http.ResponseWriter, command string) Refusal {
	w.Header().Set("WWW-Authenticate", `Bearer realm="`+g.Realm+`"`)
	return Refusal{http.StatusUnauthorized, "send Authorization: Bearer with the token that " + command + " printed"}
}

// Protect has a handler answer the requests that g lets in; refuse writes the
// answer to the others.
func (g Guard) Protect(next http.Handler, refuse func(http.ResponseWriter, Refusal)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		if refusal, refused := g.Foreign(r); refused {
			refuse(w, refusal)
			return
		}
		if !g.Knows(r) {
			refuse(w, g.Unknown(w, g.Realm))
			return
		}
		next.ServeHTTP(w, r)
	})
}
