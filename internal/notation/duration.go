package notation

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// Longest bounds every duration: sums of a start and a few of them stay in range.
const Longest = 100 * 365 * 24 * time.Hour

// number is a number without a sign.
var number = regexp.MustCompile(`^(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`)

// part is one number with its unit.
var part = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s|m|h|d)`)

// ParseDuration reads a duration: Go's syntax without a sign
// and with d for days of 24 hours ("1d12h", "2.5s"), and a bare 0.
func ParseDuration(text string) (time.Duration, error) {
	if text == "0" {
		return 0, nil
	}
	if strings.HasPrefix(text, "-") || strings.HasPrefix(text, "+") {
		return 0, fmt.Errorf("the duration %q has a sign", Short(text))
	}
	var total time.Duration
	rest := text
	for rest != "" {
		m := part.FindStringSubmatch(rest)
		if m == nil {
			if number.MatchString(text) {
				return 0, fmt.Errorf("the duration %q has no unit", Short(text))
			}
			return 0, fmt.Errorf("%q is not a duration", Short(text))
		}
		rest = rest[len(m[0]):]
		number, unit, times := m[1], m[2], time.Duration(1)
		if unit == "d" {
			unit, times = "h", 24
		}
		v, err := time.ParseDuration(number + unit)
		// Compared before multiplying, and before adding: neither may overflow.
		if err != nil || v > Longest/times || total > Longest-v*times {
			return 0, fmt.Errorf("the duration %q is longer than 100 years", Short(text))
		}
		total += v * times
	}
	if text == "" {
		return 0, fmt.Errorf("the duration is blank")
	}
	return total, nil
}
