package loadtest

import (
	"fmt"

	"github.com/httpdest/httpdest/reports"
)

// saturation is a trial that did not hold, and the best that did.
type saturation struct {
	*Trialled
	point reports.SearchPoint
	held  *Trialled // nil: none
}

// Limits that distinguish causes.
const (
	// moreErrors is by how much the share of failed attempts must have grown.
	moreErrors = 0.01
	// slowAnswers is the factor by which answers must have become slower, before
	// it is the receiver and not the number of sockets.
	slowAnswers = 1.5
	// slowStore is how long an update may take to be durable, in milliseconds.
	slowStore = 100.0
)

// cause is what limited the rate. own is whether it was this machine, or a cap
// such as --sockets, and not the receiver.
func (s saturation) cause() (why string, own bool) {
	at := rateText(s.point.Rate) + "/s: "
	if s.Load.Mode == Pipeline {
		return s.throughEngine(at)
	}
	if len(s.Load.Doubts) > 0 {
		return "this machine, not the receiver, at " + at + s.Load.Doubts[0], true
	}
	if e := s.evidence; e.Behind > 0 || e.Missing > 0 {
		return "the storage of the receiver falls behind at " + at + s.point.Reason, false
	}
	if s.Growing > 0 {
		return fmt.Sprintf("the receiver queues at %seach second of load adds %s of waiting", at, valueText(s.Growing*1000, "ms")), false
	}
	if failed := s.failed(at, "requests"); failed != "" {
		return failed, false
	}
	return "the receiver became slow at " + at + s.point.Reason, false
}

// failed is the most frequent failure of the attempts, "" without one.
func (s saturation) failed(at, attempts string) string {
	for _, o := range s.Load.Outcomes {
		switch {
		case o.OK:
		case o.Outcome == "timeout":
			return fmt.Sprintf("the receiver had no answer within 2 s at %s%d times", at, o.Count)
		default:
			return fmt.Sprintf("the receiver answered %s at %s%s of the %s failed", o.Outcome, at, percentText(s.point.Errors), attempts)
		}
	}
	return ""
}

// throughEngine checks first the causes that would spoil all other numbers.
func (s saturation) throughEngine(at string) (why string, own bool) {
	l := s.Load
	durable, service := mean(l.ResponseTime), mean(l.Attempts())
	heldErrors, heldDurable, heldService := 0.0, 0.0, service
	if s.held != nil {
		heldErrors = point(s.held, 0).Errors
		heldDurable, heldService = mean(s.held.Load.ResponseTime), mean(s.held.Load.Attempts())
	}
	full := s.Sockets > 0 && s.point.InFlight >= int64(s.Sockets)
	answers := valueText(service, "ms")
	switch {
	case l.Cost != nil && l.Cost.CPUShare > mostCPU:
		return fmt.Sprintf("the CPUs of this machine at %s%.0f%% of them were busy", at, l.Cost.CPUShare*100), true
	case durable > slowStore && durable > 2*heldDurable:
		return fmt.Sprintf("the store at %san update took %s on average to be durable", at, valueText(durable, "ms")), true
	case len(l.Doubts) > 0 && !backlogged(l):
		return "the generator, at " + at + l.Doubts[0], true
	case s.point.Errors > heldErrors+moreErrors:
		return s.failed(at, "attempts"), false
	case full && service > slowAnswers*heldService:
		return fmt.Sprintf("the receiver slows down at %sits answers take %s on average, after %s at a rate that held, and all %d sockets were busy", at, answers, valueText(heldService, "ms"), s.Sockets), false
	case full && service > 0:
		return fmt.Sprintf("the sockets at %sall %d were busy, %s on average for an attempt, which is %s attempts a second; give more --sockets where the receiver takes more", at, s.Sockets, answers, rateText(float64(s.Sockets)*1000/service)), true
	case s.Growing > 0:
		return fmt.Sprintf("no socket is short at %seach second of load adds %s of waiting, because exports of one profile wait for each other: give more --profiles", at, valueText(s.Growing*1000, "ms")), true
	case backlogged(l):
		return "the time to drain, at " + at + l.Doubts[0], true
	}
	return "deliveries became slow at " + at + s.point.Reason, false
}

func mean(d *reports.Distribution) float64 {
	if d == nil {
		return 0
	}
	return d.MeanMs
}
