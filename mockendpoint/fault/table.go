package fault

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
)

// table is the points of Percentiles in JSON: {"50": "200ms", "99.9": "3s"}.
type table []Percentile

// percentForm is a number without sign and exponent.
var percentForm = regexp.MustCompile(`^(0|[1-9][0-9]*)(\.[0-9]+)?$`)

// UnmarshalJSON implements json.Unmarshaler.
func (t *table) UnmarshalJSON(text []byte) error {
	var points map[string]Duration
	if err := json.Unmarshal(text, &points); err != nil {
		return fmt.Errorf("percentiles: %w", err)
	}
	*t = table{}
	for percent, at := range points {
		p, err := strconv.ParseFloat(percent, 64)
		if err != nil || !percentForm.MatchString(percent) || p > 100 {
			return fmt.Errorf("percentiles: %.60q is not a percentage: write 50 or 99.9", percent)
		}
		*t = append(*t, Percentile{p, at.value()})
	}
	slices.SortFunc(*t, func(a, b Percentile) int { return cmp.Compare(a.Percent, b.Percent) })
	return nil
}

// MarshalJSON implements json.Marshaler: in the order of the percentages.
func (t table) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, p := range t {
		if i > 0 {
			b.WriteByte(',')
		}
		at, err := Duration(p.At).MarshalText()
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%q:%q", strconv.FormatFloat(p.Percent, 'f', -1, 64), at)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
