package fault

import (
	"maps"
	"time"

	"github.com/httpdest/httpdest/internal/notation"
)

// value is the duration, 0 for one left out.
func value(d *Duration) time.Duration {
	if d == nil {
		return 0
	}
	return d.value()
}

func (d Duration) value() time.Duration { return time.Duration(d) }

// every is the range that selects all.
var every = Range{First: 1}

// Fault is the fault that a Plan plays; the error is that of Validate. A default that
// was written is the same as one that was left out.
func (s *Spec) Fault() (Fault, error) {
	if err := s.Validate(); err != nil {
		return Fault{}, err
	}
	f := Fault{
		ID: s.ID, From: value(s.From), Until: value(s.Until), Every: s.Every, On: Target(s.On), Phase: Phase(s.At),
		Status: s.Status, Answer: s.Answer, ExpiresIn: (*time.Duration)(s.ExpiresIn), Revoke: s.Revoke, Headers: maps.Clone(s.Headers),
		HeadersAt: value(s.HeadersAt), SlowBody: value(s.SlowBody), Stall: s.Stall, Reset: s.Reset, Close: s.Close, HalfClose: s.HalfClose,
		Garbage: s.Garbage, MalformedChunk: s.MalformedChunk, Endless: s.Endless, Burst: s.Burst,
	}
	if s.On == Targets[0] {
		f.On = Message
	}
	if f.Phase == Response {
		f.Phase = ""
	}
	if f.Every == 1 {
		f.Every = 0
	}
	if s.Latency != nil {
		f.Latency, f.Latencies = s.Latency.Fixed.value(), s.Latency.Distribution
	}
	if s.Requests != nil && *s.Requests != every {
		f.Requests = *s.Requests
	}
	if s.Connections != nil && (f.Early() || *s.Connections != every) {
		f.Connections = *s.Connections
	}
	if s.Probability != nil && *s.Probability < 1 {
		f.Probability = *s.Probability
	}
	if s.Rate != nil {
		f.Rate = *s.Rate
	}
	if f.ProfileNames = s.Profile + s.Profiles; f.ProfileNames != "" {
		names, _ := notation.ParseNames(f.ProfileNames) // Validate read them
		f.Profiles, f.ProfileCount = names.Contains, int(names.Len())
	}
	return f, nil
}

// SpecOf is the fault as people write it, without what is a default.
func SpecOf(f Fault) Spec {
	s := Spec{
		ID: f.ID, Profiles: f.ProfileNames, From: written(f.From), Until: written(f.Until), Every: f.Every, On: string(f.On), At: string(f.Phase),
		Status: f.Status, Answer: f.Answer, ExpiresIn: (*Lifetime)(f.ExpiresIn), Revoke: f.Revoke, Headers: maps.Clone(f.Headers),
		HeadersAt: written(f.HeadersAt), SlowBody: written(f.SlowBody), Stall: f.Stall, Reset: f.Reset, Close: f.Close, HalfClose: f.HalfClose,
		Garbage: f.Garbage, MalformedChunk: f.MalformedChunk, Endless: f.Endless, Burst: f.Burst,
	}
	if f.Phase == Response {
		s.At = ""
	}
	if !f.Early() && f.Requests != every && f.Requests != (Range{}) {
		s.Requests = &f.Requests
	}
	if f.Early() || f.Connections != every && f.Connections != (Range{}) {
		s.Connections = &f.Connections
	}
	if f.Latency > 0 || f.Latencies != nil {
		s.Latency = &Latency{Duration(f.Latency), f.Latencies}
	}
	if f.Probability > 0 && f.Probability < 1 {
		s.Probability = &f.Probability
	}
	if f.Rate > 0 {
		s.Rate = &f.Rate
		if f.Status == 429 {
			s.Status = 0
		}
	}
	return s
}

func written(d time.Duration) *Duration {
	if d == 0 {
		return nil
	}
	return (*Duration)(&d)
}
