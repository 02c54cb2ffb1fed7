package oracle

import (
	"slices"
	"time"

	"github.com/httpdest/httpdest/scenarios"
)

// Seen is one profile body as an endpoint saw it.
type Seen struct {
	Profile string
	// At is when it arrived, on the clock of the history; zero where nobody knows.
	At   time.Time
	Body string // the profile object; see Split for messages of several
	ID   string // what findings call it

	// Request numbers the request that carried it from 1; 0 is one of its own.
	Request int
	// Sent and Ended are when the request was sent and answered, on the clock of
	// the capture; zero where nobody knows.
	Sent, Ended time.Time
	Outcome     Outcome

	// Of lists the profiles to which the body may belong, where Profile is ""
	// because it is unknown. An export that it may be is not missing.
	Of func(profile string) bool
	// Among are the profiles that its identities were of at one time or another,
	// the last one last, where these are several; Profile is "" then. See
	// Role.Profile.
	Among []string
}

// Clock relates the clock of a capture to that of the history.
type Clock struct {
	// Began is when the history began on the clock of the capture; zero: nobody
	// knows, and nothing is said about times.
	Began time.Time
	// Estimated: Began is the latest moment that what was seen allows, so that
	// lateness is a lower bound.
	Estimated bool
	// Tolerance is by how much Seen.At may be later than it was.
	Tolerance time.Duration
}

// Judge judges the exports of a sender whose history is that of the scenario.
// They are complete: what is not among them was not exported. See the package
// comment.
func Judge(sc *scenarios.Scenario, seen []Seen) []Finding {
	return JudgeHistory(sc, Planned(sc), seen)
}

// JudgeHistory is Judge for a history that is given apart from the scenario.
func JudgeHistory(sc *scenarios.Scenario, history []Event, seen []Seen) []Finding {
	r, _ := judgeHistory(sc, history, seen, Clock{})
	return r.findings
}

// Exports is Judge with what the findings are about: the rules that had a point
// to decide, broken or not. The roles are those of the bodies, in their order.
func Exports(sc *scenarios.Scenario, seen []Seen, clock Clock) (Verdicts, []Role) {
	r, roles := judgeHistory(sc, Planned(sc), seen, clock)
	return Verdicts{r.findings, r.looked}, roles
}

func judgeHistory(sc *scenarios.Scenario, history []Event, seen []Seen, clock Clock) (*report, []Role) {
	o := New(sc, history)
	o.foreign, o.clock, o.lenient = true, clock, syntheticUnknown(sc, seen)
	byProfile := map[string][]int{}
	var names []string
	r, roles := newReport(), make([]Role, len(seen))
	for i, s := range seen {
		if s.Profile == "" && len(s.Among) == 0 {
			roles[i] = Role{Kind: Unexplained, Before: -1, First: -1}
			o.unclaimed = append(o.unclaimed, unclaimed{s, nil})
		}
	}
	seen = o.settled(seen)
	for i, s := range seen {
		if s.Profile == "" {
			continue
		}
		if byProfile[s.Profile] == nil {
			names = append(names, s.Profile)
		}
		byProfile[s.Profile] = append(byProfile[s.Profile], i)
	}
	for i := range sc.Profiles {
		for name := range sc.Profiles[i].Names.All() {
			if byProfile[name] == nil {
				names = append(names, name)
			}
		}
	}
	for _, name := range names {
		o.align(name, seen, byProfile[name], roles, r)
		for _, i := range byProfile[name] {
			roles[i].Profile = name
		}
	}
	return r, roles
}

// delay is how long after its decision an export may come before another
// explanation is the better one: three attempts take less.
const delay = 5 * time.Minute

// alignment pairs the observed bodies of a profile with its possible exports.
type alignment struct {
	oracle   *Oracle
	person   *person
	seen     []Seen
	bodies   []*sentBody
	possible []Possible
	contents []*content
	compared map[[2]int]*report
	turns    map[[2]int]Possible // backfills, by possibility and by the tick of the export before
	delays   []time.Duration     // of the retry policy
	firm     []claim             // that nothing ends
	perhaps  []*unclaimed        // bodies that may be of this profile
	excused  map[int]bool        // possibilities that one of them may be; see maybe
}

func (o *Oracle) align(name string, all []Seen, mine []int, roles []Role, r *report) {
	if len(mine) == 0 && len(o.updates[name]) == 0 && len(o.flow.batches) == 0 {
		o.unchanged(name, r)
		return
	}
	o.explained(o.person(name), all, mine).tell(roles, r)
}

// newAlignment holds bodies against the possible exports of a view of a profile.
func (o *Oracle) newAlignment(p *person, all []Seen, mine []int) *alignment {
	a := &alignment{oracle: o, person: p, possible: o.possible(p), compared: map[[2]int]*report{},
		turns: map[[2]int]Possible{}, delays: retryDelays(o.scenario), excused: map[int]bool{}}
	a.perhaps = o.unclaimedBy(p.name)
	for _, i := range mine {
		a.seen = append(a.seen, all[i])
		a.bodies = append(a.bodies, newSentBody(all[i].Body))
	}
	for i := range a.possible {
		at := a.possible[i].From
		if earliest := a.possible[i].earliest; earliest.After(at) {
			at = earliest
		}
		want := o.content(a.person, &a.possible[i], at)
		for _, e := range want.entries {
			// Which of several claims a backfill meets, and so which policies come
			// along, nobody knows.
			e.must = e.must && (e.mapped || a.possible[i].live)
		}
		a.contents = append(a.contents, want)
	}
	for _, c := range o.claimsOf(a.person, o.least()) {
		if o.firm(a.person, c) && !a.perhapsMet(c) {
			a.firm = append(a.firm, c)
		}
	}
	return a
}

// unchanged counts a member to which nothing happened and of which nothing was
// seen: no such profile may be exported (R51).
func (o *Oracle) unchanged(name string, r *report) {
	const enough = 100 // of what may be millions
	if r.looked["incremental"] < enough && len(o.scenario.History) > 0 && o.member(o.newPerson(name), 0) {
		r.look("incremental")
	}
}

// retryDelays are the waits of the policy.
func retryDelays(sc *scenarios.Scenario) []time.Duration {
	if p := sc.Destination.Retry; p.Policy == "custom" {
		return p.Delays
	}
	return []time.Duration{15 * time.Second, 30 * time.Second}
}

// owes reports whether an export of a change has to be seen: not when the
// dataflow was deleted so soon after it that it may have been dropped unsent
// (R118), or disabled so soon and for good, and not when a body of nobody knows
// whom may be it.
func (a *alignment) owes(j int) bool {
	x, f := &a.possible[j], a.oracle.flow
	return x.live && x.Obligation == Must && !f.deletedWithin(x.From, delay) && !f.stoppedWithin(x.From, delay) && !a.maybe(j)
}

// stoppedWithin reports whether the dataflow was enabled for no longer than a time
// after from, and was then disabled for good, or only deleted.
func (f *flow) stoppedWithin(from time.Time, long time.Duration) bool {
	stopped := false
	for _, s := range f.enabled {
		switch {
		case stopped && slices.ContainsFunc(f.ended, s.since.Equal):
			return true
		case s.to == endless:
			return false
		case s.until.Before(from):
			continue
		}
		begin := from
		if s.since.After(from) {
			begin = s.since
		}
		if long -= s.until.Sub(begin); long < 0 {
			return false
		}
		stopped = true
	}
	return stopped
}

// compare holds body i against the content of possibility j.
func (a *alignment) compare(i, j int) *report {
	if r := a.compared[[2]int{i, j}]; r != nil {
		return r
	}
	r, s := newReport(), a.seen[i]
	c := comparison{o: a.oracle, x: &a.possible[j], want: a.contents[j], report: r,
		at: Finding{Profile: s.Profile, Export: s.ID, At: s.At}}
	c.document(a.bodies[i].value, a.bodies[i].err)
	a.compared[[2]int{i, j}] = r
	return r
}

// turn is possibility j, given the tick of the last export before it: a
// backfill ends the claims that it meets.
func (a *alignment) turn(j, last int) *Possible {
	x := a.possible[j]
	if x.live {
		return &x
	}
	key := [2]int{j, last}
	turn, known := a.turns[key]
	if !known {
		turn = a.oracle.backfill(a.person, x.tick, x.From, func(after int) bool { return last >= after })
		a.turns[key] = turn
	}
	return &turn
}
