package faultspec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/httpdest/httpdest/internal/strictjson"
)

// ParseSpec reads one fault from JSON and validates it. An unknown key is an error, and so is one in another case, which
// encoding/json would accept.
func ParseSpec(text []byte) (Spec, error) {
	var s Spec
	if err := strictly(text, &s); err != nil {
		return Spec{}, err
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(text, &given); err != nil {
		return Spec{}, err
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if _, known := places[name]; !known {
			return Spec{}, fmt.Errorf("json: unknown field %q", name)
		}
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

// Headers are those of an answer. Numbers need no quotes. No headers are the same as a key left out.
type Headers map[string]string

// UnmarshalJSON implements json.Unmarshaler.
func (h *Headers) UnmarshalJSON(text []byte) error {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(text, &given); err != nil {
		return fmt.Errorf("headers: %w", err)
	}
	*h = nil
	if len(given) > 0 {
		*h = Headers{}
	}
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
