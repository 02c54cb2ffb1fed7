package engine

import (
	"slices"
	"time"

	"github.com/httpdest/httpdest/engine/profile"
)

// BackfillWindow is how long the export of historical members takes (R114,
// A56): spread evenly, the last begins within it.
const BackfillWindow = time.Hour

// backfills is the pending part of every backfill of one dataflow.
type backfills struct {
	all      []*backfill
	pausedAt time.Time
}

// backfill is the cursor over the members of newly mapped audiences.
type backfill struct {
	audiences []profile.AudienceRef
	members   []profile.ID
	next      int // index of the next member whose turn comes
	start     time.Time
	pending   map[profile.ID]bool
}

// turn is when member n is due. Whole milliseconds, so that a recording is
// pleasant to read.
func (b *backfill) turn(n int) time.Time {
	step := BackfillWindow.Milliseconds() * int64(n) / int64(len(b.members))
	return b.start.Add(time.Duration(step) * time.Millisecond)
}

// skip moves the cursor past members that no longer wait.
func (b *backfill) skip() {
	for b.next < len(b.members) && !b.pending[b.members[b.next]] {
		b.next++
	}
}

func (p *backfills) add(now time.Time, audiences []profile.AudienceRef, members []profile.ID) {
	if len(members) == 0 {
		return
	}
	b := &backfill{audiences: audiences, members: members, start: now, pending: make(map[profile.ID]bool, len(members))}
	for _, id := range members {
		b.pending[id] = true
	}
	p.all = append(p.all, b)
}

// cancel drops the profile's pending turns: another export carries the same
// and more.
func (p *backfills) cancel(id profile.ID) {
	for _, b := range p.all {
		delete(b.pending, id)
	}
}

// turns takes the profiles whose turn has come.
func (p *backfills) turns(now time.Time) []Due {
	var due []Due
	for _, b := range p.all {
		for b.skip(); b.next < len(b.members) && !b.turn(b.next).After(now); b.skip() {
			id := b.members[b.next]
			// One export carries the audiences of every backfill it is part of.
			due = append(due, Due{Profile: id, Audiences: p.audiencesOf(id)})
			p.cancel(id)
		}
	}
	p.all = slices.DeleteFunc(p.all, func(b *backfill) bool { return len(b.pending) == 0 })
	return due
}

// audiencesOf is what the profile is pending for, over all backfills.
func (p *backfills) audiencesOf(id profile.ID) []profile.AudienceRef {
	var refs []profile.AudienceRef
	for _, b := range p.all {
		if b.pending[id] {
			refs = append(refs, b.audiences...)
		}
	}
	return refs
}

// next is when the next turn comes, zero without one.
func (p *backfills) next() time.Time {
	var next time.Time
	for _, b := range p.all {
		if b.skip(); b.next < len(b.members) {
			next = earliest(next, b.turn(b.next))
		}
	}
	return next
}

// pause and resume shift the turns by the length of a pause, so that the rest
// stays spread evenly.
func (p *backfills) pause(now time.Time) { p.pausedAt = now }

func (p *backfills) resume(now time.Time) {
	for _, b := range p.all {
		since := p.pausedAt
		if b.start.After(since) {
			since = b.start // mapped during the pause
		}
		b.start = b.start.Add(now.Sub(since))
	}
}
