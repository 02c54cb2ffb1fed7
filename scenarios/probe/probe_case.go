package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/reports"
)

// probeCase is one case of a probe.
type probeCase struct {
	id, title string
	rules     []string
	requests  int                  // that it sends, about
	essential bool                 // tried whatever is selected: the others mean nothing without it
	always    bool                 // tried even where nothing can be sent
	unless    func(*Prober) string // why it is not tried; "" it is
	run       func(context.Context, *caseRun)
}

// skip reports why a case is not tried.
func (c probeCase) skip(p *Prober) string {
	if only := p.config.Only; only != nil && !only.MatchString(c.id) && !c.essential {
		return "not selected"
	}
	if c.unless != nil {
		return c.unless(p)
	}
	return ""
}

// caseRun is a trial under way: its checks, as they come.
type caseRun struct {
	*Prober
	probeCase
	checks []reports.Check
	reason string
	last   answer  // to a message whose effect is checked afterwards
	form   Message // whose form a refusal is about, where it has a fix of its own
}

func (t *caseRun) skipped(why string) { t.reason = why }

// check adds one. The exchange that shows it may be nil.
func (t *caseRun) check(k reports.Check, shown *answer) {
	if shown != nil && k.Verdict != reports.Pass {
		k.Exchange = t.redact.show(*shown)
		k.Reproduce = t.curl(*shown)
	}
	if rule, ok := t.config.Rules.Find(k.Rule); ok && k.Verdict == reports.Fail {
		if k.Class == "" {
			k.Class = string(classOf(k.Rule))
		}
		if k.Causes == nil {
			k.Causes = causes(k.Rule, class(k.Class), shown)
		}
		if recognised(&k, shown); k.Fix == "" {
			k.Fix = cmp.Or(particular(k.Rule, class(k.Class), shown), rule.Fix)
		}
	}
	t.checks = append(t.checks, k)
}

// by makes a check that fails one of a clause, whose level decides whether it does.
func (t *caseRun) by(clause string, k reports.Check) reports.Check {
	c, known := t.config.Rules.Clause(clause)
	if k.Clause = c.Ref; known && c.Level == "should" {
		k.Verdict = reports.Unspecified
	}
	return k
}

func (t *caseRun) pass(rule, title, actual string) {
	t.check(reports.Check{Rule: rule, Verdict: reports.Pass, Title: title, Actual: actual}, nil)
}

func (t *caseRun) fail(rule, title, expected string, a *answer) {
	t.check(t.refusal(rule, title, expected, *a), a)
}

// refusal is a check that fails because of an answer, which it quotes.
func (t *caseRun) refusal(rule, title, expected string, a answer) reports.Check {
	actual := a.says()
	if becomes := fate(a.Outcome); becomes != "" {
		actual += "; the export would be " + becomes
	}
	k := failed(rule, title, expected, actual)
	k.Said = a.quote()
	if a.status() == 413 {
		k.Fix = fmt.Sprintf("raise the limit on the size of a body: this one has %d bytes", len(a.exchange.Body))
	}
	return k
}

func (t *caseRun) unclear(rule, title, fix string) {
	t.check(reports.Check{Rule: rule, Verdict: reports.Inconclusive, Title: title, Fix: fix}, nil)
}

// advise is a finding that breaks no rule.
func (t *caseRun) advise(rule, title, actual, fix string, a *answer) {
	k := advice(rule, title, actual, fix)
	if a != nil {
		k.Said = a.quote()
	}
	t.check(k, a)
}

// advice is a check of a finding that breaks no rule.
func advice(rule, title, actual, fix string) reports.Check {
	return reports.Check{Rule: rule, Verdict: reports.Unspecified, Title: title, Actual: actual, Fix: fix}
}

// result is the case with its verdict. One in which there is nothing but
// advice is unspecified.
func (t *caseRun) result(took time.Duration) reports.Case {
	c := reports.Case{ID: t.id, Title: t.title, File: t.config.File, Rules: slices.Clone(t.rules), Reason: t.reason,
		DurationMs: float64(took.Microseconds()) / 1000, Checks: t.checks}
	if t.config.File != "" {
		c.Line = 1
	}
	var all []reports.Verdict
	advice := false
	for i := range c.Checks {
		all = append(all, c.Checks[i].Verdict)
		advice = advice || c.Checks[i].Verdict == reports.Unspecified
		if c.Reason == "" && c.Checks[i].Verdict == reports.Inconclusive {
			c.Reason = c.Checks[i].Title
		}
	}
	t.redact.report(&c)
	if c.Verdict = reports.Worst(all...); c.Verdict == reports.Skip && advice {
		c.Verdict = reports.Unspecified
	}
	return c
}

// stopped records what an error of budget.take means for a case, and reports
// whether the case cannot go on.
func (t *caseRun) stopped(err error) bool {
	var spent errSpent
	switch {
	case err == nil:
		return false
	case errors.As(err, &spent):
		for _, rule := range t.rules {
			t.unclear(rule, spent.Error(), "raise limits.requests, or select cases with --run")
		}
	}
	return true // ctx ended: what there is stands
}

// send sends a body by a sender, with a token where one is needed. ok is false
// when nothing was sent.
func (t *caseRun) send(ctx context.Context, l *configuredSender, message string, body []byte) (a answer, ok bool) {
	access, err := t.access(ctx)
	if err != nil {
		return a, false
	}
	a, ok = t.sendWith(ctx, l, access, message, body)
	switch {
	case !ok || !t.fetches():
	case a.ok():
		t.token.taken = true
	case a.status() == 401:
		return t.renewed(ctx, l, message, body, a)
	}
	return a, ok
}

// sendWith is send with a token of the caller's.
func (t *caseRun) sendWith(ctx context.Context, l *configuredSender, access dataflow.Secret, message string, body []byte) (a answer, ok bool) {
	if t.stopped(t.budget.take(ctx, 1)) {
		return a, false
	}
	a = l.perform(ctx, t.operation(body, l.certificate, access))
	if ctx.Err() != nil {
		return a, false // it ended because we did
	}
	a.message = message
	t.seen.add(a)
	return a, true
}

// accepted holds the answer to a valid message against what is wanted of every
// one: 2xx (under the rule of the message), complete within two seconds (R92).
func (t *caseRun) accepted(rule, title string, a answer) bool {
	fine := true
	if a.late() {
		if t.stoodStill(title, a) {
			return false
		}
		t.fail("rcv-2s", title+": answered too late", "a complete answer within 2 s", &a)
		fine = false
	}
	switch {
	case a.ok() && fine:
		t.pass(rule, title, a.says())
	case a.ok(), a.late() && a.status() == 0:
	case a.unreadable():
		t.garbled(title, a)
		fine = false
	case a.status() == 0:
		t.fail(rule, title+": no answer", "an answer with 2xx", &a)
		fine = false
	default:
		t.fail(rule, title+": refused", "an answer with 2xx", &a)
		fine = false
	}
	return fine
}

// stoodStill reports whether an answer may only seem to be late.
func (t *caseRun) stoodStill(title string, a answer) bool {
	lag := t.machine.lag(a.timing.began, a.timing.ended)
	if lag <= Deadline/4 {
		return false
	}
	t.unclear("rcv-2s", fmt.Sprintf("%s took %s, and this machine stood still for %s of it", title, ms(a.took), ms(lag)), "probe from a less busy machine")
	return true
}

// exactly is n of a noun.
func exactly(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
