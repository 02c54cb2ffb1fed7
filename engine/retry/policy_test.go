package retry

import (
	"slices"
	"testing"
	"time"
)

var failedAt = time.Date(2026, 1, 15, 9, 0, 2, 0, time.UTC)

// Every status there can be, under both policies: documented repeats every
// failure (design §4), best-effort only the eight of R83.
func TestNextOverAllStatuses(t *testing.T) {
	repeated := []int{403, 408, 409, 429, 500, 502, 503, 504}
	for status := 100; status <= 999; status++ {
		o := Outcome{Kind: Answered, Status: status}
		success := status >= 200 && status <= 299
		if _, ok := Documented().Next(1, o, failedAt); ok == success {
			t.Errorf("documented: Next(1, %d) = %v; want %v", status, ok, !success)
		}
		if _, ok := BestEffort().Next(1, o, failedAt); ok != slices.Contains(repeated, status) {
			t.Errorf("best-effort: Next(1, %d) = %v", status, ok)
		}
	}
}

func TestNextSchedule(t *testing.T) {
	tests := []struct {
		name   string
		policy Policy
		number int
		o      Outcome
		want   time.Duration // 0: no retry
	}{
		{"first failure", Documented(), 1, Outcome{Kind: Timeout}, 15 * time.Second},
		{"second failure", Documented(), 2, Outcome{Kind: Reset}, 30 * time.Second},
		{"third failure", Documented(), 3, Outcome{Kind: Answered, Status: 503}, 0},
		{"best effort repeats what got no answer", BestEffort(), 1, Outcome{Kind: Refused}, 15 * time.Second},
		{"Retry-After is not obeyed", Documented(), 1, Outcome{Kind: Answered, Status: 429, RetryAfter: time.Minute}, 15 * time.Second},
		{"unless the policy says so", Policy{Delays: []time.Duration{time.Second}, ObserveRetryAfter: true}, 1,
			Outcome{Kind: Answered, Status: 429, RetryAfter: time.Minute}, time.Minute},
		{"but never makes it shorter", Policy{Delays: []time.Duration{time.Minute}, ObserveRetryAfter: true}, 1,
			Outcome{Kind: Answered, Status: 429, RetryAfter: time.Second}, time.Minute},
		{"no delays, no retries", Policy{}, 1, Outcome{Kind: Timeout}, 0},
	}
	for _, tt := range tests {
		due, ok := tt.policy.Next(tt.number, tt.o, failedAt)
		if ok != (tt.want > 0) || ok && due.Sub(failedAt) != tt.want {
			t.Errorf("%s: Next(%d, %v) = %v, %v; want %v after the failure", tt.name, tt.number, tt.o, due.Sub(failedAt), ok, tt.want)
		}
	}
}

func TestOutcomeString(t *testing.T) {
	for want, o := range map[string]Outcome{"503": {Kind: Answered, Status: 503}, "timeout": {Kind: Timeout, Reason: "no-answer-in-time"}} {
		if got := o.String(); got != want {
			t.Errorf("%+v.String() = %q; want %q", o, got, want)
		}
	}
}
