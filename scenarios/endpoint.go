package scenarios

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// countForm is "1-2" or "2-".
var countForm = regexp.MustCompile(`^([1-9][0-9]{0,8})-([1-9][0-9]{0,8})?$`)

// faultID keeps ids readable in reports.
var faultID = regexp.MustCompile(`^[\pL\pN._-]+$`)

// readEndpoint reads `endpoint:`. Destination and profiles must be known.
func (r *reader) readEndpoint(n *yaml.Node) {
	o := r.object(n, "endpoint")
	e := Endpoint{Bearer: r.scenario.Destination.Auth.Token}
	if o != nil {
		e.Pos = r.pos(o.node)
	}
	e.TLS = o.word("tls", "tls", "plain", "mtls-optional", "mtls-only")
	r.readHandshake(o, &e)
	e.Require = r.requirements(o.take("require"))
	if token, given := o.secret("bearer"); given {
		e.Bearer = token
		if r.scenario.Destination.Auth.FetchesTokens() {
			r.problem(o.at("bearer"), "use token: {…} for what it issues, or leave it out", "bearer does not go with %s: the endpoint accepts the tokens it issued", r.scenario.Destination.Auth.Type)
		}
	}
	e.Token = r.tokenEndpoint(o)
	if e.TLS == "plain" && r.scenario.Destination.MTLS == "always" {
		r.problem(o.at("tls"), "use another tls, or mtls: auto", "tls: plain cannot carry the certificate of mtls: always")
	}
	ids := map[string]bool{}
	for i, c := range r.list(o.take("faults"), "faults") {
		f := r.fault(c, i+1)
		if f.ID != "" && ids[f.ID] {
			r.problem(c, "give each fault its own id", "two faults with the id %s", f.ID)
		}
		if e.TLS == "plain" && f.At == "handshake" {
			r.problem(c, "use at: accept, or another tls", "tls: plain has no handshake")
		}
		ids[f.ID] = true
		e.Faults = append(e.Faults, f)
	}
	o.end()
	r.scenario.Endpoint = e
}

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
	f.At = o.word("at", "response", "accept", "handshake", "body")
	f.Probability = r.probability(o)
	r.faultEffect(o, &f)
	r.faultSelection(o, &f)
	o.end()
	return f
}

// faultEffect reads what the fault does.
func (r *reader) faultEffect(o *object, f *Fault) {
	f.Status = int(o.integer("status", 200, 599, 0))
	f.Headers = r.faultHeaders(o.take("headers"))
	f.Latency, _ = o.duration("latency")
	f.HeadersAt, _ = o.duration("headersAt")
	f.SlowBody, _ = o.duration("slowBody")
	f.Stall = o.yes("stall")
	f.Reset = o.yes("reset")
	f.Answer = r.tokenAnswer(o, f)

	var ends []string
	for _, name := range []string{"status", "stall", "reset", "answer"} {
		if o.has(name) {
			ends = append(ends, name)
		}
	}
	some := len(ends) > 0 || o.has("latency") || o.has("slowBody") || o.has("headers")
	switch {
	case len(ends) > 1:
		r.problem(o.at(ends[1]), "make it two faults", "%s and %s exclude each other", ends[0], ends[1])
	case !some:
		r.problem(o.node, "add status, latency, slowBody, stall, reset or headers", "the fault does nothing")
	case f.At == "body" && !f.Stall && !f.Reset:
		r.problem(o.at("at"), "add stall: true or reset: true; a slow body is slowBody", "at: body says where to stall or reset, and the fault does neither")
	}
	if f.Stall || f.Reset {
		o.exclude(ends[0], "the answer does not end", "slowBody", "headersAt")
	} else if f.Answer != "" {
		o.exclude("answer", "make it two faults", "slowBody", "headersAt")
	}
	switch {
	case o.has("headersAt") && !o.has("slowBody"):
		r.problem(o.at("headersAt"), "add slowBody: when the last byte leaves", "headersAt needs slowBody")
	case o.has("headersAt") && f.SlowBody > 0 && f.HeadersAt >= f.SlowBody:
		r.problem(o.at("headersAt"), "headers come before the body", "headersAt must be smaller than slowBody")
	case o.has("headersAt") && o.has("latency"):
		r.problem(o.at("headersAt"), "leave one out", "latency and headersAt both say when the headers leave")
	case f.SlowBody > 0 && f.Latency >= f.SlowBody:
		r.problem(o.at("slowBody"), "both count from the arrival of the request", "slowBody must be longer than latency")
	}
}

// faultSelection reads what the fault is for: requests, or connections in the
// phases that come before a request.
func (r *reader) faultSelection(o *object, f *Fault) {
	f.Requests, f.Connections = r.count(o.take("requests"), "requests"), r.count(o.take("connections"), "connections")
	if f.At == "accept" || f.At == "handshake" {
		phase := "at: " + f.At
		if !o.has("connections") {
			r.problem(o.at("at"), "write connections: 1, 1-2, or 1-", "%s needs connections", phase)
		}
		o.exclude(phase, "there is no request yet: select with connections", "profile", "profiles", "requests")
		o.exclude(phase, "there is no answer yet: use latency, stall or reset", "status", "headers", "slowBody", "headersAt", "answer")
		if f.On == "decision" {
			r.problem(o.at("on"), "leave it out, or use on: token", "on: decision needs a request, and there is none yet")
		}
		f.Requests = Count{}
		return
	}
	if o.has("connections") {
		r.problem(o.at("connections"), "add at: accept or at: handshake, or use requests", "connections needs at: accept or at: handshake")
		f.Connections = Count{}
	}
	if f.Requests == (Count{}) {
		f.Requests = Count{First: 1}
	}
	switch f.On {
	case "decision":
		o.exclude("on: decision", "the request of an mTLS decision carries no profile", "profile", "profiles")
	case "token":
		o.exclude("on: token", "a token request carries no profile", "profile", "profiles")
	}
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
	n := o.take("probability")
	if n == nil {
		return 1
	}
	v, err := strconv.ParseFloat(n.Value, 64)
	if n.Kind != yaml.ScalarNode || !plainNumber.MatchString(n.Value) || err != nil || v <= 0 || v > 1 {
		r.wrongType(n, "probability", "a number above 0 and up to 1", "write 0.25 for every fourth request")
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
			r.problem(f.key, "write Retry-After: 120", "%q is no header name", short(f.name))
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
