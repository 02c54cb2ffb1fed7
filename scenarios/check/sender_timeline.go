package check

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios/capture"
)

// sendings are the requests of a capture's timeline: the first ones with a
// time.
type sendings struct {
	attempts []sentAttempt
	left     int            // requests that are left out
	rows     map[string]int // by text: how often it was sent
	untimed  bool           // a request has no time, so that nobody knows the order
}

type sentAttempt struct {
	at, ended time.Time
	event     reports.Event
}

// add takes in a message. Equal texts are the same body: a sender sends a
// message again as it was.
func (t *sendings) add(x capture.Exchange, m *sentMessage, name string) {
	if !x.Told.Time {
		t.untimed = true
		return
	}
	if t.rows == nil {
		t.rows = map[string]int{}
	}
	if t.rows[m.text] == 0 && len(t.rows) == mostProfiles || len(t.attempts) == mostEvents {
		t.left++
		return
	}
	t.rows[m.text]++
	e := reports.Event{Kind: reports.EventAttempt, Profile: cmp.Or(name, fmt.Sprintf("message on line %d", x.Line)), Attempt: t.rows[m.text], Fault: x.Request.Fault, Text: x.Request.Refused}
	a := sentAttempt{at: x.Request.At, event: e}
	if x.Told.Duration {
		a.ended = x.Request.AnsweredAt
	}
	if x.Told.Status {
		switch {
		case x.Request.Disconnected:
			a.event.Outcome, a.event.Failed = "disconnected", true
		case x.Request.Status > 0:
			a.event.Outcome = fmt.Sprint(x.Request.Status)
			a.event.Failed = !success(a.event.Outcome)
		}
	}
	if first := slices.IndexFunc(t.attempts, func(b sentAttempt) bool { return b.event.Export == m.text }); first >= 0 {
		a.event.Profile = t.attempts[first].event.Profile
	}
	a.event.Export = m.text // the text joins them until all are there
	t.attempts = append(t.attempts, a)
}

// timeline is what was sent and when; nil where the capture has no times.
func (t *sendings) timeline(began time.Time) *reports.Timeline {
	if t.untimed || len(t.attempts) == 0 {
		return nil
	}
	slices.SortStableFunc(t.attempts, func(a, b sentAttempt) int { return a.at.Compare(b.at) })
	out := &reports.Timeline{Start: began, LeftOutEvents: t.left}
	if began.IsZero() || began.After(t.attempts[0].at) {
		out.Start = t.attempts[0].at
	}
	ms := func(at time.Time) float64 { return float64(at.Sub(out.Start)) / 1e6 }
	before, number := map[string]time.Time{}, map[string]int{}
	for _, a := range t.attempts {
		e, text := a.event, a.event.Export
		e.AtMs, e.Export = ms(a.at), ""
		if a.ended.After(a.at) {
			e.EndMs = ms(a.ended)
		}
		number[text]++
		e.Attempt, e.Retry = number[text], number[text] < t.rows[text]
		e.Export = fmt.Sprintf("%s (%d bytes)", e.Profile, len(text))
		if last, there := before[text]; there {
			e.AfterMs = max(0, ms(a.at)-ms(last))
		}
		before[text] = cmp.Or(a.ended, a.at)
		out.EndMs = max(out.EndMs, e.AtMs, e.EndMs)
		out.Events = append(out.Events, e)
	}
	return out
}
