package payload

import (
	"encoding/json"
	"strconv"

	"github.com/httpdest/httpdest/internal/strictjson"
)

// Numbers that a schema compares as they are: magnitudes from 10^-largest to
// 10^largest with at most precision digits.
const (
	largest   = 1000
	precision = 1100
)

// bounded replaces the numbers of a value, in place, that are too large, too small
// or too long for the validator, which computes with fractions: of 1e9999999 it
// makes none and panics, and of a million digits it takes seconds. The replacement
// lies on the same side of every limit of a schema, and is an integer exactly when
// the number is.
func bounded(value any) any {
	switch v := value.(type) {
	case json.Number:
		return boundedNumber(v)
	case map[string]any:
		for key, child := range v {
			v[key] = bounded(child)
		}
	case []any:
		for i, child := range v {
			v[i] = bounded(child)
		}
	}
	return value
}

func boundedNumber(number json.Number) json.Number {
	const ordinary = 20 // characters of most numbers, which need no look
	if len(number) <= ordinary && !hasExponent(number) {
		return number
	}
	n, ok := strictjson.ParseNumber(number.String())
	if !ok || n.Digits == "" {
		return "0"
	}
	sign := ""
	if n.Negative {
		sign = "-"
	}
	exponent, err := strconv.Atoi(n.Exponent)
	magnitude := exponent + len(n.Digits) // 10^(magnitude-1) <= number < 10^magnitude
	switch {
	case err != nil && n.Exponent[0] == '-' || err == nil && magnitude < -largest:
		return json.Number(sign + "1e-" + strconv.Itoa(largest))
	case err != nil || magnitude > largest:
		return json.Number(sign + "1e" + strconv.Itoa(largest))
	case len(n.Digits) > precision:
		// A fraction: its digits go on beyond the point. The last one keeps it that.
		return json.Number(sign + n.Digits[:precision] + "1e" + strconv.Itoa(exponent+len(n.Digits)-precision-1))
	}
	return json.Number(sign + n.Digits + "e" + strconv.Itoa(exponent))
}

func hasExponent(number json.Number) bool {
	for i := range len(number) {
		if number[i] == 'e' || number[i] == 'E' {
			return true
		}
	}
	return false
}
