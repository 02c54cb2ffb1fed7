// Package histories makes up histories of a few profiles as a receiver meets them: in
// which order messages arrive, which arrive twice, late, or at the same time, and what a
// receiver may hold after each. PURE: everything is a function of a seed and a number.
//
// A history plays the same way against a receiver by package probe, and as a scenario
// file by httpdest run --endpoint.
package histories

import "slices"

// Kind is a kind of change of a profile.
type Kind string

// The kinds of changes.
const (
	Enter Kind = "enter"    // the profile qualifies for the audience
	Leave Kind = "leave"    // and leaves it again
	Set   Kind = "name"     // its first name changes
	Know  Kind = "identity" // it gets one more identity
)

// Change is a change of every profile of a step.
type Change struct {
	Kind     Kind
	Audience int // of Enter and Leave, from 0
	Name     int // of Set, from 1
}

// Copies is how the message of a step reaches the receiver.
type Copies string

// The ways of a message. Each of them stands for something that the destination does:
// it repeats a message whose answer it did not get, and a message that it gave up on may
// still be on its way.
const (
	Once     Copies = ""
	Repeated Copies = "its answer is lost, and it is repeated"
	AtOnce   Copies = "it arrives twice at the same time"
	Late     Copies = "a copy of it arrives later"
	Meeting  Copies = "a copy of it arrives together with a later message"
)

// Step is a moment at which profiles change, which makes one message.
type Step struct {
	Profiles []int // from 0; several are in one message
	Changes  []Change
	Copies   Copies
	After    int  // steps, from 1, after which the second copy arrives; of Repeated, Late and Meeting
	Pause    bool // before the message or, of Repeated, before its repetition
	Look     bool // the state is read after the step
}

// History is a list of steps.
type History []Step

// Entry is what a profile is to an audience it has ever been in. At is the number of the
// step of its latest qualification, from 1; leaving does not change it (R76).
type Entry struct {
	In bool
	At int
}

// Document is the state of a profile as a message has it.
type Document struct {
	Profile int
	Entries map[int]Entry // by audience
	Name    int           // 0: it has no name yet
	Known   int           // identities besides those it began with
}

func (d Document) clone() Document {
	entries := make(map[int]Entry, len(d.Entries))
	for a, e := range d.Entries {
		entries[a] = e
	}
	d.Entries = entries
	return d
}

func (d Document) member() bool {
	for _, e := range d.Entries {
		if e.In {
			return true
		}
	}
	return false
}

// older reports whether a receiver can tell that d is of an earlier state than o: an entry
// has an earlier time. Nothing else in a message has one, and an exit keeps the time of the
// qualification that it ends.
func (d Document) older(o Document) bool {
	for audience, e := range o.Entries {
		if mine, there := d.Entries[audience]; there && e.At > mine.At {
			return true
		}
	}
	return false
}

// apply changes a profile in step number, from 1, and reports whether a message follows:
// something changed, and the profile is or was a member of an audience (R65, A42). Otherwise
// the profile stays as it is, so that nothing changes without a message.
func (d *Document) apply(changes []Change, number int) bool {
	was := d.clone()
	membership, other := false, false
	for _, c := range changes {
		e := d.Entries[c.Audience]
		switch {
		case c.Kind == Enter && !e.In:
			d.Entries[c.Audience] = Entry{In: true, At: number}
			membership = true
		case c.Kind == Leave && e.In:
			d.Entries[c.Audience] = Entry{At: e.At}
			membership = true
		case c.Kind == Set && d.Name != c.Name:
			d.Name, other = c.Name, true
		case c.Kind == Know && d.Known < maxKnown:
			d.Known, other = d.Known+1, true
		}
	}
	if membership || other && d.member() {
		return true
	}
	*d = was
	return false
}

// maxKnown bounds the identities that a profile gets.
const maxKnown = 2

// Message is one body.
type Message struct {
	Step      int // index into the history
	Documents []Document
}

// profiles are those in it, in its order.
func (m Message) profiles() []int {
	var out []int
	for _, d := range m.Documents {
		out = append(out, d.Profile)
	}
	return out
}

func (m Message) has(profile int) bool {
	return slices.ContainsFunc(m.Documents, func(d Document) bool { return d.Profile == profile })
}

// apart reports whether the profiles of a step do not follow each other. A scenario file names
// several profiles by a range, and only then they are in one message.
func apart(s Step) bool {
	return slices.Max(s.Profiles)-slices.Min(s.Profiles) != len(s.Profiles)-1
}

// Once is the history in which each message arrives once.
func (h History) Once() History {
	out := slices.Clone(h)
	for i := range out {
		out[i].Copies, out[i].After, out[i].Pause, out[i].Look = Once, 0, false, false
	}
	return out
}

// Racy reports whether it depends on times whether a history fails: two messages are under
// way together.
func (h History) Racy() bool {
	return slices.ContainsFunc(h, func(s Step) bool { return s.Copies == AtOnce || s.Copies == Meeting })
}
