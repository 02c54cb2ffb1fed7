package secret

import (
	"fmt"
	"io"
)

// Redacted stands where a secret was.
const Redacted = "[redacted]"

// Secret is a credential. It prints as "[redacted]" wherever it is formatted
// or encoded; Reveal is the only way to its text (R32).
type Secret string

// String redacts.
func (Secret) String() string { return Redacted }

// Format redacts under every verb: fmt asks String for some of them only, and
// prints the text itself under %d.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// MarshalText redacts in JSON and YAML.
func (Secret) MarshalText() ([]byte, error) { return []byte(Redacted), nil }

// Reveal is the credential itself, for the request that carries it.
func (s Secret) Reveal() string { return string(s) }
