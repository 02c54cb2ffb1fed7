package oracle

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// Verdicts is the oracle's judgement of a whole recording.
type Verdicts struct {
	Findings []Finding      // in the order of the exports, the missing ones last
	Looked   map[string]int // rule -> how many points it decided, right or wrong
}

// placedExport is one export of a recording with its place in the history.
type placedExport struct {
	*recording.Export
	tick int    // of the last change before it
	body string // "" when it was never attempted
	sent bool
}

// Recording judges every export of a recording. Exports that a run lacks
// because it was not played to its end are not missing.
func Recording(sc *scenarios.Scenario, lines []recording.Line) Verdicts {
	o := New(sc, Recorded(lines))
	j := &judge{oracle: o, report: newReport(), exports: map[string][]*placedExport{}, claimed: map[update]bool{}}
	j.read(lines)
	for _, x := range j.all {
		j.export(x)
	}
	if j.complete {
		j.missing()
	}
	return Verdicts{j.report.findings, j.report.looked}
}

// update is one as a view of its profile is to export it, by its last tick.
type update struct {
	tick int
	view view
}

// viewedBy is an update by a view of its profile.
func viewedBy(p *person, m moment) update {
	if p.view == nil {
		return update{tick: m.last}
	}
	return update{m.last, *p.view}
}

// judge is one recording under judgement.
type judge struct {
	oracle    *Oracle
	report    *report
	all       []*placedExport
	exports   map[string][]*placedExport // by profile
	claimed   map[update]bool            // that have their export
	tolerance time.Duration
	complete  bool
}

// read places every export within the history.
func (j *judge) read(lines []recording.Line) {
	byID := map[string]*placedExport{}
	events := 0
	for _, l := range lines {
		switch {
		case l.Run != nil:
			j.tolerance = time.Duration(l.Run.ToleranceMs) * time.Millisecond
		case l.Update != nil || l.Action != nil:
			events++
		case l.Export != nil:
			x := &placedExport{Export: l.Export}
			if events > 0 {
				x.tick = j.oracle.moments[events-1].last
			}
			j.all = append(j.all, x)
			j.exports[x.Profile] = append(j.exports[x.Profile], x)
			byID[x.ID] = x
		case l.Attempt != nil:
			bodies := Split(l.Attempt.Body, len(l.Attempt.Exports))
			for i, id := range l.Attempt.Exports {
				if x := byID[id]; x != nil && !x.sent && i < len(bodies) {
					x.body, x.sent = bodies[i], true
				}
			}
		case l.End != nil:
			j.complete = l.End.Inconclusive == ""
		}
	}
}

// Split takes a message with n exports apart: the profile object itself, an
// array of them, or the wrapper {"profiles": […]} (A23).
func Split(body string, n int) []string {
	var list []json.RawMessage
	if n > 1 || !strings.HasPrefix(strings.TrimLeft(body, " \t\r\n"), "{") {
		_ = json.Unmarshal([]byte(body), &list) // a wrapper otherwise, or nothing known
	}
	if list == nil && strings.Contains(body, `"profiles"`) {
		// A profile may have an attribute of that name, but never nothing else.
		var wrapper map[string]json.RawMessage
		if json.Unmarshal([]byte(body), &wrapper) == nil && len(wrapper) == 1 {
			_ = json.Unmarshal(wrapper["profiles"], &list)
		}
	}
	if list == nil {
		return []string{body}
	}
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = string(e)
	}
	return out
}

// export judges one export: is there a reason for it, is it the one given, and
// does it carry what it should.
func (j *judge) export(x *placedExport) {
	at := Finding{Profile: x.Profile, Export: x.ID, At: x.At}
	p := j.oracle.viewOf(j.oracle.person(x.Profile), x.MergePolicy)
	if p == nil {
		at.Clause, at.What, at.Want, at.Got = "one-body", "the merge policy of an export", "none", x.MergePolicy
		if j.oracle.perPolicy() {
			at.Want = "that of a mapped audience"
		}
		j.report.look(at.Clause)
		j.report.add(at)
		return
	}
	possible := j.possible(p, x)
	if possible.Obligation == MustNot {
		at.Clause = possible.Clause
		at.What, at.Want, at.Got = "an export because of "+strings.Join(x.Because, ", "), "none", "exported"
		j.report.look(at.Clause)
		j.report.add(at)
		return
	}
	j.report.look(possible.Clause)
	for _, trigger := range possible.Because {
		if r, known := possible.violation[trigger]; known && r != possible.Clause {
			j.report.look(r)
		}
	}
	j.reasons(possible, x, at)
	if !possible.live && x.At.After(possible.To.Add(j.tolerance)) && !possible.To.IsZero() {
		late := at
		late.Clause, late.What = "backfill-hour", "the backfill"
		late.Want, late.Got = "by "+possible.To.Format(time.RFC3339), x.At.Format(time.RFC3339)
		j.report.add(late)
	}
	if x.sent {
		c := comparison{o: j.oracle, x: &possible, want: j.oracle.content(p, &possible, x.At), own: true, report: j.report, at: at}
		c.body(x.body)
	}
}

// possible finds what accounts for an export: the last update of the profile,
// if it was at that moment and has no export yet, or a backfill.
func (j *judge) possible(p *person, x *placedExport) Possible {
	n := sort.Search(len(p.moments), func(i int) bool { return p.moments[i].first > x.tick })
	ofChange := n > 0 && p.moments[n-1].event.At().Equal(x.At) && !j.claimed[viewedBy(p, p.moments[n-1])]
	var live Possible
	if ofChange {
		live = j.oracle.change(p, p.moments[n-1])
	}
	if !ofChange || slices.Equal(x.Because, []string{"backfill"}) && live.Obligation == MustNot {
		return j.oracle.backfill(p, x.tick, x.At, j.before(p, x))
	}
	j.claimed[viewedBy(p, p.moments[n-1])] = true
	return live
}

// of are the exports of a view of a profile.
func (j *judge) of(p *person) []*placedExport {
	all := j.exports[p.name]
	if p.view == nil {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(x *placedExport) bool { return x.MergePolicy != p.view.policy })
}

// before reports whether the profile was exported between a tick and an export.
func (j *judge) before(p *person, x *placedExport) func(after int) bool {
	all := j.of(p)
	n := sort.Search(len(all), func(i int) bool { return all[i].tick > x.tick })
	for n > 0 && all[n-1] != x {
		n--
	}
	return func(after int) bool { return n > 1 && all[n-2].tick >= after }
}

// reasons compares the recorded reasons of an export with its true ones.
func (j *judge) reasons(possible Possible, x *placedExport, at Finding) {
	because := slices.Sorted(slices.Values(x.Because))
	if slices.Equal(because, possible.Because) {
		return
	}
	at.What, at.Want, at.Got = "because", strings.Join(possible.Because, ", "), strings.Join(because, ", ")
	for _, trigger := range possible.Because {
		if r, known := possible.violation[trigger]; known && !slices.Contains(because, trigger) {
			at.Clause = r
			j.report.add(at)
			return
		}
	}
	if slices.Contains(possible.off, surplus(because, possible.Because)) {
		at.Clause = "wta-switches"
		j.report.add(at)
		return
	}
	at.Clause = map[string]string{"attribute": "trig-attr-unmapped", "identity": "trig-identity-any", "audience": "trig-unmapped-audience"}[surplus(because, possible.Because)]
	if at.Clause == "" {
		at.Clause = possible.Clause
	}
	j.report.add(at)
}

// surplus is the first of the given reasons that is not wanted.
func surplus(given, wanted []string) string {
	for _, trigger := range given {
		if !slices.Contains(wanted, trigger) {
			return trigger
		}
	}
	return ""
}

// missing looks at every change that has no export, and at every claim to a
// backfill.
func (j *judge) missing() {
	for _, m := range j.oracle.moments {
		if m.event.Update == nil {
			continue
		}
		for _, p := range j.oracle.views(j.oracle.person(m.event.Update.Profile)) {
			if j.claimed[viewedBy(p, m)] {
				continue
			}
			x := j.oracle.change(p, m)
			j.report.look(x.Clause)
			if x.Obligation == Must {
				j.report.add(Finding{Clause: x.Clause, Profile: x.Profile, At: x.From,
					What: "the export because of " + strings.Join(x.Because, ", "), Want: "exported", Got: "no export"})
			}
		}
	}
	j.silent()
	if len(j.oracle.flow.batches) == 0 {
		return
	}
	for i := range j.oracle.scenario.Profiles {
		for name := range j.oracle.scenario.Profiles[i].Names.All() {
			j.claims(name)
		}
	}
}

// silent counts what an export would have broken that is not there: one of a
// member to whom nothing happened, and one of a member of an audience that was
// mapped again. One of each is enough.
func (j *judge) silent() {
	o := j.oracle
	unchanged, again := false, len(o.flow.again) == 0
	for i := range o.scenario.Profiles {
		for name := range o.scenario.Profiles[i].Names.All() {
			if unchanged && again {
				return
			}
			quiet := len(o.updates[name]) == 0 && len(j.exports[name]) == 0
			if !unchanged && quiet && o.everMember(name) {
				unchanged = true
				j.report.look("incremental")
			}
			if !again && len(j.exports[name]) == 0 && o.mappedAgain(o.person(name), endless-1, time.Time{}) {
				again = true
				j.report.look("backfill-once")
			}
		}
	}
}

// everMember reports whether a profile to which nothing happened is in an
// audience that is mapped at some time.
func (o *Oracle) everMember(name string) bool {
	all, _ := o.scenario.Memberships(name)
	for id, t := range o.flow.mapped {
		if len(t) > 0 && standingIn(all, o.audiences[id].Key) {
			return true
		}
	}
	return false
}

// claims looks for the export that meets each claim of a profile. For a profile
// without changes it checks only the memberships.
func (j *judge) claims(name string) {
	o := j.oracle
	if len(o.updates[name]) == 0 && len(j.exports[name]) == 0 {
		all, _ := o.scenario.Memberships(name)
		was := func(id string, b *batch) standing { return o.initially(all, o.audiences[id].Key, b.at) }
		if len(o.claims(o.least(), was)) == 0 {
			return
		}
	}
	for _, p := range o.views(o.person(name)) {
		j.claimsOf(p)
	}
}

// claimsOf looks for the export that meets each claim of a view of a profile.
func (j *judge) claimsOf(p *person) {
	o := j.oracle
	for _, c := range o.claimsOf(p, o.least()) {
		j.report.look(c.rule)
		if !o.firm(p, c) {
			continue
		}
		f := Finding{Clause: c.rule, Profile: p.name, At: c.at, What: "a backfill after the mapping", Want: "by " + c.ends.Format(time.RFC3339), Got: "no export"}
		all := j.of(p)
		n := sort.Search(len(all), func(i int) bool { return all[i].tick >= c.tick })
		if n == len(all) {
			j.report.add(f)
			continue
		}
		j.report.look("backfill-hour")
		if at := all[n].At; at.After(c.ends.Add(j.tolerance)) && !slices.Contains(all[n].Because, "backfill") { // its own lateness is found with it
			f.Clause, f.Got = "backfill-hour", fmt.Sprintf("%s at %s", all[n].ID, at.Format(time.RFC3339))
			j.report.add(f)
		}
	}
}

// initially is what a profile to which nothing happened is to an audience.
func (o *Oracle) initially(all []scenarios.Membership, audience string, at time.Time) standing {
	is := stranger
	for _, m := range all {
		switch {
		case m.Audience != audience:
		case !m.Exited:
			is = member
		case at.Sub(o.scenario.Start.Add(-m.ExitedAgo)) <= o.retention():
			is = former
		default:
			is = stranger
		}
	}
	return is
}

// standingIn reports whether one of the memberships is in the audience; the
// last one about it counts.
func standingIn(all []scenarios.Membership, audience string) bool {
	in := false
	for _, m := range all {
		if m.Audience == audience {
			in = !m.Exited
		}
	}
	return in
}
