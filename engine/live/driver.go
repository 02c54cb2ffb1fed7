// Package live drives the engine on the wall clock: updates come in, are
// decided in parallel by profile, made durable in groups, and delivered.
//
// Decision: one goroutine owns the runtime, one commits, and what a group
// of effects asks for on the wire begins only when the group is durable.
// Reason: the order "durable first" stands in one place, and one sync of the
// disk serves every update and every charge that came meanwhile. Cost: an
// update waits for the group before its own.
package live

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/store"
)

// ErrDraining is the answer to an update that comes while the driver ends. It
// was not accepted.
var ErrDraining = errors.New("the engine is shutting down and accepts no more updates")

// DefaultLinger costs an update a millisecond at most where thousands come a
// second, and halves what they cost the disk.
const DefaultLinger = time.Millisecond

// DefaultAhead is as many attempts as a commit holds up on a fast receiver.
const DefaultAhead = 64

// DefaultBacklog is how many accepted exports may be unsettled before intake
// waits.
const DefaultBacklog = 100_000

// Perform does one operation on the wire and returns how it ended. It is called
// from many goroutines, for at most Settings.MaxInFlight attempts of a dataflow at
// once, and keeps to the budget of the operation. When ctx is done it returns at once.
type Perform func(ctx context.Context, op engine.Operation) engine.Completion

// Config is what a Driver works with.
type Config struct {
	Dataflows []flow.Dataflow // at least one
	// Uploads are the audiences that take files, by their keys.
	Uploads map[string]Upload
	Store   store.Store
	Perform Perform
	// Initial is a profile that was never committed; nil: an empty one.
	Initial func(profile.ID) profile.Profile
	Shards  int // of the decider; 0: one per CPU
	// Backlog is how many unsettled exports intake accepts. 0: DefaultBacklog, or with
	// Overflow as many as Records says.
	Backlog int
	// Memory is about how many bytes the driver may use. 0: unbounded.
	Memory int64
	// Overflow is set when the store keeps bodies outside of memory: exports
	// beyond Memory wait there. Without it, intake refuses them with ErrBusy.
	Overflow bool
	// Linger is how long after a group the next begins at the earliest, so that
	// more updates share it. A single update does not wait.
	Linger time.Duration
	// Ahead is how many attempts are charged, beyond Settings.MaxInFlight, before
	// there is a socket for them: one is always at hand when another ends, and no
	// socket waits for the disk. It costs after a crash: what was charged counts
	// as an attempt, sent or not. A clean end sends what is charged.
	Ahead int
	// FinishQueue has the end wait until everything accepted is settled, and
	// not only for the attempts under way: for a store that forgets.
	FinishQueue bool
	// Decided, where set, is called with every decision before it is durable, on
	// the goroutine that made it; the export is nil where an update leads to no
	// export. The loop calls Settled with every message that will not be sent
	// again. Both are for measurements, and return at once.
	Decided func(profile.Update, *engine.Export)
	Settled func(engine.Settled)
	// Dead, where set, is called with every message that is kept as a dead letter,
	// once that is durable. Refused is called with every profile and export that
	// cannot be read and is left alone. Both return at once.
	Dead    func(engine.Record)
	Refused func(*store.Unreadable)
	// Monitored, where set, is called by the loop with completed runs and alerts.
	// It returns at once.
	Monitored func(dataflow string, m flow.Monitored)
	// Observe, where set, is called by the loop with every event, one after the
	// other, before the effects are durable. It returns at once.
	Observe func(Event)
}

// Event is one input of the runtime, and its effects.
type Event struct {
	At         time.Time
	Update     *profile.Update  // decided; nil for a turn of a backfill
	Exports    []*engine.Export // that it leads to; their effects come as events of their own
	Operation  *engine.Operation
	Completion engine.Completion // of Operation
	Action     *flow.Action
	Effects    flow.Effects
}

// Stats is what a driver has done since it began.
type Stats struct {
	Updates   uint64 `json:"updates"`   // accepted
	Exports   uint64 `json:"exports"`   // decided
	Attempts  uint64 `json:"attempts"`  // begun
	Delivered uint64 `json:"delivered"` // messages
	Dropped   uint64 `json:"dropped"`   // messages
	Dead      int64  `json:"dead"`      // dead letters in the store, those of earlier processes included
	Unknown   uint64 `json:"unknown"`   // attempts found charged and not settled at the start
	Pending   int64  `json:"pending"`   // exports accepted and not settled
	UnderWay  int64  `json:"underWay"`  // operations
	InMemory  int64  `json:"inMemory"`  // bytes of the bodies of unsettled exports; the rest waits on disk
	// Unreadable names what is in the store and cannot be read: it is left alone,
	// and everything else goes on. At most mostNamed are listed.
	Unreadable []string `json:"unreadable,omitempty"`
}

// mostNamed bounds a list of names in an answer.
const mostNamed = 100

// Driver is a running engine. Submit may be called from any goroutine while
// Run runs.
type Driver struct {
	config    Config
	runtime   *flow.Runtime // of the loop alone
	view      atomic.Pointer[flow.View]
	shards    []*shard
	decided   chan []*pendingCommit
	atOnce    int // decisions a shard hands over at most
	resent    chan *resend
	acts      chan *act
	uploads   chan *uploading
	asked     chan func(*looping)
	listed    chan listed
	completed chan ended
	groups    chan *group
	committed chan struct{} // a group is, and the next may follow
	spent     chan *group   // that were committed
	retired   chan struct{} // closed when the committer ended
	ending    chan struct{} // closed when intake ends
	dead      chan struct{} // closed when Run returned or the driver failed
	begun     []flow.Effects
	listing   sync.WaitGroup
	// lastListing ends with the last listing that has begun. Only commit uses it.
	lastListing chan struct{}
	workers     *workers
	cancel      context.CancelCauseFunc // of every operation; set by Run

	mu     sync.Mutex
	failed error

	held, lines account // of unsettled exports; of lines that are not durable

	unknown                                        uint64          // set by New
	resending                                      map[string]bool // messages not dead any more; of the loop alone
	updates, exports, attempts, delivered, dropped atomic.Uint64
	pending, underWay, deadLetters, inMemory       atomic.Int64
	settling                                       atomic.Int64 // exports that are settled, and not yet durably
	admitted                                       atomic.Int64 // updates of requests that are not known to be durable yet

	jobsMu   sync.Mutex
	jobs     []job         // the first is being done
	lastFile atomic.Uint64 // number of an upload

	refusing sync.Mutex
	refused  map[string]bool // the errors that Config.Refused was called with, by their text
}

// New takes up what the store holds unsettled: an attempt that was charged and
// not settled counts as failed, with the outcome unknown (A11, design §4).
func New(c Config) (*Driver, error) {
	if c.Shards == 0 {
		c.Shards = runtime.GOMAXPROCS(0)
	}
	c.Backlog = c.backlog()
	if c.Initial == nil {
		c.Initial = func(id profile.ID) profile.Profile { return profile.Profile{ID: id} }
	}
	d := &Driver{config: c, atOnce: max(1, min(mostAtOnce, c.Backlog/(mostAtOnce*c.Shards))),
		runtime: flow.New(c.charging()...),
		decided: make(chan []*pendingCommit), resent: make(chan *resend), acts: make(chan *act), uploads: make(chan *uploading), asked: make(chan func(*looping)), listed: make(chan listed),
		completed: make(chan ended, 64), groups: make(chan *group, 1), committed: make(chan struct{}, 1), spent: make(chan *group, 2),
		retired: make(chan struct{}), ending: make(chan struct{}), dead: make(chan struct{}), resending: map[string]bool{}, refused: map[string]bool{}}
	if d.lines.most = c.Memory / linesShare; !c.Overflow {
		d.held.most = c.Memory / heldShare
	}
	d.workers = newWorkers(d)
	if err := d.takeUp(); err != nil {
		return nil, err
	}
	d.begun = d.runtime.Recover(time.Now())
	d.publish()
	for range c.Shards {
		d.shards = append(d.shards, newShard(d))
	}
	return d, nil
}

// charging are the dataflows with what the driver adds to their settings. They share
// the memory for bodies.
func (c Config) charging() []flow.Dataflow {
	all := slices.Clone(c.Dataflows)
	for i := range all {
		s := &all[i].Settings
		s.MaxInFlight += c.Ahead
		if c.Overflow {
			s.Bodies = int(c.Memory / bodiesShare / int64(len(all)))
		}
		s.Keeps = true
	}
	return all
}

// publish has every decision from now on made by the configuration as it stands.
func (d *Driver) publish() {
	view := d.runtime.View()
	d.view.Store(&view)
}

// takeUp reads what the store holds: the notes, what is unsettled, and how many
// dead letters there are.
func (d *Driver) takeUp() error {
	var notes []engine.Note
	var rows []string // their values may be large
	err := d.config.Store.Notes(func(n engine.Note) error {
		if _, are := flow.RowsOf(n.Key); are {
			rows = append(rows, n.Key)
			return nil
		}
		notes = append(notes, n)
		return nil
	})
	if err == nil {
		err = d.runtime.Restore(time.Now(), notes)
	}
	if err != nil {
		return fmt.Errorf("state of the dataflow: %w", err)
	}
	if err := d.removeRows(rows); err != nil {
		return fmt.Errorf("rows of uploads that did not begin: %w", err)
	}
	err = d.config.Store.Unsettled(func(m *engine.Message, charged int) error {
		d.hold(m)
		if charged > 0 {
			d.unknown++
		}
		return d.runtime.Recall(engine.Unsettled{Message: m, Charged: charged})
	})
	if err != nil {
		return fmt.Errorf("undelivered exports: %w", err)
	}
	if err := d.config.Store.Dead(func(store.DeadLetter) error { d.deadLetters.Add(1); return nil }); err != nil {
		return fmt.Errorf("dead letters: %w", err)
	}
	for _, u := range d.config.Store.Unreadable() {
		d.refuse(&u)
	}
	return nil
}

// refuse reports something that cannot be read, once.
func (d *Driver) refuse(u *store.Unreadable) {
	d.refusing.Lock()
	defer d.refusing.Unlock()
	if d.refused[u.Error()] {
		return
	}
	d.refused[u.Error()] = true
	if d.config.Refused != nil {
		d.config.Refused(u)
	}
}

// unreadable are the names of what cannot be read.
func (d *Driver) unreadable() []string {
	var names []string
	all := d.config.Store.Unreadable()
	for _, u := range all[:min(len(all), mostNamed)] {
		names = append(names, u.Kind+" "+u.ID)
	}
	return names
}

// Run delivers until ctx is done and the end is clean: updates that were
// accepted are durable, and attempts under way have ended and are settled. It
// returns the error that stopped the driver before, nil without one.
func (d *Driver) Run(ctx context.Context) error {
	operating, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancel(nil)
	d.mu.Lock()
	d.cancel = cancel
	d.mu.Unlock()
	var deciders sync.WaitGroup
	for _, s := range d.shards {
		deciders.Go(s.run) // ends with dead
	}
	go d.commit(operating) // ends when groups is closed
	d.loop(ctx)
	close(d.groups)
	<-d.retired
	cancel(errEnded)
	d.workers.running.Wait()
	d.fail(nil)
	deciders.Wait()
	d.listing.Wait()
	return d.err()
}

// errEnded is the cause by which what is under way ends with the driver.
var errEnded = errors.New("the engine has ended")

// Abort ends at once: attempts under way are cut off, and count as failed at
// the next start. It may be called before Run and while it runs.
func (d *Driver) Abort() {
	d.fail(errors.New("ended by force"))
	if s, ok := d.config.Store.(interface{ GiveUp() }); ok {
		s.GiveUp() // a commit may wait for room on a full disk
	}
}

// fail stops everything because of err; nil stops without one. Only the first
// call counts.
func (d *Driver) fail(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case <-d.dead:
		return
	default:
	}
	d.failed = err
	close(d.dead)
	if d.cancel != nil {
		d.cancel(errEnded)
	}
}

func (d *Driver) err() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.failed
}

// Stats returns what was done so far.
func (d *Driver) Stats() Stats {
	// In this order: with nothing pending, every dead letter is counted.
	pending := d.pending.Load()
	pending += d.settling.Load()
	return Stats{Updates: d.updates.Load(), Exports: d.exports.Load(), Attempts: d.attempts.Load(),
		Delivered: d.delivered.Load(), Dropped: d.dropped.Load(), Dead: d.deadLetters.Load(), Unreadable: d.unreadable(),
		Unknown: d.unknown, Pending: pending, UnderWay: d.underWay.Load(), InMemory: d.inMemory.Load()}
}

// Failed is the error that ended the driver, nil while it runs and after a clean
// end.
func (d *Driver) Failed() error { return d.err() }
