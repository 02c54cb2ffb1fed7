package fault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/httpdest/httpdest/internal/strictjson"
)

// Spec is a fault as people write it, in JSON: the same words as in the faults
// of a scenario file. Validate checks which keys can be combined. The number 0,
// the text "" and false count as left out.
type Spec struct {
	ID             string    `json:"id,omitempty"`
	Profile        string    `json:"profile,omitempty"` // a name, or a range of names
	Profiles       string    `json:"profiles,omitempty"`
	From           *Duration `json:"from,omitempty"`
	Until          *Duration `json:"until,omitempty"`
	Requests       *Range    `json:"requests,omitempty"`
	Every          int       `json:"every,omitempty"`
	Connections    *Range    `json:"connections,omitempty"`
	On             string    `json:"on,omitempty"`
	At             string    `json:"at,omitempty"`
	Probability    *float64  `json:"probability,omitempty"`
	Status         int       `json:"status,omitempty"`
	Answer         string    `json:"answer,omitempty"`
	ExpiresIn      *Lifetime `json:"expiresIn,omitempty"`
	Revoke         bool      `json:"revoke,omitempty"`
	Headers        Headers   `json:"headers,omitempty"`
	Latency        *Latency  `json:"latency,omitempty"`
	HeadersAt      *Duration `json:"headersAt,omitempty"`
	SlowBody       *Duration `json:"slowBody,omitempty"`
	Stall          bool      `json:"stall,omitempty"`
	Reset          bool      `json:"reset,omitempty"`
	Close          bool      `json:"close,omitempty"`
	HalfClose      bool      `json:"halfClose,omitempty"`
	Garbage        bool      `json:"garbage,omitempty"`
	MalformedChunk bool      `json:"malformedChunk,omitempty"`
	Endless        bool      `json:"endless,omitempty"`
	Rate           *float64  `json:"rate,omitempty"`
	Burst          int       `json:"burst,omitempty"`
}

// ParseSpec reads one fault from JSON and validates it. An unknown key is an
// error.
func ParseSpec(text []byte) (Spec, error) {
	var s Spec
	if err := strictly(text, &s); err != nil {
		return Spec{}, err
	}
	return s, s.Validate()
}

func strictly(text []byte, into any) error {
	if err := strictjson.Check(text); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// Lifetime is that of an access token: a duration in whole seconds, or none,
// which is 0.
type Lifetime time.Duration

// MarshalText implements encoding.TextMarshaler.
func (l Lifetime) MarshalText() ([]byte, error) {
	if l == 0 {
		return []byte("none"), nil
	}
	return Duration(l).MarshalText()
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *Lifetime) UnmarshalText(text []byte) error {
	if string(text) == "none" {
		*l = 0
		return nil
	}
	err := (*Duration)(l).UnmarshalText(text)
	if err == nil && *l < Lifetime(time.Second) {
		return errors.New("a lifetime must be 1s or more, or none")
	}
	return err
}

// Headers are those of an answer. Numbers need no quotes.
type Headers map[string]string

// UnmarshalJSON implements json.Unmarshaler.
func (h *Headers) UnmarshalJSON(text []byte) error {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(text, &given); err != nil {
		return fmt.Errorf("headers: %w", err)
	}
	*h = Headers{}
	for name, raw := range given {
		var value any
		if err := json.Unmarshal(raw, &value); err != nil {
			return fmt.Errorf("headers: %w", err)
		}
		switch v := value.(type) {
		case string:
			(*h)[name] = v
		case float64, bool:
			(*h)[name] = string(raw)
		default:
			return fmt.Errorf("the header %.60q must be text", name)
		}
	}
	return nil
}

// Latency is a fixed duration, or a distribution: {"distribution": "normal",
// "mean": "1s", "deviation": "200ms"}.
type Latency struct {
	Fixed        Duration
	Distribution *Distribution
}

// latencyObject is the form of a distribution.
type latencyObject struct {
	Distribution Shape     `json:"distribution"`
	Min          *Duration `json:"min,omitempty"`
	Max          *Duration `json:"max,omitempty"`
	Mean         *Duration `json:"mean,omitempty"`
	Deviation    *Duration `json:"deviation,omitempty"`
	Median       *Duration `json:"median,omitempty"`
	Sigma        *float64  `json:"sigma,omitempty"`
	Percentiles  *table    `json:"percentiles,omitempty"`
}

// UnmarshalJSON implements json.Unmarshaler.
func (l *Latency) UnmarshalJSON(text []byte) error {
	if !bytes.HasPrefix(text, []byte("{")) {
		*l = Latency{}
		return l.Fixed.UnmarshalJSON(text)
	}
	var o latencyObject
	if err := strictly(text, &o); err != nil {
		return fmt.Errorf("latency: %w", err)
	}
	d, err := o.distribution()
	*l = Latency{Distribution: d}
	return err
}

// distribution checks which keys go with the shape; what it means is for
// Distribution.Validate.
func (o *latencyObject) distribution() (*Distribution, error) {
	given := map[string]bool{"min": o.Min != nil, "max": o.Max != nil, "mean": o.Mean != nil, "deviation": o.Deviation != nil,
		"median": o.Median != nil, "sigma": o.Sigma != nil, "percentiles": o.Percentiles != nil}
	needs, known := Shapes[o.Distribution]
	if !known {
		return nil, fmt.Errorf("latency: %.60q is not a distribution: write uniform, normal, log-normal or percentiles", o.Distribution)
	}
	for _, name := range needs {
		if !given[name] {
			return nil, fmt.Errorf("latency: %s needs %s", o.Distribution, name)
		}
	}
	for _, name := range OthersOf(o.Distribution) {
		if given[name] {
			return nil, fmt.Errorf("latency: %s cannot be combined with %s", name, o.Distribution)
		}
	}
	d := &Distribution{Shape: o.Distribution}
	for _, f := range []struct {
		into *time.Duration
		from *Duration
	}{{&d.Min, o.Min}, {&d.Max, o.Max}, {&d.Mean, o.Mean}, {&d.Deviation, o.Deviation}, {&d.Median, o.Median}} {
		if f.from != nil {
			*f.into = time.Duration(*f.from)
		}
	}
	if o.Sigma != nil {
		d.Sigma = *o.Sigma
	}
	if o.Percentiles != nil {
		d.Table = *o.Percentiles
	}
	return d, nil
}

// MarshalJSON implements json.Marshaler.
func (l Latency) MarshalJSON() ([]byte, error) {
	d := l.Distribution
	if d == nil {
		return json.Marshal(l.Fixed)
	}
	duration := func(v time.Duration) *Duration { return (*Duration)(&v) }
	o := latencyObject{Distribution: d.Shape}
	switch d.Shape {
	case Uniform:
		o.Min, o.Max = duration(d.Min), duration(d.Max)
	case Normal:
		o.Mean, o.Deviation = duration(d.Mean), duration(d.Deviation)
	case LogNormal:
		o.Median, o.Sigma = duration(d.Median), &d.Sigma
	case Percentiles:
		o.Percentiles = (*table)(&d.Table)
	}
	return json.Marshal(o)
}
