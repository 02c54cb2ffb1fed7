package check

import (
	"slices"
	"strconv"
	"time"

	"github.com/httpdest/httpdest/scenarios"

	"github.com/httpdest/httpdest/scenarios/recording"
)

// order: an export's first attempt comes after the one before it was delivered
// or dropped (design §4).
func (v *view) order(f *findings) {
	for _, x := range v.exports {
		attempts := x.attempts()
		if x.number == 1 || len(attempts) == 0 {
			continue
		}
		before := v.byProfile[x.Profile][x.number-2]
		at, ok := before.settled()
		f.note(ok && !attempts[0].At.Before(at), "%s was sent while %s was not settled", x.ID, before.ID)
	}
}

// settled is when an export was delivered or dropped.
func (x *exported) settled() (at time.Time, ok bool) {
	if x.message == nil {
		return at, false
	}
	if x.message.drop != nil {
		return x.message.drop.At, true
	}
	attempts := x.message.attempts
	if len(attempts) == 0 || attempts[len(attempts)-1].Retry {
		return at, false
	}
	return attempts[len(attempts)-1].EndedAt, true
}

// prompt: the first attempt starts with the decision (R91). Only an earlier
// export of the profile, a pause, the mTLS decision and the limit of attempts
// under way can hold it, never what another profile waits for.
func (v *view) prompt(f *findings) {
	v.punctual(f, func(x *exported) bool { return !v.roomLeft(x) })
}

func (v *view) punctual(f *findings, wanted func(*exported) bool) {
	for _, x := range v.exports {
		attempts := x.attempts()
		if len(attempts) == 0 || !wanted(x) {
			continue
		}
		due, started := v.due(x), attempts[0].At
		late := started.Sub(due) > v.tolerance
		f.note(!late || v.held(due, started), "%s was sent %s after it could have been", x.ID, duration(started.Sub(due)))
	}
}

// due is when an export could be sent: at its decision, or when the one before
// it was settled.
func (v *view) due(x *exported) time.Time {
	if x.number > 1 {
		if at, ok := v.byProfile[x.Profile][x.number-2].settled(); ok && at.After(x.At) {
			return at
		}
	}
	return x.At
}

// backfillHour: pauses do not count, and neither does what holds up an export
// that was decided in time.
func (v *view) backfillHour(f *findings) {
	within := v.scenario.Destination.Readings.Duration(scenarios.ReadingBackfillWithin)
	for _, x := range v.exports {
		if !slices.Contains(x.Because, "backfill") {
			continue
		}
		mapped, ok := v.mappingOf(x)
		if !ok {
			f.note(false, "%s without a new mapping of an audience it is in", x.ID)
			continue
		}
		began := x.At
		if attempts := x.attempts(); len(attempts) > 0 {
			due, started := v.due(x), attempts[0].At
			if late := started.Sub(due); late > v.tolerance && !v.held(due, started) {
				began = x.At.Add(late)
			}
		}
		took := began.Sub(mapped)
		for _, p := range v.pauses() {
			took -= p.overlap(mapped, began)
		}
		f.note(took <= within+v.tolerance, "%s came %s after the mapping", x.ID, duration(took))
	}
}

// mappingOf is the mapping that a backfill export came from: the last one
// before it of an audience that the profile is in, or by a reading was in (A55),
// and that was not mapped ever before (R115).
func (v *view) mappingOf(x *exported) (at time.Time, ok bool) {
	member := func(string) bool { return true } // without a body nothing is known
	if raw, sent := x.text(); sent && v.body(raw).object != nil {
		former := v.scenario.Destination.Readings.Of(scenarios.ReadingBackfilled) == "ever-qualified"
		owed := map[string]bool{}
		for _, m := range v.body(raw).memberships() {
			owed[m.id] = former || m.fields["status"] == "realized"
		}
		member = func(id string) bool { return owed[id] }
	}
	ever := map[string]bool{}
	for _, m := range v.mappings {
		if m.at.After(x.At) {
			break
		}
		if m.anew {
			ever = map[string]bool{}
		}
		for _, id := range m.ids {
			if !ever[id] && member(id) && !m.at.IsZero() {
				at, ok = m.at, true
			}
			ever[id] = true
		}
	}
	return at, ok
}

func (v *view) silence(f *findings) {
	for _, p := range v.pauses() {
		f.note(true, "")
		p.from, p.to = p.from.Add(v.tolerance), p.to.Add(-v.tolerance)
		for _, a := range v.attempts {
			f.note(!a.At.After(p.from) || !a.At.Before(p.to), "attempt %d of %s started in a pause", a.Number, a.Message)
		}
		for _, x := range v.exports {
			f.note(!x.At.After(p.from) || !x.At.Before(p.to), "%s was decided in a pause", x.ID)
		}
	}
}

// status reports whether an outcome is an answer of the endpoint.
func status(outcome string) bool { return len(outcome) == 3 && outcome[0] >= '1' && outcome[0] <= '9' }

// traffic holds the word of the sender against that of the endpoint.
func (v *view) traffic(f *findings) {
	for _, a := range v.attempts {
		for _, id := range a.Exports {
			f.note(v.byID[id] != nil, "attempt %d of %s carries %s, which was never decided", a.Number, a.Message, id)
		}
		if !status(a.Outcome) || v.scenario.Destination.Endpoint != "mock" {
			continue // another endpoint keeps no journal
		}
		r := v.carried[a]
		if r == nil {
			f.note(false, "attempt %d of %s ended with %s, and the endpoint saw no request", a.Number, a.Message, a.Outcome)
			continue
		}
		f.note(strconv.Itoa(r.Status) == a.Outcome, "attempt %d of %s ended with %s, and the endpoint answered %d", a.Number, a.Message, a.Outcome, r.Status)
		f.note(r.Body == a.Body, "attempt %d of %s: the endpoint received another body", a.Number, a.Message)
	}
}

// accounted: nothing that was decided is lost on the way.
func (v *view) accounted(f *findings) {
	if v.end == nil || v.end.Inconclusive != "" {
		return
	}
	for _, x := range v.exports {
		if x.Excluded != "" {
			f.note(x.message == nil, "%s was excluded and sent", x.ID)
			continue
		}
		_, ok := x.settled()
		f.note(ok || slices.Contains(v.end.Unfinished, x.ID), "%s was neither delivered nor dropped", x.ID)
	}
}

// deleted: between the deletion of the dataflow and the activation of another
// nothing is decided, and no attempt starts (R118).
func (v *view) deleted(f *findings) {
	var gone []interval
	for _, a := range v.actions {
		switch n := len(gone); {
		case a.Action == "delete":
			gone = append(gone, interval{from: a.At})
		case a.Action == "activate" && n > 0 && gone[n-1].to.IsZero():
			gone[n-1].to = a.At
		}
	}
	for _, g := range gone {
		f.note(true, "")
		within := func(at time.Time) bool {
			return at.After(g.from.Add(v.tolerance)) && (g.to.IsZero() || at.Before(g.to.Add(-v.tolerance)))
		}
		for _, a := range v.attempts {
			f.note(!within(a.At), "attempt %d of %s started after the deletion", a.Number, a.Message)
		}
		for _, x := range v.exports {
			f.note(!within(x.At), "%s was decided after the deletion", x.ID)
		}
	}
}

// deletedAt reports whether the dataflow was deleted at a time.
func (v *view) deletedAt(at time.Time) bool {
	return slices.ContainsFunc(v.actions, func(a *recording.Action) bool { return a.Action == "delete" && v.near(at.Sub(a.At), 0) })
}
