package dataflow

import "fmt"

// Limit is a documented limit of what can be configured.
type Limit struct {
	Most   int
	Of     string // what is counted
	Level  Level  // Warning: of performance, and not enforced. Error: enforced
	Source string
}

// The limits of the documentation.
var (
	MappedAudiences     = Limit{250, "mapped audiences", Warning, "destination guardrails"}                               // R10
	MappedAttributes    = Limit{50, "mapped attributes", Warning, "destination guardrails"}                               // R11
	SandboxDestinations = Limit{100, "destinations in the sandbox", Error, "destination guardrails"}                      // R12
	MergePolicies       = Limit{5, "merge policies in the organisation", Error, "merge policies overview, Real-Time CDP"} // R15
)

// check is the problem of having n of something, if that is too many.
func (l Limit) check(path string, n int) []Problem {
	if n <= l.Most {
		return nil
	}
	hint := fmt.Sprintf("keep to %d; the limit is enforced (%s)", l.Most, l.Source)
	if l.Level == Warning {
		hint = fmt.Sprintf("keep to %d; beyond it performance is not promised (%s)", l.Most, l.Source)
	}
	return []Problem{{path, fmt.Sprintf("%d %s, more than %d", n, l.Of, l.Most), hint, l.Level}}
}
