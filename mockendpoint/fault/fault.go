// Package fault is the plan by which the mock endpoint misbehaves. PURE: which
// request meets which fault, and how late, is a function of the plan, its seed,
// the order of requests and the time the plan is told.
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
	End       Phase = "end"       // after the last byte of the response
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

// Fault is one planned misbehaviour. Of Status, Stall, Reset and the other ways
// to end an answer it has at most one (Spec.Validate has the rules); Latency,
// HeadersAt and SlowBody shape the answer in time.
type Fault struct {
	ID string
	// Profiles selects messages that carry such a profile; nil selects all. The
	// count of Requests is kept per profile, without Profiles over all.
	Profiles     func(name string) bool
	ProfileCount int    // how many profiles Profiles can select, to know when the plan is fulfilled
	ProfileNames string // the same as text: a name or a range
	// From and Until are since the fault was armed; Until 0 means no end. Requests
	// outside of this window are not counted.
	From, Until time.Duration
	Requests    Range
	Every       int // of those, every nth; 0 and 1 are all
	// Connections are those whose requests are selected or, in the phases before
	// there is a request, what is counted instead.
	Connections Range
	On          Target  // before there is a request: Token selects the token endpoint's connections, anything else the others
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

	// Rate is how many requests a second may come, Burst how many at once;
	// those beyond are hit. 0 means unlimited.
	Rate  float64
	Burst int

	// Draw is what this firing has by chance: a function of the seed, the fault,
	// the profile and the count.
	Draw [32]byte
}

// Early reports whether the fault acts before there is a request.
func (f *Fault) Early() bool { return f.Phase == Accept || f.Phase == Handshake }

// within reports whether a time since the fault was armed is in its window.
func (f *Fault) within(since time.Duration) bool {
	return since >= f.From && (f.Until == 0 || since < f.Until)
}

// picks reports whether the nth of what the fault counts is selected.
func (f *Fault) picks(n int) bool {
	r := f.Requests
	if f.Early() {
		r = f.Connections
	}
	return r.Contains(n) && (f.Every < 2 || (n-r.First+1)%f.Every == 0)
}

// Planned is how often the fault will have acted when the plan is fulfilled; 0
// when that is open: without an end, by chance, or beyond a rate.
func (f *Fault) Planned() int {
	r, times := f.Requests, 1
	if f.Early() {
		r = f.Connections
	} else if f.Profiles != nil {
		times = f.ProfileCount
	}
	if r.Last == 0 || f.Probability > 0 && f.Probability < 1 || f.Rate > 0 {
		return 0
	}
	return (r.Last - r.First + 1) / max(1, f.Every) * times
}
