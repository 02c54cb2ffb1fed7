package histories

import "slices"

// Round is what reaches the receiver together, and which states are read then.
type Round struct {
	Messages []int // indices into Plan.Messages; two arrive at the same time
	Pause    bool  // before it
	Looks    []int // profiles whose state is read after it
}

// Plan is a history as the receiver meets it.
type Plan struct {
	Messages []Message
	Rounds   []Round
}

// pending is a second copy that is to arrive.
type pending struct {
	message int
	due     int // index of the step after whose message it arrives
	step    Step
}

// Plan works out the messages of a history and the order in which they arrive. The next
// message of a profile waits for the repetition of the one before, as those of the
// destination do (A14); a late copy waits for nothing. A step that changes nothing is
// left out. At the end the state of every profile is read.
func (h History) Plan() Plan {
	var p Plan
	var open []pending
	people := map[int]*Document{}
	for i, step := range h {
		m, ok := next(people, step, i)
		if !ok {
			continue
		}
		open = p.repeat(open, i, step)
		p.Messages = append(p.Messages, m)
		index := len(p.Messages) - 1
		r := Round{Messages: []int{index}, Pause: step.Pause && step.Copies != Repeated}
		if step.Copies == AtOnce {
			r.Messages = append(r.Messages, index)
		} else if at := slices.IndexFunc(open, func(o pending) bool { return o.step.Copies == Meeting && o.due <= i }); at >= 0 {
			r.Messages = append(r.Messages, open[at].message)
			open = slices.Delete(open, at, at+1)
		}
		p.Rounds = append(p.Rounds, r)
		open = p.arrive(open, i)
		if step.Copies == Repeated || step.Copies == Late || step.Copies == Meeting {
			open = append(open, pending{index, i + max(1, step.After), step})
		}
		if step.Look {
			p.look()
		}
	}
	for _, o := range open {
		p.again(o)
	}
	p.look()
	return p
}

// next applies a step, and makes its message.
func next(people map[int]*Document, step Step, i int) (m Message, ok bool) {
	m.Step = i
	for _, n := range step.Profiles {
		d := people[n]
		if d == nil {
			d = &Document{Profile: n, Entries: map[int]Entry{}}
			people[n] = d
		}
		if d.apply(step.Changes, i+1) {
			m.Documents = append(m.Documents, d.clone())
		}
	}
	return m, len(m.Documents) > 0
}

// repeat delivers the repetitions that come before step i: those that are due, those that a
// profile of the step waits for, and all where the step takes so long that they have come.
func (p *Plan) repeat(open []pending, i int, step Step) []pending {
	long := step.Pause || step.Copies == Repeated || step.Copies == Late || step.Copies == Meeting
	return slices.DeleteFunc(open, func(o pending) bool {
		if o.step.Copies != Repeated {
			return false
		}
		if o.due > i && !long && !slices.ContainsFunc(step.Profiles, p.Messages[o.message].has) {
			return false
		}
		p.again(o)
		return true
	})
}

// arrive delivers the late copies that are due after the message of step i.
func (p *Plan) arrive(open []pending, i int) []pending {
	return slices.DeleteFunc(open, func(o pending) bool {
		if o.step.Copies != Late || o.due > i {
			return false
		}
		p.again(o)
		return true
	})
}

func (p *Plan) again(o pending) {
	p.Rounds = append(p.Rounds, Round{Messages: []int{o.message}, Pause: o.step.Copies == Repeated && o.step.Pause})
}

// look has every profile so far read after the last round.
func (p *Plan) look() {
	if len(p.Rounds) == 0 {
		return
	}
	r := &p.Rounds[len(p.Rounds)-1]
	r.Looks = r.Looks[:0]
	for n := range MaxProfiles {
		if slices.ContainsFunc(p.Messages, func(m Message) bool { return m.has(n) }) {
			r.Looks = append(r.Looks, n)
		}
	}
}

// Twice reports whether a message arrives more than once.
func (p Plan) Twice() bool {
	seen := map[int]bool{}
	for _, r := range p.Rounds {
		for _, m := range r.Messages {
			if seen[m] {
				return true
			}
			seen[m] = true
		}
	}
	return false
}

// Expected is what a receiver may hold of a profile after a round.
type Expected struct {
	// Members has each audience that the profile was in, and whether it is. The newest
	// entry counts, in whatever order the messages arrived (R100).
	Members map[int]bool
	// Open are audiences that the profile left and whose entry of the qualification, with
	// the same time, arrived together with the exit or after it: which of the two counts
	// is not documented (R100a).
	Open map[int]bool
	// Documents are those of which one must be held: the newest and, since attributes and
	// identities have no time, each older one that arrived with the newest or after it and
	// has no entry that gives it away.
	Documents []Document
	// Old are such documents that have one. Whether their attributes may be held is not
	// documented: R100 speaks of memberships.
	Old []Document
}

// Expect is what may be held of a profile after round n.
func (p Plan) Expect(n, profile int) Expected {
	first, last := map[int]int{}, map[int]int{}
	for i, r := range p.Rounds[:n+1] {
		for _, m := range r.Messages {
			if _, there := first[m]; !there {
				first[m] = i
			}
			last[m] = i
		}
	}
	x := Expected{Members: map[int]bool{}, Open: map[int]bool{}}
	newest, at := Document{}, 0
	for m := range p.Messages {
		if _, there := first[m]; !there {
			continue
		}
		for _, d := range p.Messages[m].Documents {
			if d.Profile == profile {
				newest, at = d, first[m]
			}
		}
	}
	for audience, e := range newest.Entries {
		x.Members[audience] = e.In
	}
	for m := range p.Messages {
		for _, d := range p.Messages[m].Documents {
			if _, there := first[m]; !there || d.Profile != profile {
				continue
			}
			switch {
			case last[m] < at:
			case d.older(newest):
				x.Old = append(x.Old, d)
			default:
				x.Documents = append(x.Documents, d)
			}
			for audience, e := range d.Entries {
				if out := newest.Entries[audience]; e.In && !out.In && e.At == out.At && last[m] >= left(p, first, profile, audience, out) {
					x.Open[audience] = true
				}
			}
		}
	}
	return x
}

// left is the round in which an exit first arrived.
func left(p Plan, first map[int]int, profile, audience int, exit Entry) int {
	for m := range p.Messages {
		for _, d := range p.Messages[m].Documents {
			if at, there := first[m]; there && d.Profile == profile && d.Entries[audience] == exit {
				return at
			}
		}
	}
	return len(p.Rounds)
}

// Sure reports whether attributes and identities are determined.
func (x Expected) Sure() bool {
	for _, d := range slices.Concat(x.Documents[1:], x.Old) {
		if d.Name != x.Documents[0].Name || d.Known != x.Documents[0].Known {
			return false
		}
	}
	return true
}

// Member reports whether the profile is in an audience.
func (x Expected) Member() bool {
	for _, in := range x.Members {
		if in {
			return true
		}
	}
	return false
}
