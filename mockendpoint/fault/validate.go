package fault

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/internal/notation"
)

// Answers are the names of the token endpoint's answers with status 200 that
// bring no token (Spec.Answer).
var Answers = []string{"no-access-token", "empty-access-token", "wrong-type", "not-json", "html", "empty", "too-large"}

// Shapes are the keys that each distribution needs, and no other goes with it.
var Shapes = map[Shape][]string{
	Uniform: {"min", "max"}, Normal: {"mean", "deviation"}, LogNormal: {"median", "sigma"}, Percentiles: {"percentiles"},
}

// problems are those of a distribution's numbers.
func (d *Distribution) problems() []Problem {
	const key = "latency"
	switch {
	case d.Shape == Uniform && d.Min >= d.Max:
		return []Problem{{key, "min must be smaller than max", "use a fixed latency, or let max be larger"}}
	case d.Shape == Normal && (d.Mean <= 0 || d.Deviation <= 0):
		return []Problem{{key, "mean and deviation must be more than 0", "use a fixed latency, or write more"}}
	case d.Shape == LogNormal && d.Median <= 0:
		return []Problem{{key, "median must be more than 0", "write more"}}
	case d.Shape == LogNormal && !(d.Sigma > 0 && d.Sigma <= MaxSigma):
		return []Problem{{key, fmt.Sprintf("sigma must be more than 0 and at most %d", MaxSigma), "write 0.5 for a moderate spread"}}
	case d.Shape == Percentiles && len(d.Table) < 2:
		return []Problem{{key, "percentiles needs two points or more", "write {50: 200ms, 100: 5s}"}}
	}
	for i, p := range d.Table {
		if i > 0 && (p.Percent <= d.Table[i-1].Percent || p.At < d.Table[i-1].At) {
			return []Problem{{key, "a higher percentile must not have a shorter latency", "let the durations rise with the percentages"}}
		}
	}
	return nil
}

// MaxSigma is as far as a log-normal distribution makes sense: 1 in 700 is then
// a million years.
const MaxSigma = 10

// The bounds of numbers in a fault. MaxRate is that of Rate and Burst.
const (
	LeastStatus = 200
	MostStatus  = 599
	MostCounted = 999_999_999
	MaxRate     = 1_000_000
)

// Targets and Phases are the words of on and at, the default first.
var (
	Targets = []string{"message", string(Decision), string(Token)}
	Phases  = []string{string(Response), string(Accept), string(Handshake), string(Body), string(End)}
)

var (
	idForm     = regexp.MustCompile(`^[\pL\pN._-]+$`)
	headerForm = regexp.MustCompile(`^[^ :\x00-\x1f\x7f]+$`)
)

// OthersOf are the keys of distributions that do not go with a shape.
func OthersOf(shape Shape) []string {
	var others []string
	for _, name := range []string{"min", "max", "mean", "deviation", "median", "sigma", "percentiles"} {
		if !slices.Contains(Shapes[shape], name) {
			others = append(others, name)
		}
	}
	return others
}

// Problem is what is wrong with a fault, and what to do about it. Key is the key that
// is to blame, "" for the fault as a whole.
type Problem struct{ Key, What, Fix string }

// Error is the problem and its fix on one line.
func (p Problem) Error() string { return p.What + ": " + p.Fix }

// ends are the ways to answer or to end the connection, of which a fault has at most
// one. A rate has a status of its own.
var ends = []string{"status", "answer", "expiresIn", "revoke", "stall", "reset", "close", "halfClose", "garbage", "malformedChunk", "endless", "rate"}

// placed are the ways to end an answer that go with each phase.
var placed = map[Phase][]string{
	Accept: {"stall", "reset", "close"}, Handshake: {"stall", "reset", "close", "garbage"},
	Body: {"stall", "reset", "close", "halfClose"}, End: {"stall", "reset", "close", "halfClose"},
}

// rules collects the problems of a fault.
type rules struct {
	*Spec
	ends  []string // that are given
	found []Problem
}

func (r *rules) add(wrong bool, key, fix, format string, args ...any) {
	if wrong {
		r.found = append(r.found, Problem{key, fmt.Sprintf(format, args...), fix})
	}
}

// exclude reports the keys that cannot stand next to something else.
func (r *rules) exclude(why, fix string, keys ...string) {
	for _, key := range keys {
		r.add(r.given(key), key, fix, "%s does not go with %s", key, why)
	}
}

// Problems are all that is wrong with the fault.
func (s *Spec) Problems() []Problem {
	r := &rules{Spec: s}
	for _, name := range ends {
		if s.given(name) && (name != "status" || !s.given("rate")) {
			r.ends = append(r.ends, name)
		}
	}
	r.values()
	r.effect()
	r.times()
	r.selection()
	return r.found
}

// Validate returns every problem of the fault.
func (s *Spec) Validate() error {
	var all []error
	for _, p := range s.Problems() {
		all = append(all, p)
	}
	return errors.Join(all...)
}

// given reports whether a key has a value that is not the zero one.
func (s *Spec) given(key string) bool {
	v := reflect.ValueOf(s).Elem()
	for i := range v.NumField() {
		if name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ","); name == key {
			return !v.Field(i).IsZero()
		}
	}
	panic("a fault has no key " + key) // a mistake in this file
}

// values checks each value by itself.
func (r *rules) values() {
	r.add(r.ID != "" && !idForm.MatchString(r.ID), "id", "letters, digits and . _ -", "the id %q is not one word", notation.Short(r.ID))
	r.add(r.On != "" && !slices.Contains(Targets, r.On), "on", "write one of them", "on must be %s, but is %q", oneOf(Targets), notation.Short(r.On))
	r.add(r.At != "" && !slices.Contains(Phases, r.At), "at", "write one of them", "at must be %s, but is %q", oneOf(Phases), notation.Short(r.At))
	r.add(r.Status != 0 && (r.Status < LeastStatus || r.Status > MostStatus), "status", "write 503", "status must be from %d to %d, but is %d", LeastStatus, MostStatus, r.Status)
	r.add(r.Answer != "" && !slices.Contains(Answers, r.Answer), "answer", "write one of them", "answer must be one of %s, but is %q", strings.Join(Answers, ", "), notation.Short(r.Answer))
	for name, value := range r.Headers {
		r.add(!headerForm.MatchString(name), "headers", "write Retry-After: 120", "%q is not a header name", notation.Short(name))
		r.add(strings.ContainsFunc(value, func(c rune) bool { return c < ' ' || c == 0x7f }), "headers", "write one line of text", "the header %s must be text of one line", notation.Short(name))
	}
	if r.Rate != nil {
		r.add(!(*r.Rate > 0 && *r.Rate <= MaxRate), "rate", "write 10 for ten requests a second, or 0.5", "rate must be more than 0 and at most %d a second", MaxRate)
	}
	r.add(r.Burst < 0 || r.Burst > MaxRate, "burst", "write 10", "burst must be from 1 to %d", MaxRate)
	r.add(r.Every < 0 || r.Every > MostCounted, "every", "write 3 for every third", "every must be from 1 to %d", MostCounted)
	if r.Probability != nil {
		r.add(!(*r.Probability > 0 && *r.Probability <= 1), "probability", "write 0.25 for every fourth request", "probability must be above 0 and up to 1")
	}
	for _, key := range []struct{ name, text string }{{"profile", r.Profile}, {"profiles", r.Profiles}} {
		if key.text != "" {
			_, err := notation.ParseNames(key.text)
			r.add(err != nil, key.name, "write a name such as doc, or a range such as new-{1..5}", "%s: %v", key.name, err)
		}
	}
}

func oneOf(words []string) string {
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// effect checks what the fault does.
func (r *rules) effect() {
	if len(r.ends) > 1 {
		r.add(true, r.ends[1], "make it two faults", "%s and %s exclude each other", r.ends[0], r.ends[1])
	}
	some := len(r.ends) > 0 || r.given("latency") || r.given("slowBody") || r.given("headers")
	r.add(!some, "", "add status, latency, slowBody, stall, reset, close, headers or another", "the fault does nothing")
	for _, name := range []string{"answer", "expiresIn"} {
		r.add(r.given(name) && r.On != string(Token), name, "add on: token", "%s applies to the token endpoint only", name)
	}
	r.add(r.given("revoke") && r.On != "" && r.On != "message", "revoke", "leave out on", "revoke applies to a message only")
	r.add(r.given("burst") && !r.given("rate"), "burst", "add rate: how many a second", "burst needs rate")
	phase := Phase(r.At)
	allowed, special := placed[phase]
	if !special {
		return
	}
	if phase == Body || phase == End {
		some := slices.ContainsFunc(r.ends, func(name string) bool { return slices.Contains(allowed, name) })
		r.add(!some, "at", "add stall, reset, close or halfClose: true; a slow body is slowBody", "at: %s needs a fault that ends the answer there", phase)
		return
	}
	var others []string
	for _, name := range append(ends[:len(ends):len(ends)], "headers", "slowBody", "headersAt", "burst") {
		if !slices.Contains(allowed, name) && name != "garbage" {
			others = append(others, name)
		}
	}
	r.exclude("at: "+r.At, "there is no answer yet: use latency, stall, reset or close", others...)
	if phase == Accept {
		r.exclude("at: accept", "use at: handshake, or at: response", "garbage")
	}
}

// times checks when the answer leaves.
func (r *rules) times() {
	var latency time.Duration
	if r.Latency != nil {
		latency = time.Duration(r.Latency.Fixed)
		if d := r.Latency.Distribution; d != nil {
			r.found = append(r.found, d.problems()...)
			r.exclude("a latency by chance", "use a fixed latency", "slowBody", "headersAt")
		}
	}
	if len(r.ends) > 0 && r.ends[0] != "status" && !r.at().Early() {
		r.exclude(r.ends[0], "make it two faults", "slowBody", "headersAt")
	}
	at, slow := value(r.HeadersAt), value(r.SlowBody)
	r.add(r.given("headersAt") && !r.given("slowBody"), "headersAt", "add slowBody: when the last byte leaves", "headersAt needs slowBody")
	r.add(r.given("headersAt") && slow > 0 && at >= slow, "headersAt", "headers come before the body", "headersAt must be smaller than slowBody")
	r.add(r.given("headersAt") && r.given("slowBody") && r.given("latency"), "headersAt", "leave one out", "latency and headersAt both set when the headers leave")
	r.add(slow > 0 && latency >= slow, "slowBody", "both count from the arrival of the request", "slowBody must be longer than latency")
	r.add(r.Until != nil && value(r.Until) <= value(r.From), "until", "both count from when the fault begins to count", "until must be later than from")
}

// selection checks what the fault is for.
func (r *rules) selection() {
	r.add(r.given("profile") && r.given("profiles"), "profiles", "leave one out", "profile and profiles are the same")
	counted := r.Requests
	if r.at().Early() {
		phase := "at: " + r.At
		r.add(!r.given("connections"), "at", "write connections: 1, 1-2, or 1-", "%s needs connections", phase)
		counted = r.Connections
		r.exclude(phase, "there is no request yet: select with connections", "profile", "profiles", "requests")
		r.add(r.On == string(Decision), "on", "leave it out, or use on: token", "on: decision needs a request, and at this point there is no request yet")
	}
	if counted != nil && counted.Last != 0 {
		length := counted.Last - counted.First + 1
		r.add(r.Every > length, "every", "make the range longer", "every: %d never matches a range of %d requests", r.Every, length)
	}
	if !r.at().Early() && (r.On == string(Decision) || r.On == string(Token)) {
		why := map[string]string{"decision": "the request of an mTLS decision carries no profile", "token": "a token request carries no profile"}[r.On]
		r.exclude("on: "+r.On, why, "profile", "profiles")
	}
}

func (s *Spec) at() *Fault { return &Fault{Phase: Phase(s.At)} }
