// Package journal is what the mock endpoint saw: requests as they came in, and
// the connections that never became one.
package journal

import (
	"sync"
	"time"
)

// Redacted stands for a credential; the journal never holds one (R32).
const Redacted = "[redacted]"

// Header is one header line, in the order and case of the wire.
type Header struct{ Name, Value string }

// Peer is the client certificate of a connection.
type Peer struct {
	CommonName string
	SAN        []string
	Issuer     string // common name
	Expires    time.Time
}

// Authorization is what became of the check of the credentials: the bearer
// token of a data call, the client of a token request.
type Authorization string

// The results of the check; NotChecked where the endpoint asks for none. Expired
// and Revoked are tokens the endpoint issued itself.
const (
	NotChecked Authorization = ""
	Accepted   Authorization = "accepted"
	Wrong      Authorization = "wrong"
	Missing    Authorization = "missing"
	Expired    Authorization = "expired"
	Revoked    Authorization = "revoked"
)

// Request is one request and what the endpoint did with it.
type Request struct {
	Arrived       time.Time // when its body was complete
	Answered      time.Time // when the last byte of the answer left, or the endpoint gave up
	Socket        int       // of the endpoint, in order of acceptance, from 1
	Listener      string    // its name; "" without one
	Remote        string    // the client's address
	Number        int       // on its socket, from 1
	Method        string
	Target        string
	Proto         string
	Headers       []Header
	Head          []byte // raw request line and headers, credentials redacted
	Body          []byte
	TLS           string // "TLS 1.3"; "" in the clear
	Cipher        string // the suite, by its IANA name; "" in the clear
	ServerName    string
	Peer          *Peer
	Profiles      []string // named by the identities in the body, in its order
	Authorization Authorization
	Refused       string // what the request lacks that the endpoint asks for; "" for nothing
	// Matched are the required fields whose values were right and are redacted
	// here: "header X-API-Key", "query key".
	Matched []string
	// Token is the number of the access token that was carried or, in the
	// answer to a token request, issued: in order of issue, from 1; 0 for none.
	Token        int
	TokenRequest *TokenRequest // nil for any other request
	Status       int           // 0: no status line left
	Fault        string        // id of the fault it met
	Disconnected bool          // the client left before the answer was complete
	// Forwards is what became of it at the receiver, where the endpoint is a proxy:
	// one for each time it was sent there.
	Forwards []Forward
}

// Forward is a request that a proxy sent to its receiver.
type Forward struct {
	Sent    time.Time
	Took    time.Duration // until the last byte of the receiver's answer, dialling included
	Status  int           // of the receiver's answer; 0: none that could be passed on
	Failure string        // why; a few words: refused, closed, untrusted-certificate, …
}

// TokenRequest is what a token request asked for.
type TokenRequest struct {
	Grant       string // as the client sent it; "" without one
	Credentials string // body, basic, basic-url-encoded, both, none
}

// Handshake is a connection that ended before its first request.
type Handshake struct {
	Accepted   time.Time
	Ended      time.Time
	Socket     int
	Listener   string
	Remote     string
	Reason     string // low cardinality: certificate-required, unknown-ca, disconnected, …
	TLS        string // the version agreed on; "" where it did not come to that
	Alert      *Alert // that ended it; nil: a reset, or a client that left
	ServerName string
	Peer       *Peer
	Fault      string
}

// Alert is a fatal alert of TLS (RFC 8446 §6).
type Alert struct {
	By          string // endpoint or client: who sent it
	Code        int
	Description string // certificate_required
}

// Sink takes entries as they happen. Implementations are safe for concurrent
// use.
type Sink interface {
	Request(Request)
	Handshake(Handshake)
}

// Memory is a Sink that keeps everything, in the order it happened.
type Memory struct {
	mu         sync.Mutex
	requests   []Request
	handshakes []Handshake
}

// Request implements Sink.
func (m *Memory) Request(r Request) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.requests = append(m.requests, r)
}

// Handshake implements Sink.
func (m *Memory) Handshake(h Handshake) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.handshakes = append(m.handshakes, h)
}

// Requests returns a copy of the requests so far.
func (m *Memory) Requests() []Request {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Request(nil), m.requests...)
}

// Handshakes returns a copy of the refused or broken handshakes so far.
func (m *Memory) Handshakes() []Handshake {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Handshake(nil), m.handshakes...)
}
