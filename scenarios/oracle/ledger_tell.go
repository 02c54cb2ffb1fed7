package oracle

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// tell reports what is wrong with the cheapest explanation, and returns the
// role of every body. Indexes in the roles are those of the profile's bodies.
func (a *alignment) tell(path *node, r *report) []Role {
	var steps []*node
	for n := path; n != nil; n = n.before {
		steps = append(steps, n)
	}
	slices.Reverse(steps)
	t := &reporter{alignment: a, report: r, roles: make([]Role, len(a.seen)), explained: map[int]int{}, lastTick: 0}
	for _, n := range steps {
		if n.how == overtaken || n.how == matched && !t.forbidden(n.i, n.j) {
			t.explained[n.j] = n.i
		}
	}
	for _, n := range steps {
		t.step(n)
	}
	t.owed()
	return t.roles
}

// reporter is an explanation that is being reported.
type reporter struct {
	*alignment
	report    *report
	roles     []Role
	exports   int         // that have begun
	explained map[int]int // possibility -> body
	lastTick  int
}

func (t *reporter) step(n *node) {
	switch n.how {
	case matched, overtaken:
		t.first(n)
	case retried:
		before := t.roles[n.j]
		t.roles[n.i] = Role{Kind: before.Kind, Export: before.Export, Attempt: before.Attempt + 1, Before: n.j, First: before.First,
			Due: before.Due, Overtaken: t.startedAfter(n.j, before.Export)}
	case duplicated:
		before := t.roles[n.j]
		t.roles[n.i] = Role{Kind: Duplicate, Export: before.Export, Before: n.j, First: before.First}
	case unexplained:
		t.begin(n.i, Unexplained)
		t.surplus(n.i)
	default:
		t.skipped(n.j)
	}
}

// begin gives body i the role of a first attempt.
func (t *reporter) begin(i int, kind RoleKind) *Role {
	t.exports++
	t.roles[i] = Role{Kind: kind, Export: t.exports, Attempt: 1, Before: -1, First: i}
	return &t.roles[i]
}

// startedAfter reports whether an export began after body i that the history
// calls for later.
func (t *reporter) startedAfter(i, export int) bool {
	return slices.ContainsFunc(t.roles[i+1:], func(r Role) bool { return r.Kind == Attempt && r.Export > export })
}

// first reports what is wrong with body i as the first attempt at possibility j.
func (t *reporter) first(n *node) {
	x, s := t.turn(n.j, t.lastTick), t.seen[n.i]
	if x.Obligation == MustNot || t.forbidden(n.i, n.j) {
		if x.live && x.reading {
			x.Clause = x.forbidden
		}
		t.begin(n.i, Unexplained)
		delete(t.explained, n.j)
		f := Finding{Clause: x.Clause, Profile: s.Profile, Export: s.ID, At: s.At, What: "an export", Want: "none", Got: "exported"}
		t.report.look(x.Clause)
		t.report.add(f)
		return
	}
	role := t.begin(n.i, Attempt)
	role.Due, role.Overtaken = t.possible[n.j].From, n.how == overtaken
	role.Because, role.Decided = t.possible[n.j].Because, t.possible[n.j].earliest
	if n.how == matched {
		t.lastTick = t.possible[n.j].tick
	}
	if x.Clause != "" {
		t.report.look(x.Clause)
	}
	if x.reading {
		what := "a backfill of a former member"
		if x.live {
			what = "an export because of " + strings.Join(x.Because, ", ")
		}
		t.report.add(Finding{Clause: x.Clause, Profile: s.Profile, Export: s.ID, At: s.At, What: what, Want: "none", Got: "exported"})
	}
	t.report.merge(t.compare(n.i, n.j))
	t.punctuality(n.i, n.j)
}

// skipped reports an export that is not there.
func (t *reporter) skipped(j int) {
	if _, there := t.explained[j]; there {
		return
	}
	x := t.possible[j]
	switch {
	case (x.Obligation == MustNot || x.live && x.reading) && !t.visible(j):
		return // an export of it could not be told from a repetition
	case x.Clause != "":
		t.report.look(x.Clause)
	}
	if t.owes(j) {
		t.report.add(Finding{Clause: x.Clause, Profile: x.Profile, At: x.From,
			What: "the export because of " + strings.Join(x.Because, ", "), Want: "exported", Got: "no export"})
	}
}

// visible reports whether an export for a change that calls for none could be
// recognised: by its time, or by a body that no other export has.
func (t *reporter) visible(j int) bool {
	if !t.oracle.clock.Began.IsZero() || len(t.seen) == 0 {
		return true
	}
	for i := range t.seen {
		if len(t.compare(i, j).findings) == 0 {
			return false
		}
	}
	return true
}

// surplus reports a body that no possibility explains. The rule is that of a
// change that calls for none, if it came right after one, or of one backfill too
// many, if there was one to come.
func (t *reporter) surplus(i int) {
	s := t.seen[i]
	tick := 0
	for _, m := range t.oracle.moments {
		if s.At.IsZero() || !m.event.At().After(s.At) {
			tick = m.last
		}
	}
	f := Finding{Clause: "incremental", Profile: s.Profile, Export: s.ID, At: s.At, What: "an export that no change calls for", Want: "none", Got: "exported"}
	earlier := func(after int) bool {
		for j := range t.explained {
			if t.possible[j].tick >= after {
				return true
			}
		}
		return false
	}
	if x := t.oracle.backfill(t.person, tick, s.At, earlier); x.Obligation == MustNot {
		f.Clause = x.Clause
	}
	if j := t.uncalled(s.At); j >= 0 && (f.Clause == "incremental" || f.Clause == "backfill-once") {
		f.Clause = t.possible[j].Clause
	}
	t.report.look(f.Clause)
	t.report.add(f)
}

// uncalled is the last change of the profile, if it calls for no export and came
// right before a time; otherwise it is -1.
func (t *reporter) uncalled(at time.Time) int {
	last := -1
	for j, x := range t.possible {
		if x.live && !at.IsZero() && !x.From.After(at) {
			last = j
		}
	}
	if last < 0 || t.possible[last].Obligation != MustNot || at.Sub(t.possible[last].From) > delay {
		return -1
	}
	return last
}

// The time that a live export may take: the objective is ten minutes for 95 of
// 100 (R119), and nothing that the documentation describes takes more than
// about an hour and a half (A56).
const (
	objective = 10 * time.Minute
	longest   = time.Hour + tolerated
)

// tolerated is how far past the hour a backfill may come before the page's
// "approximately one hour" is over (A56).
const tolerated = 30 * time.Minute

// tooLate reports whether a backfill at a time is later than that.
func (f *flow) tooLate(c claim, at time.Time) bool { return f.enabledBetween(c.ends, at) > tolerated }

// punctuality reports a live export that comes long after its change (R37).
func (t *reporter) punctuality(i, j int) {
	x, s := t.possible[j], t.seen[i]
	if !x.live || s.At.IsZero() || t.uploaded(j) {
		return
	}
	due := x.From
	for k := range i { // the exports of a profile wait for each other
		if b := t.seen[k]; !b.Ended.IsZero() && b.Ended.Before(s.Sent) {
			if ended := s.At.Add(b.Ended.Sub(s.Sent)); ended.After(due) {
				due = ended
			}
		}
	}
	late := t.oracle.flow.enabledBetween(due, s.At)
	for _, d := range t.delays {
		late -= d + attemptBudget // of attempts that no endpoint saw
	}
	t.report.look("dispatch-asap")
	if late <= objective {
		return
	}
	took := s.At.Add(-t.oracle.clock.Tolerance).Sub(x.From).Round(time.Second)
	got := fmt.Sprintf("sent %s after the change", took)
	if t.oracle.clock.Estimated {
		got = fmt.Sprintf("sent at least %s after the change, by the gaps of the capture", took)
	}
	clause := "dispatch-asap"
	if late <= longest || t.oracle.clock.Estimated {
		clause = "dispatch-asap/within-ten-minutes"
	}
	t.report.add(Finding{Clause: clause, Profile: s.Profile, Export: s.ID, At: s.At,
		What: "an export", Want: "as soon as possible, and within ten minutes as a rule", Got: got})
}

// uploaded reports whether an export is because of an upload, which takes its
// own time (R136).
func (t *reporter) uploaded(j int) bool {
	for id := range t.possible[j].triggers {
		for _, a := range t.oracle.scenario.Audiences {
			if a.ID == id && a.Upload != nil {
				return true
			}
		}
	}
	return false
}

// enabledBetween is how long the dataflow was enabled from one time to another.
func (f *flow) enabledBetween(from, to time.Time) time.Duration {
	total := time.Duration(0)
	for _, s := range f.enabled {
		begin, end := from, to
		if s.since.After(begin) {
			begin = s.since
		}
		if s.to != endless && s.until.Before(end) {
			end = s.until
		}
		total += max(0, end.Sub(begin))
	}
	return total
}

// owed looks for the export that meets each claim to a backfill.
func (t *reporter) owed() {
	for _, c := range t.firm {
		f := Finding{Clause: c.rule, Profile: t.person.name, At: c.at, What: "a backfill after the mapping", Want: "within about an hour", Got: "no export"}
		if c.former {
			f.Clause, f.What = ofFormer(c.rule), "a backfill of a former member"
		}
		j := slices.IndexFunc(t.possible, func(x Possible) bool { return x.tick >= c.tick })
		for ; j >= 0 && j < len(t.possible); j++ {
			if _, there := t.explained[j]; there {
				break
			}
		}
		if j < 0 || j >= len(t.possible) {
			t.report.look(f.Clause)
			t.report.add(f)
			continue
		}
		at := t.seen[t.explained[j]].At
		if at.IsZero() {
			continue
		}
		t.report.look("backfill-hour")
		if at.After(c.ends) {
			f.Clause = "backfill-hour"
			if !t.oracle.flow.tooLate(c, at) || t.oracle.clock.Estimated {
				f.Clause = "backfill-hour/within-sixty-minutes"
			}
			f.Export = t.seen[t.explained[j]].ID
			f.Got = fmt.Sprintf("%s after the mapping", at.Sub(c.at).Round(time.Second))
			t.report.add(f)
		}
	}
}
