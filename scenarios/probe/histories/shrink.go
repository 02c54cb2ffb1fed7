package histories

import "slices"

// Shrink makes a history smaller for as long as it fails: fewer steps first, then simpler
// ones. fails plays a candidate and reports whether it still fails; it may answer false to
// end the search. The result is h itself or a history that failed.
func Shrink(h History, fails func(History) bool) History {
	s := &shrinking{History: slices.Clone(h), fails: fails}
	for s.smaller = true; s.smaller; {
		s.smaller = false
		for size := max(1, len(s.History)/2); size > 0; size /= 2 {
			s.shorten(size)
		}
		for i := 0; i < len(s.History); i++ {
			s.simplify(i)
		}
		s.move()
	}
	return s.History
}

// shrinking is the smallest history so far that failed.
type shrinking struct {
	History
	fails   func(History) bool
	smaller bool // something was found in this round
}

// try takes a candidate where it fails.
func (s *shrinking) try(c History) bool {
	if len(c) == 0 || slices.ContainsFunc(c, apart) || !s.fails(c) {
		return false
	}
	s.History, s.smaller = c, true
	return true
}

// shorten leaves out as many steps at a time.
func (s *shrinking) shorten(size int) {
	for at := 0; at+size <= len(s.History); {
		if !s.try(slices.Delete(slices.Clone(s.History), at, at+size).tidy()) {
			at += size
		}
	}
}

// simplify makes less of a step, until nothing less fails.
func (s *shrinking) simplify(i int) {
	for again := true; again && i < len(s.History); {
		again = false
		for _, step := range s.History[i].simpler() {
			c := slices.Clone(s.History)
			c[i] = step
			if again = s.try(c.tidy()); again {
				break
			}
		}
	}
}

// move gives a pause to a later step and a copy to an earlier one: a pause lasts longer
// than what is between two steps, and a copy of an earlier message may do, so that steps
// become needless.
func (s *shrinking) move() {
	for i := range s.History {
		for at := len(s.History) - 1; at > i && s.History[i].Pause; at-- {
			if c := slices.Clone(s.History); !c[at].Pause {
				c[i].Pause, c[at].Pause = false, true
				s.try(c)
			}
		}
	}
	for i := 1; i < len(s.History); i++ {
		if c := slices.Clone(s.History); c[i].Copies != Once && c[i-1].Copies == Once {
			c[i-1].Copies, c[i-1].After = c[i].Copies, c[i].After
			c[i].Copies, c[i].After = Once, 0
			s.try(c)
		}
	}
}

// tidy is the history without changes that change nothing, without profiles that a step does
// not change, and without steps that make no message.
func (h History) tidy() History {
	var out History
	people := map[int]*Document{}
	for _, step := range h {
		before := map[int]*Document{}
		for n, d := range people {
			before[n] = new(d.clone())
		}
		var changes []Change
		for _, c := range step.Changes {
			one := step
			one.Changes = []Change{c}
			if _, ok := next(before, one, len(out)); ok {
				changes = append(changes, c)
			}
		}
		step.Changes = changes
		if m, ok := next(people, step, len(out)); ok {
			step.Profiles = m.profiles()
			out = append(out, step)
		}
	}
	return out
}

// simpler are the steps that are a little less than s.
func (s Step) simpler() []Step {
	var out []Step
	add := func(change func(*Step)) {
		c := s
		change(&c)
		out = append(out, c)
	}
	if s.Pause {
		add(func(c *Step) { c.Pause = false })
	}
	if s.Copies != Once {
		add(func(c *Step) { c.Copies, c.After = Once, 0 })
	}
	if s.Copies == Meeting {
		add(func(c *Step) { c.Copies = Late })
	}
	if s.Copies == AtOnce || s.Copies == Late {
		add(func(c *Step) { c.Copies, c.After = Repeated, 1 })
	}
	if s.After > 1 {
		add(func(c *Step) { c.After-- })
	}
	for i := range s.Changes {
		if len(s.Changes) > 1 {
			add(func(c *Step) { c.Changes = slices.Delete(slices.Clone(c.Changes), i, i+1) })
		}
	}
	for i := range s.Profiles {
		if len(s.Profiles) > 1 {
			add(func(c *Step) { c.Profiles = slices.Delete(slices.Clone(c.Profiles), i, i+1) })
		}
	}
	if len(s.Profiles) == 1 && s.Profiles[0] > 0 {
		add(func(c *Step) { c.Profiles = []int{s.Profiles[0] - 1} })
	}
	if s.Look {
		add(func(c *Step) { c.Look = false })
	}
	return out
}

// Apart is the history with a message for each profile: what still fails does not need
// several profiles in one.
func (h History) Apart() History {
	var out History
	for _, step := range h {
		for _, n := range step.Profiles {
			one := step
			one.Profiles = []int{n}
			out = append(out, one)
		}
	}
	return out.tidy()
}
