package oracle

import (
	"slices"
	"strings"
	"time"
)

// Outcome is how an attempt ended, as far as a capture shows.
type Outcome int

// The outcomes.
const (
	Unclear   Outcome = iota // the capture does not show it, or the answer came too late to be sure of
	Delivered                // a 2xx
	Failed                   // a failure that every source has retried
	FailedOne                // a failure that may as well be final
)

// Role is what one profile body is: every body has exactly one.
type Role struct {
	Kind RoleKind
	// Profile is the one that the body is of, "" where nobody knows.
	Profile string
	// Export numbers the exports of a profile from 1, in the order in which they
	// began. A duplicate has the number of the export that it repeats.
	Export int
	// Attempt counts from 1; 0 for a duplicate.
	Attempt int
	// Before is the index of the attempt before, or of the body that a duplicate
	// repeats; First that of the first attempt. -1 for none.
	Before, First int
	// Due is when the history calls for the export: of the change, or of the
	// mapping for a backfill. Zero for a body that nothing calls for.
	Due time.Time
	// Because are the reasons that the history gives for the export, and Decided
	// when that body was decided at the earliest; of a first attempt alone.
	Because []string
	Decided time.Time
	// Overtaken: the export of a later change came first.
	Overtaken bool
}

// RoleKind is one of the three kinds of roles.
type RoleKind int

// The kinds. The zero value is not a kind.
const (
	Attempt     RoleKind = iota + 1 // at an export that the history calls for or allows
	Duplicate                       // of a body that was delivered, given up, or in the same request
	Unexplained                     // nothing in the history calls for it
)

// The costs of explanations of the observed bodies. The cheapest explanation is
// reported.
const (
	costOfMissing    = 40
	costOfDuplicate  = 38
	costOfTogether   = 20 // a duplicate in the same request
	costOfOpen       = 8  // of taking for a duplicate what may be another attempt
	costOfForbidden  = 56 // a change explains it, though not to its credit
	costOfTimely     = 42 // the same, and it came right after that change
	costOfSurplus    = 60
	costOfReplay     = 51 // a surplus with a body that was sent before
	costOfDifference = 8  // each, and not more than costOfContent
	costOfForm       = 3
	costOfContent    = 45
	costOfDelay      = 1  // of coming long after it was decided
	costOfLate       = 42 // and later than anything that is documented: rather missing, where it is in time for another
	costOfRepetition = 4  // of a backfill with the body before it
	costOfAbandoned  = 10 // a failure without a retry
	costOfStranger   = 40 // of coming long after it was decided, and not being quite right
	costOfMaybe      = 32 // of taking for a backfill that may come what is not quite right for it
	costOfCopy       = 30 // of taking for an export what repeats a body and is not quite right for it
	costOfOvertaken  = 6
	costOfOddGap     = 3  // a retry at another time than the policy has it
	costOfFarGap     = 30 // and one that comes when no policy would have it
	costOfRevival    = 40 // and one of a dataflow that was deleted since
	costOfReading    = 1  // of what the chosen reading does not call for
	costOfFinal      = 2  // a retry of what need not be retried
	costOfChange     = 14 // a retry with another body
	costOfSkewed     = 10 // the same, at another time than the policy has it
	costOfPunctual   = 32 // of taking for an export what comes exactly when a retry had to
	costOfWord       = 2  // a retry though nobody knows that there was a failure
	impossible       = 1 << 30
)

// Bounds of the search: attempts that may go on, exports that may still come,
// explanations that are kept of a state and of all.
const (
	mostOpen    = 3
	mostSkipped = 3
	mostAlike   = 6
	mostKept    = 240
)

// chain is the attempts at one export that is not delivered.
type chain struct {
	first, last, attempts int
	tick                  int // of the latest matched export when it began
}

// hypothesis explains the bodies up to one, by the possibilities up to one.
type hypothesis struct {
	cost int
	state
	path *node
}

// state is what the rest of an explanation depends on.
type state struct {
	open     [mostOpen]chain // attempts 0: none; the newest first
	skipped  [mostSkipped]int
	skips    int
	lastTick int // of the latest matched export
}

// node is one decision; the way back is the explanation.
type node struct {
	before *node
	i, j   int // body, and possibility or the body that is repeated
	how    step
}

// step is how one body or one possibility is explained.
type step int

const (
	matched    step = iota // body i is the first attempt of possibility j
	overtaken              // the same, after a later one
	retried                // body i is another attempt, after body j
	duplicated             // body i repeats body j
	unexplained
	skipped // possibility j has no export
)

// explain finds the cheapest explanation, and what it costs: body after body, with
// the possible exports up to each.
func (a *alignment) explain() (*node, int) {
	n, m := len(a.seen), len(a.possible)
	owed := make([]int, m+1) // from j on
	for j := m - 1; j >= 0; j-- {
		owed[j] = owed[j+1]
		if a.owes(j) && !a.possible[j].open {
			owed[j]++
		}
	}
	row := make([][]hypothesis, m+1)
	row[0] = []hypothesis{{}}
	for i := 0; ; i++ {
		for j := range m {
			a.skip(row, j)
		}
		if i == n {
			break
		}
		row = a.body(i, row)
		prune(row, owed, n-i-1)
	}
	best := slices.MinFunc(row[m], func(g, h hypothesis) int { return a.total(g) - a.total(h) })
	return best.path, a.total(best)
}

// skip goes on to the next possibility without an export of this one.
func (a *alignment) skip(row [][]hypothesis, j int) {
	for _, h := range row[j] {
		h.path = &node{before: h.path, i: -1, j: j, how: skipped}
		if a.owes(j) {
			h.cost += a.missing(j)
			copy(h.skipped[1:], h.skipped[:mostSkipped-1])
			h.skipped[0] = j
			h.skips = min(h.skips+1, mostSkipped)
		}
		a.keep(row, j+1, h)
	}
}

// body explains body i in every way there is.
func (a *alignment) body(i int, row [][]hypothesis) [][]hypothesis {
	next := make([][]hypothesis, len(row))
	for j := range row {
		for _, h := range row[j] {
			if j < len(a.possible) {
				a.start(i, j, h, func(g hypothesis) { a.keep(next, j+1, g) })
			}
			for k := range h.skips {
				a.overtake(i, h, k, func(g hypothesis) { a.keep(next, j, g) })
			}
			for k := range h.open {
				a.retry(i, h, k, func(g hypothesis) { a.keep(next, j, g) })
			}
			if of, ok := a.repeats(i); ok {
				g := h
				if a.together(i, of) {
					g.cost += costOfTogether
				} else {
					g.cost += costOfDuplicate + a.punctual(i, h) + a.open(i, h)
				}
				g.path = &node{h.path, i, of, duplicated}
				a.keep(next, j, g)
			}
			g := h
			g.cost += costOfSurplus + a.punctual(i, h)
			if a.known(i) {
				g.cost += costOfReplay - costOfSurplus
			}
			g.path = &node{h.path, i, -1, unexplained}
			a.keep(next, j, a.opened(g, chain{i, i, 1, g.lastTick}))
		}
	}
	return next
}

// keep adds an explanation to those of possibility j, the cheapest first. Of
// those in one state one is enough.
func (a *alignment) keep(row [][]hypothesis, j int, h hypothesis) {
	all := row[j]
	at, cost := len(all), a.sure(j, h)
	for k, g := range all {
		if g.state == h.state {
			if g.cost <= h.cost {
				return
			}
			all = slices.Delete(all, k, k+1)
			at = min(at, len(all))
			break
		}
	}
	for at > 0 && a.sure(j, all[at-1]) > cost {
		at--
	}
	if at < mostAlike {
		all = slices.Insert(all, at, h)
	}
	row[j] = all[:min(len(all), mostAlike)]
}

// sure is the cost of an explanation up to possibility j: after the last one
// nothing will meet the claims that are left.
func (a *alignment) sure(j int, h hypothesis) int {
	if j < len(a.possible) {
		return h.cost
	}
	return h.cost + a.claimed(h.lastTick, endless, time.Time{})
}

// prune drops what cannot become the cheapest: those are the least likely that
// cost most, with the exports that are too many for the bodies to come.
func prune(row [][]hypothesis, owed []int, left int) {
	count := 0
	var costs []int
	for j := range row {
		count += len(row[j])
		for _, h := range row[j] {
			costs = append(costs, h.cost+costOfMissing*max(0, owed[j]-left))
		}
	}
	if count <= mostKept {
		return
	}
	slices.Sort(costs)
	limit := costs[mostKept]
	for j := range row {
		row[j] = slices.DeleteFunc(row[j], func(h hypothesis) bool {
			return h.cost+costOfMissing*max(0, owed[j]-left) > limit
		})
	}
}

// start takes body i for the first attempt of possibility j.
func (a *alignment) start(i, j int, h hypothesis, use func(hypothesis)) {
	cost := a.match(i, j, h)
	if cost >= impossible {
		return
	}
	h.cost += cost + a.punctual(i, h)
	h.path = &node{h.path, i, j, matched}
	if !a.forbidden(i, j) {
		at := a.seen[i].At
		if at.IsZero() {
			at = a.possible[j].earliest // or later
		}
		h.cost += a.claimed(h.lastTick, a.possible[j].tick, at)
		h.lastTick = a.possible[j].tick
	}
	use(a.opened(h, chain{i, i, 1, h.lastTick}))
}

// overtake takes body i for the kth of the exports that were skipped.
func (a *alignment) overtake(i int, h hypothesis, k int, use func(hypothesis)) {
	j := h.skipped[k]
	cost := a.match(i, j, h)
	if cost > 2*costOfDifference {
		return
	}
	h.cost += cost + costOfOvertaken - a.missing(j) + a.punctual(i, h)
	h.path = &node{h.path, i, j, overtaken}
	copy(h.skipped[k:], h.skipped[k+1:])
	h.skipped[mostSkipped-1] = 0
	h.skips--
	use(a.opened(h, chain{i, i, 1, h.lastTick}))
}

// retry takes body i for the next attempt of the kth open chain.
func (a *alignment) retry(i int, h hypothesis, k int, use func(hypothesis)) {
	c := h.open[k]
	if c.attempts == 0 {
		return
	}
	cost := a.again(i, c)
	if cost >= impossible {
		return
	}
	h.cost += cost
	if h.lastTick > c.tick {
		h.cost += costOfOvertaken
	}
	h.path = &node{h.path, i, c.last, retried}
	h.open = without(h.open, k)
	use(a.opened(h, chain{c.first, i, c.attempts + 1, c.tick}))
}

// opened adds a chain that may have another attempt.
func (a *alignment) opened(h hypothesis, c chain) hypothesis {
	if a.seen[c.last].Outcome == Delivered || c.attempts > len(a.delays) {
		return h
	}
	h.cost += a.leaving(h.open[mostOpen-1])
	copy(h.open[1:], h.open[:mostOpen-1])
	h.open[0] = c
	return h
}

func without(open [mostOpen]chain, k int) [mostOpen]chain {
	copy(open[k:], open[k+1:])
	open[mostOpen-1] = chain{}
	return open
}

// total is the cost of a whole explanation.
func (a *alignment) total(h hypothesis) int {
	return h.cost + a.abandoned(h) + a.claimed(h.lastTick, endless, time.Time{})
}

// claimed is what it costs that an export after a tick is the first to meet the
// claims to a backfill until another tick: nothing within their hour. With the
// zero time none meets them.
func (a *alignment) claimed(after, until int, at time.Time) int {
	cost := 0
	for _, c := range a.firm {
		switch {
		case c.tick <= after || c.tick > until:
		case until == endless:
			cost += costOfMissing
		case !at.IsZero() && a.oracle.flow.tooLate(c, at):
			cost += costOfStranger
		}
	}
	return cost
}

// abandoned is what the failures cost that had no retry.
func (a *alignment) abandoned(h hypothesis) int {
	cost := 0
	for _, c := range h.open {
		cost += a.leaving(c)
	}
	return cost
}

// spellings are the rules on how a key, an identity or a time is spelt, on the
// timestamps of unmapped audiences, and on how long exited entries are carried. They
// do not show which export a body is.
var spellings = []string{"hash", "namespace-key", "lowercase-identity-ns", "lqt-format", "ts-unmapped", "exited-retention"}

// forms are the rules on how an entry is written, which hardly shows which
// export a body is.
var forms = []string{"lqt-value", "ts-on", "ts-off", "ts-order", "names-off", "names-mapped", "names-unmapped", "name-static"}

// costs are those of the differences, and of the way that keys and identities
// are spelt: who misspells one misspells all, and who carries no exited entry carries
// none in any body, which counts once.
func costs(findings []Finding) (wrong, misspelt int) {
	for _, f := range findings {
		switch {
		case slices.Contains(spellings, f.Clause):
			misspelt = costOfForm
		case slices.Contains(forms, f.Clause):
			wrong += costOfForm
		default:
			wrong += costOfDifference
		}
	}
	return wrong, misspelt
}

// oneMore is the cost of taking body i for a backfill, when it repeats the one
// before it within the time of its retries: rather a retry than one more turn,
// and rather a duplicate where that one, a backfill itself, has met the claim
// already: its first attempt came after the claim, and a claim of a disabled dataflow
// waits until it is enabled. The export of a change was decided with the change, at the
// tick of the latest export.
func (a *alignment) oneMore(i int, x *Possible, h hypothesis) int {
	before, began := a.seen[i-1], a.seen[h.firstOf(i-1)].At
	live := slices.ContainsFunc(a.possible, func(p Possible) bool { return p.live && p.tick == h.lastTick && p.Obligation != MustNot })
	gap, told := a.gap(i-1, i)
	switch met := began.Add(-grain - a.oracle.clock.Tolerance); {
	case told && gap > a.window():
		return 0
	case told && !live && before.Outcome == Delivered && !began.IsZero() && a.oracle.flow.running(x.From).Before(met):
		return costOfDuplicate + costOfRepetition
	}
	return costOfRepetition
}

// firstOf is the first attempt at the export that body i is an attempt at.
func (h hypothesis) firstOf(i int) int {
	for n := h.path; n != nil; n = n.before {
		if n.i == i && n.how == retried {
			i = n.j
		}
	}
	return i
}

// match is the cost of taking body i for the first attempt of possibility j,
// after the exports of a hypothesis.
func (a *alignment) match(i, j int, h hypothesis) int {
	x, s := a.turn(j, h.lastTick), a.seen[i]
	if a.forbidden(i, j) {
		x.Obligation = MustNot
	}
	if !s.At.IsZero() && (s.At.Before(a.possible[j].earliest) || x.Obligation == MustNot && s.At.Before(x.From)) {
		return impossible
	}
	findings := a.compare(i, j).findings
	if x.Obligation == MustNot {
		// Which policies come along with an export that has no reason nobody knows.
		findings = slices.DeleteFunc(slices.Clone(findings), func(f Finding) bool { return strings.HasPrefix(f.Clause, "unmapped-") })
	}
	wrong, misspelt := costs(findings)
	if slices.Contains(ends, x.Clause) {
		wrong, misspelt = 0, 0 // what of a profile that is gone is exported nobody knows
	}
	if x.Obligation == MustNot {
		if !s.At.IsZero() && !s.At.After(x.From.Add(delay)) && wrong+misspelt <= 2*costOfDifference {
			return costOfTimely + min(wrong+misspelt, costOfDifference)
		}
		return costOfForbidden + min(wrong+misspelt, 1)
	}
	cost := min(wrong+misspelt, costOfContent)
	if !x.live && i > 0 && s.Body == a.seen[i-1].Body {
		cost += a.oneMore(i, x, h)
	}
	if !x.live && wrong > 0 {
		cost += costOfMaybe
	}
	if x.reading {
		cost += costOfReading
	}
	if k, again := a.repeats(i); again && wrong > 0 && a.seen[k].Outcome == Delivered {
		cost += costOfCopy
	}
	if !s.At.IsZero() && !x.To.IsZero() {
		switch late := a.oracle.flow.enabledBetween(x.To, s.At); {
		case late > longest:
			cost += costOfLate
		case late > delay:
			cost += costOfDelay
		}
		if wrong > 0 && s.At.Sub(x.To) > delay {
			cost += costOfStranger
		}
	}
	return cost
}
