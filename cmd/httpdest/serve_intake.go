package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/internal/access"
)

// intakeFlags say where the intake of httpdest serve listens, and for whom.
type intakeFlags struct {
	listen string
	token  string
	open   bool // asks for no token
	hosts  []string
}

func (f *intakeFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.listen, "listen", "127.0.0.1:0", "address and port of the intake; port 0 takes a free one")
	flags.StringVar(&f.token, "token", "", "the token that requests must carry (default: a random one); "+secretForms)
	flags.BoolVar(&f.open, "no-auth", false, "ask for no token; only with --listen on loopback")
	flags.StringSliceVar(&f.hosts, "allow-host", nil, "name by which clients reach the intake, besides localhost and addresses; repeat it for more")
}

// guard checks the flags, and makes a token where none is given.
func (f intakeFlags) guard(a *app) (access.Guard, error) {
	g := access.Guard{Hosts: f.hosts, Realm: "httpdest serve"}
	host, _, err := net.SplitHostPort(f.listen)
	switch {
	case err != nil:
		return g, failure{exitUsage, fmt.Errorf("--listen: %w", err), "give ADDRESS:PORT, such as 127.0.0.1:8080 or 127.0.0.1:0"}
	case f.open && f.token != "":
		return g, failure{exitUsage, errors.New("--no-auth and --token exclude each other"), "leave one of them out"}
	case f.open && !access.Loopback(host):
		return g, failure{exitUsage, fmt.Errorf("--no-auth: other machines reach %s", f.listen), "leave --no-auth out, or listen on 127.0.0.1"}
	}
	g.Hosts = append(g.Hosts, host)
	if !access.Loopback(host) {
		fmt.Fprintf(a.stderr, "httpdest: other machines reach %s, without encryption: keep it behind a proxy with TLS, and the token secret\n", f.listen)
	}
	if f.open {
		return g, nil
	}
	if g.Token, err = a.secretOf("--token", f.token); err != nil {
		return g, err
	}
	if g.Token == "" {
		g.Token = access.NewToken()
	}
	return g, nil
}

// says is the line for the people who start it, "" where they know already.
func (f intakeFlags) says(g access.Guard) string {
	if f.open || f.token != "" {
		return ""
	}
	return "httpdest: requests need the header Authorization: Bearer " + g.Token + "\n"
}

// The bounds of the connections of the intake.
const (
	headTime = 10 * time.Second
	idleTime = 2 * time.Minute
	mostHead = 64 << 10
)

// intakeServer serves a driver to those whom the guard lets in.
func intakeServer(s *service) *http.Server {
	guarded := s.guard.Protect(live.Handler(s.driver, s.config.Audience), func(w http.ResponseWriter, r access.Refusal) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Connection", "close")
		w.WriteHeader(r.Status)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": r.Detail}) // a client that left needs no answer
	})
	return &http.Server{Handler: unambiguous(guarded), ReadHeaderTimeout: headTime, IdleTimeout: idleTime, MaxHeaderBytes: mostHead}
}

// unambiguous closes the connection after a body in chunks. net/http hides a
// Content-Length that came with it, and then the following request may be
// smuggled (RFC 9112, 6.1).
func unambiguous(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
		readRest(w, r)
	})
}

// The bounds of what is read of a body after it was refused.
const (
	restTime  = 2 * time.Second
	restBytes = 64 << 20
)

// readRest reads what a client is still sending: it would take the end of the
// connection for the answer.
func readRest(w http.ResponseWriter, r *http.Request) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(restTime)) // the next request has one of its own
	_, _ = io.CopyN(io.Discard, r.Body, restBytes)                              // how it ends does not matter
}

// connections reads what --connect-to says.
func connections(all []string) (map[string]string, error) {
	out := map[string]string{}
	for _, text := range all {
		from, to, _ := strings.Cut(text, "=")
		for _, end := range []string{from, to} {
			if host, port, err := net.SplitHostPort(end); err != nil || host == "" || port == "" {
				return nil, failure{exitUsage, fmt.Errorf("--connect-to %q", text), "give HOST:PORT=ADDRESS:PORT, such as receiver.example.com:443=127.0.0.1:8443"}
			}
		}
		out[from] = to
	}
	return out, nil
}
