package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/oracle"
)

// outcome is what an attempt came to, as far as it can be told.
type outcome int

const (
	outcomeUnclear outcome = iota // the capture does not tell, or the answer came too late to be sure of
	outcomeDelivered
	outcomeFailed
)

func (s *Sender) outcome(x *exchange) outcome {
	r := x.Request
	switch {
	case !x.Told.Status:
		return outcomeUnclear
	case r.Disconnected || r.Status < 200 || r.Status > 299 || s.broken(r.Fault):
		return outcomeFailed
	case x.Told.Time && x.Told.Duration && r.AnsweredAt.Sub(r.At) > budget:
		return outcomeUnclear // whether the sender's clock saw two seconds nobody knows
	}
	return outcomeDelivered
}

// broken says whether a fault of the scenario kept the answer from being whole,
// whatever its status line said.
func (s *Sender) broken(fault string) bool {
	return slices.ContainsFunc(s.Scenario.Endpoint.Faults, func(f scenarios.Fault) bool { return f.ID == fault && f.Broken() })
}

// network says whether an attempt ended without a whole answer.
func (s *Sender) network(x *exchange) bool {
	return x.Request.Disconnected || x.Request.Status == 0 || s.broken(x.Request.Fault)
}

// delaysOf is the waits of the policy.
func (s *Sender) delaysOf() []time.Duration {
	return (&view{scenario: s.Scenario}).policy()
}

// listed are the statuses that every source has retried (R83).
var listed = []int{403, 408, 409, 429, 500, 502, 503, 504}

// agreed says whether every source has a failed attempt retried.
func (s *Sender) agreed(x *exchange) bool {
	p, network := s.Scenario.Destination.Retry, s.network(x)
	if p.Policy == "custom" && !network && len(p.Statuses) > 0 && !slices.Contains(p.Statuses, x.Request.Status) {
		return false
	}
	return network || slices.Contains(listed, x.Request.Status)
}

// attempts judges every request by the roles of its bodies. until is when the
// capture ends.
func (s *Sender) attempts(until time.Time) {
	for _, x := range s.exchanges {
		if x.Told.Time && x.Told.Duration {
			s.underWay.add(x.Request.At, x.Request.AnsweredAt)
		}
	}
	s.underWay.sort()
	for _, x := range s.exchanges {
		s.inTime(x)
		s.retry(x)
		s.duplicates(x)
		if s.outcome(x) == outcomeFailed {
			s.retried(x, until)
		}
		s.settled(x)
	}
}

// inTime: an answer after 2 s is a timeout, and nobody waits for it (R81).
func (s *Sender) inTime(x *exchange) {
	if !x.Told.Status || !x.Told.Time || !x.Told.Duration || x.Request.AnsweredAt.Equal(x.Request.At) {
		return
	}
	took := x.Request.AnsweredAt.Sub(x.Request.At)
	s.note("timeout-2s", took <= budget+s.tolerance, x.Line, "the sender waited %s for an answer", took.Round(time.Millisecond))
}

// retry judges a request in which a body is attempted again: the whole of it
// must be the request it repeats, and come when the policy says.
func (s *Sender) retry(x *exchange) {
	again := keepPostings(x.postings, func(p *posting) bool {
		return p.role.Kind != oracle.Duplicate && p.before != nil
	})
	if len(again) == 0 {
		return
	}
	furthest := slices.MaxFunc(again, func(p, q *posting) int { return p.role.Attempt - q.role.Attempt })
	before, first, number := furthest.before.exchange, furthest.first.exchange, furthest.role.Attempt
	apart := x.message.text != before.message.text && (len(again) < len(x.postings) || len(again) < len(before.postings) ||
		slices.ContainsFunc(again, func(p *posting) bool { return p.before.exchange != before }))
	switch part := s.otherPart(first, x); {
	case apart:
		s.noteAs("retry-same", regrouped, false, x.Line, "attempt %d of %s is not together with the profiles of line %d", number, whose(again), before.Line)
	case x.message.text != first.message.text && x.message.text != before.message.text:
		s.noteAs("retry-same", changedBody, false, x.Line, "attempt %d of %s: %s", number, whose(again), changed(again))
	case part != "":
		s.noteAs("retry-same", changedRequest, false, x.Line, "attempt %d of %s has another %s than that on line %d", number, whose(again), part, first.Line)
	case repeatable(first) && repeatable(x):
		s.note("retry-same", true, 0, "")
	}
	s.spacing(before, x, number)
	for _, p := range again {
		if p.role.Overtaken {
			s.noteAs("next-unaffected", outOfOrder, false, x.Line, "attempt %d of %s comes after a later export of it", number, p.name)
		}
	}
}

// repeatable says whether the capture tells all parts that a retry repeats.
func repeatable(x *exchange) bool { return x.Told.Method && x.Told.Target && x.Told.Headers }

// changed is how the bodies of a retry differ from those they repeat.
func changed(again []*posting) string {
	for _, p := range again {
		was, is := p.first.exchange.message.profiles[p.first.place], p.exchange.message.profiles[p.place]
		if was.text != is.text {
			return difference(was.body, is.body)
		}
	}
	return "the order of its profiles, or what is around them"
}

func keepPostings(all []*posting, wanted func(*posting) bool) []*posting {
	return slices.DeleteFunc(slices.Clone(all), func(p *posting) bool { return !wanted(p) })
}

// spacing: the waits of the policy. Whether the second counts from the first
// attempt or from its retry is open, so half of it will do (A2).
func (s *Sender) spacing(before, x *exchange, number int) {
	delays := s.delaysOf()
	if !before.Told.Time || !x.Told.Time || number < 2 || number-2 >= len(delays) {
		return
	}
	gap := x.Request.At.Sub(before.Request.AnsweredAt)
	least, most := delays[number-2], delays[number-2]
	if number > 2 && s.Scenario.Destination.Retry.Policy != "custom" {
		least = delays[0]
	}
	if !before.Told.Duration {
		most += budget // the gap counts from the request, and its answer may have taken as long
	}
	if s.network(before) { // which a sender may only know when its time is up
		most += max(0, budget-before.Request.AnsweredAt.Sub(before.Request.At))
	}
	most = s.underWay.free(before.Request.AnsweredAt.Add(most), x.Request.At, s.Scenario.Dataflow.MaxInFlight).Sub(before.Request.AnsweredAt)
	if s.Scenario.Destination.Retry.ObserveRetryAfter || gap > most && s.stopped(before.Request.At, before.Request.AnsweredAt.Add(most), x.Request.At) {
		most = max(most, gap)
	}
	ok := gap >= least-s.tolerance && gap <= most+s.tolerance
	s.note("retry-delays", ok, x.Line, "attempt %d came %s after the failure", number, gap.Round(time.Millisecond))
}

// stopped says whether a retry may have been kept, on the clock of the capture:
// the dataflow was, or may have been, disabled at some moment from when it was
// due to another time, or deleted since the attempt before it was sent.
func (s *Sender) stopped(sent, due, to time.Time) bool {
	known := !s.Began.IsZero()
	disabled := false
	for _, step := range s.Scenario.History {
		at := s.Began.Add(step.At)
		stops := step.Action == "disable" || step.Action == "delete"
		switch {
		case !known && stops:
			return true
		case !known || at.After(to):
			continue
		case step.Action == "delete" && !at.Before(sent.Add(-s.tolerance)),
			step.Action == "disable" && !at.Before(due.Add(-s.tolerance)),
			step.Action == "enable" && disabled && !at.Before(due.Add(-s.tolerance)):
			return true
		case step.Action == "disable":
			disabled = true
		case step.Action == "delete" || step.Action == "enable":
			disabled = false
		}
	}
	return disabled
}

// retried judges whether a failure was followed by another attempt: where all
// sources agree on it a missing one breaks the rule.
func (s *Sender) retried(x *exchange, until time.Time) {
	delays := s.delaysOf()
	mine := keepPostings(x.postings, func(p *posting) bool {
		return p.role.Attempt > 0 && p.role.Attempt <= len(delays)
	})
	if len(mine) == 0 {
		return
	}
	number := 0
	for _, p := range x.postings {
		number = max(number, p.role.Attempt)
	}
	if number > len(delays) {
		return // a part of the message was not in an attempt before
	}
	more := slices.ContainsFunc(mine, func(p *posting) bool { return p.next != nil })
	due := x.Request.AnsweredAt.Add(delays[number-1])
	if !more && s.stopped(x.Request.At, due, due.Add(budget+s.tolerance)) {
		return
	}
	if !more && (!x.Told.Time || until.Before(due.Add(budget+s.tolerance))) {
		if s.agreed(x) {
			s.unclear = append(s.unclear, fmt.Sprintf("line %d: the capture ends before attempt %d had to come", x.Line, number+1))
		}
		return
	}
	what := fmt.Sprintf("failed with %d and was not retried", x.Request.Status)
	if s.network(x) {
		what = "was not answered and not retried"
	}
	what = fmt.Sprintf("attempt %d of %s %s", number, whose(mine), what)
	switch policy := s.Scenario.Destination.Retry; {
	case s.agreed(x):
	case policy.Policy == "best-effort" || policy.Policy == "custom" && len(policy.Statuses) > 0:
		s.note("noretry-codes", !more, x.Line, "%d was retried", x.Request.Status)
		return
	case more:
		s.note("max-3", true, 0, "")
		return
	default: // the page retries all failures, the Destination SDK not these
		s.noteAs("max-3/every-status", notRetried, false, x.Line, "%s", what)
		return
	}
	switch {
	case s.network(x):
		s.noteAs("retry-network", notRetried, more, x.Line, "%s", what)
	default:
		s.noteAs("retry-codes", notRetried, more, x.Line, "%s", what)
	}
	s.noteAs("max-3", notRetried, more, x.Line, "%s", what)
}

// duplicates judges the bodies of a request that repeat others: in the same
// request, after the export was delivered, or after it was given up.
func (s *Sender) duplicates(x *exchange) {
	groups := map[string][]*posting{}
	for _, p := range x.postings {
		if p.role.Kind == oracle.Duplicate {
			groups[s.duplicate(p)] = append(groups[s.duplicate(p)], p)
		}
	}
	if all := groups["together"]; len(all) > 0 {
		s.noteAs("batch-split/once-in-a-request", twiceInOne, false, x.Line, "%s twice in one request", whose(all))
	}
	if all := groups["given up"]; len(all) > 0 {
		s.noteAs("max-3", oneMore, false, x.Line, "attempt %d of %s, after line %d", s.mostAttempts()+1, whose(all), all[0].before.exchange.Line)
		s.noteAs("drop-after", givenUp, false, x.Line, "%s sent again after %d attempts", whose(all), s.mostAttempts())
	}
	if all := groups["delivered"]; len(all) > 0 {
		s.noteAs("stop-on-success", resent, false, x.Line, "%s sent again after the delivery on line %d", whose(all), all[0].before.exchange.Line)
	}
}

// duplicate is what a duplicate comes after.
func (s *Sender) duplicate(p *posting) string {
	for b := p.before; b != nil; b = b.before {
		if b.exchange == p.exchange {
			return "together"
		}
		if b.role.Kind != oracle.Duplicate {
			break
		}
	}
	if chain := p.before.chain(); s.fate(chain) == outcomeDelivered || len(chain) < s.mostAttempts() {
		return "delivered"
	}
	return "given up"
}

// settled counts the messages that ended as they should: with a 2xx, or with
// the last attempt of the policy.
func (s *Sender) settled(x *exchange) {
	delivered := s.outcome(x) == outcomeDelivered
	for _, p := range x.postings {
		switch last := p.role.Attempt == s.mostAttempts(); {
		case p.role.Attempt == 0 || p.repeated():
		case delivered:
			s.note("stop-on-success", true, 0, "")
			return
		case last && s.outcome(x) == outcomeFailed:
			s.note("max-3", true, 0, "")
			s.note("drop-after", true, 0, "")
			return
		}
	}
}

// repeated says whether a duplicate repeats a body.
func (p *posting) repeated() bool {
	return p.copies > 0
}

// otherPart is the part of a retry besides its body that is not that of the
// request it repeats, as far as the destination decides: tracing headers may
// well differ (A9).
func (s *Sender) otherPart(a, b *exchange) string {
	switch {
	case a.Told.Method && b.Told.Method && a.Request.Method != b.Request.Method:
		return "method"
	case a.Told.Target && b.Told.Target && a.Request.Target != b.Request.Target:
		return "URL"
	}
	names := []string{"Content-Type"}
	for name := range customHeaders(s.Scenario.Destination.Headers) {
		if name != "authorization" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		told := a.Header(name) && b.Header(name)
		if told && !slices.Equal(headers(&a.Request, name), headers(&b.Request, name)) {
			return "header " + strings.ToLower(name)
		}
	}
	return ""
}
