package engine

import (
	"slices"
	"time"

	"github.com/httpdest/httpdest/engine/profile"
)

// BackfillWindow is how long the export of historical members takes unless the
// Settings say otherwise (R114, A56): spread evenly, the last begins within it.
const BackfillWindow = time.Hour

// backfills is the pending part of every backfill of one dataflow.
type backfills struct {
	all      []*backfill
	pausedAt time.Time
	window   time.Duration // of Settings
	over     []Over        // since they were asked for
}

// backfill is the cursor over the members of newly mapped audiences.
type backfill struct {
	audiences []profile.AudienceRef
	policy    string // merge policy of the audiences, where a reading has one export for each (A50)
	members   []profile.ID
	next      int // index of the next member whose turn comes
	start     time.Time
	pending   map[profile.ID]bool
	taken     map[profile.ID]bool // whose turn came and is not decided yet
	number    uint64
	window    time.Duration
}

// finished reports whether nobody waits for a turn or for its decision.
func (b *backfill) finished() bool { return len(b.pending)+len(b.taken) == 0 }

// turn is when member n is due. Whole milliseconds, so that a recording is
// pleasant to read.
func (b *backfill) turn(n int) time.Time {
	step := b.window.Milliseconds() * int64(n) / int64(len(b.members))
	return b.start.Add(time.Duration(step) * time.Millisecond)
}

// skip moves the cursor past members that no longer wait.
func (b *backfill) skip() {
	for b.next < len(b.members) && !b.pending[b.members[b.next]] {
		b.next++
	}
}

// add begins a backfill; waits selects the members that wait for a turn.
func (p *backfills) add(b Backfill, waits func(profile.ID) bool) {
	pending := &backfill{audiences: b.Audiences, policy: b.MergePolicy, members: b.Members, start: b.Start, number: b.Number, window: p.window,
		pending: make(map[profile.ID]bool, len(b.Members)), taken: map[profile.ID]bool{}}
	for _, id := range b.Members {
		if waits(id) {
			pending.pending[id] = true
		}
	}
	p.all = append(p.all, pending)
}

// cancel drops the profile's pending turns for audiences of a merge policy:
// another export carries the same and more.
func (p *backfills) cancel(id profile.ID, policy string) {
	for _, b := range p.all {
		if b.policy == policy {
			delete(b.pending, id)
		}
	}
}

// turns takes the profiles whose turn has come.
func (p *backfills) turns(now time.Time) []Due {
	var due []Due
	for _, b := range p.all {
		for b.skip(); b.next < len(b.members) && !b.turn(b.next).After(now); b.skip() {
			id := b.members[b.next]
			// One export carries the audiences of every backfill it is part of.
			due = append(due, Due{Profile: id, Audiences: p.audiencesOf(id, b.policy), MergePolicy: b.policy})
			p.take(id, b.policy)
			p.cancel(id, b.policy)
		}
	}
	p.all = slices.DeleteFunc(p.all, (*backfill).finished)
	return due
}

// take notes that the profile's turn came, in every backfill of a merge policy
// that it is part of.
func (p *backfills) take(id profile.ID, policy string) {
	for _, b := range p.all {
		if b.policy == policy && b.pending[id] {
			b.taken[id] = true
		}
	}
}

// ended notes that no backfill of a merge policy waits for the profile any more:
// it was exported, or its turn came and led to nothing.
func (p *backfills) ended(id profile.ID, policy string) {
	for _, b := range p.all {
		if b.policy == policy && (b.pending[id] || b.taken[id]) {
			delete(b.taken, id)
			p.over = append(p.over, Over{b.number, id})
		}
	}
}

// audiencesOf is what the profile is pending for, over all backfills of a merge
// policy.
func (p *backfills) audiencesOf(id profile.ID, policy string) []profile.AudienceRef {
	var refs []profile.AudienceRef
	for _, b := range p.all {
		if b.policy == policy && b.pending[id] {
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
