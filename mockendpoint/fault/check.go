package fault

import (
	"errors"
	"fmt"
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
	for _, d := range []struct {
		name  string
		value int64
	}{{"from", int64(f.From)}, {"until", int64(f.Until)}, {"latency", int64(f.Latency)}, {"headersAt", int64(f.HeadersAt)}, {"slowBody", int64(f.SlowBody)}} {
		add(d.value < 0, "%s must not be negative", d.name)
	}
	add(f.Profiles != nil && f.ProfileCount < 1, "profileCount must say how many profiles Profiles selects")
	if err := errors.Join(wrong...); err != nil {
		return fmt.Errorf("fault %q: %w", f.ID, err)
	}
	return nil
}

// Check returns every problem of the faults of a plan. A nil plan has no
// faults.
func (p *Plan) Check() error {
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	var wrong []error
	seen := map[string]bool{}
	for _, f := range p.faults {
		wrong = append(wrong, f.Fault.Check())
		if seen[f.ID] && f.ID != "" {
			wrong = append(wrong, fmt.Errorf("two faults have the id %q", f.ID))
		}
		seen[f.ID] = true
	}
	return errors.Join(wrong...)
}
