package check

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// The bounds of a timeline: as much as a reader can look at, and little enough
// to keep a report of thousands of cases small.
const (
	mostEvents   = 240
	mostProfiles = 30
)

// timeline is the course of the case for its reader: the profiles that a failed
// check names come first, then those whose attempts failed, then those that
// came first. It goes through the recording twice, so that a million profiles
// cost no memory for events that are left out.
func timeline(parts []*flowPart, checks []reports.Check) *reports.Timeline {
	run := parts[0].view.run
	if run == nil {
		return nil
	}
	t := &reports.Timeline{Start: run.Start}
	seen := map[string]bool{}
	for _, p := range parts {
		if to := p.scenario.Destination.Key; p.view.end != nil && !seen[to] {
			seen[to] = true
			t.EndMs = p.view.ms(p.view.end.At)
			for _, f := range p.view.end.Faults {
				t.Faults = append(t.Faults, reports.PlannedFault{ID: f.ID, Destination: to, Planned: f.Planned, Fired: f.Fired})
			}
		}
	}
	told := rows{all: map[string]*row{}, failed: failures(checks)}
	for _, p := range parts {
		p.view.happened(false, told.count)
	}
	told.share()
	for _, p := range parts {
		p.view.happened(true, func(e reports.Event) {
			t.EndMs = max(t.EndMs, e.AtMs, e.EndMs)
			r := told.all[e.Profile]
			if r.left == 0 {
				t.LeftOutEvents++
				return
			}
			r.left--
			e.Dataflow = p.scenario.Dataflow.Key
			t.Events = append(t.Events, e)
		})
	}
	for _, r := range told.all {
		if r.profile != "" && r.quota == 0 {
			t.LeftOutProfiles++
		}
	}
	slices.SortStableFunc(t.Events, func(a, b reports.Event) int { return cmp.Compare(a.AtMs, b.AtMs) })
	return t
}

// failures is what the failed checks say, in one text.
func failures(checks []reports.Check) string {
	var said []string
	for _, k := range checks {
		if k.Verdict == reports.Fail {
			said = append(said, k.Title, k.Expected, k.Actual)
		}
	}
	return strings.Join(said, "\n")
}

// row is what happened to one profile, or to the dataflow.
type row struct {
	profile string
	order   int // in which it came
	events  int
	failed  bool
	named   bool // by a failed check
	quota   int  // how many of the events are shown
	left    int  // of the quota
}

// rows are all of them.
type rows struct {
	all    map[string]*row
	failed string // what failed, in words
}

func (s *rows) count(e reports.Event) {
	r := s.all[e.Profile]
	if r == nil {
		r = &row{profile: e.Profile, order: len(s.all), named: s.failed != "" && e.Profile != "" && strings.Contains(s.failed, e.Profile)}
		s.all[e.Profile] = r
	}
	r.events++
	r.failed = r.failed || e.Failed
}

// share is how many events of each row are shown. The dataflow has at most half
// of them.
func (s *rows) share() {
	left, profiles := mostEvents, mostProfiles
	order := slices.SortedFunc(maps.Values(s.all), func(a, b *row) int {
		return cmp.Or(cmp.Compare(b.rank(), a.rank()), cmp.Compare(a.order, b.order))
	})
	for _, r := range order {
		switch {
		case r.profile == "":
			r.quota = min(r.events, mostEvents/2)
		case profiles > 0:
			r.quota = min(r.events, left)
			profiles--
		default:
			return
		}
		r.left = r.quota
		left -= r.quota
	}
}

// rank orders rows by how much they show.
func (r *row) rank() int {
	switch {
	case r.profile == "":
		return 3
	case r.named:
		return 2
	case r.failed:
		return 1
	}
	return 0
}

// ms is a time in milliseconds since the start.
func (v *view) ms(at time.Time) float64 { return float64(at.Sub(v.run.Start)) / 1e6 }

// happened calls tell with every event, in the order of the recording; without
// the texts where they are not asked for.
func (v *view) happened(texts bool, tell func(reports.Event)) {
	before := map[string]time.Time{} // when the last attempt of a message that is sent again ended
	for _, l := range v.lines {
		var e reports.Event
		switch {
		case v.further && ofNoDataflow(l):
		case l.Update != nil:
			e = reports.Event{AtMs: v.ms(l.Update.At), Kind: reports.EventUpdate, Profile: l.Update.Profile}
			if texts {
				e.Text = v.changed(l.Update.Changes)
			}
		case l.Export != nil:
			e = v.exportEvent(l.Export)
		case l.Attempt != nil:
			e = v.attempted(l.Attempt, before)
		case l.Drop != nil:
			e = reports.Event{AtMs: v.ms(l.Drop.At), Kind: reports.EventDrop, Export: l.Drop.Message, Failed: true, Text: l.Drop.Reason}
			e.Profile, e.With = v.carriedBy(l.Drop.Exports)
		default:
			e = v.around(l)
		}
		if e.Kind != "" {
			tell(e)
		}
	}
}

// ofNoDataflow reports whether a line is the same for every dataflow.
func ofNoDataflow(l recording.Line) bool {
	return l.Update != nil || l.Action != nil && slices.Contains([]string{"rename", "upload", "refresh", "expire"}, l.Action.Action)
}

// around is an event of the dataflow; none for a line without news.
func (v *view) around(l recording.Line) reports.Event {
	moment := func(at time.Time, kind reports.EventKind, text string) reports.Event {
		return reports.Event{AtMs: v.ms(at), Kind: kind, Text: text}
	}
	switch {
	case l.Action != nil:
		return moment(l.Action.At, reports.EventAction, v.acted(l.Action))
	case l.Decision != nil:
		d := l.Decision
		e := moment(d.At, reports.EventDecision, decision(d))
		e.EndMs, e.Outcome, e.Failed = v.ms(d.EndedAt), d.Result, d.Result == "undecided"
		return e
	case l.Token != nil:
		k := l.Token
		e := moment(k.At, reports.EventToken, token(k))
		e.EndMs, e.Outcome, e.Failed = v.ms(k.EndedAt), k.Result, k.Result != "issued"
		return e
	case l.Handshake != nil:
		e := moment(l.Handshake.At, reports.EventHandshake, "socket "+fmt.Sprint(l.Handshake.Socket))
		e.EndMs, e.Outcome, e.Fault, e.Failed = v.ms(l.Handshake.EndedAt), l.Handshake.Reason, l.Handshake.Fault, true
		return e
	case l.Request != nil && l.Request.Fault != "" && (l.Request.TokenRequest != nil || l.Request.Method == "OPTIONS"):
		e := moment(l.Request.At, reports.EventFault, l.Request.Method+" "+l.Request.Target)
		e.EndMs, e.Fault = v.ms(l.Request.AnsweredAt), l.Request.Fault
		return e
	case l.FlowRun != nil:
		e := moment(l.FlowRun.At, reports.EventRun, counted(l.FlowRun))
		e.Outcome = l.FlowRun.Status
		return e
	case l.Alert != nil:
		e := moment(l.Alert.At, reports.EventAlert, l.Alert.Alert)
		e.Outcome = l.Alert.Status
		return e
	case l.Lookup != nil:
		e := moment(l.Lookup.At, reports.EventLookup, strings.TrimSpace(l.Lookup.What+" "+l.Lookup.Query))
		e.Outcome = fmt.Sprint(l.Lookup.Status)
		return e
	case l.Problem != nil && l.Problem.Level != "advice":
		e := moment(l.Problem.At, reports.EventProblem, l.Problem.Path+": "+l.Problem.Message)
		e.Outcome = l.Problem.Level
		return e
	}
	return reports.Event{}
}

// exportEvent is an export with its reasons.
func (v *view) exportEvent(x *recording.Export) reports.Event {
	e := reports.Event{AtMs: v.ms(x.At), Kind: reports.EventExport, Profile: x.Profile, Export: x.ID, Text: "because " + strings.Join(x.Because, ", ")}
	switch {
	case x.Excluded != "":
		e.Kind, e.Text = reports.EventExcluded, x.Excluded
	case slices.Contains(x.Because, "backfill"):
		e.Kind = reports.EventBackfill
	}
	return e
}

// attempted is an attempt, with the gap before it and the fault it met.
func (v *view) attempted(a *recording.Attempt, before map[string]time.Time) reports.Event {
	e := reports.Event{AtMs: v.ms(a.At), EndMs: v.ms(a.EndedAt), Kind: reports.EventAttempt, Export: a.Message, Attempt: a.Number, Outcome: a.Outcome,
		Failed: !success(a.Outcome), Retry: a.Retry, Text: a.Reason}
	e.Profile, e.With = v.carriedBy(a.Exports)
	if last, ok := before[a.Message]; ok {
		e.AfterMs = v.ms(a.At) - v.ms(last)
	}
	if delete(before, a.Message); a.Retry {
		before[a.Message] = a.EndedAt
	}
	if r := v.carried[a]; r != nil {
		e.Fault = r.Fault
	}
	return e
}

// carriedBy are the profiles of a message.
func (v *view) carriedBy(exports []string) (first string, others []string) {
	for i, id := range exports {
		profile := id[:max(0, strings.LastIndexByte(id, '#'))]
		if x := v.byID[id]; x != nil {
			profile = x.Profile
		}
		if i == 0 {
			first = profile
		} else {
			others = append(others, profile)
		}
	}
	return first, others
}

// keyOf is the audience as the scenario calls it.
func (v *view) keyOf(id string) string {
	if a, ok := v.audiences[id]; ok {
		return a.Key
	}
	return id
}

// changed says what an update changes. Values are left out: they are in the
// recording.
func (v *view) changed(changes []recording.Change) string {
	const few = 6
	var said []string
	for i, c := range changes {
		if i == few {
			said = append(said, fmt.Sprintf("and %d more", len(changes)-few))
			break
		}
		what := c.Path
		switch {
		case c.Audience != "":
			what = v.keyOf(c.Audience)
		case c.Identity != "":
			what = c.Identity
		}
		said = append(said, strings.TrimSpace(c.Op+" "+what))
	}
	return strings.Join(said, "; ")
}

// acted says what an action changes.
func (v *view) acted(a *recording.Action) string {
	said := []string{a.Action}
	for i, id := range a.Audiences {
		if i == fewKept {
			said = append(said, fmt.Sprintf("and %d more", len(a.Audiences)-i))
			break
		}
		said = append(said, v.keyOf(id))
	}
	return strings.Join(said, " ")
}

func decision(d *recording.Decision) string {
	said := "the endpoint did not request a certificate"
	if d.Asked {
		said = "the endpoint requested a certificate"
	}
	said += "; without one: " + d.First
	if d.Second != "" {
		said += ", with one: " + d.Second
	}
	return said
}

func token(k *recording.Token) string {
	said := k.Grant + ": " + k.Outcome
	if k.ExpiresIn > 0 {
		said += fmt.Sprintf(", for %d s", k.ExpiresIn)
	}
	return said
}

func counted(r *recording.FlowRun) string {
	return fmt.Sprintf("%d profiles received; identities: %d activated, %d excluded, %d failed", r.Received, r.Activated, r.Excluded, r.Failed)
}
