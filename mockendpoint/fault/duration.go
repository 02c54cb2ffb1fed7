package fault

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Duration is a time.Duration as faults write it: Go's syntax without a sign,
// with d for days of 24 hours ("1d12h", "2.5s").
type Duration time.Duration

// durationPart is one number with its unit.
var durationPart = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s|m|h|d)`)

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) {
	text := time.Duration(d).String() // 1h0m0s
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return []byte(text), nil
}

// UnmarshalJSON implements json.Unmarshaler: a text, or a bare 0.
func (d *Duration) UnmarshalJSON(text []byte) error {
	content, quoted := strings.CutPrefix(string(text), `"`)
	content = strings.TrimSuffix(content, `"`)
	if !quoted && content != "0" {
		return fmt.Errorf("%.60s is not a duration: write \"15s\", \"30m\" or \"1d12h\"", text)
	}
	return d.UnmarshalText([]byte(content))
}

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	*d = 0
	if string(text) == "0" {
		return nil
	}
	rest := string(text)
	for first := true; first || rest != ""; first = false {
		m := durationPart.FindStringSubmatch(rest)
		if m == nil {
			return fmt.Errorf("%.60q is not a duration: write 15s, 30m or 1d12h", text)
		}
		rest = rest[len(m[0]):]
		number, unit, times := m[1], m[2], time.Duration(1)
		if unit == "d" {
			unit, times = "h", 24
		}
		v, err := time.ParseDuration(number + unit)
		// Compared before multiplying, and before adding: neither may overflow.
		if err != nil || v > Longest/times || time.Duration(*d) > Longest-v*times {
			return fmt.Errorf("the duration %.60q is longer than 100 years", text)
		}
		*d += Duration(v * times)
	}
	return nil
}
