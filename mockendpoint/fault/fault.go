// Package fault is the plan by which the mock endpoint misbehaves. PURE: which
// request meets which fault is a function of the plan, its seed and the order
// of requests.
package fault

import "time"

// Phase is where in an exchange a fault acts.
type Phase string

// The phases, in the order of an exchange.
const (
	Accept    Phase = "accept"    // before the connection is taken up
	Handshake Phase = "handshake" // after the ClientHello, before the answer to it
	Response  Phase = "response"  // instead of the response
	Body      Phase = "body"      // after the headers and a part of the body
)

// Target is what a fault is for.
type Target string

// The targets: requests that carry a message, those of an mTLS decision, which
// carry none, and those to the token endpoint.
const (
	Message  Target = ""
	Decision Target = "decision"
	Token    Target = "token"
)

// Range selects the first to the last of something counted from 1; Last 0
// means no end.
type Range struct{ First, Last int }

// Contains says whether the nth is selected.
func (r Range) Contains(n int) bool { return n >= r.First && (r.Last == 0 || n <= r.Last) }

// Fault is one planned misbehaviour. Status, Stall and Reset exclude each
// other; Latency, HeadersAt and SlowBody shape the answer in time.
type Fault struct {
	ID string
	// Profiles selects messages that carry such a profile; nil selects all. The
	// count of Requests is kept per profile, without Profiles over all.
	Profiles     func(name string) bool
	ProfileCount int // how many profiles Profiles can select, to know when the plan is fulfilled
	Requests     Range
	Connections  Range   // counted instead of requests in the phases before there is one
	On           Target  // before there is a request: Token selects the token endpoint's connections, anything else the others
	Probability  float64 // the share of selected requests it hits; 0 means 1

	Phase     Phase // "" means Response
	Status    int
	Answer    string // Token: the name of an answer that brings no token
	Headers   map[string]string
	Latency   time.Duration // before anything of the answer leaves
	HeadersAt time.Duration // after arrival, where the body is slow
	SlowBody  time.Duration // after arrival: when the last byte leaves
	Stall     bool          // never goes on
	Reset     bool          // resets the connection
}

// early says whether the fault acts before there is a request.
func (f *Fault) early() bool { return f.Phase == Accept || f.Phase == Handshake }

// Planned is how often the fault will have acted when the plan is fulfilled; 0
// when that is open: without an end, or by chance.
func (f *Fault) Planned() int {
	r, times := f.Requests, 1
	if f.early() {
		r = f.Connections
	} else if f.Profiles != nil {
		times = f.ProfileCount
	}
	if r.Last == 0 || f.Probability > 0 && f.Probability < 1 {
		return 0
	}
	return (r.Last - r.First + 1) * times
}
