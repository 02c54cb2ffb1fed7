package probe

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/httpdest/httpdest/engine/retry"
)

// longestPause is how long a receiver that throttles is given, whatever it asks
// for.
const longestPause = 5 * time.Second

// insist sends a valid message and wants it accepted. A refusal is compared with
// the plain message before the form of the message is blamed.
func (t *caseRun) insist(ctx context.Context, l *configuredSender, rule, title, id string, body []byte) bool {
	a, ok := t.send(ctx, l, id, body)
	if !ok {
		return false
	}
	t.last = a
	if silent, said := t.silent(ctx, l, id, body, a); !said {
		return false
	} else if silent {
		t.refusedAlone(rule, title+": never answered, and the plain message is", a)
		return false
	}
	if a.late() || a.ok() {
		return t.accepted(rule, title, a)
	}
	c, ok := t.compare(ctx, l, id, body, a)
	if !ok {
		return false
	}
	t.last = c.last
	switch c.class {
	case flaky:
		t.explained(flaky, "rcv-2xx", title+": refused, and accepted when it was sent again", "2xx for every valid message", a)
		return t.accepted(rule, title, c.last)
	case throttled:
		t.strained(a)
		return t.accepted(rule, title, c.last)
	case down:
		t.stopped2xx(ctx, title, c)
		return false
	}
	switch {
	case c.last.late(), c.last.unreadable():
		return t.accepted(rule, title, c.last)
	case c.last.status() == 0:
		t.refusedAlone(rule, title+": no answer", c.last)
	default:
		t.refusedAlone(rule, title+": refused", c.last)
	}
	return false
}

// refusedAlone fails the form of a message, where the plain one is accepted.
func (t *caseRun) refusedAlone(rule, title string, a answer) {
	a.alone = true
	k := t.refusal(rule, title, "an answer with 2xx", a)
	if k.Class = string(form); t.form.inFront && slices.Contains([]int{0, 403, 406, 413}, a.status()) {
		k.Class = string(gateway)
	}
	switch {
	case k.Class == string(gateway):
		k.Fix = t.form.frontFix
	case a.status() >= 500:
		k.Fix = "look for the exception in the receiver's log at the time of the request: " + cmp.Or(t.form.fix, t.ruleFix(rule))
	case t.form.fix != "":
		k.Fix = t.form.fix
	case a.status() == 0 && len(a.exchange.Body) > longestQuick:
		k.Fix = fmt.Sprintf("raise the limit on the size of a body, or on the time that it takes: this one has %d bytes", len(a.exchange.Body))
	}
	t.check(k, &a)
}

// ruleFix is what to do about a failure of a rule, as the second half of a sentence.
func (t *caseRun) ruleFix(id string) string {
	rule, _ := t.config.Rules.Find(id)
	if rule.Fix == "" {
		return ""
	}
	return strings.ToLower(rule.Fix[:1]) + rule.Fix[1:]
}

// longestQuick is how long a message is, in bytes, that no receiver takes longer to
// process than the plain one.
const longestQuick = 16 << 10

// silent reports whether a message gets no answer at all, twice, and the plain one
// between them does: something drops it, and nothing is slow. ok is false when
// nothing can be said.
func (t *caseRun) silent(ctx context.Context, l *configuredSender, id string, body []byte, a answer) (silent, ok bool) {
	if !a.dropped() || len(body) > longestQuick {
		return false, true
	}
	plain, ok := t.again(ctx, l, id, body, false)
	if !ok || !plain.ok() || plain.late() {
		return false, ok
	}
	again, ok := t.again(ctx, l, id, body, true)
	return again.dropped(), ok
}

// dropped reports whether a request was written and nothing came back.
func (a answer) dropped() bool {
	return a.Outcome.Kind == retry.Timeout && a.connected() && !a.Answering
}

// explained is fail with a class.
func (t *caseRun) explained(c class, rule, title, expected string, a answer) {
	k := t.refusal(rule, title, expected, a)
	k.Class = string(c)
	if fix := c.fix(); fix != "" {
		k.Fix = fix
	}
	t.check(k, &a)
}

// comparison is what the plain message and repetitions say about a refusal.
type comparison struct {
	class class
	last  answer // to the message
	plain answer // to the plain message, where it was refused as well
}

// interleaved is how a refused message is compared: plain, plain, the message, the
// message, plain. A receiver that limits the rate refuses evenly over the time,
// so that it cannot refuse two in a row and accept two in a row.
var interleaved = []bool{false, false, true, true, false}

// compare finds the class of a refusal. ok is false when nothing can be said:
// the limit is spent, or the probe was ended.
func (t *caseRun) compare(ctx context.Context, l *configuredSender, id string, body []byte, refused answer) (c comparison, ok bool) {
	c = comparison{class: form, last: refused}
	steps := interleaved[:len(interleaved):len(interleaved)]
	for range t.repetitions() {
		steps = append(steps, true)
	}
	for _, message := range steps {
		a, sent := t.again(ctx, l, id, body, message)
		if !sent {
			return c, false
		}
		switch {
		case message && a.ok():
			c.last, c.class = a, t.temper(ctx, refused)
			return c, ctx.Err() == nil
		case message:
			c.last = a
		case !a.ok():
			return t.together(ctx, l, id, body, refused, a)
		}
	}
	if t.compared++; t.compared > 3 {
		return c, true
	}
	// Until it is known to be steady, once more at another pace.
	if wait(ctx, t.config.Pause) != nil {
		return c, false
	}
	if c.last, ok = t.again(ctx, l, id, body, true); ok && c.last.ok() {
		c.class = t.temper(ctx, refused)
	}
	return c, ok && ctx.Err() == nil
}

// repetitions are how many more of a refused message tell its form from chance:
// six where the receiver refuses anything now and then, and two until it is known
// not to.
func (t *caseRun) repetitions() int {
	switch {
	case t.unsteady:
		return 6
	case t.compared < 3:
		return 2
	}
	return 0
}

// again sends the message, or else the plain one.
func (t *caseRun) again(ctx context.Context, l *configuredSender, id string, body []byte, message bool) (answer, bool) {
	if message {
		return t.send(ctx, l, id, body)
	}
	return t.send(ctx, t.main, "plain", t.timed())
}

// together is compare where the plain message is refused as well: it is waited
// for that it is accepted again, and then the message is sent once more.
func (t *caseRun) together(ctx context.Context, l *configuredSender, id string, body []byte, refused, plain answer) (c comparison, ok bool) {
	c = comparison{class: down, last: refused, plain: plain}
	recovered := false
	for n := range 3 {
		if wait(ctx, max(plain.pause(t.config.Pause), t.config.Pause<<n)) != nil {
			return c, false
		}
		a, sent := t.again(ctx, l, id, body, false)
		if !sent {
			return c, false
		}
		if recovered = a.ok(); recovered {
			break
		}
		c.plain = a
	}
	if !recovered {
		return c, true
	}
	c.class = t.temper(ctx, refused)
	for range 3 + t.repetitions() {
		a, sent := t.again(ctx, l, id, body, true)
		if !sent || wait(ctx, t.config.Pause) != nil {
			return c, false
		}
		if c.last = a; a.ok() {
			return c, true
		}
	}
	c.class = form // at a pace at which the plain message is accepted
	return c, true
}

// temper tells a receiver that throttles from one that is flaky, by the status
// of the refusal and, where that may be either, by sending the plain message
// fast and then slowly. The probe goes on at half the rate when it throttles.
func (t *caseRun) temper(ctx context.Context, refused answer) class {
	found := refused.passing()
	switch {
	case refused.throttles() || refused.namesPace():
	case t.throttles:
		if refused.Outcome == t.pacedBy {
			found = throttled // as it was found to be before
		}
	case found == throttled, t.paces < 2:
		// Another status than 4xx is seldom of the pace: that takes more to show.
		t.paces++
		if found = flaky; t.refusesFast(ctx, 12, 2, 6) && (refused.status() > 0 && refused.status() < 500 || t.refusesFast(ctx, 30, 6, 10)) {
			found = throttled
		}
	}
	if found == flaky {
		t.unsteady = true
		return flaky
	}
	t.throttles, t.pacedBy = true, refused.Outcome
	t.budget.slow()
	return throttled
}

// refusesFast reports whether the receiver refuses at least so many of the plain
// messages that come fast, and none of those that come slowly.
func (t *caseRun) refusesFast(ctx context.Context, fast, least, slow int) bool {
	refused := 0
	for range fast {
		if a, ok := t.send(ctx, t.main, "plain", t.timed()); ok && !a.ok() {
			refused++
		}
	}
	if refused < least {
		return false
	}
	for range slow {
		if wait(ctx, t.config.Pause) != nil {
			return false
		}
		if a, ok := t.send(ctx, t.main, "plain", t.timed()); ok && !a.ok() {
			return false
		}
	}
	return true
}

// strained says, once, that the receiver throttles; a status that does not say
// so is wrong (R104).
func (t *caseRun) strained(a answer) {
	if t.saidThrottles {
		return
	}
	t.saidThrottles = true
	if a.throttles() {
		k := advice("rcv-2s", fmt.Sprintf("the receiver throttles at %d requests a second", t.config.Limits.Rate), a.says(),
			"do nothing if it accepts the rate that it must; --rate slows the probe from the start")
		k.Class, k.Said = string(throttled), a.quote()
		t.check(k, &a)
		return
	}
	t.explained(throttled, "rcv-retry-advice", fmt.Sprintf("overload is answered with %d", a.status()), "429 or 503, which every policy sends again", a)
}

// stopped2xx ends the probe of a receiver that accepts nothing any more.
func (t *caseRun) stopped2xx(ctx context.Context, title string, c comparison) {
	last := c.plain
	if last.throttles() {
		t.unclear("rcv-2xx", "throttled for too long: "+last.says(), "lower --rate to what the receiver accepts, or raise its quota")
		t.refused = fmt.Errorf("throttled for too long: %s", last.says())
		return
	}
	title += ": refused, and the plain message is refused since"
	const expected = "2xx for the plain message, which was accepted before"
	switch {
	case last.status() == 401:
		t.explained(credentials, "rcv-2xx", title, expected, last)
	case last.status() == 403 && t.sameForStrangers(ctx, last):
		t.blame(gateway, "rcv-2xx", title, expected, "look for something that blocks the sender after some requests: a ban, a limit by address, a firewall", last)
	case last.status() == 403:
		t.blame(throttled, "rcv-2xx", title, expected, "look for a quota or a limit of requests: the same credentials were accepted before. Answer 429 to what is too much", last)
	default:
		t.explained(down, "rcv-2xx", title, expected, last)
	}
	t.refused = fmt.Errorf("the plain message, which was accepted before, got %s: fix that first", last.says())
}

// throttles reports whether the answer is about load and not about the message.
func (a answer) throttles() bool { return a.status() == 429 || a.status() == 503 }

// pause is how long to wait before a message that was throttled is sent again;
// usual is for an answer that does not say.
func (a answer) pause(usual time.Duration) time.Duration {
	if a.Outcome.Kind != retry.Answered {
		return usual
	}
	seconds, err := strconv.Atoi(a.Header.Get("Retry-After"))
	if err != nil || seconds < 1 {
		return usual
	}
	return min(longestPause, time.Duration(seconds)*time.Second)
}
