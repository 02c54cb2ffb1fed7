package check

import (
	"slices"
	"time"

	"github.com/httpdest/httpdest/scenarios"
)

// retriedByBestEffort are the statuses that every source has retried (R83).
var retriedByBestEffort = []int{403, 408, 409, 429, 500, 502, 503, 504}

// retryPolicy is what a destination makes of a failure.
type retryPolicy struct {
	waits    []time.Duration // after each failure
	statuses []int           // that are retried; none where the policy does not distinguish statuses
}

func policyOf(r scenarios.Retry) retryPolicy {
	p := retryPolicy{waits: []time.Duration{15 * time.Second, 30 * time.Second}}
	switch r.Policy {
	case "custom":
		p.waits, p.statuses = r.Delays, r.Statuses
	case "best-effort":
		p.statuses = retriedByBestEffort
	}
	return p
}

// most is how many attempts there are.
func (p retryPolicy) most() int { return len(p.waits) + 1 }

// lists reports whether a status is one of those that are to be retried by
// name.
func (p retryPolicy) lists(status int) bool {
	if len(p.statuses) == 0 {
		return slices.Contains(retriedByBestEffort, status)
	}
	return slices.Contains(p.statuses, status)
}

// final reports whether a status ends the attempts. Where no answer came it is
// 0, which never does.
func (p retryPolicy) final(status int) bool {
	return status > 0 && len(p.statuses) > 0 && !slices.Contains(p.statuses, status)
}

// agreed reports whether every source has a failure with that status retried.
func (p retryPolicy) agreed(status int) bool {
	return status == 0 || slices.Contains(retriedByBestEffort, status) && !p.final(status)
}
