package check

import (
	"fmt"
	"slices"
	"time"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/oracle"
)

// sent is a message of somebody else's sender: requests with one body that, by
// their answers and times, are attempts at one delivery.
type sent struct {
	attempts []*exchange
	beyond   *exchange // came although the message was delivered or given up
	settled  outcome   // of the last attempt
	before   *sent     // a message with the same body, that this one may be part of
}

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
	case x.Told.Time && r.AnsweredAt.Sub(r.At) > budget+s.tolerance:
		return outcomeUnclear
	}
	return outcomeDelivered
}

// broken says whether a fault of the scenario kept the answer from being whole,
// whatever its status line said.
func (s *Sender) broken(fault string) bool {
	return slices.ContainsFunc(s.Scenario.Endpoint.Faults, func(f scenarios.Fault) bool { return f.ID == fault && f.Broken() })
}

// gap is the time from the end of a message to a request; false where the
// capture does not tell.
func (m *sent) gap(x *exchange) (time.Duration, bool) {
	last := m.attempts[len(m.attempts)-1]
	return x.Request.At.Sub(last.Request.AnsweredAt), last.Told.Time && x.Told.Time
}

// delaysOf is the waits of the policy.
func (s *Sender) delaysOf() []time.Duration {
	return (&view{scenario: s.Scenario}).policy()
}

// grouping sorts requests into messages.
type grouping struct {
	sender   *Sender
	delays   []time.Duration
	oracle   *oracle.Oracle
	messages []*sent
	last     map[string]*sent // by body
	count    map[string]int   // messages of a profile
	possible map[string]int   // exports that the history has for a profile
	gone     map[*sent]bool   // that are part of another
}

// group finds the messages. A request with the body of one that is not settled
// is its next attempt. One with the body of a message that is delivered or
// given up, or that comes late, is another message if the history has room for
// one more export of that profile, and otherwise should not have been sent.
func (s *Sender) group() []*sent {
	g := &grouping{sender: s, delays: s.delaysOf(), oracle: oracle.New(s.Scenario, oracle.Planned(s.Scenario)),
		last: map[string]*sent{}, count: map[string]int{}, possible: map[string]int{}, gone: map[*sent]bool{}}
	for _, x := range s.exchanges {
		g.add(x)
	}
	g.messages = slices.DeleteFunc(g.messages, g.surplus)
	return g.messages
}

func (g *grouping) add(x *exchange) {
	m := g.last[x.message.text]
	if m != nil && !g.settled(m) && !g.late(m, x) {
		m.attempts = append(m.attempts, x)
		m.settled = g.sender.outcome(x)
		return
	}
	next := &sent{attempts: []*exchange{x}, settled: g.sender.outcome(x), before: m}
	g.messages = append(g.messages, next)
	g.last[x.message.text] = next
	for _, name := range x.names {
		g.count[name]++
	}
}

// surplus says whether a message that repeats the body of another is one more
// than the history has, and makes it part of the other.
func (g *grouping) surplus(m *sent) bool {
	if m.before == nil || g.room(m.attempts[0]) {
		return false
	}
	for _, name := range m.attempts[0].names {
		g.count[name]--
	}
	before := m.before
	for before.before != nil && g.gone[before] {
		before = before.before
	}
	switch {
	case !g.settled(before):
		before.attempts = append(before.attempts, m.attempts...)
		before.settled = m.settled
	case before.beyond == nil:
		before.beyond = m.attempts[0]
	}
	g.gone[m] = true
	return true
}

// settled: delivered, or tried as often as the policy has it.
func (g *grouping) settled(m *sent) bool {
	return m.settled == outcomeDelivered || len(m.attempts) > len(g.delays)
}

// late: too long after the attempt before it for a retry of this policy.
func (g *grouping) late(m *sent, x *exchange) bool {
	gap, told := m.gap(x)
	return told && gap > 2*slices.Max(append([]time.Duration{0}, g.delays...))+budget+g.sender.tolerance
}

// room says whether the history has as many exports of the profiles as there
// are messages.
func (g *grouping) room(x *exchange) bool {
	for _, name := range x.names {
		if name == "" {
			continue
		}
		if _, counted := g.possible[name]; !counted {
			for _, p := range g.oracle.Possible(name) {
				if p.Obligation != oracle.MustNot {
					g.possible[name]++
				}
			}
		}
		if g.count[name] > g.possible[name] {
			return false
		}
	}
	return true
}

// retries judges the attempts at every message. until is when the capture ends.
func (s *Sender) retries(messages []*sent, until time.Time) {
	delays := s.delaysOf()
	for _, m := range messages {
		for i, x := range m.attempts {
			s.inTime(x)
			if i > 0 {
				s.note("retry-same", s.sameRequest(&m.attempts[0].Request, &x.Request), x.Line, "attempt %d differs from the first in its URL or its headers", i+1)
				s.spacing(m, i, delays)
			}
			if s.outcome(x) == outcomeFailed {
				s.retried(m, i, delays, until)
			}
		}
		s.beyond(m, len(delays)+1)
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

// spacing: the waits of the policy. Whether the second counts from the first
// attempt or from its retry is open, so half of it will do (A2).
func (s *Sender) spacing(m *sent, n int, delays []time.Duration) {
	gap, told := (&sent{attempts: m.attempts[:n]}).gap(m.attempts[n])
	if !told || n > len(delays) {
		return
	}
	least := delays[n-1]
	if n > 1 && s.Scenario.Destination.Retry.Policy != "custom" {
		least = delays[0]
	}
	most := delays[n-1]
	if !m.attempts[n-1].Told.Duration {
		most += budget // the gap counts from the request, and its answer may have taken as long
	}
	if s.Scenario.Destination.Retry.ObserveRetryAfter {
		most = max(most, gap)
	}
	ok := gap >= least-s.tolerance && gap <= most+s.tolerance
	s.note("retry-delays", ok, m.attempts[n].Line, "attempt %d came %s after the failure", n+1, gap.Round(time.Millisecond))
}

// pauses says whether the history has any: a retry that is due in one waits for
// its end, and nobody knows when that was. After a deletion it never comes.
func (s *Sender) pauses() bool {
	return slices.ContainsFunc(s.Scenario.History, func(step scenarios.Step) bool { return step.Action == "disable" || step.Action == "delete" })
}

// listed are the statuses that every source has retried (R83).
var listed = []int{403, 408, 409, 429, 500, 502, 503, 504}

// retried judges whether a failure was followed by another attempt: where all
// sources agree on it a missing one breaks the rule.
func (s *Sender) retried(m *sent, n int, delays []time.Duration, until time.Time) {
	x, more := m.attempts[n], n+1 < len(m.attempts)
	if n >= len(delays) || !more && s.pauses() {
		return
	}
	network := x.Request.Disconnected || x.Request.Status == 0 || s.broken(x.Request.Fault)
	if !more && (!x.Told.Time || until.Before(x.Request.AnsweredAt.Add(delays[n]+budget+s.tolerance))) {
		if network || slices.Contains(listed, x.Request.Status) {
			s.unclear = append(s.unclear, fmt.Sprintf("line %d: the capture ends before attempt %d had to come", x.Line, n+2))
		}
		return
	}
	switch p := s.Scenario.Destination.Retry; {
	case p.Policy == "custom" && !network && len(p.Statuses) > 0 && !slices.Contains(p.Statuses, x.Request.Status):
		s.note("noretry-codes", !more, x.Line, "%d was retried", x.Request.Status)
	case network:
		s.note("retry-network", more, x.Line, "what was not answered was not retried")
		s.note("max-3", more, x.Line, "attempt %d was not answered and none followed", n+1)
	case slices.Contains(listed, x.Request.Status):
		s.note("retry-codes", more, x.Line, "%d was not retried", x.Request.Status)
		s.note("max-3", more, x.Line, "attempt %d failed with %d and none followed", n+1, x.Request.Status)
	default: // the page retries all failures, the Destination SDK not these
		s.note("noretry-codes", !more, x.Line, "%d was retried", x.Request.Status)
	}
}

// beyond judges what came after a message was delivered or given up.
func (s *Sender) beyond(m *sent, most int) {
	extra := m.beyond
	switch {
	case m.settled == outcomeDelivered && extra != nil:
		s.note("stop-on-success", false, extra.Line, "sent again after it was delivered")
	case m.settled == outcomeDelivered:
		s.note("stop-on-success", true, 0, "")
	case extra != nil:
		s.note("max-3", false, extra.Line, "attempt %d", most+1)
		s.note("drop-after", false, extra.Line, "sent again after %d failures", most)
	case len(m.attempts) == most:
		s.note("max-3", true, 0, "")
		s.note("drop-after", true, 0, "")
	}
}
