package faultspec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Latency is a fixed duration, or a distribution: {"distribution": "normal", "mean": "1s", "deviation": "200ms"}.
type Latency struct {
	Fixed        Duration
	Distribution *Distribution
}

// UnmarshalJSON implements json.Unmarshaler. It checks which keys go with the shape; Distribution.Problems
// checks the numbers.
func (l *Latency) UnmarshalJSON(text []byte) error {
	*l = Latency{}
	if !bytes.HasPrefix(text, []byte("{")) {
		return l.Fixed.UnmarshalJSON(text)
	}
	var given map[string]json.RawMessage
	if err := strictly(text, &given); err != nil {
		return fmt.Errorf("latency: %w", err)
	}
	d := &Distribution{}
	if shape, ok := given["distribution"]; ok {
		if err := json.Unmarshal(shape, &d.Shape); err != nil {
			return fmt.Errorf("latency: %w", err)
		}
	}
	if err := d.read(given); err != nil {
		return fmt.Errorf("latency: %w", err)
	}
	l.Distribution = d
	return nil
}

// read takes the keys of the shape.
func (d *Distribution) read(given map[string]json.RawMessage) error {
	needs, known := Shapes[d.Shape]
	if !known {
		return fmt.Errorf("%.60q is not a distribution: %s", d.Shape, shapeFix)
	}
	delete(given, "distribution")
	for _, name := range needs {
		text, ok := given[name]
		if !ok {
			return fmt.Errorf("%s needs %s", d.Shape, name)
		}
		if err := json.Unmarshal(text, inJSON(d.Field(name))); err != nil {
			return err
		}
		delete(given, name)
	}
	for _, name := range OthersOf(d.Shape) {
		if _, ok := given[name]; ok {
			return fmt.Errorf("%s cannot be combined with %s", name, d.Shape)
		}
	}
	for name := range given {
		return fmt.Errorf("json: unknown field %q", name)
	}
	return nil
}

// inJSON is a field of a distribution as JSON has it.
func inJSON(field any) any {
	switch v := field.(type) {
	case *time.Duration:
		return (*Duration)(v)
	case *[]Percentile:
		return (*points)(v)
	}
	return field
}

// MarshalJSON implements json.Marshaler.
func (l Latency) MarshalJSON() ([]byte, error) {
	d := l.Distribution
	if d == nil {
		return json.Marshal(l.Fixed)
	}
	out := fmt.Appendf(nil, `{"distribution":%q`, d.Shape)
	for _, name := range Shapes[d.Shape] {
		value, err := json.Marshal(inJSON(d.Field(name)))
		if err != nil {
			return nil, err
		}
		out = fmt.Appendf(out, ",%q:%s", name, value)
	}
	return append(out, '}'), nil
}
