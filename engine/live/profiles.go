package live

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/store"
)

// The errors of actions on profiles.
var (
	ErrNoProfile = errors.New("there is no such profile")
	ErrItself    = errors.New("a profile cannot become part of itself")
)

// MergedAway is the error of an update of a profile that became part of another.
type MergedAway struct{ Profile, Into profile.ID }

// Error names both.
func (m *MergedAway) Error() string {
	return fmt.Sprintf("profile %.100q was merged into %.100q", m.Profile, m.Into)
}

// merging is a profile that is to become part of another; somebody waits.
type merging struct{ from, into profile.ID }

// Merge makes a profile part of another one: when it returns, both states and the
// export that the other leads to are durable. Exports of the first that were
// decided before are delivered; nothing else of it is left, and updates of it are
// refused with a *MergedAway. To merge again what is merged does nothing. The
// errors are ErrNoProfile, ErrItself, a *MergedAway, a *limits.Exceeded of the
// profile that stays, and those of Submit.
func (d *Driver) Merge(ctx context.Context, from, into profile.ID) error {
	if from == into {
		return fmt.Errorf("%w: %q", ErrItself, from)
	}
	if l, ok := d.config.Store.(limited); ok {
		if err := l.Room(); err != nil {
			return err
		}
	}
	return d.perforce(ctx, &act{merge: &merging{from, into}, done: make(chan error, 1)})
}

// merge makes a profile part of another one, while no shard decides.
func (l *looping) merge(a *act) {
	d, m := l.driver, a.merge
	from, into := d.shardOf(m.from), d.shardOf(m.into)
	gone, err := from.standing(m.from)
	var already *MergedAway
	if errors.As(err, &already) && already.Into == m.into {
		l.group.acted = append(l.group.acted, a) // it may not be durable yet
		return
	}
	stays, other := into.standing(m.into)
	if err = errors.Join(err, other); err != nil {
		a.done <- err
		return
	}
	x := &pendingCommit{shard: into, at: time.Now()}
	x.state, gone, x.exports = d.view.Load().Merge(x.one[:0], x.at, stays, gone)
	if x.size, err = x.state.Profile.WithinLimits(); err != nil {
		a.done <- err
		return
	}
	if d.config.Observe != nil {
		x.update = &profile.Update{Profile: m.into, Changes: []profile.Change{{Op: profile.Merge, Other: &profile.Profile{ID: m.from}}}}
	}
	y := &pendingCommit{shard: from, at: x.at, state: gone, size: exportFrame}
	if d.config.Observe != nil {
		y.update = &profile.Update{Profile: m.from, Changes: []profile.Change{{Op: profile.Merged, Other: &profile.Profile{ID: m.into}}}}
	}
	for _, export := range x.exports {
		x.size += len(export.Body)
	}
	into.keep(x.state, x.size)
	from.keep(y.state, y.size)
	l.accept(x)
	l.accept(y)
	l.group.acted = append(l.group.acted, a)
}

// standing is the newest state of a profile that is there and stands by itself.
func (s *shard) standing(id profile.ID) (engine.State, error) {
	state, err := s.load(id)
	var unreadable *store.Unreadable
	switch {
	case errors.As(err, &unreadable):
		s.driver.refuse(unreadable)
	case err != nil:
		s.driver.fail(err)
	case state.MergedInto != "":
		err = &MergedAway{id, state.MergedInto}
	case !known(state):
		err = fmt.Errorf("%w: %.100q", ErrNoProfile, id)
	}
	return state, err
}

// known reports whether there ever was anything of a profile.
func known(s engine.State) bool {
	p := s.Profile
	return s.Version > 0 || len(p.Attributes)+len(p.Identities)+len(p.Memberships) > 0
}

// Forget removes everything that is known of a profile, its dead letters
// included. Exports that were decided before are delivered, and it may come back
// as one that nothing is known of. The errors are ErrNoProfile, a *MergedAway,
// and those of Submit.
func (d *Driver) Forget(ctx context.Context, id profile.ID) error {
	err := d.Submit(ctx, profile.Update{Profile: id, Changes: []profile.Change{{Op: profile.Forget}}})
	if err != nil {
		return err
	}
	var letters []engine.Record
	err = d.config.Store.Dead(func(l store.DeadLetter) error {
		if isOf(l.Message, id) {
			letters = append(letters, engine.Record{Kind: engine.Erased, Message: l.Message})
		}
		return nil
	})
	if err != nil || len(letters) == 0 {
		return err
	}
	for _, letter := range letters {
		switch err := d.config.Store.Commit(nil, []engine.Record{letter}); {
		case errors.Is(err, store.ErrNotDead): // it is being sent again
		case err != nil:
			return err
		default:
			d.deadLetters.Add(-1)
		}
	}
	return nil
}

// isOf reports whether a message has exports of one profile alone.
func isOf(m *engine.Message, id profile.ID) bool {
	for i := range m.Exports {
		if m.Exports[i].Profile != id {
			return false
		}
	}
	return true
}
