package check

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios/capture"
	"github.com/httpdest/httpdest/scenarios/exercise"
	"github.com/httpdest/httpdest/scenarios/oracle"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// shownLine is one line of the recording that a capture amounts to, on the clock of
// the history.
type shownLine struct {
	at    time.Time
	class int // what comes first at one instant
	recording.Line
}

// The classes.
const (
	classEvent = iota
	classExport
	classAttempt
)

// exercised returns the facts of the premises that the capture shows: requests
// and answers are taken from the capture alone, and only that part of the
// history counts which the capture reaches.
func (s *Sender) exercised(in *capture.Reader) exercise.Facts {
	var lines []shownLine
	reached, all := s.reached(in)
	for _, e := range oracle.Planned(s.Scenario) {
		if all || !e.At().After(reached) {
			lines = append(lines, shownLine{at: e.At(), class: classEvent, Line: recording.Line{Update: e.Update, Action: e.Action}})
		}
	}
	for _, x := range s.exchanges {
		lines = append(lines, s.shownOf(x)...)
	}
	slices.SortStableFunc(lines, func(a, b shownLine) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.class, b.class))
	})
	var words []string
	for _, r := range s.rules {
		words = append(words, r.Premise...)
	}
	o := exercise.New(s.Scenario, words)
	o.Line(recording.Line{Run: &recording.Run{}})
	for range min(1, in.Refused()) {
		o.Line(recording.Line{Handshake: &recording.Handshake{}})
	}
	for _, l := range lines {
		o.Line(l.Line)
	}
	return o.Facts()
}

// reached is the last moment of the history that the capture shows to have been
// reached: where its requests end on a clock that is known, and else the last
// change that one of them is the export of. A complete httpdest recording shows
// that nothing more was sent; all is true where no clock shows of what.
func (s *Sender) reached(in *capture.Reader) (last time.Time, all bool) {
	whole := in.End() != nil && !in.CutOff()
	if s.Began.IsZero() && whole {
		return last, true
	}
	if !s.Began.IsZero() {
		last = s.Scenario.Start.Add(s.until(in).Sub(s.Began))
	}
	for _, p := range s.ledger.entries {
		if p.role.Decided.After(last) {
			last = p.role.Decided
		}
	}
	return last, false
}

// shownOf is what one request amounts to: the exports that begin with it, and
// the attempt.
func (s *Sender) shownOf(x *exchange) (out []shownLine) {
	a := &recording.Attempt{Socket: 1, Outcome: s.shownOutcome(x)}
	var decided time.Time
	for _, p := range x.postings {
		if p.role.Kind != oracle.Attempt {
			continue
		}
		first := p.chain()[0]
		id := fmt.Sprintf("%s (line %d, body %d)", p.name, first.exchange.Line, first.place+1)
		a.Exports = append(a.Exports, id)
		if a.Message == "" || p.role.Attempt > a.Number {
			a.Message, a.Number = fmt.Sprintf("line %d", first.exchange.Line), p.role.Attempt
		}
		if first.role.Decided.After(decided) {
			decided = first.role.Decided
		}
		if p == first {
			out = append(out, shownLine{at: p.role.Decided, class: classExport,
				Line: recording.Line{Export: &recording.Export{At: p.role.Decided, ID: id, Profile: p.name, Because: p.role.Because}}})
		}
	}
	a.At = s.onHistory(x, decided)
	a.EndedAt = a.At
	if x.Told.Time && x.Told.Duration {
		a.EndedAt = a.At.Add(x.Request.AnsweredAt.Sub(x.Request.At))
	}
	line := recording.Line{Attempt: a}
	if len(a.Exports) == 0 { // of an unknown profile, or a duplicate: the history does not require this attempt
		r := x.Request
		r.At = a.At
		line = recording.Line{Request: &r}
	}
	return append(out, shownLine{at: a.At, class: classAttempt, Line: line})
}

// onHistory is when a request was sent on the clock of the history: not before
// its exports were decided, and at that moment where nobody knows.
func (s *Sender) onHistory(x *exchange, decided time.Time) time.Time {
	if s.Began.IsZero() || !x.Told.Time {
		return decided
	}
	if at := s.Scenario.Start.Add(x.Request.At.Sub(s.Began)); at.After(decided) {
		return at
	}
	return decided
}

// shownOutcome is how an attempt ended; "" where the capture does not tell.
func (s *Sender) shownOutcome(x *exchange) string {
	switch s.outcome(x) {
	case outcomeUnclear:
		return ""
	case outcomeFailed:
		if s.network(x) {
			return "reset"
		}
	}
	return strconv.Itoa(x.Request.Status)
}

// unexercised takes back passes of rules whose premise did not happen, as far as
// the capture shows: what was looked at could not have broken them.
func (s *Sender) unexercised(in *capture.Reader, checks []reports.Check) []reports.Check {
	if s.Scenario == nil {
		return checks
	}
	facts := s.exercised(in)
	for i, c := range checks {
		r, known := s.rules.Find(c.Rule)
		if !known || c.Verdict != reports.Pass {
			continue
		}
		if fact, missing := facts.Missing(r); missing {
			checks[i].Verdict, checks[i].Title = reports.Skip, "the capture does not show it: "+fact.Missing
		}
	}
	return checks
}
