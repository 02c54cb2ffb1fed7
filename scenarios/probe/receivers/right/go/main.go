// The receiver in Go serves an endpoint for the HTTP API destination with
// net/http alone, small enough to copy. This file is how it is served and who
// accepts; profiles.go is what a message means.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	maxBody     = 4 << 20 // bytes; ten profiles with 250 named audiences each are about 1 MB
	maxInFlight = 128     // messages at once; with maxBody it bounds the memory, to 512 MB
	tokenLife   = 24 * time.Hour
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Getenv); err != nil {
		fmt.Fprintln(os.Stderr, "receiver:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, env func(string) string) error {
	if env("CLIENT_CA") != "" && (env("CERT") == "" || env("CLIENT_ID") != "") {
		return errors.New("CLIENT_CA needs CERT and KEY, and no CLIENT_ID: the token endpoint is asked without a certificate, so serve it elsewhere")
	}
	receiver := &receiver{
		bearer: env("TOKEN"), clientID: env("CLIENT_ID"), clientSecret: env("CLIENT_SECRET"),
		slots: make(chan struct{}, maxInFlight), issued: map[string]time.Time{}, store: &store{profiles: map[identity]*profile{}},
	}
	server := &http.Server{
		Handler:      receiver.handler(),
		ReadTimeout:  10 * time.Second, // the sender gives up after 2 s
		WriteTimeout: 10 * time.Second,
		// The sender closes a socket that is idle for 60 s. A server that closes
		// it earlier may do so just when the next message is on its way.
		IdleTimeout: 75 * time.Second,
	}
	scheme := "http"
	if env("CERT") != "" {
		scheme = "https"
		var err error
		if server.TLSConfig, err = tlsConfig(env("CERT"), env("KEY"), env("CLIENT_CA")); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", cmp.Or(env("LISTEN"), "127.0.0.1:8443"))
	if err != nil {
		return err
	}
	fmt.Printf("listening on %s://%s\n", scheme, listener.Addr())
	ended := make(chan error, 1)
	go func() {
		if server.TLSConfig == nil {
			ended <- server.Serve(listener)
		} else {
			ended <- server.ServeTLS(listener, "", "")
		}
	}()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done(): // what is under way is answered
		grace, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		return server.Shutdown(grace)
	}
}

// tlsConfig speaks TLS 1.2 and 1.3. With authorities of clients it is
// mTLS-only: requesting a certificate without requiring it would leave TLS
// enabled, and the sender would present none.
func tlsConfig(cert, key, clientCA string) (*tls.Config, error) {
	certificate, err := tls.LoadX509KeyPair(cert, key) // the file holds the chain: the certificate, then its intermediates
	if err != nil {
		return nil, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}}
	if clientCA == "" {
		return config, nil
	}
	// Both hierarchies of the sender are in that file. Go demands of a client's
	// certificate that it is for clients, and not for servers too: the newer ones
	// are not.
	authorities, err := os.ReadFile(clientCA)
	if err != nil {
		return nil, err
	}
	config.ClientCAs = x509.NewCertPool()
	if !config.ClientCAs.AppendCertsFromPEM(authorities) {
		return nil, fmt.Errorf("%s holds no certificate", clientCA)
	}
	config.ClientAuth = tls.RequireAndVerifyClientCert
	return config, nil
}

type receiver struct {
	bearer, clientID, clientSecret string
	slots                          chan struct{}
	store                          *store

	mu     sync.Mutex
	issued map[string]time.Time // access token -> its end
}

func (rc *receiver) handler() http.Handler {
	private := http.NewServeMux()
	private.HandleFunc("POST /profiles", rc.receive)
	private.HandleFunc("GET /state/{ecid}", rc.state)
	routes := http.NewServeMux()
	if rc.clientID != "" {
		routes.HandleFunc("POST /token", rc.token)
	}
	// Credentials come first, on every route: nothing is read from a stranger.
	routes.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if !rc.admits(r.Header.Get("Authorization")) {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "credentials are missing, wrong or expired", http.StatusUnauthorized)
			return
		}
		private.ServeHTTP(w, r)
	})
	return routes
}

// admits is true for the bearer token and for a token issued here that is
// still good, and for everybody where neither was asked for.
func (rc *receiver) admits(authorization string) bool {
	if rc.bearer == "" && rc.clientID == "" {
		return true
	}
	scheme, token, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return false
	}
	if rc.bearer != "" && same(token, rc.bearer) {
		return true
	}
	rc.mu.Lock()
	defer rc.mu.Unlock()
	return time.Now().Before(rc.issued[token])
}

func (rc *receiver) receive(w http.ResponseWriter, r *http.Request) {
	// Overload is 429 or 503, which a sender repeats under every policy.
	select {
	case rc.slots <- struct{}{}:
		defer func() { <-rc.slots }()
	default:
		w.Header().Set("Retry-After", "5")
		http.Error(w, "too many messages at once", http.StatusServiceUnavailable)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
		http.Error(w, "the body is too long", http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil || !json.Valid(body) {
		http.Error(w, "the body is not JSON", http.StatusBadRequest)
		return
	}
	profiles, err := parse(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	// A message answered with 2xx is never sent again: store first, durably, then
	// answer, and leave everything that takes long for afterwards.
	rc.store.add(profiles)
	w.WriteHeader(http.StatusNoContent)
}

// state is for the probe, which reads back what was stored.
func (rc *receiver) state(w http.ResponseWriter, r *http.Request) {
	document, known := rc.store.document(identity{"ecid", r.PathValue("ecid")})
	if !known {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(document)
}

// token issues an access token for client credentials, which come in the form
// or, percent-encoded or not, by Basic authorization (RFC 6749, 2.3.1).
func (rc *receiver) token(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	id, secret, basic := r.BasicAuth()
	if basic {
		id, secret = decoded(id, rc.clientID), decoded(secret, rc.clientSecret)
	} else {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	switch {
	case !same(id, rc.clientID) || !same(secret, rc.clientSecret):
		w.Header().Set("WWW-Authenticate", "Basic")
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprintln(w, `{"error":"invalid_client"}`)
		return
	case r.PostFormValue("grant_type") != "client_credentials":
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintln(w, `{"error":"unsupported_grant_type"}`)
		return
	}
	now, token := time.Now(), rand.Text()
	rc.mu.Lock()
	for old, end := range rc.issued {
		if now.After(end) {
			delete(rc.issued, old)
		}
	}
	rc.issued[token] = now.Add(tokenLife)
	rc.mu.Unlock()
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": int(tokenLife.Seconds())})
}

// decoded is text without its percent-encoding, unless it is what is wanted as
// it stands.
func decoded(text, wanted string) string {
	if plain, err := url.QueryUnescape(text); err == nil && text != wanted {
		return plain
	}
	return text
}

// same compares in a time that does not tell how much is right.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
