package simulate

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/httpdest/httpdest/engine/delivery"
	"github.com/httpdest/httpdest/engine/live"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/scenarios"
)

// entriesOf is the channel of a socket's entries. The caller holds mu.
func (s *liveStage) entriesOf(socket carrier) chan struct{} {
	if s.entered[socket] == nil {
		s.entered[socket] = make(chan struct{}, 16)
	}
	return s.entered[socket]
}

// awaitEntry returns when the endpoint has entered an answered request into its
// journal, which may happen after the sender has read the answer, or when nothing
// more happens at this instant.
func (s *liveStage) awaitEntry(socket carrier) {
	s.mu.Lock()
	entered := s.entriesOf(socket)
	s.mu.Unlock()
	idle := time.NewTimer(time.Nanosecond)
	defer idle.Stop()
	select {
	case <-entered:
	case <-idle.C:
	}
}

// release returns the socket of an exchange that is over. Until the engine has
// observed the end of one exchange no other rides on its socket, so that the
// attempts of a socket are recorded in the order of its requests. The caller
// holds mu.
func (s *liveStage) release(x *operation) {
	if !s.performed[x] {
		return
	}
	delete(s.performed, x)
	sender := x.outlet.sender
	if k := sender.Finish(x.exchange); k != nil {
		uses := k.Uses()
		time.AfterFunc(delivery.IdleTimeout, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			sender.CloseIdle(k, uses)
		})
	}
}

// forget releases what a killed engine began.
func (s *liveStage) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, x := range s.operations {
		delete(s.operations, id)
		s.release(x)
	}
}

// submit takes the updates of a step in, in the order of the profiles.
func (s *liveStage) submit(t *testing.T, step *scenarios.Step) {
	if op := ofWhole(step); op != "" {
		s.whole(t, step, op)
		return
	}
	var updates []profile.Update
	for name := range step.Profiles.All() {
		u := s.update(step, name)
		for _, c := range u.Changes {
			switch c.Op {
			case profile.AddIdentity:
				s.population.know(name, c.Identity.Canonical())
			case profile.ReplaceIdentity:
				s.population.know(name, profile.Identity{Namespace: c.Identity.Namespace, ID: c.To}.Canonical())
			}
		}
		updates = append(updates, u)
	}
	// Who is not told that an update is accepted would send it again, and equal
	// values export again: what the store has is not sent twice.
	before := s.versions(t, updates)
	err := s.life.do(func(d *live.Driver) error {
		now := s.versions(t, updates)
		updates = slices.DeleteFunc(updates, func(u profile.Update) bool { return now[u.Profile] > before[u.Profile] })
		waits := make([]func(context.Context) error, len(updates))
		for i, u := range updates {
			var err error
			if waits[i], err = d.Begin(t.Context(), u); err != nil {
				return err
			}
		}
		for _, wait := range waits {
			if err := wait(t.Context()); err != nil {
				return err
			}
			updates = updates[1:]
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// whole plays a step on whole profiles. Who is not told that it happened does it
// again: the second time changes nothing.
func (s *liveStage) whole(t *testing.T, step *scenarios.Step, op profile.Op) {
	for name := range step.Profiles.All() {
		err := s.life.do(func(d *live.Driver) error {
			if op == profile.Merge {
				return d.Merge(t.Context(), profile.ID(step.Other(name)), profile.ID(name))
			}
			return d.Forget(t.Context(), profile.ID(name))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// versions are those of the profiles of some updates in the store.
func (s *liveStage) versions(t *testing.T, updates []profile.Update) map[profile.ID]uint64 {
	out := map[profile.ID]uint64{}
	for _, u := range updates {
		state, err := s.population.load(string(u.Profile))
		if err != nil {
			t.Fatal(err)
		}
		out[u.Profile] = state.Version
	}
	return out
}
