package retry

import (
	"slices"
	"time"
)

// Policy decides which failures are retried and how long to wait. It is data,
// so that users can write their own.
type Policy struct {
	Name string
	// Delays holds the wait after the first failure, after the second, …; a
	// message has len(Delays)+1 attempts (R82, R86). A delay runs from the end
	// of the failed attempt (A2).
	Delays []time.Duration
	// Statuses are the retried response codes; nil retries every non-2xx.
	Statuses []int
	// ObserveRetryAfter waits at least as long as a response's Retry-After
	// asks (A8: the documentation never mentions it).
	ObserveRetryAfter bool
}

// Documented takes the page at its word: every failed request is stored and
// sent again exactly twice, 15 s and 30 s after the failure before it
// (catalog/streaming/http-destination, "Limits and retry policy"; the delays
// are those of the rate-limiting-retry-policy page).
func Documented() Policy {
	return Policy{Name: "documented", Delays: []time.Duration{15 * time.Second, 30 * time.Second}}
}

// BestEffort is the Destination SDK page for best-effort aggregation: only
// these statuses and network failures are retried (R83, R84).
func BestEffort() Policy {
	p := Documented()
	p.Name = "best-effort"
	p.Statuses = []int{403, 408, 409, 429, 500, 502, 503, 504}
	return p
}

// Next decides after the failure of attempt number (1 is the first), which
// ended at failedAt: when the next attempt is due, or ok false to give up.
func (p Policy) Next(number int, o Outcome, failedAt time.Time) (due time.Time, ok bool) {
	if number < 1 || number > len(p.Delays) || o.Delivered() || !p.retries(o) {
		return time.Time{}, false
	}
	wait := p.Delays[number-1]
	if p.ObserveRetryAfter && o.RetryAfter > wait {
		wait = o.RetryAfter
	}
	return failedAt.Add(wait), true
}

// retries reports whether the policy repeats such a failure. A failure without
// a response is always repeated (R85).
func (p Policy) retries(o Outcome) bool {
	return o.Kind != Answered || p.Statuses == nil || slices.Contains(p.Statuses, o.Status)
}
