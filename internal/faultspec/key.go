package faultspec

import (
	"reflect"
	"slices"
	"strings"
)

// Key is one key of a fault. The type of its field in Spec is the kind of its value.
type Key struct {
	Name        string
	About       string   // for the schemas: sentences, with the rule that an attempt meets in brackets
	Words       []string // that it may have; nil: any value of its kind
	Least, Most int      // of a whole number; a share and a rate are above 0 and up to Most
	Fix         string   // what to write in place of a wrong value, or where it is missing
	Pattern     string   // of a text, for the schemas
	Default     string   // in JSON; "" without a default
	Example     string   // in JSON; "" without one
	Ends        Ending
	Phases      []Phase // apart from Response, those in which this ending can be placed
}

// Ending is how a key ends an answer. Of the keys with an ending a fault has at most one, apart from status
// next to rate.
type Ending int

// The endings.
const (
	Along     Ending = iota // it selects requests, or goes along with an ending
	Answering               // there is a whole answer
	Breaking                // there is no whole answer, unless at the point End
)

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

// Early reports whether the phase comes before there is a request.
func (p Phase) Early() bool { return p == Accept || p == Handshake }

// Target is what a fault is for.
type Target string

// The targets: requests that carry a message, those of an mTLS decision, which carry none, and those to the
// token endpoint.
const (
	Message  Target = ""
	Decision Target = "decision"
	Token    Target = "token"
)

// Forwarding is when a proxy sends a request to its receiver.
type Forwarding string

// The times to forward a request.
const (
	ForwardBefore Forwarding = "before"        // before latency and ending
	ForwardAfter  Forwarding = "after"         // after latency, before the ending
	ForwardTwice  Forwarding = "twice"         // as after, two times
	ForwardAtOnce Forwarding = "twice-at-once" // as after, two times at the same moment
)

// Answers are the names of the token endpoint's answers with status 200 that bring no token (Spec.Answer).
var Answers = []string{"no-access-token", "empty-access-token", "wrong-type", "not-json", "html", "empty", "too-large"}

// Early reports whether the fault acts before there is a request.
func (f *Fault) Early() bool { return f.Phase.Early() }

// Breaks reports whether the fault keeps an answer from being whole, whatever its status line says.
func (f *Fault) Breaks() bool {
	s := SpecOf(*f)
	return f.Phase != End && slices.ContainsFunc(Keys, func(k Key) bool { return k.Ends == Breaking && s.Given(k.Name) })
}

// Answered is the status of the answer; 0 is the ordinary one. Beyond a rate it is 429 unless the fault has another.
func (f *Fault) Answered() int {
	if f.Status == 0 && f.Rate > 0 {
		return tooMany
	}
	return f.Status
}

// tooMany is the status beyond a rate.
const tooMany = 429

// places are the fields of a Spec by their keys.
var places = func() map[string]int {
	out := map[string]int{}
	for i := range reflect.TypeFor[Spec]().NumField() {
		name, _, _ := strings.Cut(reflect.TypeFor[Spec]().Field(i).Tag.Get("json"), ",")
		out[name] = i
	}
	return out
}()

// Field is a pointer to the field of a key: to a bool, an int, a string, Headers, or a pointer that is nil for
// a key left out.
func (s *Spec) Field(key string) any { return s.field(key).Addr().Interface() }

func (s *Spec) field(key string) reflect.Value {
	i, known := places[key]
	if !known {
		panic("faultspec: a fault has no key " + key) // a mistake in the code
	}
	return reflect.ValueOf(s).Elem().Field(i)
}

// Given reports whether a key has a value that is not the zero one.
func (s *Spec) Given(key string) bool { return !s.field(key).IsZero() }
