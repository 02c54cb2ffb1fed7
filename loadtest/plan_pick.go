package loadtest

import (
	"fmt"
	"math"

	"github.com/httpdest/httpdest/reports"
)

// unreachable is an objective that no number of sockets holds.
type unreachable struct {
	text     string
	expected string // what comes of the most sockets
	reason   string // that nothing is certain; "" where the objective is missed
}

// Error names the value with the most sockets.
func (e *unreachable) Error() string {
	if e.reason != "" {
		return fmt.Sprintf("no number of sockets holds %s for certain: %s", e.text, e.reason)
	}
	return fmt.Sprintf("no number of sockets holds %s: %s", e.text, e.expected)
}

// mostPicked is the largest number of sockets that a target picks: more than a
// machine has ports for one receiver.
const mostPicked = 100_000

// Pick is the smallest number of sockets with which an objective holds at the
// worst of what is not known. The error is that no
// number holds it.
func (p Planning) Pick(o Objective) (sockets int, err error) {
	var missed unreachable
	holds := func(n int) bool {
		p.Sockets = n
		// A backlog that grows without end holds nothing, and costs the most to play.
		if begun := p.begun(1, p.receiver(1)); n < mostPicked && begun.overloaded(0) {
			return false
		}
		worst := p.side(1)
		r := p.judged(o, [3]*side{worst, worst, worst}, 0)
		missed = unreachable{text: o.Text, expected: fmt.Sprintf("with %d it is %s", n, valueText(r.Measured, r.Unit))}
		switch {
		case r.Verdict == reports.Inconclusive && r.Reason == worst.crowded():
			missed.reason = r.Reason // the objective would be held
		case worst.brings() != "":
			missed.expected = worst.brings()
		}
		return r.Verdict == reports.Pass || r.Verdict == reports.Skip
	}
	p.Sockets = 1
	least := max(1, int(math.Ceil(p.begun(1, p.receiver(1)).flows[0].steady.Sockets)))
	low, high := 0, least
	for !holds(high) {
		if high >= mostPicked {
			return 0, &missed
		}
		low, high = high, min(2*high, mostPicked)
	}
	for low+1 < high {
		middle := (low + high) / 2
		if holds(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high, nil
}

// brings is that the exports of a day are more than the receiver can work on; "" where
// they are not.
func (s *side) brings() string {
	exports := 0.0
	for _, f := range s.flows {
		exports += f.PerDay.at(s.which)
	}
	requests := exports * s.receiver.Attempts() / 86400
	if s.receiver.Capacity == 0 || requests < s.receiver.Capacity {
		return ""
	}
	return fmt.Sprintf("the receiver gets %s requests a second over the day, and its --capacity is %s",
		rateText(requests), rateText(s.receiver.Capacity))
}
