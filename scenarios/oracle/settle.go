package oracle

import (
	"fmt"
	"slices"
	"strings"
)

// settlement gives bodies to profiles, where the identities of a body were of
// several at one time or another: a merge takes those of one profile to another,
// and a profile that was forgotten leaves its own to the next.
//
// The time of a body does not decide: an export is delivered that was decided before
// the event (R142), after retries and pauses. Its content does, with everything
// else that was seen of the profiles: the bodies are explained so that as little as
// possible is wrong.
type settlement struct {
	oracle *Oracle
	seen   []Seen           // Profile is what is settled so far
	open   []int            // bodies to settle, in their order
	others map[string][]int // by profile: the bodies that are its own for sure
	costs  map[string]int   // of a profile with some bodies
}

// mostRounds bounds how often every open body is tried with each of its profiles.
const mostRounds = 3

// settled is what was seen, each body with its profile. Bodies of unknown profiles
// stay as they are.
func (o *Oracle) settled(seen []Seen) []Seen {
	if !slices.ContainsFunc(seen, func(s Seen) bool { return len(s.Among) > 0 }) {
		return seen
	}
	s := &settlement{oracle: o, seen: slices.Clone(seen), others: map[string][]int{}, costs: map[string]int{}}
	for i := range s.seen {
		switch {
		case len(s.seen[i].Among) > 0:
			s.open = append(s.open, i)
		case s.seen[i].Profile != "":
			s.others[s.seen[i].Profile] = append(s.others[s.seen[i].Profile], i)
		}
	}
	for _, i := range s.open {
		s.seen[i].Profile = s.likeliest(i)
	}
	for range mostRounds {
		if !s.improve() {
			break
		}
	}
	return s.seen
}

// likeliest is the profile one of whose exports a body is by itself; of several
// the last, which has the identities by then.
func (s *settlement) likeliest(i int) string {
	best, least := "", impossible
	for _, name := range slices.Backward(s.seen[i].Among) {
		if cost := s.oracle.nearest(name, s.seen, i); cost < least {
			best, least = name, cost
		}
	}
	if best == "" {
		best = s.seen[i].Among[len(s.seen[i].Among)-1]
	}
	return best
}

// nearest is what differs at least between a body and the exports of a profile that
// were decided before it arrived.
func (o *Oracle) nearest(name string, all []Seen, i int) int {
	least := impossible
	for _, p := range o.views(o.person(name)) {
		a := o.newAlignment(p, all, []int{i})
		for j, x := range a.possible {
			if x.Obligation == MustNot || !a.seen[0].At.IsZero() && a.seen[0].At.Before(x.earliest) {
				continue
			}
			wrong, misspelt := costs(a.compare(0, j).findings)
			least = min(least, wrong+misspelt)
		}
	}
	return least
}

// improve gives open bodies to another of their profiles, all that say the same at once
// or one alone, or those of two groups or two of them to each other's, where less is
// wrong then. It reports whether it did.
func (s *settlement) improve() (changed bool) {
	groups := s.groups()
	for n, group := range groups {
		for _, name := range s.seen[group[0]].Among {
			changed = s.better(group, name, nil, "") || changed
		}
		for _, other := range groups[n+1:] {
			changed = s.exchange(group, other) || changed
		}
	}
	for n, i := range s.open {
		for _, name := range s.seen[i].Among {
			changed = s.better([]int{i}, name, nil, "") || changed
		}
		for _, k := range s.open[n+1:] {
			changed = s.exchange([]int{i}, []int{k}) || changed
		}
	}
	return changed
}

// exchange gives bodies that are of one profile to that of others, and these to the
// profile of the first.
func (s *settlement) exchange(some, others []int) bool {
	i, k := some[0], others[0]
	a, b := s.seen[i].Profile, s.seen[k].Profile
	return slices.Contains(s.seen[i].Among, b) && slices.Contains(s.seen[k].Among, a) && s.better(some, b, others, a)
}

// groups are the open bodies that say the same and may be of the same profiles, as a
// rule the attempts at one export: one of them alone explains little.
func (s *settlement) groups() (all [][]int) {
	for _, i := range s.open {
		n := slices.IndexFunc(all, func(g []int) bool {
			return s.seen[g[0]].Body == s.seen[i].Body && slices.Equal(s.seen[g[0]].Among, s.seen[i].Among)
		})
		if n < 0 {
			n, all = len(all), append(all, nil)
		}
		all[n] = append(all[n], i)
	}
	return all
}

// better gives some bodies to a profile, and others to another, unless that explains
// them no better.
func (s *settlement) better(some []int, to string, others []int, other string) bool {
	was, involved := map[int]string{}, map[string]bool{}
	note := func(bodies []int, to string) (changes bool) {
		for _, i := range bodies {
			was[i] = s.seen[i].Profile
			involved[was[i]], involved[to] = true, true
			changes = changes || was[i] != to
		}
		return changes
	}
	changes := note(some, to)
	changes = note(others, other) || changes
	wrong := func() (cost int) {
		for name := range involved {
			cost += s.cost(name)
		}
		return cost
	}
	before := wrong()
	if before == 0 || !changes {
		return false
	}
	for _, i := range some {
		s.seen[i].Profile = to
	}
	for _, i := range others {
		s.seen[i].Profile = other
	}
	if wrong() < before {
		return true
	}
	for i, name := range was {
		s.seen[i].Profile = name
	}
	return false
}

// cost is how much is wrong with a profile that has the bodies it was given.
func (s *settlement) cost(name string) int {
	mine := slices.Clone(s.others[name])
	for _, i := range s.open {
		if s.seen[i].Profile == name {
			mine = append(mine, i)
		}
	}
	slices.Sort(mine)
	key := name + strings.Trim(fmt.Sprint(mine), "[]")
	cost, known := s.costs[key]
	if !known {
		cost = s.oracle.explained(s.oracle.person(name), s.seen, mine).cost
		s.costs[key] = cost
	}
	return cost
}
