package fault

import (
	"errors"
	"fmt"
)

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
