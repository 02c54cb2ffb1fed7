package live

import (
	"errors"
	"slices"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/export"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/store"
)

// turn is a profile whose turn in a backfill has come.
type turn struct {
	dataflow string
	due      engine.Due
}

// turns has the shards decide the turns that have come: each knows the newest
// states of its profiles.
func (l *looping) turns(e flow.Effects) {
	for _, due := range e.Turns {
		s := l.driver.shardOf(due.Profile)
		s.mu.Lock()
		s.turns = append(s.turns, &turn{e.Dataflow, due})
		s.mu.Unlock()
		select {
		case s.turned <- struct{}{}:
		default: // it is told already
		}
	}
}

// take decides the turns that have come.
func (s *shard) take() {
	s.mu.Lock()
	waiting := s.turns
	s.turns = nil
	s.mu.Unlock()
	for some := range slices.Chunk(waiting, s.driver.atOnce) {
		var batch []*pendingCommit
		for _, t := range some {
			if x := s.decideTurn(t); x != nil {
				batch = append(batch, x)
			}
		}
		s.hand(batch)
	}
}

// decideTurn is the decision about a turn; nil where the store failed. A profile
// that cannot be read is left alone.
func (s *shard) decideTurn(t *turn) *pendingCommit {
	d := s.driver
	x := &pendingCommit{shard: s, turn: t}
	state, err := s.load(t.due.Profile)
	var unreadable *store.Unreadable
	switch {
	case errors.As(err, &unreadable):
		d.refuse(unreadable)
		return x
	case err != nil:
		d.fail(err)
		return nil
	}
	x.at = time.Now()
	after, exports := d.view.Load().Turn(x.one[:0], x.at, t.dataflow, state, t.due.Audiences)
	if len(exports) == 0 {
		return x
	}
	x.state, x.exports = after, exports
	for _, export := range exports {
		x.size += len(export.Body)
	}
	if size, err := after.Profile.WithinLimits(); err == nil {
		s.keep(after, size)
		x.size += size
		return x
	}
	s.keep(after, x.size) // larger than what an update may make it now: it was accepted once
	return x
}

// listed is a backfill with its members, once they are listed.
type listed struct {
	dataflow  string
	audiences []profile.AudienceRef
	members   []profile.ID
}

// list looks for the members of newly mapped audiences. Every state that was
// decided before the mapping is in the store. Backfills are listed in the order in
// which they began, so that two of one profile are exported in that order.
func (d *Driver) list(x listed) {
	snapshot := d.view.Load().Snapshot(x.dataflow)
	before, done := d.lastListing, make(chan struct{})
	d.lastListing = done
	d.listing.Go(func() { // ends with the driver
		defer close(done)
		if before != nil {
			<-before
		}
		now := time.Now()
		err := d.config.Store.States(func(s engine.State) error {
			in := slices.ContainsFunc(x.audiences, func(ref profile.AudienceRef) bool {
				m, known := s.Profile.Membership(ref)
				return known && export.Backfilled(m, snapshot, now)
			})
			if in {
				x.members = append(x.members, s.Profile.ID)
			}
			select {
			case <-d.dead:
				return errEnded
			default:
				return nil
			}
		})
		if err != nil {
			d.fail(err) // the first failure counts: none where the driver has ended
			return
		}
		select {
		case d.listed <- x:
		case <-d.dead: // the next start lists them
		}
	})
}
