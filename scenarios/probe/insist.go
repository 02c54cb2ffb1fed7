package probe

import (
	"context"
	"strconv"
	"time"

	"github.com/httpdest/httpdest/engine/retry"
)

// longestPause is how long a receiver that throttles is given, whatever it asks
// for.
const longestPause = 5 * time.Second

// insist sends a valid message and wants it accepted. One that is refused is
// sent once more before its form is blamed: a receiver that is flaky or that
// throttles refuses anything now and then.
func (t *round) insist(ctx context.Context, l *lane, rule, title, id string, body []byte) bool {
	a, ok := t.send(ctx, l, id, body)
	if !ok {
		return false
	}
	t.last = a
	if a.late() || a.ok() || a.Outcome.Kind != retry.Answered {
		return t.accepted(rule, title, a)
	}
	if a.throttles() && wait(ctx, a.pause()) != nil {
		return false
	}
	b, ok := t.send(ctx, l, id, body)
	if !ok {
		return false
	}
	t.last = b
	switch {
	case b.ok() && a.throttles():
		t.advise("rcv-2s", "the receiver throttles below the rate of the probe", a.says(), "nothing, if it holds what it must; else lower --rate for a quieter report", &a)
	case b.ok():
		t.fail("rcv-2xx", title+": refused once, and taken when it came again", "2xx for every valid message", &a)
	case a.throttles() && b.throttles():
		t.unclear(rule, title+": throttled twice, "+b.says(), "lower --rate to what the receiver takes")
		return false
	}
	return t.accepted(rule, title, b)
}

// throttles says whether the answer is about load and not about the message.
func (a answer) throttles() bool { return a.status() == 429 || a.status() == 503 }

// pause is how long to wait before a message that was throttled is sent again.
func (a answer) pause() time.Duration {
	seconds, err := strconv.Atoi(a.Header.Get("Retry-After"))
	if err != nil || seconds < 1 {
		return time.Second
	}
	return min(longestPause, time.Duration(seconds)*time.Second)
}
