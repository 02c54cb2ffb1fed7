package probe

import (
	"context"
	"fmt"

	"github.com/httpdest/httpdest/reports"
)

// following is how many good messages follow what must be refused: a receiver
// with several workers loses one of them first.
const following = 3

// afterwards sends good messages after something that was refused, and wants each
// accepted and stored: a receiver whose worker dies of what it was sent may go on
// to answer, and store nothing.
func (t *caseRun) afterwards(ctx context.Context, what string) {
	const rule = "rcv-2xx"
	for range following {
		s := t.shaper()
		_, d := s.plain()
		m := Message{Body: s.single(d)}
		a, ok := t.send(ctx, t.main, "plain", m.Body)
		if !ok {
			return
		}
		t.last = a
		if !a.ok() {
			if a, ok = t.recovering(ctx, m.Body, a); !ok {
				return
			}
		}
		if !a.ok() {
			t.explained(down, rule, "after "+what+" a good message is refused", "2xx, as before", a)
			t.refused = fmt.Errorf("the receiver refuses good messages after %s", what)
			return
		}
		if !t.verify(ctx, rule, "a good message after "+what, m) {
			t.stoppedStoring(what)
			return
		}
	}
}

// recovering sends a good message again after a while, twice at most.
func (t *caseRun) recovering(ctx context.Context, body []byte, a answer) (answer, bool) {
	for n := range 2 {
		if wait(ctx, max(a.pause(t.config.Pause), t.config.Pause<<n)) != nil {
			return a, false
		}
		b, ok := t.send(ctx, t.main, "plain", body)
		if !ok || b.ok() {
			return b, ok
		}
		a = b
	}
	return a, true
}

// stoppedStoring is after a good message that is accepted and not stored: nothing is
// read back any more, and the fix is about what came before it.
func (t *caseRun) stoppedStoring(what string) {
	k := &t.checks[len(t.checks)-1]
	if k.Verdict != reports.Fail {
		return
	}
	k.Fix = "catch what goes wrong with one message, so that it does not end the worker that stores the others: it got " + what
	t.broken = "the receiver has stored nothing since it got " + what
}
