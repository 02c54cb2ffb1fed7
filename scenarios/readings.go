package scenarios

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// Readings chooses, by key, between the ways in which a point of the
// documentation can be read. It holds only the keys of a file: a run takes the
// default of every other key, and another sender is judged unspecified on it.
type Readings map[string]string

// Of is the value of a key: the one that was said, or its default.
func (r Readings) Of(key string) string {
	if value, said := r[key]; said {
		return value
	}
	reading, known := FindReading(key)
	if !known {
		panic("scenarios: no reading " + key)
	}
	return reading.Default()
}

// Says reports whether a value was chosen for a key.
func (r Readings) Says(key string) bool {
	_, said := r[key]
	return said
}

// Duration is Of for a key whose value is a duration.
func (r Readings) Duration(key string) time.Duration {
	d, err := ParseDuration(r.Of(key))
	if err != nil {
		panic("scenarios: the reading " + key + " is not a duration: " + err.Error())
	}
	return d
}

// WithReadings is the scenario with other readings chosen; those that are not
// named stay.
func (s *Scenario) WithReadings(chosen Readings) *Scenario {
	if len(chosen) == 0 {
		return s
	}
	other := *s
	other.Destination.reading(chosen)
	if s.Flows != nil {
		other.Flows = s.Flows.eachDestination(func(d *Destination) { d.reading(chosen) })
	}
	return &other
}

// ParseReading reads KEY=VALUE, as a flag has it.
func ParseReading(text string) (key, value string, err error) {
	key, value, _ = strings.Cut(text, "=")
	r, known := FindReading(key)
	if !known {
		return "", "", Problems{{Message: fmt.Sprintf("%q is not the key of a reading", short(key)), Hint: didYouMean(key, readingKeys())}}
	}
	d := &decoder{}
	value = d.readingValue(&yaml.Node{Kind: yaml.ScalarNode, Value: value}, r)
	if problems := d.result(); len(problems) > 0 {
		return "", "", Problems{{Message: problems[0].Message, Hint: problems[0].Hint}}
	}
	return key, value, nil
}

func readingKeys() []string {
	out := make([]string, len(readings))
	for i, r := range readings {
		out[i] = r.Key
	}
	return out
}

// FindReading is the reading with a key.
func FindReading(key string) (Reading, bool) {
	i := slices.IndexFunc(readings, func(r Reading) bool { return r.Key == key })
	if i < 0 {
		return Reading{}, false
	}
	return readings[i], true
}

// KnownReadings lists every reading, in the order of the documentation. The
// slice is the caller's own.
func KnownReadings() []Reading { return slices.Clone(readings) }

// readings reads `readings:`.
func (r *reader) readings(n *yaml.Node) Readings {
	o := r.object(n, "readings")
	if o == nil {
		return nil
	}
	var out Readings
	for _, reading := range readings {
		value := o.take(reading.Key)
		if value == nil {
			continue
		}
		if text := r.readingValue(value, reading); text != "" {
			if out == nil {
				out = Readings{}
			}
			out[reading.Key] = text
		}
	}
	o.end()
	return out
}

// readingValue reads the value of one key: a word, or a duration within bounds.
func (d *decoder) readingValue(n *yaml.Node, r Reading) string {
	if r.Most == 0 {
		return d.word(n, r.Key, r.words()...)
	}
	v, ok := d.duration(n, r.Key)
	switch {
	case !ok:
		return ""
	case v < r.Least || v > r.Most:
		d.problem(n, cmp.Or(r.Bounds, "write "+r.Values[0].Word), "%s must be from %s to %s, but is %s", r.Key, r.Least, r.Most, n.Value)
		return ""
	}
	return n.Value
}

// readingsNode writes what is said, in the order of the documentation.
func readingsNode(said Readings) mapping {
	m := newMapping().flow()
	for _, r := range readings {
		value, ok := said[r.Key]
		switch {
		case !ok:
		case r.Most > 0:
			m.put(r.Key, plain(value))
		default:
			m.put(r.Key, value)
		}
	}
	return m
}
