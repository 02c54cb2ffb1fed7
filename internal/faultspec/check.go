package faultspec

import (
	"errors"
	"fmt"
	"time"
)

// Check returns every problem of a fault made in code: those that Validate
// finds in a fault that was read, and those that a Spec cannot have.
func (f Fault) Check() error {
	spec := SpecOf(f)
	wrong := []error{spec.Validate()}
	add := func(is bool, format string, args ...any) {
		if is {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	add(f.Probability < 0 || f.Probability > 1, "probability must be above 0 and up to 1, but is %v", f.Probability)
	add(!(f.Rate >= 0), "rate must be more than 0, but is %v", f.Rate)
	for _, r := range []struct {
		name string
		Range
	}{{"requests", f.Requests}, {"connections", f.Connections}} {
		backwards := r.First < 0 || r.Last < 0 || r.First == 0 && r.Last != 0 || r.Last != 0 && r.Last < r.First
		add(backwards, "%s must be counted from 1, and end after they begin, but are %d to %d", r.name, r.First, r.Last)
	}
	names := []string{"from", "until", "latency", "headersAt", "slowBody"}
	for i, d := range []time.Duration{f.From, f.Until, f.Latency, f.HeadersAt, f.SlowBody} {
		add(d < 0, "%s must not be negative", names[i])
	}
	add(f.Profiles != nil && f.ProfileCount < 1, "profileCount must say how many profiles Profiles selects")
	if err := errors.Join(wrong...); err != nil {
		return fmt.Errorf("fault %q: %w", f.ID, err)
	}
	return nil
}
