package engine

import (
	"slices"
	"time"

	"github.com/httpdest/httpdest/engine/profile"
)

// Backfill is a backfill under way, as a driver keeps it so that a restart goes
// on with it.
type Backfill struct {
	Number    uint64 // no two of a dispatcher have the same
	Audiences []profile.AudienceRef
	// MergePolicy is that of the audiences, where a reading has one export for each
	// (A50); "" otherwise.
	MergePolicy string
	Members     []profile.ID // in the order of their turns, all of them
	Start       time.Time    // later after a pause
}

// Over is a member for whom a backfill does not wait any more: it was exported,
// or its turn led to nothing.
type Over struct {
	Backfill uint64
	Profile  profile.ID
}

// Backfills are those under way, in the order in which they were begun. They
// share memory with the dispatcher.
func (d *Dispatcher) Backfills() []Backfill {
	all := make([]Backfill, len(d.past.all))
	for i, b := range d.past.all {
		all[i] = Backfill{b.number, b.audiences, b.policy, b.members, b.start}
	}
	return all
}

// Waiting is how many turns of backfills have not come.
func (d *Dispatcher) Waiting() (n int) {
	for _, b := range d.past.all {
		n += len(b.pending)
	}
	return n
}

// Turned takes in that turns are decided, and that their exports, if any, were
// enqueued.
func (d *Dispatcher) Turned(turns ...Due) {
	for _, due := range turns {
		d.turned(due.Profile, due.MergePolicy)
	}
	d.past.all = slices.DeleteFunc(d.past.all, (*backfill).finished)
}

func (d *Dispatcher) turned(id profile.ID, policy string) {
	d.past.ended(id, policy)
	if !d.settings.Keeps {
		d.past.over = nil
	}
}

// Over lists the members whom backfills stopped waiting for since the last call.
func (d *Dispatcher) Over() []Over {
	over := d.past.over
	d.past.over = nil
	return over
}

// Continue takes up a backfill that was kept, before anything else comes in;
// waits has the profiles that it waits for.
func (d *Dispatcher) Continue(b Backfill, waits func(profile.ID) bool) {
	d.lastBackfill = max(d.lastBackfill, b.Number)
	d.past.add(b, waits)
}
