package histories

import (
	"math/rand/v2"
	"slices"
)

// MaxProfiles bounds the profiles of a history.
const MaxProfiles = 3

// Shape is what a history may use.
type Shape struct {
	Audiences int  // that the receiver knows, from 1
	Batch     int  // profiles in a message, at most
	Pairs     bool // two messages may be under way at the same time
}

// Random is a history by the seed and its number. Every step of it makes a message.
func Random(seed uint64, number int, s Shape) History {
	d := &draws{Rand: rand.New(rand.NewPCG(seed, uint64(number))), shape: s, people: map[int]*Document{}}
	d.profiles = d.one(1, 1, 1, 2, 2, MaxProfiles)
	d.shape.Audiences = min(s.Audiences, d.one(1, 1, 2, 3)) // few, so that profiles enter again
	var h History
	for steps := 3 + d.IntN(10); len(h) < steps; {
		step := d.step()
		if _, ok := next(d.people, step, len(h)); ok {
			h = append(h, step)
		}
	}
	if d.chance(8) {
		h[d.IntN(len(h))].Pause = true
	}
	return h.tidy().ranged()
}

// ranged is the history with the first profile alone where those of a step do not follow
// each other.
func (h History) ranged() History {
	for i := slices.IndexFunc(h, apart); i >= 0; i = slices.IndexFunc(h, apart) {
		h[i].Profiles = h[i].Profiles[:1]
		h = h.tidy()
	}
	return h
}

// draws makes up one history.
type draws struct {
	*rand.Rand
	shape    Shape
	profiles int
	people   map[int]*Document
}

func (d *draws) one(of ...int) int { return of[d.IntN(len(of))] }

func (d *draws) chance(n int) bool { return d.IntN(n) == 0 }

func (d *draws) step() Step {
	step := Step{Profiles: d.who(), After: d.one(1, 2, 3, 4, 6, 8), Look: d.chance(3)}
	for range d.one(1, 1, 1, 2) {
		c := d.change(step.Profiles[0])
		if !slices.ContainsFunc(step.Changes, c.clashes) {
			step.Changes = append(step.Changes, c)
		}
	}
	ways := []Copies{Once, Once, Once, Repeated, Late, Late, Late}
	if d.shape.Pairs {
		ways = append(ways, AtOnce, Meeting, Meeting)
	}
	step.Copies = ways[d.IntN(len(ways))]
	if step.Copies == Once || step.Copies == AtOnce {
		step.After = 0
	}
	return step
}

// who draws one profile or, where messages carry several, some of the first.
func (d *draws) who() []int {
	if d.shape.Batch < 2 || d.profiles < 2 || d.chance(2) {
		return []int{d.IntN(d.profiles)}
	}
	all := []int{0, 1, 2}[:min(d.profiles, d.shape.Batch)]
	d.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

// change draws one that does something, most of the time.
func (d *draws) change(profile int) Change {
	now := d.people[profile]
	audience := d.IntN(d.shape.Audiences)
	if now == nil || !now.member() || d.chance(2) {
		if now != nil && now.Entries[audience].In {
			return Change{Kind: Leave, Audience: audience}
		}
		return Change{Kind: Enter, Audience: audience}
	}
	if d.chance(4) {
		return Change{Kind: Know}
	}
	return Change{Kind: Set, Name: 1 + d.IntN(names)}
}

// clashes reports whether two changes are about the same thing.
func (c Change) clashes(o Change) bool {
	membership := func(c Change) bool { return c.Kind == Enter || c.Kind == Leave }
	if membership(c) || membership(o) {
		return membership(c) && membership(o) && c.Audience == o.Audience
	}
	return c.Kind == o.Kind
}

// names are how many first names there are: few, so that a profile gets an old one again.
const names = 2
