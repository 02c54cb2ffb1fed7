// Package fault is the plan by which the mock endpoint misbehaves. PURE: which
// request meets which fault, and how late, is a function of the plan, its seed,
// the order of requests and the time the plan is told.
package fault

import (
	"time"

	"github.com/httpdest/httpdest/internal/faultspec"
	"github.com/httpdest/httpdest/internal/notation"
)

// Fault is one planned misbehaviour, as data. A zero field is a default.
type Fault = faultspec.Fault

// Spec is a fault as people write it, in JSON: the same words as in the faults of a scenario file.
type Spec = faultspec.Spec

// The values of a Spec.
type (
	Problem  = faultspec.Problem
	Range    = faultspec.Range
	Duration = faultspec.Duration
	Lifetime = faultspec.Lifetime
	Headers  = faultspec.Headers
	Latency  = faultspec.Latency
)

// Distribution is a distribution of latencies, and Percentile a point of one.
type (
	Distribution = faultspec.Distribution
	Percentile   = faultspec.Percentile
	Shape        = faultspec.Shape
)

// The shapes of a distribution.
const (
	Uniform     = faultspec.Uniform
	Normal      = faultspec.Normal
	LogNormal   = faultspec.LogNormal
	Percentiles = faultspec.Percentiles
)

// Phase is where in an exchange a fault acts.
type Phase = faultspec.Phase

// The phases, in the order of an exchange.
const (
	Accept    = faultspec.Accept
	Handshake = faultspec.Handshake
	Response  = faultspec.Response
	Body      = faultspec.Body
	End       = faultspec.End
)

// Target is what a fault is for.
type Target = faultspec.Target

// The targets: requests that carry a message, those of an mTLS decision, and those to the token endpoint.
const (
	Message  = faultspec.Message
	Decision = faultspec.Decision
	Token    = faultspec.Token
)

// Answers are the names of the token endpoint's answers with status 200 that bring no token (Fault.Answer).
var Answers = faultspec.Answers

// Forwarding is when a proxy sends a request to its receiver.
type Forwarding = faultspec.Forwarding

// The times to forward a request.
const (
	ForwardBefore = faultspec.ForwardBefore
	ForwardAfter  = faultspec.ForwardAfter
	ForwardTwice  = faultspec.ForwardTwice
	ForwardAtOnce = faultspec.ForwardAtOnce
)

// Longest bounds every duration of a fault, drawn ones too.
const Longest = faultspec.Longest

// ParseSpec reads one fault from JSON and validates it. An unknown key is an error.
func ParseSpec(text []byte) (Spec, error) { return faultspec.ParseSpec(text) }

// SpecOf is the fault as people write it, without defaults.
func SpecOf(f Fault) Spec { return faultspec.SpecOf(f) }

// selecting is the fault with Profiles, which ProfileNames stand for. Names that Check refuses select nothing.
func selecting(f Fault) Fault {
	if f.Profiles == nil && f.ProfileNames != "" {
		names, _ := notation.ParseNames(f.ProfileNames)
		f.Profiles, f.ProfileCount = names.Contains, int(names.Len())
	}
	return f
}

// contains reports whether the nth is selected.
func contains(r Range, n int) bool { return n >= r.First && (r.Last == 0 || n <= r.Last) }

// within reports whether a time since the fault was armed is in its window.
func within(f *Fault, since time.Duration) bool {
	return since >= f.From && (f.Until == 0 || since < f.Until)
}

// picks reports whether the nth of what the fault counts is selected.
func picks(f *Fault, n int) bool {
	r := f.Requests
	if f.Early() {
		r = f.Connections
	}
	return contains(r, n) && (f.Every < 2 || (n-r.First+1)%f.Every == 0)
}

// Planned is how often the fault will have acted when the plan is fulfilled; 0
// when that is open: without an end, by chance, or beyond a rate.
func Planned(f Fault) int {
	f = selecting(f)
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
