package scenarios

import (
	"time"

	"github.com/httpdest/httpdest/internal/notation"
)

const durationHint = "write 15s, 30m, 2h, 30d or 1d12h"

// ParseDuration reads the durations of a scenario: Go's syntax without a sign
// and with d for days of 24 hours ("1d12h", "2.5s"), and a bare 0.
func ParseDuration(text string) (time.Duration, error) { return notation.ParseDuration(text) }
