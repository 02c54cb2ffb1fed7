package scenarios

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

const durationHint = "write 15s, 30m, 2h, 30d or 1d12h"

// longest keeps every sum of a start and a few durations within range.
const longest = 100 * 365 * 24 * time.Hour

// part is one number with its unit.
var part = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)(ns|us|µs|ms|s|m|h|d)`)

// ParseDuration reads the durations of a scenario: Go's syntax without a sign
// and with d for days of 24 hours ("1d12h", "2.5s"), and a bare 0.
func ParseDuration(text string) (time.Duration, error) {
	if text == "0" {
		return 0, nil
	}
	if strings.HasPrefix(text, "-") || strings.HasPrefix(text, "+") {
		return 0, fmt.Errorf("the duration %q has a sign", short(text))
	}
	var total time.Duration
	rest := text
	for rest != "" {
		m := part.FindStringSubmatch(rest)
		if m == nil {
			if plainNumber.MatchString(text) {
				return 0, fmt.Errorf("the duration %q has no unit", short(text))
			}
			return 0, fmt.Errorf("%q is not a duration", short(text))
		}
		rest = rest[len(m[0]):]
		number, unit, times := m[1], m[2], time.Duration(1)
		if unit == "d" {
			unit, times = "h", 24
		}
		v, err := time.ParseDuration(number + unit)
		// Compared before multiplying, and before adding: neither may overflow.
		if err != nil || v > longest/times || total > longest-v*times {
			return 0, fmt.Errorf("the duration %q is longer than 100 years", short(text))
		}
		total += v * times
	}
	if text == "" {
		return 0, fmt.Errorf("the duration is blank")
	}
	return total, nil
}
