package probe

import (
	"context"
	"fmt"
)

// cold sends a message after a time without any, in which instances may have been
// stopped, and another at once.
func cold(ctx context.Context, t *caseRun) {
	if wait(ctx, t.config.Cold) != nil {
		return
	}
	title := "a message after " + t.config.Cold.String() + " without any"
	l := t.senderFor(t.config.Destination, t.certificate())
	a, ok := t.send(ctx, l, "plain", t.timed())
	switch {
	case !ok:
	case a.ok() && !a.late():
		t.pass("rcv-2s", title, a.says())
	case t.startsCold(ctx, l, title, t.timed(), a):
	case a.late():
		t.accepted("rcv-2xx", title, a)
	default:
		t.insist(ctx, l, "rcv-2xx", title, "plain", t.timed())
	}
}

// startsCold sends a message once more that was answered late, or not with 2xx, and
// reports whether the answer is in time now: then the receiver only started.
func (t *caseRun) startsCold(ctx context.Context, l *configuredSender, title string, body []byte, a answer) bool {
	if a.ok() && a.late() && t.stoodStill(title, a) {
		return true
	}
	again, ok := t.send(ctx, l, "plain", body)
	if !ok || !again.ok() || again.late() {
		return false
	}
	rule, what := "rcv-2s", "answered too late"
	if !a.late() {
		rule, what = "rcv-2xx", "refused"
	}
	t.explained(starting, rule, fmt.Sprintf("%s: %s, and the next one is answered after %s", title, what, ms(again.took)), "2xx within 2 s, also after a pause", a)
	return true
}
