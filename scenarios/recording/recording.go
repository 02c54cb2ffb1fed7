// Package recording is what a run leaves behind: plain data, one JSON object
// per line. PURE.
//
// A recording holds virtual times, bodies and reasons, and nothing that differs
// between two runs of one seed: no wall time, address, port, serial number,
// fingerprint or error text, and no secret. Only those of httpdest mock and
// serve, each of one side, hold wall times, and addresses of sockets. Checks are functions of
// (expectations, recording), so a recording saved today can be judged again by
// a later version.
package recording

import (
	"encoding/json"
	"time"
)

// Schema is the version of the format, in the first line of every recording.
const Schema = "httpdest/recording/v1"

// Line is one line: exactly one field is set besides the first two, and its name is the
// line's type.
type Line struct {
	// Dataflow is the key of the dataflow that the line is about; absent where the line is
	// about none of them or about all, such as an update of a profile.
	Dataflow string `json:"dataflow,omitempty"`
	// Destination is the key of the destination whose endpoint saw a request or a
	// handshake, or revoked its tokens.
	Destination string `json:"destination,omitempty"`

	Run       *Run       `json:"run,omitempty"`
	Problem   *Problem   `json:"problem,omitempty"`
	Update    *Update    `json:"update,omitempty"`
	Action    *Action    `json:"action,omitempty"`
	Export    *Export    `json:"export,omitempty"`
	Decision  *Decision  `json:"decision,omitempty"`
	Token     *Token     `json:"token,omitempty"`
	Attempt   *Attempt   `json:"attempt,omitempty"`
	Request   *Request   `json:"request,omitempty"`
	Handshake *Handshake `json:"handshake,omitempty"`
	Drop      *Drop      `json:"drop,omitempty"`
	FlowRun   *FlowRun   `json:"flowRun,omitempty"`
	Totals    *Totals    `json:"totals,omitempty"`
	Alert     *Alert     `json:"alert,omitempty"`
	Lookup    *Lookup    `json:"lookup,omitempty"`
	End       *End       `json:"end,omitempty"`
}

// Run opens a recording.
type Run struct {
	Schema   string    `json:"schema"`
	Scenario string    `json:"scenario"` // the last part of the case id: a recording does not depend on the folder
	Title    string    `json:"title"`
	Seed     uint64    `json:"seed"`
	Start    time.Time `json:"start"`
	// Endpoint is the URL of the destination before query parameters are added; "" where
	// there are several.
	Endpoint  string     `json:"endpoint"`
	Dataflows []Dataflow `json:"dataflows,omitempty"` // where there are several, in their order
	// Clock is "wall" for a run on the wall clock, whose times are within
	// ToleranceMs of those planned.
	Clock       string `json:"clock,omitempty"`
	ToleranceMs int64  `json:"toleranceMs,omitempty"`
	// Side is "endpoint" where only an endpoint kept the record: requests and
	// refused handshakes of a foreign sender. It is "sender" where only the sender did:
	// everything else.
	Side string `json:"side,omitempty"`
}

// Dataflow is one of several.
type Dataflow struct {
	ID          string `json:"id"`          // the key in the scenario
	Destination string `json:"destination"` // likewise
	Endpoint    string `json:"endpoint"`    // URL, before query parameters are added
}

// Problem is what the engine has to say about a configuration, or about an
// action that changes one. After an error of the configuration nothing is
// played. An action with an error does not happen, and has no line of its own.
type Problem struct {
	At      time.Time `json:"at"`
	Path    string    `json:"path"`  // "dataflow.attributes[2]"
	Level   string    `json:"level"` // error, warning, advice
	Message string    `json:"message"`
	Hint    string    `json:"hint"`
	Action  string    `json:"action,omitempty"` // map, activate, …; "" the configuration as it was at the start
}

// Update is a change of one profile, as the engine accepted it.
type Update struct {
	At      time.Time `json:"at"`
	Profile string    `json:"profile"`
	Changes []Change  `json:"changes"`
}

// Change is one change within an update: the words of the scenario's history.
type Change struct {
	Op       string          `json:"op"`
	Audience string          `json:"audience,omitempty"` // audience id
	Path     string          `json:"path,omitempty"`
	Value    json.RawMessage `json:"value,omitempty"`
	Identity string          `json:"identity,omitempty"` // namespace:id
	To       string          `json:"to,omitempty"`       // the new id; merged: the profile that stays
	From     string          `json:"from,omitempty"`     // merge: the profile that becomes part of this one
}

// Action is a change of the dataflow: activate, map, unmap, disable, enable,
// triggers, rename (which changes audiences), delete. Or revoke: the token
// endpoint ended every token it had issued. Or what happens to uploaded
// audiences: upload, refresh, expire.
type Action struct {
	At        time.Time `json:"at"`
	Action    string    `json:"action"`
	Audiences []string  `json:"audiences,omitempty"` // audience ids
	Names     []string  `json:"names,omitempty"`     // rename: the new names of the audiences
	// Triggers are the switches that were set: attributeChanges, segmentationChanges,
	// externalSegmentationChanges, identityChanges. Those not named keep their state.
	Triggers map[string]bool `json:"triggers,omitempty"`
}

// Export is one decision to send one profile, with its reasons.
type Export struct {
	At      time.Time `json:"at"`
	ID      string    `json:"id"` // "new-1#2": the second export of new-1
	Profile string    `json:"profile"`
	Because []string  `json:"because"` // audience, attribute, identity, backfill; sorted
	// MergePolicy is that of all audiences in the body, where the reading has one
	// body for each merge policy (mergePolicyBodies: each).
	MergePolicy string `json:"mergePolicy,omitempty"`
	// Excluded is why the export was counted and not sent: missing-attributes,
	// consent-violation.
	Excluded string `json:"excluded,omitempty"`
}

// Decision is one mTLS decision of design §4.
type Decision struct {
	At      time.Time `json:"at"`
	EndedAt time.Time `json:"endedAt"`
	Result  string    `json:"result"` // mtls-only, tls-enabled, undecided
	Asked   bool      `json:"asked"`  // the server asked for a certificate
	// First and Second are the outcomes of the request without and, where it
	// was needed, with the certificate.
	First  string `json:"first"`
	Second string `json:"second,omitempty"`
	Reason string `json:"reason,omitempty"`
}

// Token is one request for an access token, seen by the sender. It holds no
// credential.
type Token struct {
	At      time.Time `json:"at"`
	EndedAt time.Time `json:"endedAt"`
	Grant   string    `json:"grant"`   // client_credentials, password, refresh_token
	Result  string    `json:"result"`  // issued, or why no token came: refused, timeout, …
	Outcome string    `json:"outcome"` // a status ("200") or a word ("timeout", "reset", …)
	Reason  string    `json:"reason,omitempty"`
	// ExpiresIn is the lifetime the answer gave, in seconds; 0: it gave none.
	ExpiresIn int64 `json:"expiresIn,omitempty"`
	Refresh   bool  `json:"refresh,omitempty"` // a refresh token came with it
	Waiting   int   `json:"waiting"`           // attempts that waited for it
	// Asked is true where the token endpoint requested a client certificate: only
	// then does the run show that none is presented. nil: not recorded.
	Asked *bool `json:"asked,omitempty"`
}

// Header is one header line; order and case are those of the wire. In a file,
// "valueBase64" stands for a value that is not UTF-8.
type Header struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Attempt is one HTTP request carrying a message, seen by the sender.
type Attempt struct {
	At      time.Time `json:"at"`
	EndedAt time.Time `json:"endedAt"`
	Message string    `json:"message"` // id of its first export
	Exports []string  `json:"exports"` // ids, 1 to 10
	Number  int       `json:"number"`  // 1, 2, 3
	Method  string    `json:"method"`
	URL     string    `json:"url"`
	Headers []Header  `json:"headers"`
	Body    string    `json:"body"`   // "bodyBase64" in a file where it is not UTF-8
	Socket  int       `json:"socket"` // ordinal in order of dialling, from 1; 0: none was opened
	// Local is the sender's address on the socket, in a recording of Side "sender":
	// by it the requests are found that an endpoint saw.
	Local       string `json:"local,omitempty"`
	Reused      bool   `json:"reused"` // the socket carried a request before
	Certificate bool   `json:"certificate"`
	Outcome     string `json:"outcome"` // a status ("503") or a word ("timeout", "reset", …)
	Reason      string `json:"reason,omitempty"`
	Retry       bool   `json:"retry"` // another attempt follows
}

// Peer is the client certificate an endpoint saw.
type Peer struct {
	CommonName string   `json:"commonName"`
	SAN        []string `json:"san,omitempty"`
	Issuer     string   `json:"issuer"`
	// Expires is when its validity ends, a whole second.
	Expires time.Time `json:"expires,omitzero"`
}

// Request is one request as the endpoint received it.
type Request struct {
	At            time.Time `json:"at"`
	AnsweredAt    time.Time `json:"answeredAt"`
	Socket        int       `json:"socket"`
	Number        int       `json:"number"` // on its socket, from 1
	Method        string    `json:"method"`
	Target        string    `json:"target"` // path and query as sent; "targetBase64" in a file where it is not UTF-8
	Proto         string    `json:"proto"`
	Headers       []Header  `json:"headers"`
	Body          string    `json:"body"`          // "bodyBase64" in a file where it is not UTF-8
	TLS           string    `json:"tls,omitempty"` // "TLS 1.3"
	ServerName    string    `json:"serverName,omitempty"`
	Peer          *Peer     `json:"peer,omitempty"`
	Profiles      []string  `json:"profiles,omitempty"`      // the profiles whose identities the body carries, in its order
	Authorization string    `json:"authorization,omitempty"` // accepted, wrong, missing, expired, revoked; "" not checked
	// Token is the number of the access token that was carried or, of a token
	// request, issued: in order of issue, from 1. 0: none of the endpoint's.
	Token        int           `json:"token,omitempty"`
	TokenRequest *TokenRequest `json:"tokenRequest,omitempty"` // nil for any other request
	Status       int           `json:"status"`                 // 0: no status line was written
	Refused      string        `json:"refused,omitempty"`      // what it lacks that the endpoint asks for
	// Matched are the fields that the endpoint requires and that had the right
	// value, which is redacted: "header X-API-Key", "query key".
	Matched      []string `json:"matched,omitempty"`
	Fault        string   `json:"fault,omitempty"`
	Disconnected bool     `json:"disconnected,omitempty"` // the client left before the answer was complete
	// Receiver is what became of it at the receiver, where the endpoint is a proxy: one
	// for each time it was sent there.
	Receiver []Forward `json:"receiver,omitempty"`
}

// Forward is a request that a proxy sent to its receiver.
type Forward struct {
	At      time.Time `json:"at"`
	EndedAt time.Time `json:"endedAt"`
	Status  int       `json:"status"` // 0: no answer that could be passed on
	// Failure is why: refused, closed, sender-left (the sender gave up first), …
	Failure string `json:"failure,omitempty"`
}

// TokenRequest is what a token request asked for; its body is redacted.
type TokenRequest struct {
	Grant       string `json:"grant,omitempty"`
	Credentials string `json:"credentials"` // body, basic, basic-url-encoded, both, none
}

// Handshake is a connection that ended before its first request.
type Handshake struct {
	At         time.Time `json:"at"`
	EndedAt    time.Time `json:"endedAt"`
	Socket     int       `json:"socket"`
	Reason     string    `json:"reason"` // certificate-required, bad-certificate, disconnected, …
	ServerName string    `json:"serverName,omitempty"`
	Peer       *Peer     `json:"peer,omitempty"`
	Fault      string    `json:"fault,omitempty"`
}

// Drop is a message given up after its last attempt, or an export cancelled.
type Drop struct {
	At      time.Time `json:"at"`
	Message string    `json:"message"`
	Exports []string  `json:"exports"`
	Reason  string    `json:"reason"`
}

// Lookup is one request to the platform and what of its answer is the same in
// every run.
type Lookup struct {
	At           time.Time          `json:"at"`
	What         string             `json:"what"` // public-certificate, egress-addresses
	Query        string             `json:"query,omitempty"`
	Without      []string           `json:"without,omitempty"` // headers that were left out
	Status       int                `json:"status"`
	Total        *int64             `json:"total,omitempty"`
	Count        *int64             `json:"count,omitempty"`
	Certificates []FoundCertificate `json:"certificates,omitempty"` // in the order of the answer
	Links        []string           `json:"links,omitempty"`        // sorted
	Allowed      *bool              `json:"allowed,omitempty"`
}

// FoundCertificate is one result of a lookup: its fields, and those of its PEM.
type FoundCertificate struct {
	Fields     []string  `json:"fields"`     // all that the result has, sorted
	CommonName string    `json:"commonName"` // certCommonName
	Expiry     string    `json:"expiry"`     // expiryDate
	Subject    string    `json:"subject"`    // the common name in the PEM
	SAN        []string  `json:"san"`        // in the PEM
	NotAfter   time.Time `json:"notAfter"`   // in the PEM
}

// Fault counts how often a planned fault fired.
type Fault struct {
	ID      string `json:"id"`
	Planned int    `json:"planned"` // 0: open-ended, at least one expected
	Fired   int    `json:"fired"`
	Line    int    `json:"line,omitempty"` // in the scenario file
	// Destination is the key of that whose endpoint has the fault, where there are several.
	Destination string `json:"destination,omitempty"`
}

// End closes a recording.
type End struct {
	At     time.Time `json:"at"`
	Faults []Fault   `json:"faults,omitempty"`
	// Inconclusive is the reason why the run could not be played to its end; "" is
	// a complete run.
	Inconclusive string `json:"inconclusive,omitempty"`
	// Unfinished are the exports that were neither delivered nor dropped.
	Unfinished []string `json:"unfinished,omitempty"`
}
