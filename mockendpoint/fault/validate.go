package fault

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Answers are the names of the token endpoint's answers with status 200 that
// bring no token (Spec.Answer).
var Answers = []string{"no-access-token", "empty-access-token", "wrong-type", "not-json", "html", "empty", "too-large"}

// Shapes are the keys that each distribution needs, and no other goes with it.
var Shapes = map[Shape][]string{
	Uniform: {"min", "max"}, Normal: {"mean", "deviation"}, LogNormal: {"median", "sigma"}, Percentiles: {"percentiles"},
}

// Validate returns the problems of a distribution's numbers.
func (d *Distribution) Validate() error {
	switch {
	case d.Shape == Uniform && d.Min >= d.Max:
		return errors.New("latency: min must be smaller than max")
	case d.Shape == Normal && d.Mean <= 0, d.Shape == Normal && d.Deviation <= 0:
		return errors.New("latency: mean and deviation must be more than 0")
	case d.Shape == LogNormal && (d.Median <= 0 || !(d.Sigma > 0 && d.Sigma <= maxSigma)):
		return fmt.Errorf("latency: median must be more than 0, and sigma more than 0 and at most %d", maxSigma)
	case d.Shape == Percentiles && len(d.Table) < 2:
		return errors.New("latency: percentiles needs two points or more")
	}
	for i, p := range d.Table {
		if i > 0 && (p.Percent <= d.Table[i-1].Percent || p.At < d.Table[i-1].At) {
			return errors.New("latency: a higher percentile must not have a shorter latency")
		}
	}
	return nil
}

// maxSigma is as far as a log-normal distribution makes sense: 1 in 700 is then
// a million years.
const maxSigma = 10

// MaxRate bounds Rate and Burst.
const MaxRate = 1_000_000

var (
	idForm     = regexp.MustCompile(`^[\pL\pN._-]+$`)
	headerForm = regexp.MustCompile(`^[^ :\x00-\x1f\x7f]+$`)
)

// keys is which keys a fault has, with those that only shape the ordinary
// answer apart from those that end it in another way.
type keys struct {
	ends  []string
	given map[string]bool
}

func (s *Spec) keys() keys {
	k := keys{given: map[string]bool{
		"profile": s.Profile != "", "profiles": s.Profiles != "", "requests": s.Requests != nil, "connections": s.Connections != nil,
		"latency": s.Latency != nil, "headersAt": s.HeadersAt != nil, "slowBody": s.SlowBody != nil, "headers": s.Headers != nil, "burst": s.Burst != 0,
	}}
	for _, e := range []struct {
		name  string
		given bool
	}{
		{"status", s.Status != 0 && s.Rate == nil}, {"answer", s.Answer != ""}, {"expiresIn", s.ExpiresIn != nil}, {"revoke", s.Revoke},
		{"stall", s.Stall}, {"reset", s.Reset}, {"close", s.Close}, {"halfClose", s.HalfClose}, {"garbage", s.Garbage},
		{"malformedChunk", s.Malformed}, {"endless", s.Endless}, {"rate", s.Rate != nil},
	} {
		if e.given {
			k.ends = append(k.ends, e.name)
		}
	}
	return k
}

// places are the ways to end an answer that go with each phase.
var places = map[Phase][]string{
	Accept: {"stall", "reset", "close"}, Handshake: {"stall", "reset", "close", "garbage"},
	Body: {"stall", "reset", "close", "halfClose"}, End: {"stall", "reset", "close", "halfClose"},
}

// problems collects what is wrong.
type problems []error

func (p *problems) add(wrong bool, format string, args ...any) {
	if wrong {
		*p = append(*p, fmt.Errorf(format, args...))
	}
}

// Validate returns every problem of the fault.
func (s *Spec) Validate() error {
	var p problems
	k := s.keys()
	p.add(s.ID != "" && !idForm.MatchString(s.ID), "the id %.60q is not one word: letters, digits and . _ -", s.ID)
	p.add(!slices.Contains([]string{"", "message", "decision", "token"}, s.On), "on must be message, decision or token, but is %.60q", s.On)
	p.add(!slices.Contains([]string{"", "response", "accept", "handshake", "body", "end"}, s.At), "at must be response, accept, handshake, body or end, but is %.60q", s.At)
	s.validateEffect(&p, k)
	s.validateTimes(&p, k)
	s.validateSelection(&p, k)
	return errors.Join(p...)
}

// validateEffect checks what the fault does.
func (s *Spec) validateEffect(p *problems, k keys) {
	p.add(len(k.ends) > 1, "%s exclude each other: make it two faults", strings.Join(k.ends, " and "))
	p.add(len(k.ends) == 0 && !k.given["latency"] && !k.given["slowBody"] && !k.given["headers"],
		"the fault does nothing: add status, latency, slowBody, stall, reset, close, headers or another")
	p.add(s.Status != 0 && (s.Status < 200 || s.Status > 599), "status must be from 200 to 599, but is %d", s.Status)
	p.add(s.Answer != "" && !slices.Contains(Answers, s.Answer), "answer must be one of %s, but is %.60q", strings.Join(Answers, ", "), s.Answer)
	for _, name := range []string{"answer", "expiresIn"} {
		p.add(slices.Contains(k.ends, name) && s.On != "token", "%s belongs to the token endpoint: add on: token", name)
	}
	p.add(s.Revoke && s.On != "" && s.On != "message", "revoke needs on: message")
	if allowed, special := places[Phase(s.At)]; special {
		p.add(len(k.ends) != 1 && !(s.at().early() && len(k.ends) == 0), "at: %s needs an ending: add one of %s", s.At, strings.Join(allowed, ", "))
		for _, end := range k.ends {
			p.add(!slices.Contains(allowed, end), "%s cannot be combined with at: %s", end, s.At)
		}
	}
	for name, value := range s.Headers {
		p.add(!headerForm.MatchString(name), "%.60q is not a header name", name)
		p.add(strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }), "the header %.60q must be one line", name)
	}
	if s.Rate != nil {
		p.add(!(*s.Rate > 0 && *s.Rate <= MaxRate), "rate must be more than 0 and at most %d a second", MaxRate)
	}
	p.add(s.Burst < 0 || s.Burst > MaxRate, "burst must be from 1 to %d", MaxRate)
	p.add(s.Burst != 0 && s.Rate == nil, "burst needs rate")
}

func (s *Spec) at() *Fault { return &Fault{Phase: Phase(s.At)} }

// validateTimes checks when the answer leaves.
func (s *Spec) validateTimes(p *problems, k keys) {
	var latency time.Duration
	if s.Latency != nil {
		latency = time.Duration(s.Latency.Fixed)
		if d := s.Latency.Distribution; d != nil {
			if err := d.Validate(); err != nil {
				*p = append(*p, err)
			}
		}
		p.add(s.Latency.Distribution != nil && k.given["slowBody"], "slowBody needs a fixed latency")
	}
	for _, end := range k.ends {
		for _, name := range []string{"slowBody", "headersAt"} {
			p.add(end != "status" && k.given[name], "%s cannot be combined with %s", name, end)
		}
	}
	slow := value(s.SlowBody)
	p.add(k.given["headersAt"] && !k.given["slowBody"], "headersAt needs slowBody")
	p.add(k.given["headersAt"] && k.given["latency"], "latency and headersAt both set when the headers leave")
	p.add(k.given["headersAt"] && slow > 0 && value(s.HeadersAt) >= slow, "headersAt must be smaller than slowBody")
	p.add(slow > 0 && latency >= slow, "slowBody must be longer than latency")
	p.add(s.Until != nil && value(s.Until) <= value(s.From), "until must be later than from")
}

// validateSelection checks what the fault is for.
func (s *Spec) validateSelection(p *problems, k keys) {
	p.add(k.given["profile"] && k.given["profiles"], "profile and profiles are the same: leave one out")
	if text := s.Profile + s.Profiles; text != "" {
		if _, _, err := names(text); err != nil {
			*p = append(*p, err)
		}
	}
	if s.Probability != nil {
		p.add(!(*s.Probability > 0 && *s.Probability <= 1), "probability must be above 0 and up to 1")
	}
	p.add(s.Every < 0 || s.Every > 999_999_999, "every must be from 1 to 999999999")
	counted := s.Requests
	if s.at().early() {
		p.add(s.Connections == nil, "at: %s needs connections", s.At)
		counted = s.Connections
		for _, name := range []string{"profile", "profiles", "requests", "headers", "slowBody", "headersAt"} {
			p.add(k.given[name], "%s cannot be combined with at: %s: there is no request yet", name, s.At)
		}
		p.add(s.On == "decision", "on: decision needs a request, and at: %s comes before it", s.At)
	}
	p.add(counted != nil && counted.Last != 0 && s.Every > counted.Last-counted.First+1, "every: %d never matches a range of %d", s.Every, lengthOf(counted))
	for _, on := range []string{"decision", "token"} {
		p.add(s.On == on && (k.given["profile"] || k.given["profiles"]), "on: %s: such a request carries no profile", on)
	}
}

func lengthOf(r *Range) int {
	if r == nil {
		return 0
	}
	return r.Last - r.First + 1
}
