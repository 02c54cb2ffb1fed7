package check

import (
	"fmt"
	"slices"
	"time"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/oracle"
)

// outcome is what an attempt came to, as far as it can be told.
type outcome int

const (
	outcomeUnclear outcome = iota // the capture does not show it, or the answer came too late to be sure of
	outcomeDelivered
	outcomeFailed
)

func (s *Sender) outcome(x *exchange) outcome {
	r := x.Request
	switch {
	case !x.Told.Status:
		return outcomeUnclear
	case s.headAlone(x) && s.readings().Of(scenarios.ReadingAnswerWithin) == "first-byte":
		return outcomeDelivered
	case s.headAlone(x) && !s.readings().Says(scenarios.ReadingAnswerWithin):
		return outcomeUnclear // whether the first byte is enough nobody said
	case r.Disconnected || r.Status < 200 || r.Status > 299 || s.broken(r.Fault):
		return outcomeFailed
	case x.Told.Time && x.Told.Duration && r.AnsweredAt.Sub(r.At) > budget:
		return outcomeUnclear // whether the sender's clock saw two seconds nobody knows
	}
	return outcomeDelivered
}

// headAlone reports whether the head of a success was answered, and the sender
// left during the body when its time was over (A5).
func (s *Sender) headAlone(x *exchange) bool {
	r := x.Request
	took := r.AnsweredAt.Sub(r.At)
	return r.Disconnected && r.Status >= 200 && r.Status <= 299 && x.Told.Time && x.Told.Duration && (took-budget).Abs() <= s.tolerance
}

// broken reports whether a fault of the scenario kept the answer from being
// whole, whatever its status line said.
func (s *Sender) broken(fault string) bool {
	return slices.ContainsFunc(s.Scenario.Endpoint.Faults, func(f scenarios.Fault) bool { return f.ID == fault && f.Breaks() })
}

// network reports whether an attempt ended without a whole answer.
func (s *Sender) network(x *exchange) bool {
	return x.Request.Disconnected || x.Request.Status == 0 || s.broken(x.Request.Fault)
}

// policy is that of the destination.
func (s *Sender) policy() retryPolicy { return policyOf(s.Scenario.Destination.Retry) }

// status is that of a whole answer; 0 where none came.
func (s *Sender) status(x *exchange) int {
	if s.network(x) {
		return 0
	}
	return x.Request.Status
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
		s.tried(x, until)
	}
}

// inTime: an answer after 2 s is a timeout, and nobody waits for it (R81).
func (s *Sender) inTime(x *exchange) {
	if !x.Told.Status || !x.Told.Time || !x.Told.Duration || x.Request.AnsweredAt.Equal(x.Request.At) {
		return
	}
	took := x.Request.AnsweredAt.Sub(x.Request.At)
	clause := "timeout-2s"
	if x.Request.Status >= 200 {
		clause = "timeout-2s/last-byte" // its first byte may have come in time (A5)
	}
	s.note(clause, took <= budget+s.tolerance, x.Line, "the sender waited %s for an answer", took.Round(time.Millisecond))
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
	r := repetition{what: fmt.Sprintf("attempt %d of %s", number, whose(again)), part: s.otherPart(first, x), of: fmt.Sprintf("that on line %d", first.Line),
		untold: !repeatable(first) || !repeatable(x)}
	if apart {
		r.regrouped = fmt.Sprintf("line %d", before.Line)
	}
	if x.message.text != first.message.text && x.message.text != before.message.text {
		r.body = changed(again)
	}
	sameAgain(s.evidenceOf("retry-same", x.Line, ""), r)
	s.spacing(before, x, number)
	for _, p := range again {
		if p.role.Overtaken {
			s.noteAs("next-unaffected", outOfOrder, false, x.Line, "attempt %d of %s comes after a later export of it", number, p.name)
		}
	}
}

// repeatable reports whether the capture tells all parts that a retry repeats.
func repeatable(x *exchange) bool { return x.Told.Method && x.Told.Target && x.Told.Headers }

// changed is how the bodies of a retry differ from those they repeat.
func changed(again []*posting) string {
	for _, p := range again {
		was, is := p.first.exchange.message.profiles[p.first.place], p.exchange.message.profiles[p.place]
		if was.text != is.text {
			return difference(was.body, is.body)
		}
	}
	return "the order of its profiles, or the text around them"
}

func keepPostings(all []*posting, wanted func(*posting) bool) []*posting {
	return slices.DeleteFunc(slices.Clone(all), func(p *posting) bool { return !wanted(p) })
}

// spacing: the waits of the policy. Whether the second counts from the first
// attempt or from its retry is open, so half of it will do (A2).
func (s *Sender) spacing(before, x *exchange, number int) {
	delays := s.policy().waits
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

// stopped reports whether a retry may have been kept, on the clock of the
// capture: the dataflow was, or may have been, disabled at some moment from
// when it was due to another time, or deleted since the attempt before it was
// sent.
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

// tried judges a request as an attempt at its bodies, by what follows it.
func (s *Sender) tried(x *exchange, until time.Time) {
	p := s.policy()
	mine := keepPostings(x.postings, func(q *posting) bool { return q.role.Attempt > 0 && q.role.Attempt <= p.most() })
	if len(mine) == 0 {
		return
	}
	t := try{outcome: s.outcome(x), status: s.status(x)}
	for _, q := range mine {
		t.number = max(t.number, q.role.Attempt)
		t.followed = t.followed || q.next != nil
	}
	t.what = fmt.Sprintf("attempt %d of %s", t.number, whose(mine))
	repeated := !slices.ContainsFunc(mine, func(q *posting) bool { return !q.repeated() })
	if s.headAlone(x) && s.inHead(x, t, repeated, until) {
		return // one cause, one rule: retries are what the sender's reading of the two seconds makes of them
	}
	if t.due(p) {
		t.excused = !t.followed && s.excused(x, t, until)
	} else {
		t.followed = repeated
	}
	on := func(clause string) evidence { return s.evidenceOf(clause, x.Line, "") }
	finalStatus(on("noretry-codes"), t, p)
	if p.agreed(t.status) {
		retriedFailure(on("retry-network"), t, p)
		retriedStatus(on("retry-codes"), t, p)
	}
	toTheLast(on("max-3"), t, p)
	lastAttempt(on("max-3").as(oneMore), t, p)
	lastAttempt(on("drop-after").as(givenUp), t, p)
	stopOnSuccess(on("stop-on-success"), t)
}

// inHead judges what follows an answer whose head arrived in time and whose body
// did not: another attempt, unless the first byte is enough (A5). Where none would
// have had to come either way, nothing shows how the sender reads the two seconds.
// It returns true for a sender of the other reading than the one that is chosen.
func (s *Sender) inHead(x *exchange, t try, repeated bool, until time.Time) bool {
	again := t.followed || repeated
	t.outcome = outcomeFailed
	if !again {
		stopped, ends := s.released(x, t, until)
		t.excused = stopped || ends
	}
	if again || t.due(s.policy()) {
		first := s.readings().Of(scenarios.ReadingAnswerWithin) == "first-byte"
		s.note("timeout-2s/last-byte", again != first, x.Line, "the head of the answer arrived within two seconds and its body did not: sent again %t", again)
		return again == first && s.readings().Says(scenarios.ReadingAnswerWithin)
	}
	return false
}

// excused reports whether no attempt need follow a failure.
func (s *Sender) excused(x *exchange, t try, until time.Time) bool {
	stopped, ends := s.released(x, t, until)
	if ends && s.policy().agreed(t.status) {
		s.unclear = append(s.unclear, fmt.Sprintf("line %d: the capture ends before attempt %d had to come", x.Line, t.number+1))
	}
	return stopped || ends
}

// released is why no attempt need follow a failure: the dataflow was disabled or
// deleted, or the capture ends before it had to come. After the last attempt of the
// policy neither matters.
func (s *Sender) released(x *exchange, t try, until time.Time) (stopped, ends bool) {
	p := s.policy()
	if t.number >= p.most() {
		return false, false
	}
	due := x.Request.AnsweredAt.Add(p.waits[t.number-1])
	if s.stopped(x.Request.At, due, due.Add(budget+s.tolerance)) {
		return true, false
	}
	return false, !x.Told.Time || until.Before(due.Add(budget+s.tolerance))
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
	p := s.policy()
	if all := groups["given up"]; len(all) > 0 {
		t := try{what: fmt.Sprintf("attempt %d of %s", p.most()+1, whose(all)), after: outcomeFailed, since: fmt.Sprintf("line %d", all[0].before.exchange.Line)}
		lastAttempt(s.evidenceOf("max-3", x.Line, "").as(oneMore), t, p)
		lastAttempt(s.evidenceOf("drop-after", x.Line, "").as(givenUp), t, p)
	}
	// After the head of a success alone, it is the sender's reading of the two
	// seconds that is judged; see inHead.
	after := func(p *posting) bool { return !s.headAlone(p.before.exchange) }
	if all := keepPostings(groups["delivered"], after); len(all) > 0 {
		stopOnSuccess(s.evidenceOf("stop-on-success", x.Line, ""), try{what: whose(all) + " sent again", after: outcomeDelivered,
			since: fmt.Sprintf("the delivery on line %d", all[0].before.exchange.Line)})
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
	if chain := p.before.chain(); s.fate(chain) == outcomeDelivered || len(chain) < s.policy().most() {
		return "delivered"
	}
	return "given up"
}

// repeated reports whether a duplicate repeats a body.
func (p *posting) repeated() bool {
	return p.copies > 0
}

// otherPart is the part of a retry besides its body that is not that of the
// request it repeats, as far as the destination decides: tracing headers may
// well differ (A9).
func (s *Sender) otherPart(a, b *exchange) string {
	names := []string{"Content-Type"}
	for name := range customHeaders(s.Scenario.Destination.Headers) {
		if name != "authorization" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return otherPart(a.parts(), b.parts(), names)
}

// parts are those that the capture tells.
func (x *exchange) parts() requestParts {
	p := requestParts{headers: x.Request.Headers, told: x.Header}
	if x.Told.Method {
		p.method = &x.Request.Method
	}
	if x.Told.Target {
		p.target = &x.Request.Target
	}
	return p
}
