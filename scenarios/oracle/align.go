package oracle

import (
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios"
)

// Seen is one export as an endpoint saw it.
type Seen struct {
	Profile string
	At      time.Time // when it arrived; zero where nobody knows
	Body    string    // the profile object; see Split for messages of several
	ID      string    // what findings call it
}

// Judge judges the exports of a sender whose history is that of the scenario.
// They are complete: what is not among them was not exported. See the package
// comment.
func Judge(sc *scenarios.Scenario, seen []Seen) []Finding {
	return JudgeHistory(sc, Planned(sc), seen)
}

// JudgeHistory is Judge for a history that was told apart from the scenario.
func JudgeHistory(sc *scenarios.Scenario, history []Event, seen []Seen) []Finding {
	return judgeHistory(sc, history, seen).findings
}

// Exports is Judge with what the findings are about: the rules that had a
// point to decide, broken or not.
func Exports(sc *scenarios.Scenario, seen []Seen) Verdicts {
	r := judgeHistory(sc, Planned(sc), seen)
	return Verdicts{r.findings, r.looked}
}

func judgeHistory(sc *scenarios.Scenario, history []Event, seen []Seen) *report {
	o := New(sc, history)
	byProfile := map[string][]Seen{}
	var names []string
	for _, s := range seen {
		if byProfile[s.Profile] == nil {
			names = append(names, s.Profile)
		}
		byProfile[s.Profile] = append(byProfile[s.Profile], s)
	}
	for i := range sc.Profiles {
		for name := range sc.Profiles[i].Names.All() {
			if byProfile[name] == nil {
				names = append(names, name)
			}
		}
	}
	r := newReport()
	for _, name := range names {
		o.align(name, byProfile[name], r)
	}
	return r
}

// What it costs to explain what was seen in one way or another. The cheapest
// explanation is the one that is reported.
const (
	costOfMissing    = 40
	costOfSurplus    = 60
	costOfForbidden  = 56 // a surplus that a change explains, though not to its credit
	costOfDifference = 2  // each, and not more than costOfContent
	costOfContent    = 30
	costOfRepetition = 2
	costOfDelay      = 1 // of coming long after it was decided
	impossible       = 1 << 30
)

// delay is how long after its decision an export may come before another
// explanation is the better one: three attempts take less.
const delay = 5 * time.Minute

// alignment lays the exports seen of a profile beside its possible ones.
type alignment struct {
	oracle   *Oracle
	person   *person
	seen     []Seen
	possible []Possible
	contents []*content
	costs    [][]int // of explaining seen[i:] by possible[j:]
}

func (o *Oracle) align(name string, seen []Seen, r *report) {
	if len(seen) == 0 && len(o.updates[name]) == 0 && len(o.flow.batches) == 0 {
		return
	}
	a := &alignment{oracle: o, person: o.person(name), seen: seen, possible: o.Possible(name)}
	for i := range a.possible {
		a.contents = append(a.contents, o.content(a.person, &a.possible[i], a.possible[i].From))
	}
	a.explain()
	a.tell(r)
}

// explain fills in the costs from the end.
func (a *alignment) explain() {
	a.costs = make([][]int, len(a.seen)+1)
	for i := range a.costs {
		a.costs[i] = make([]int, len(a.possible)+1)
	}
	for i := len(a.seen); i >= 0; i-- {
		for j := len(a.possible); j >= 0; j-- {
			if i < len(a.seen) || j < len(a.possible) {
				a.costs[i][j], _ = a.best(i, j)
			}
		}
	}
}

// step is how one export or one possibility is explained.
type step int

const (
	matched     step = iota
	skipped          // the possibility has no export
	unexplained      // the export has no possibility
)

// best is the cheapest next step, and what all from there on costs.
func (a *alignment) best(i, j int) (int, step) {
	cost, how := impossible, unexplained
	try := func(c int, s step) {
		if c < cost {
			cost, how = c, s
		}
	}
	if i < len(a.seen) && j < len(a.possible) {
		try(a.match(i, j)+a.costs[i+1][j+1], matched)
	}
	if j < len(a.possible) {
		skip := 0
		if a.owes(j) {
			skip = costOfMissing
		}
		try(skip+a.costs[i][j+1], skipped)
	}
	if i < len(a.seen) {
		extra := costOfSurplus
		if a.repeats(i) {
			extra = costOfRepetition
		}
		try(extra+a.costs[i+1][j], unexplained)
	}
	return cost, how
}

// repeats says whether an export has the body of the one before it.
func (a *alignment) repeats(i int) bool { return i > 0 && a.seen[i].Body == a.seen[i-1].Body }

// owes says whether an export of a change has to be seen: not when the dataflow
// was deleted so soon after it that it may have been dropped unsent (R118).
func (a *alignment) owes(j int) bool {
	x := &a.possible[j]
	return x.live && x.Obligation == Must && !a.oracle.flow.deletedWithin(x.From, delay)
}

// match is the cost of taking export i for possibility j.
func (a *alignment) match(i, j int) int {
	x := &a.possible[j]
	if !a.seen[i].At.IsZero() && a.seen[i].At.Before(x.From) {
		return impossible
	}
	wrong := costOfDifference * len(a.compare(i, j).findings)
	if a.seen[i].At.After(x.To.Add(delay)) && !x.To.IsZero() {
		wrong += costOfDelay
	}
	if x.Obligation == MustNot {
		return costOfForbidden + min(wrong, 1)
	}
	if !x.live && a.repeats(i) {
		wrong += 2 * costOfRepetition // rather a retry than one more turn
	}
	return min(wrong, costOfContent)
}

func (a *alignment) compare(i, j int) *report {
	r := newReport()
	s := a.seen[i]
	c := comparison{o: a.oracle, x: &a.possible[j], want: a.contents[j], report: r, at: Finding{Profile: s.Profile, Export: s.ID, At: s.At}}
	c.body(s.Body)
	return r
}

// tell reports the cheapest explanation.
func (a *alignment) tell(r *report) {
	explained := map[int]int{} // possibility -> export
	for i, j := 0, 0; i < len(a.seen) || j < len(a.possible); {
		_, how := a.best(i, j)
		switch how {
		case matched:
			a.tellMatch(i, j, explained, r)
			if a.possible[j].Obligation != MustNot {
				explained[j] = i
			}
			i, j = i+1, j+1
		case skipped:
			if a.possible[j].Rule != "" {
				r.look(a.possible[j].Rule)
			}
			if x := a.possible[j]; a.owes(j) {
				r.add(Finding{Rule: x.Rule, Default: x.Default, Profile: x.Profile, At: x.From,
					What: "the export because of " + strings.Join(x.Because, ", "), Want: "exported", Got: "no export"})
			}
			j++
		default:
			if !a.repeats(i) {
				a.tellSurplus(i, explained, r)
			}
			i++
		}
	}
	a.owed(explained, r)
}

// tellMatch reports what is wrong with export i as possibility j.
func (a *alignment) tellMatch(i, j int, explained map[int]int, r *report) {
	x, s := a.possible[j], a.seen[i]
	if !x.live {
		x = a.turn(x.tick, x.From, explained)
	}
	at := Finding{Rule: x.Rule, Default: x.Default, Profile: s.Profile, Export: s.ID, At: s.At}
	if x.Obligation == MustNot {
		at.What, at.Want, at.Got = "an export", "none", "exported"
		r.add(at)
		return
	}
	if x.Rule != "" {
		r.look(x.Rule)
	}
	r.merge(a.compare(i, j))
}

// turn is the possible backfill after a tick, given what is explained already.
func (a *alignment) turn(tick int, at time.Time, explained map[int]int) Possible {
	return a.oracle.backfill(a.person, tick, at, func(after int) bool {
		for other := range explained {
			if a.possible[other].tick >= after {
				return true
			}
		}
		return false
	})
}

// tellSurplus reports an export that no possibility explains: the rule is that
// of one backfill too many, if there was one to come.
func (a *alignment) tellSurplus(i int, explained map[int]int, r *report) {
	s := a.seen[i]
	tick := 0
	for _, m := range a.oracle.moments {
		if s.At.IsZero() || !m.event.At().After(s.At) {
			tick = m.last
		}
	}
	f := Finding{Rule: "incremental", Profile: s.Profile, Export: s.ID, At: s.At, What: "an export that no change calls for", Want: "none", Got: "exported"}
	if x := a.turn(tick, s.At, explained); x.Obligation == MustNot {
		f.Rule = x.Rule
	}
	r.add(f)
}

// tolerated is how far past the hour a backfill may come before the page's
// "approximately one hour" is over (A56).
const tolerated = 30 * time.Minute

// owed looks for the export that meets each claim to a backfill.
func (a *alignment) owed(explained map[int]int, r *report) {
	for _, c := range a.oracle.claims(a.person.realized) {
		if !a.oracle.firm(a.person, c) {
			continue
		}
		f := Finding{Rule: c.rule, Profile: a.person.name, At: c.at, What: "a backfill after the mapping", Want: "within about an hour", Got: "no export"}
		j := slices.IndexFunc(a.possible, func(x Possible) bool { return x.tick >= c.tick })
		for ; j >= 0 && j < len(a.possible); j++ {
			if _, there := explained[j]; there {
				break
			}
		}
		if j < 0 || j >= len(a.possible) {
			r.add(f)
			continue
		}
		if at := a.seen[explained[j]].At; !at.IsZero() && at.After(c.ends) {
			f.Rule, f.Default, f.Got = "backfill-hour", !at.After(c.ends.Add(tolerated)), at.Format(time.RFC3339)
			r.add(f)
		}
	}
}
