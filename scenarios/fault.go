package scenarios

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// countForm is "1-2" or "2-".
var countForm = regexp.MustCompile(`^([1-9][0-9]{0,8})-([1-9][0-9]{0,8})?$`)

// faultID keeps ids readable in reports.
var faultID = regexp.MustCompile(`^[\pL\pN._-]+$`)

// Fault is one planned misbehaviour of the mock endpoint. A fault selects by
// time, profile (requests that carry it), request and connection; it has at
// most one way to answer or to end the connection, with Latency before the
// answer and SlowBody within it where given.
type Fault struct {
	ID          string // "fault-1" by position unless given
	Profiles    NameRange
	AnyProfile  bool          // no `profile:` given: every message counts
	From, Until time.Duration // since the start; Until 0: no end
	Requests    Count         // which of the selected requests, counted since the fault was armed
	Every       int           // of those, every nth; 0: all
	Connections Count         // those whose requests are selected; for At accept and handshake: which are hit
	On          string        // message (default), decision: the OPTIONS requests of the mTLS decision, or token: requests to the token endpoint
	Probability float64       // 1 unless given: the share of selected requests it hits, by seed
	Status      int           // 0: the endpoint's ordinary answer
	Answer      string        // on token: a 200 that brings no token
	// ExpiresIn, on token, is the lifetime of what is issued; 0: it does not say.
	ExpiresIn *time.Duration
	Revoke    bool // the token endpoint ends its tokens before the answer
	Latency   time.Duration
	Latencies Distribution  // instead of Latency
	HeadersAt time.Duration // with SlowBody: when the headers leave
	SlowBody  time.Duration // when the last byte leaves, counted from arrival; 0: with the headers
	Stall     bool          // never answers (where At says)
	Reset     bool          // TCP reset instead of an answer (where At says)
	Close     bool          // closes the connection instead of an answer (where At says)
	HalfClose bool          // the same, and goes on reading
	Garbage   bool          // answers with bytes that are not HTTP; At handshake: not TLS
	Malformed bool          // the body has a chunk without a size
	Endless   bool          // the body has no end
	Rate      float64       // requests a second that are let through; 0: all
	Burst     int           // with Rate: how many at once
	At        string        // accept, handshake, response (default), body, end
	Headers   map[string]string
	Pos       Position
}

// Broken reports whether the fault keeps an answer from being whole, whatever
// its status line says.
func (f *Fault) Broken() bool {
	return f.At != "end" && (f.Stall || f.Reset || f.Close || f.HalfClose || f.Garbage || f.Malformed || f.Endless)
}

// early reports whether it acts before there is a request.
func (f *Fault) early() bool { return f.At == "accept" || f.At == "handshake" }

// fault reads the nth entry of faults.
func (r *reader) fault(n *yaml.Node, number int) Fault {
	f := Fault{ID: fmt.Sprintf("fault-%d", number), AnyProfile: true, Probability: 1, On: "message", At: "response", Pos: r.pos(n)}
	o := r.object(n, "a fault")
	if o == nil {
		return f
	}
	if id := o.line("id"); id != "" {
		f.ID = id
		if !faultID.MatchString(id) {
			r.problem(o.at("id"), "letters, digits and . _ -", "the id %q is not one word", short(id))
		}
	}
	f.Profiles = r.profilesOf(o)
	f.AnyProfile = !o.has("profile") && !o.has("profiles")
	f.On = o.word("on", "message", "decision", "token")
	f.At = o.word("at", "response", "accept", "handshake", "body", "end")
	f.Probability = r.probability(o)
	r.faultEffect(o, &f)
	r.faultSelection(o, &f)
	o.end()
	return f
}

// faultEnds are the ways to answer or to end the connection, of which a fault
// has at most one.
var faultEnds = []string{"status", "answer", "expiresIn", "revoke", "stall", "reset", "close", "halfClose", "garbage", "malformedChunk", "endless", "rate"}

// placedEnds are those that go with a place: at: body and at: end need one.
var placedEnds = []string{"stall", "reset", "close", "halfClose"}

// faultEffect reads what the fault does.
func (r *reader) faultEffect(o *object, f *Fault) {
	f.Status = int(o.integer("status", 200, 599, 0))
	f.Headers = r.faultHeaders(o.take("headers"))
	f.Latency, f.Latencies = r.latency(o.take("latency"))
	f.HeadersAt, _ = o.duration("headersAt")
	f.SlowBody, _ = o.duration("slowBody")
	f.Stall, f.Reset, f.Close, f.HalfClose = o.yes("stall"), o.yes("reset"), o.yes("close"), o.yes("halfClose")
	f.Garbage, f.Malformed, f.Endless = o.yes("garbage"), o.yes("malformedChunk"), o.yes("endless")
	f.Answer = r.tokenAnswer(o, f)
	r.faultTokens(o, f)
	r.faultRate(o, f)

	var ends []string
	for _, name := range faultEnds {
		if o.has(name) && (name != "status" || !o.has("rate")) {
			ends = append(ends, name)
		}
	}
	some := len(ends) > 0 || o.has("latency") || o.has("slowBody") || o.has("headers")
	placed := slices.ContainsFunc(ends, func(name string) bool { return slices.Contains(placedEnds, name) })
	switch {
	case len(ends) > 1:
		r.problem(o.at(ends[1]), "make it two faults", "%s and %s exclude each other", ends[0], ends[1])
	case !some:
		r.problem(o.node, "add status, latency, slowBody, stall, reset, close, headers or another", "the fault does nothing")
	case (f.At == "body" || f.At == "end") && !placed:
		r.problem(o.at("at"), "add stall, reset, close or halfClose: true; a slow body is slowBody", "at: %s needs a fault that ends the answer there", f.At)
	}
	if len(ends) > 0 && ends[0] != "status" {
		o.exclude(ends[0], "make it two faults", "slowBody", "headersAt")
	}
	r.faultTimes(o, f)
}

// faultTimes checks when the answer leaves.
func (r *reader) faultTimes(o *object, f *Fault) {
	switch {
	case f.Latencies.Shape != "":
		o.exclude("a latency by chance", "use a fixed latency", "slowBody", "headersAt")
	case o.has("headersAt") && !o.has("slowBody"):
		r.problem(o.at("headersAt"), "add slowBody: when the last byte leaves", "headersAt needs slowBody")
	case o.has("headersAt") && f.SlowBody > 0 && f.HeadersAt >= f.SlowBody:
		r.problem(o.at("headersAt"), "headers come before the body", "headersAt must be smaller than slowBody")
	case o.has("headersAt") && o.has("latency"):
		r.problem(o.at("headersAt"), "leave one out", "latency and headersAt both set when the headers leave")
	case f.SlowBody > 0 && f.Latency >= f.SlowBody:
		r.problem(o.at("slowBody"), "both count from the arrival of the request", "slowBody must be longer than latency")
	}
}

// faultTokens reads what happens to access tokens.
func (r *reader) faultTokens(o *object, f *Fault) {
	if n := o.take("expiresIn"); n != nil {
		lifetime := r.lifetime(n)
		f.ExpiresIn = &lifetime
		if f.On != "token" {
			r.problem(o.at("expiresIn"), "add on: token", "expiresIn applies to the token endpoint only")
		}
	}
	f.Revoke = o.yes("revoke")
	switch {
	case f.Revoke && f.On != "message":
		r.problem(o.at("revoke"), "leave out on", "revoke applies to a message only")
	case f.Revoke && !r.to.Auth.FetchesTokens():
		r.problem(o.at("revoke"), "use auth: {type: oauth2-client-credentials, …}", "revoke: the destination fetches no tokens")
	}
}

// faultRate reads the token bucket.
func (r *reader) faultRate(o *object, f *Fault) {
	if n := o.take("rate"); n != nil {
		f.Rate = r.above0(n, "rate", maxRate, "write 10 for ten requests a second, or 0.5")
		f.Burst = 1
		if f.Status == 0 {
			f.Status = 429
		}
	}
	if burst := int(o.integer("burst", 1, maxRate, 1)); f.Rate > 0 {
		f.Burst = burst
	} else if o.has("burst") && !o.has("rate") {
		r.problem(o.at("burst"), "add rate: how many a second", "burst needs rate")
	}
}

// maxRate bounds rate and burst.
const maxRate = 1_000_000

// faultSelection reads what the fault is for: requests, or connections in the
// phases that come before a request.
func (r *reader) faultSelection(o *object, f *Fault) {
	f.Requests, f.Connections = r.count(o.take("requests"), "requests"), r.count(o.take("connections"), "connections")
	f.From, _ = o.duration("from")
	until, ok := o.duration("until")
	if f.Until = until; ok && f.Until <= f.From {
		r.problem(o.at("until"), "both count from the start of the scenario", "until must be later than from")
	}
	counted := f.Requests
	if f.early() {
		counted = f.Connections
		r.earlyFault(o, f)
	} else if f.Requests == (Count{}) {
		f.Requests = Count{First: 1}
	}
	if f.Every = int(o.integer("every", 1, 999_999_999, 1)); f.Every == 1 {
		f.Every = 0
	}
	if counted.Last > 0 && f.Every > counted.Last-counted.First+1 {
		r.problem(o.at("every"), "make the range longer", "every: %d never matches a range of %d requests", f.Every, counted.Last-counted.First+1)
	}
	switch {
	case f.early():
	case f.On == "decision":
		o.exclude("on: decision", "the request of an mTLS decision carries no profile", "profile", "profiles")
	case f.On == "token":
		o.exclude("on: token", "a token request carries no profile", "profile", "profiles")
	}
}

// earlyFault checks a fault that acts before there is a request.
func (r *reader) earlyFault(o *object, f *Fault) {
	phase := "at: " + f.At
	if !o.has("connections") {
		r.problem(o.at("at"), "write connections: 1, 1-2, or 1-", "%s needs connections", phase)
	}
	o.exclude(phase, "there is no request yet: select with connections", "profile", "profiles", "requests")
	o.exclude(phase, "there is no answer yet: use latency, stall, reset or close", "status", "headers", "slowBody", "headersAt", "answer",
		"expiresIn", "revoke", "halfClose", "malformedChunk", "endless", "rate", "burst")
	if f.At == "accept" {
		o.exclude(phase, "use at: handshake, or at: response", "garbage")
	}
	if f.On == "decision" {
		r.problem(o.at("on"), "leave it out, or use on: token", "on: decision needs a request, and at this point there is no request yet")
	}
	f.Requests = Count{}
}

// count reads 1, 1-2 or 2-.
func (r *reader) count(n *yaml.Node, what string) Count {
	if n == nil {
		return Count{}
	}
	if m := countForm.FindStringSubmatch(n.Value); m != nil && n.Kind == yaml.ScalarNode {
		first, _ := strconv.Atoi(m[1])
		last, _ := strconv.Atoi(m[2])
		if last != 0 && last < first {
			r.problem(n, fmt.Sprintf("write %d-%d", last, first), "%s runs backwards: %s", what, n.Value)
		}
		return Count{first, last}
	}
	v, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || v < 1 || v > 999_999_999 {
		r.wrongType(n, what, "a count from 1", "write 1, 1-2, or 2- for the second and all after it")
		return Count{}
	}
	return Count{v, v}
}

// probability reads a share greater than 0: a fault that never fires proves
// nothing.
func (r *reader) probability(o *object) float64 {
	if n := o.take("probability"); n != nil {
		return r.above0(n, "probability", 1, "write 0.25 for every fourth request")
	}
	return 1
}

// above0 reads a number above 0 and up to most.
func (r *reader) above0(n *yaml.Node, what string, most float64, hint string) float64 {
	v, err := strconv.ParseFloat(n.Value, 64)
	if n.Kind != yaml.ScalarNode || !plainNumber.MatchString(n.Value) || err != nil || v <= 0 || v > most {
		r.wrongType(n, what, "a number above 0 and up to "+strconv.FormatFloat(most, 'f', -1, 64), hint)
		return 1
	}
	return v
}

// faultHeaders reads the headers of an answer. Numbers are text here:
// Retry-After: 120 needs no quotes.
func (r *reader) faultHeaders(n *yaml.Node) map[string]string {
	o := r.object(n, "headers")
	if o == nil {
		return nil
	}
	out, seen := map[string]string{}, map[string]bool{}
	for _, f := range o.fields {
		name := strings.ToLower(f.name)
		switch {
		case f.name == "" || strings.ContainsAny(f.name, " :") || strings.ContainsFunc(f.name, isControl):
			r.problem(f.key, "write Retry-After: 120", "%q is not a header name", short(f.name))
		case f.value.Kind != yaml.ScalarNode || isNull(f.value) || strings.ContainsFunc(f.value.Value, isControl):
			r.problem(f.value, "write one line of text", "the header %s must be text, but is %s", short(f.name), found(f.value))
		case seen[name]:
			r.problem(f.key, "leave one out", "the header %s is given twice", name)
		default:
			out[f.name] = f.value.Value
		}
		seen[name] = true
	}
	return out
}
