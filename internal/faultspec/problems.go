package faultspec

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/internal/notation"
)

// Problem is what is wrong with a fault, and what to do about it. Key is the key that is to blame, "" for the
// fault as a whole. A header and a key of a distribution are named within theirs: headers.Retry-After,
// latency.max.
type Problem struct{ Key, What, Fix string }

// Error is the problem and its fix on one line.
func (p Problem) Error() string { return p.What + ": " + p.Fix }

var (
	idForm     = regexp.MustCompile(`^[\pL\pN._-]+$`)
	headerForm = regexp.MustCompile(`^[^ :\x00-\x1f\x7f]+$`)
)

// rules collects the problems of a fault.
type rules struct {
	*Spec
	ends  []Key // that are given
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
		r.add(r.Given(key), key, fix, "%s does not go with %s", key, why)
	}
}

// Problems are all that is wrong with the fault.
func (s *Spec) Problems() []Problem {
	r := &rules{Spec: s}
	for _, k := range Keys {
		if k.Ends != Along && s.Given(k.Name) && (k.Name != "status" || s.Rate == nil) {
			r.ends = append(r.ends, k)
		}
		r.value(k)
	}
	r.names()
	r.effect()
	r.place()
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

// value checks the value of a key by itself.
func (r *rules) value(k Key) {
	switch v := r.Field(k.Name).(type) {
	case *string:
		if k.Words != nil {
			r.add(*v != "" && !slices.Contains(k.Words, *v), k.Name, "write one of them", "%s must be %s, but is %q", k.Name,
				choice(k.Words), notation.Short(*v))
		}
	case *int:
		r.add(*v != 0 && (*v < k.Least || *v > k.Most), k.Name, k.Fix, "%s must be from %d to %d, but is %d", k.Name,
			k.Least, k.Most, *v)
	case **float64:
		if *v != nil {
			r.add(!(**v > 0 && **v <= float64(k.Most)), k.Name, k.Fix, "%s must be above 0 and up to %d, but is %v", k.Name,
				k.Most, **v)
		}
	}
}

// choice lists words.
func choice(words []string) string {
	if len(words) > 5 {
		return "one of " + strings.Join(words, ", ")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// names checks the fault's own name, and those of headers and profiles.
func (r *rules) names() {
	r.add(r.ID != "" && !idForm.MatchString(r.ID), "id", "letters, digits and . _ -", "the id %q is not one word",
		notation.Short(r.ID))
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(r.Headers)) {
		key, lower, short := "headers."+name, strings.ToLower(name), notation.Short(name)
		broken := strings.ContainsFunc(r.Headers[name], func(c rune) bool { return c < ' ' || c == 0x7f })
		r.add(!headerForm.MatchString(name), key, "write Retry-After: 120", "%q is not a header name", short)
		r.add(broken, key, "write one line of text", "the header %s must be text of one line", short)
		r.add(seen[lower], key, "leave one out", "the header %s is given twice", notation.Short(lower))
		seen[lower] = true
	}
	for _, key := range []struct{ name, text string }{{"profile", r.Profile}, {"profiles", r.Profiles}} {
		if key.text != "" {
			_, err := notation.ParseNames(key.text)
			r.add(err != nil, key.name, "write a name such as doc, or a range such as new-{1..5}", "%s: %v", key.name, err)
		}
	}
}

// effect checks what the fault does.
func (r *rules) effect() {
	if len(r.ends) > 1 {
		r.add(true, r.ends[1].Name, "make it two faults", "%s and %s exclude each other", r.ends[0].Name, r.ends[1].Name)
	}
	timed := len(r.ends) > 0 || r.Given("latency") || r.Given("slowBody")
	r.add(!timed && (r.Forward == string(ForwardBefore) || r.Forward == string(ForwardAfter)), "forward",
		"add latency, status, reset or another ending, or use forward: twice", "forward: %s acts on nothing", r.Forward)
	some := timed || r.Given("headers") || r.Given("forward")
	r.add(!some, "", "add status, latency, slowBody, stall, reset, close, headers or another", "the fault does nothing")
	for _, name := range []string{"answer", "expiresIn"} {
		r.add(r.Given(name) && r.On != string(Token), name, "add on: token", "%s applies to the token endpoint only", name)
	}
	r.add(r.Revoke && r.On != "" && r.On != "message", "revoke", "leave out on", "revoke applies to a message only")
	r.add(r.Given("burst") && !r.Given("rate"), "burst", "add rate: how many a second", "burst needs rate")
}

// place checks which endings go with the point in the exchange.
func (r *rules) place() {
	phase := Phase(r.At)
	goes := func(k Key) bool { return slices.Contains(k.Phases, phase) }
	if phase == Body || phase == End {
		r.add(!slices.ContainsFunc(r.ends, goes), "at", "add stall, reset, close or halfClose: true; a slow body is slowBody",
			"at: %s needs a fault that ends the answer there", phase)
	}
	if !phase.Early() {
		return
	}
	var others []string
	for _, k := range Keys {
		if k.Ends != Along && !goes(k) && k.Name != "garbage" {
			others = append(others, k.Name)
		}
	}
	others = append(others, "headers", "slowBody", "headersAt", "burst", "forward")
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
			for _, p := range d.Problems() {
				r.found = append(r.found, Problem{"latency." + p.Key, p.What, p.Fix})
			}
			r.exclude("a latency by chance", "use a fixed latency", "slowBody", "headersAt")
		}
	}
	if len(r.ends) > 0 && r.ends[0].Name != "status" && !Phase(r.At).Early() {
		r.exclude(r.ends[0].Name, "make it two faults", "slowBody", "headersAt")
	}
	at, slow := value(r.HeadersAt), value(r.SlowBody)
	headers := r.HeadersAt != nil
	r.add(headers && r.SlowBody == nil, "headersAt", "add slowBody: when the last byte leaves", "headersAt needs slowBody")
	r.add(headers && slow > 0 && at >= slow, "headersAt", "headers come before the body",
		"headersAt must be smaller than slowBody")
	r.add(headers && r.SlowBody != nil && r.Latency != nil, "headersAt", "leave one out",
		"latency and headersAt both set when the headers leave")
	r.add(slow > 0 && latency >= slow, "slowBody", "both count from the arrival of the request",
		"slowBody must be longer than latency")
	r.add(r.Until != nil && value(r.Until) <= value(r.From), "until",
		"both count from the start of the scenario, or from when the fault was added",
		"until must be later than from")
}

// selection checks what the fault is for.
func (r *rules) selection() {
	r.add(r.Profile != "" && r.Profiles != "", "profiles", "leave one out", "profile and profiles are the same")
	counted, early := r.Requests, Phase(r.At).Early()
	if early {
		phase := "at: " + r.At
		r.add(r.Connections == nil, "at", "write connections: 1, 1-2, or 1-", "%s needs connections", phase)
		counted = r.Connections
		r.exclude(phase, "there is no request yet: select with connections", "profile", "profiles", "requests")
		r.add(r.On == string(Decision), "on", "leave it out, or use on: token",
			"on: decision needs a request, and at this point there is no request yet")
	}
	if counted != nil && counted.Last != 0 {
		length := counted.Last - counted.First + 1
		r.add(r.Every > length, "every", "make the range longer", "every: %d never matches a range of %d requests",
			r.Every, length)
	}
	if !early && (r.On == string(Decision) || r.On == string(Token)) {
		why := map[string]string{"decision": "the request of an mTLS decision carries no profile",
			"token": "a token request carries no profile"}[r.On]
		r.exclude("on: "+r.On, why, "profile", "profiles")
	}
	if r.On == string(Token) {
		r.exclude("on: token", "the token endpoint has no receiver behind it", "forward")
	}
}
