package live

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/recent"
	"github.com/httpdest/httpdest/engine/store"
)

// waitingPerShard bounds what a shard has taken in and not decided.
const waitingPerShard = 256

// mostAtOnce bounds how many decisions a shard hands over together; where the
// backlog is small there are fewer, so that it holds.
const mostAtOnce = 64

// seed spreads profiles over shards; which shard decides does not show.
var seed = maphash.MakeSeed()

// knownStates is how many states are kept in memory that are in the store as
// well, over all shards: profiles that change often are not read each time.
const knownStates = 1 << 15

// request is an update whose sender waits.
type request struct {
	update profile.Update
	done   chan<- error
}

// pendingCommit is an update with its decision, on the way to be durable.
type pendingCommit struct {
	shard   *shard
	state   engine.State
	exports []*engine.Export // one for each dataflow at most
	size    int              // of the state and the bodies, about
	done    chan<- error     // nil for a turn
	turn    *turn
	at      time.Time         // of the decision
	update  *profile.Update   // for Config.Observe
	one     [1]*engine.Export // room for the usual number of exports
}

// stays reports whether the state is another now: that of a turn without an
// export is not.
func (x *pendingCommit) stays() bool { return x.turn != nil && len(x.exports) == 0 }

// answer tells whoever waits for the update.
func (x *pendingCommit) answer(err error) {
	if x.done != nil {
		x.done <- err
	}
}

// shard decides the updates of its profiles, one after the other.
type shard struct {
	driver  *Driver
	in      chan request
	holding chan hold
	turned  chan struct{} // there are turns

	mu    sync.Mutex
	turns []*turn
	fresh map[profile.ID]*uncommitted
	known recent.Map[profile.ID, engine.State] // of states that are in the store
	young int64                                // bytes put into known since it was rotated
}

// uncommitted is the newest state of a profile with decisions on the way to
// the store.
type uncommitted struct {
	state engine.State
	size  int // about, in bytes
	count int
}

func newShard(d *Driver) *shard {
	return &shard{driver: d, in: make(chan request, waitingPerShard), holding: make(chan hold, 1), turned: make(chan struct{}, 1), fresh: map[profile.ID]*uncommitted{}, known: recent.New[profile.ID, engine.State](max(1, knownStates/d.config.Shards))}
}

// limited is a store that can run out of room.
type limited interface {
	// Room is nil, or store.ErrFull with how little is left.
	Room() error
}

// Submit accepts an update: when it returns nil, the update and the export it
// leads to are durable. It waits while the backlog is full. The errors are a
// *limits.Exceeded of the profile after the update, store.ErrFull, ErrDraining,
// that of ctx, and that of the store, which ends the driver; after the last two
// the update may have been accepted all the same.
func (d *Driver) Submit(ctx context.Context, u profile.Update) error {
	wait, err := d.Begin(ctx, u)
	if err != nil {
		return err
	}
	return wait(ctx)
}

// Begin is the first half of Submit: it takes the update in, after those of
// its profile that were taken in before. The second half, wait, returns when
// it is durable.
func (d *Driver) Begin(ctx context.Context, u profile.Update) (wait func(context.Context) error, err error) {
	if l, ok := d.config.Store.(limited); ok {
		if err := l.Room(); err != nil {
			return nil, err
		}
	}
	done := make(chan error, 1) // nobody waits to tell
	s := d.shardOf(u.Profile)
	if err := handOver(ctx, d, s.in, request{update: u, done: done}); err != nil {
		return nil, err
	}
	return func(ctx context.Context) error { return d.wait(ctx, done) }, nil
}

func (d *Driver) shardOf(id profile.ID) *shard {
	return d.shards[maphash.String(seed, string(id))%uint64(len(d.shards))]
}

func (d *Driver) wait(ctx context.Context, done <-chan error) error {
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	case <-d.dead:
	}
	select {
	case err := <-done: // told before the end
		return err
	default:
	}
	return d.ended()
}

// ended is the error of what came too late.
func (d *Driver) ended() error {
	if err := d.err(); err != nil {
		return fmt.Errorf("not known to be accepted: %w", err)
	}
	return ErrDraining
}

// run decides until the driver is dead.
func (s *shard) run() {
	for {
		select {
		case r := <-s.in:
			s.hand(s.several(r))
		case <-s.turned:
			s.take()
		case h := <-s.holding:
			h.wait(s.driver.dead)
		case <-s.driver.dead:
			return
		}
	}
}

// several decides an update, and those that wait behind it: to hand each over by
// itself would cost more than to decide it.
func (s *shard) several(r request) []*pendingCommit {
	batch := s.decide(nil, r)
	for len(batch) < s.driver.atOnce && sizeOf(batch) < mostBytesAtOnce {
		select {
		case r = <-s.in:
			batch = s.decide(batch, r)
		default:
			return batch
		}
	}
	return batch
}

// hand gives decisions to the loop. While the backlog is full nobody takes them.
func (s *shard) hand(batch []*pendingCommit) {
	if len(batch) == 0 {
		return
	}
	select {
	case s.driver.decided <- batch:
	case <-s.driver.ending:
		for _, x := range batch {
			if !x.stays() {
				s.release(x.state, false)
			}
			x.answer(ErrDraining)
		}
	case <-s.driver.dead:
	}
}

// decide appends the decision about an update.
func (s *shard) decide(batch []*pendingCommit, r request) []*pendingCommit {
	d := s.driver
	select {
	case <-d.ending:
		r.done <- ErrDraining // it is not decided: nothing of it is left
		return batch
	default:
	}
	state, err := s.load(r.update.Profile)
	var unreadable *store.Unreadable
	if errors.As(err, &unreadable) {
		d.refuse(unreadable) // this profile alone
		r.done <- err
		return batch
	}
	if err != nil {
		r.done <- err
		d.fail(err)
		return batch
	}
	if err := updatable(state, r.update); err != nil {
		r.done <- err
		return batch
	}
	x := &pendingCommit{shard: s, done: r.done, at: time.Now()}
	x.state, x.exports = d.view.Load().Decide(x.one[:0], x.at, state, r.update)
	if x.size, err = x.state.Profile.WithinLimits(); err != nil {
		r.done <- err // the update is refused; the state before it stays
		return batch
	}
	s.keep(x.state, x.size)
	if d.config.Observe != nil {
		update := r.update // a copy only where somebody looks
		x.update = &update
	}
	if d.config.Decided != nil && len(x.exports) == 0 {
		d.config.Decided(r.update, nil)
	}
	for _, export := range x.exports {
		x.size += len(export.Body)
		if d.config.Decided != nil {
			d.config.Decided(r.update, export)
		}
	}
	return append(batch, x)
}

// updatable is the error of an update of a profile that became part of another, or
// of one to forget of which nothing is known.
func updatable(s engine.State, u profile.Update) error {
	switch {
	case s.MergedInto != "":
		return &MergedAway{s.Profile.ID, s.MergedInto}
	case len(u.Changes) == 1 && u.Changes[0].Op == profile.Forget && !known(s):
		return fmt.Errorf("%w: %.100q", ErrNoProfile, s.Profile.ID)
	}
	return nil
}

// sizeOf is about how many bytes decisions take.
func sizeOf(batch []*pendingCommit) (n int) {
	for _, x := range batch {
		n += x.size
	}
	return n
}

// load returns the newest state of a profile.
func (s *shard) load(id profile.ID) (engine.State, error) {
	s.mu.Lock()
	u, ok := s.fresh[id]
	known, had := s.known.Get(id)
	s.mu.Unlock()
	switch {
	case ok:
		return u.state, nil
	case had:
		return known, nil
	}
	state, ok, err := s.driver.config.Store.Load(id)
	if err != nil {
		return engine.State{}, err
	}
	if !ok {
		state = engine.State{Profile: s.driver.config.Initial(id)}
	}
	return state, nil
}

func (s *shard) keep(state engine.State, size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.fresh[state.Profile.ID]
	if u == nil {
		u = &uncommitted{}
		s.fresh[state.Profile.ID] = u
	}
	u.state, u.size = state, size
	u.count++
}

// release takes a state back that is in the store, or that never will be, unless
// a newer one is on its way.
func (s *shard) release(state engine.State, stored bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.fresh[state.Profile.ID]
	if u.count--; u.count == 0 {
		delete(s.fresh, state.Profile.ID)
		// A profile that comes for the first time may well come once: it is kept when
		// it comes again, so that those who do not cost the collector nothing.
		if stored && u.state.Version > 1 {
			s.known.Put(state.Profile.ID, u.state)
			s.bound(u.size)
		}
	}
}

// bound makes known forget its older half earlier where states are large; size is
// that of the one put last.
func (s *shard) bound(size int) {
	most := s.driver.config.Memory / knownShare / int64(len(s.driver.shards))
	if s.young += int64(size); most > 0 && s.young > most {
		s.known.Rotate()
		s.young = 0
	}
}
