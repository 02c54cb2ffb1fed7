package faultspec

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/httpdest/httpdest/internal/notation"
)

// Longest bounds every duration of a fault, drawn ones too: sums stay in range.
const Longest = notation.Longest

// Duration is a time.Duration as faults write it: Go's syntax without a sign,
// with d for days of 24 hours ("1d12h", "2.5s").
type Duration time.Duration

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
	v, err := notation.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%w: write 15s, 30m or 1d12h", err)
	}
	*d = Duration(v)
	return nil
}

func (d Duration) value() time.Duration { return time.Duration(d) }

// value is the duration, 0 for one left out.
func value(d *Duration) time.Duration {
	if d == nil {
		return 0
	}
	return d.value()
}

// Lifetime is that of an access token: a duration in whole seconds, or none, which is 0.
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
