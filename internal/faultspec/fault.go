// Package faultspec is the grammar of a planned fault: its keys, the values that each may have, the rules
// between them, and a fault as data. Scenario files and the admin API of the mock write faults by it. The two
// readers, the two schemas and the copies from one form to the other follow from Keys. PURE. It has data and
// rules, and no decisions: mockendpoint/fault decides which request a fault hits, the mock plays it, and
// scenarios/simulate states the effects a second time.
package faultspec

import "time"

// Fault is one planned misbehaviour, as data. A zero field is a default. Of Status, Stall, Reset and the other
// ways to end an answer it has at most one (Spec.Problems has the rules); Latency, HeadersAt and SlowBody shape
// the answer in time.
type Fault struct {
	ID string
	// Profiles selects messages that carry such a profile; nil selects those of ProfileNames. The count of
	// Requests is kept per profile, without Profiles and ProfileNames over all.
	Profiles     func(name string) bool
	ProfileCount int    // how many profiles Profiles can select, to know when the plan is fulfilled
	ProfileNames string // a name or a range of names; "" without Profiles selects every message
	// From and Until are since the fault was armed; Until 0 means no end. Requests outside of this window are
	// not counted.
	From, Until time.Duration
	Requests    Range
	Every       int // of those, every nth; 0 and 1 are all
	// Connections are those whose requests are selected or, in the phases before there is a request, what is
	// counted instead.
	Connections Range
	On          Target  // before there is a request: the connections of the token endpoint, or else the others
	Probability float64 // the share of selected requests it hits; 0 means 1

	Phase     Phase // "" means Response
	Status    int
	Answer    string         // Token: the name of an answer that brings no token
	ExpiresIn *time.Duration // Token: the lifetime of what is issued; 0: not said, and good until revoked
	Revoke    bool           // the endpoint revokes its tokens before it answers
	Headers   map[string]string
	Latency   time.Duration // before anything of the answer leaves
	Latencies *Distribution // that Latency is drawn from; nil: it is fixed
	HeadersAt time.Duration // after arrival, where the body is slow
	SlowBody  time.Duration // after arrival: when the last byte leaves

	Stall          bool // never goes on
	Reset          bool // resets the connection
	Close          bool // closes the connection
	HalfClose      bool // closes its direction of the connection, and goes on reading
	Garbage        bool // sends what is neither HTTP nor TLS, and closes
	MalformedChunk bool // the body has a chunk without a size
	Endless        bool // the body has no end

	// Forward is when a proxy sends the request to its receiver; "" is with the answer, and never where the
	// fault has an answer of its own.
	Forward Forwarding

	// Rate is how many requests a second may come, Burst how many at once; those beyond are hit. 0 means unlimited.
	Rate  float64
	Burst int

	// Draw is what this firing has by chance: a function of the seed, the fault, the profile and the count.
	Draw [32]byte
}

// Spec is a fault as people write it: a field for each of Keys, in their order. Problems finds which keys can
// be combined. The number 0, the text "" and false count as left out.
type Spec struct {
	ID             string    `json:"id,omitempty"`
	Profile        string    `json:"profile,omitempty"` // a name, or a range of names
	Profiles       string    `json:"profiles,omitempty"`
	From           *Duration `json:"from,omitempty"`
	Until          *Duration `json:"until,omitempty"`
	Requests       *Range    `json:"requests,omitempty"`
	Every          int       `json:"every,omitempty"`
	Connections    *Range    `json:"connections,omitempty"`
	On             string    `json:"on,omitempty"`
	At             string    `json:"at,omitempty"`
	Probability    *float64  `json:"probability,omitempty"`
	Status         int       `json:"status,omitempty"`
	Answer         string    `json:"answer,omitempty"`
	ExpiresIn      *Lifetime `json:"expiresIn,omitempty"`
	Revoke         bool      `json:"revoke,omitempty"`
	Headers        Headers   `json:"headers,omitempty"`
	Latency        *Latency  `json:"latency,omitempty"`
	HeadersAt      *Duration `json:"headersAt,omitempty"`
	SlowBody       *Duration `json:"slowBody,omitempty"`
	Stall          bool      `json:"stall,omitempty"`
	Reset          bool      `json:"reset,omitempty"`
	Close          bool      `json:"close,omitempty"`
	HalfClose      bool      `json:"halfClose,omitempty"`
	Garbage        bool      `json:"garbage,omitempty"`
	MalformedChunk bool      `json:"malformedChunk,omitempty"`
	Endless        bool      `json:"endless,omitempty"`
	Forward        string    `json:"forward,omitempty"`
	Rate           *float64  `json:"rate,omitempty"`
	Burst          int       `json:"burst,omitempty"`
}

// Keys are all keys of a fault.
var Keys = []Key{
	{Name: "id", Pattern: `^[^\x00-,/:-@\[-\^` + "`" + `{-\x7f]+$`,
		About: "The name of the fault in reports: letters, digits and . _ -. By default one by its place, such " +
			"as fault-1."},
	{Name: "profile",
		About: "The profile whose requests are hit: a name, or a range. Same as profiles. The default is every " +
			"request."},
	{Name: "profiles",
		About: "The profiles whose requests are hit: a range, or a name. Same as profile. The default is every " +
			"request."},
	{Name: "from", Default: `"0s"`,
		About: "The time from which requests are hit and counted, from the start of the scenario or, over the " +
			"admin API, from when the fault was added."},
	{Name: "until", Example: `"2h"`,
		About: "The end of the fault, counted as in from. Requests at that moment are not hit. By default it " +
			"does not end."},
	{Name: "requests", Default: `"1-"`,
		About: "The requests that are hit: 1, 1-2, or 2- for the second and all after it. They count from 1, " +
			"for each named profile, or over all requests without profiles."},
	{Name: "every", Least: 1, Most: 999_999_999, Default: `1`, Fix: "write 3 for every third",
		About: "Every nth of the selected requests or connections is hit."},
	{Name: "connections",
		About: "The connections whose requests are hit, counted from 1. With at: accept and at: handshake, " +
			"which come before a request, the connections that are hit."},
	{Name: "on", Words: []string{"message", string(Decision), string(Token)}, Default: `"message"`,
		About: "message: requests that carry an export. decision: the requests that decide about mTLS. token: " +
			"requests for an access token, or connections for one."},
	{Name: "at", Words: []string{string(Response), string(Accept), string(Handshake), string(Body), string(End)},
		Default: `"response"`,
		About: "The point at which it happens: when the answer is due, when the connection is accepted, in the " +
			"TLS handshake, in the middle of the answer's body, or after the complete answer."},
	{Name: "probability", Most: 1, Default: `1`, Fix: "write 0.25 for every fourth request",
		About: "The share of the selected requests that are hit, drawn by the seed: above 0, up to 1."},
	{Name: "status", Ends: Answering, Least: 200, Most: 599, Fix: "write 503", Example: `503`,
		About: "The status of the answer. Without it the answer is the ordinary one."},
	{Name: "answer", Ends: Answering, Words: Answers, About: "On token: answer 200 without a usable token."},
	{Name: "expiresIn", Ends: Answering, Example: `"5s"`,
		About: "On token: the lifetime of the issued token, 1s or more. none omits expires_in, and the token " +
			"is valid until it is revoked."},
	{Name: "revoke", Ends: Answering,
		About: "The token endpoint revokes every token that it issued, also the one of this request, and then " +
			"answers the request."},
	{Name: "headers", Example: `{"Retry-After": 120}`, About: "Headers of the answer. Numbers need no quotes."},
	{Name: "latency", Default: `"0s"`, Example: `"2.5s"`,
		About: "The delay of the answer from the arrival of the request, fixed or by a distribution. An " +
			"attempt gives up after 2 s (timeout-2s)."},
	{Name: "headersAt",
		About: "With slowBody: the time of the headers, counted from the arrival of the request and before " +
			"slowBody."},
	{Name: "slowBody", Example: `"2100ms"`,
		About: "The time of the last byte of the answer, counted from the arrival of the request."},
	{Name: "stall", Ends: Breaking, Phases: anyPhase,
		About: "Never answers, or stops at the point of at (retry-network)."},
	{Name: "reset", Ends: Breaking, Phases: anyPhase,
		About: "Resets the connection instead of answering, or at the point of at (retry-network)."},
	{Name: "close", Ends: Breaking, Phases: anyPhase,
		About: "Closes the connection instead of answering, or at the point of at: an empty reply, a truncated " +
			"body (retry-network)."},
	{Name: "halfClose", Ends: Breaking, Phases: []Phase{Body, End},
		About: "Closes its direction of the connection instead of answering, or at the point of at, and " +
			"continues to read (retry-network)."},
	{Name: "garbage", Ends: Breaking, Phases: []Phase{Handshake},
		About: "Answers with bytes that are not HTTP or, at: handshake, not TLS (retry-network)."},
	{Name: "malformedChunk", Ends: Breaking,
		About: "Answers with a chunked body, one chunk of which has no size (retry-network)."},
	{Name: "endless", Ends: Breaking, About: "Answers with a body that has no end (retry-network)."},
	{Name: "forward", Example: `"twice"`,
		Words: []string{string(ForwardBefore), string(ForwardAfter), string(ForwardTwice), string(ForwardAtOnce)},
		About: "Of httpdest proxy alone: when the request is sent to the receiver. before: before latency and " +
			"ending, so that an answer is late or lost although the receiver has the request. after: after latency, " +
			"also where the fault has an answer of its own. twice and twice-at-once: as after, two times, one after " +
			"the other or at the same moment. By default a fault with an answer of its own keeps the request from " +
			"the receiver."},
	{Name: "rate", Ends: Answering, Most: maxRate, Fix: "write 10 for ten requests a second, or 0.5", Example: `10`,
		About: "The number of requests a second that are accepted, by a token bucket. Further requests are " +
			"answered with 429, or status, and Retry-After."},
	{Name: "burst", Least: 1, Most: maxRate, Fix: "write 10",
		About: "With rate: the size of a burst. The default is 1."},
}

// maxRate bounds rate and burst.
const maxRate = 1_000_000

// anyPhase is for an ending that can take the place of anything in an exchange.
var anyPhase = []Phase{Accept, Handshake, Body, End}
