package live

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/engine/store/local"
)

// `make crash` asks for more.
var (
	histories = flag.Int("histories", 20, "random histories that are played with a kill at some points")
	whole     = flag.Int("whole", 2, "random histories that are played with a kill at every point")
)

// episode is a random history with its destination, and at most one kill.
type episode struct {
	seed     uint64
	batching engine.Batching
	grant    engine.Grant
	updates  []profile.Update // the n-th comes in the n-th second

	atWrite, atWire int // number of the write or of the wire operation; 0: none
	unsynced        int // percent of what was not synced that is there after the kill

	disk *vfs.MemFS
	gone chan struct{} // closed by the kill

	mu            sync.Mutex
	writes, wires int
	after         *vfs.MemFS
	journal       []arrival
	unknown       map[string]bool // exports that were charged and not settled at the kill
	dead          map[string]bool
}

// arrival is one request as the receiver saw it.
type arrival struct {
	message, body string
	exports       []engine.Export
	delivered     bool
}

// newEpisode draws a history of four profiles.
func newEpisode(seed uint64) *episode {
	random := rand.New(rand.NewPCG(seed, 3))
	e := &episode{seed: seed, unsynced: []int{0, 50, 100}[seed/3%3]}
	switch seed % 3 {
	case 1:
		e.batching = engine.Batching{Max: 2 + int(seed/3%9), Encoding: engine.AsArray}
	case 2:
		e.batching, e.grant = engine.Batching{Max: 2 + int(seed/3%9), Encoding: engine.AsProfiles}, engine.ClientCredentials
	}
	for n := range 8 + random.IntN(8) {
		id := profile.ID(fmt.Sprintf("p%d", random.IntN(4)))
		change := profile.Change{Op: profile.Set, Path: "n", Value: int64(n)}
		switch random.IntN(6) {
		case 0:
			change = profile.Change{Op: profile.Exit, Audience: ref}
		case 1:
			change = profile.Change{Op: profile.AddIdentity, Identity: profile.Identity{Namespace: "crm", ID: fmt.Sprint(n)}}
		case 2, 3:
			change = profile.Change{Op: profile.Qualify, Audience: ref}
		}
		u := profile.Update{Profile: id, Changes: []profile.Change{change}}
		if random.IntN(3) == 0 {
			u.Changes = append(u.Changes, profile.Change{Op: profile.Qualify, Audience: ref},
				profile.Change{Op: profile.Set, Path: "n", Value: float64(n) / 4})
		}
		e.updates = append(e.updates, u)
	}
	return e
}

// String is how to play it again.
func (e *episode) String() string {
	return fmt.Sprintf("history %d, kill at write %d or wire operation %d, %d %% of the unsynced there", e.seed, e.atWrite, e.atWire, e.unsynced)
}

// MaybeError is an errorfs.Injector: it comes before every operation.
func (e *episode) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() == errorfs.OpIsRead {
		return nil
	}
	for range 20 {
		runtime.Gosched() // what was sent before has left the machine
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.writes++; e.writes == e.atWrite {
		e.kill()
	}
	return nil
}

// kill takes the machine away: what happens to it later, nobody sees.
func (e *episode) kill() {
	if e.after == nil {
		e.after = e.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: e.unsynced, RNG: rand.New(rand.NewPCG(e.seed, 5))})
		close(e.gone)
	}
}

// lost reports whether what happens now happens to a machine that is gone.
func (e *episode) lost(second bool) bool { return !second && e.after != nil }

// fails is how many attempts of an export the receiver answers with 503.
func (e *episode) fails(export string) int {
	h := fnv.New32a()
	_, _ = fmt.Fprint(h, e.seed, export) // a hash takes whatever it is given
	return []int{0, 0, 1, 2, 3}[h.Sum32()%5]
}

// perform is the Perform of a life.
func (e *episode) perform(second bool) Perform {
	return func(ctx context.Context, op engine.Operation) engine.Completion {
		e.mu.Lock()
		at := -1
		if op.Kind == engine.Attempt && !e.lost(second) {
			at = len(e.journal)
			e.journal = append(e.journal, arrival{op.Message.ID, string(op.Message.Body), op.Message.Exports, false})
		}
		e.mu.Unlock()
		timer := time.NewTimer(5 * time.Millisecond)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return engine.Completion{Outcome: retry.Outcome{Kind: retry.Timeout}}
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		c := engine.Completion{Outcome: status(200)}
		if op.Kind == engine.Token {
			c.Issued = &engine.Issued{Access: "token", ExpiresIn: time.Hour}
		} else if op.Number <= e.fails(op.Message.Exports[0].ID) {
			c.Outcome = status(503)
		} else if at >= 0 && !e.lost(second) {
			e.journal[at].delivered = true
		}
		if e.wires++; e.wires == e.atWire {
			e.kill()
		}
		return c
	}
}

// play plays the history over its kill.
func (e *episode) play(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e.disk, e.gone, e.unknown, e.dead = vfs.NewCrashableMem(), make(chan struct{}), map[string]bool{}, map[string]bool{}
		begun := time.Now()
		left := e.life(t, errorfs.Wrap(e.disk, e), begun, 0, false)
		if e.after != nil {
			e.life(t, e.after, begun, left, true)
		}
	})
}

// life runs the engine from update number first on, to the kill or the end. It
// returns the number of the update that was not acknowledged.
func (e *episode) life(t *testing.T, fs vfs.FS, begun time.Time, first int, second bool) int {
	s, err := local.Open("data", local.Options{FS: fs, Buffer: 256 << 10})
	if err != nil {
		if !e.lost(second) {
			t.Errorf("%s: %v", e, err)
		}
		return first
	}
	if second {
		first += e.acceptedAlready(t, s, first)
	}
	c := config(s, newReceiver())
	settings := &c.Dataflows[0].Settings
	settings.Batching, settings.Grant, settings.MaxInFlight = e.batching, e.grant, 2
	c.Ahead, c.Linger, c.Perform = 2, time.Millisecond, e.perform(second)
	if e.seed%4 != 0 { // bodies have no room in memory, or a few have
		c.Overflow, c.Memory, c.Backlog = true, bodiesShare*(1+100*int64(e.seed%4-1)), 1000
	}
	d, stop := started(t, c)
	n := first
	for ; n < len(e.updates); n++ {
		if !e.submit(t, d, begun.Add(time.Duration(n)*time.Second), e.updates[n], second) {
			break
		}
	}
	for d.Stats().Pending > 0 && !e.isGone(second) {
		<-time.After(50 * time.Millisecond) // of the bubble
	}
	if e.isGone(second) {
		d.Abort()
		_ = stop() // nobody sees what it says any more
		_ = s.Close()
		return n
	}
	err = errors.Join(stop(), s.Dead(func(l store.DeadLetter) error {
		for _, x := range l.Message.Exports {
			e.dead[x.ID] = true
		}
		return nil
	}), s.Close())
	if err != nil {
		t.Errorf("%s: %v", e, err)
	}
	return n
}

func (e *episode) isGone(second bool) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.lost(second)
}

// acceptedAlready is 1 where the update that was not acknowledged is in the
// store all the same. It also notes what is charged.
func (e *episode) acceptedAlready(t *testing.T, s store.Store, n int) int {
	err := s.Unsettled(func(m *engine.Message, charged int) error {
		for _, x := range m.Exports {
			e.unknown[x.ID] = e.unknown[x.ID] || charged > 0
		}
		return nil
	})
	if err != nil {
		t.Errorf("%s: %v", e, err)
	}
	if n == len(e.updates) {
		return 0
	}
	version := uint64(0)
	for _, u := range e.updates[:n+1] {
		if u.Profile == e.updates[n].Profile {
			version++
		}
	}
	state, _, err := s.Load(e.updates[n].Profile)
	if err != nil {
		t.Errorf("%s: %v", e, err)
	}
	if state.Version == version {
		return 1
	}
	return 0
}

// submit sends an update at its time, or before the kill says so gives up.
func (e *episode) submit(t *testing.T, d *Driver, at time.Time, u profile.Update, second bool) bool {
	gone := e.gone
	if second {
		gone = nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	wait := time.NewTimer(time.Until(at))
	defer wait.Stop()
	select {
	case <-wait.C:
	case <-gone:
		return false
	}
	done := make(chan error, 1)
	go func() { done <- d.Submit(ctx, u) }()
	select {
	case err := <-done:
		if e.isGone(second) {
			return false
		}
		if err != nil {
			t.Errorf("%s: Submit: %v", e, err)
		}
		return err == nil
	case <-gone:
		return false
	}
}

// seenExport is an export as the journal has it.
type seenExport struct {
	body, message string
	attempts      int
	delivered     bool
}

// read sorts the journal by exports, and checks it by itself: no more than
// three attempts, one body, and the exports of a profile in order.
func (e *episode) read(t *testing.T) (exports map[string]*seenExport, order map[profile.ID][]string) {
	exports, order = map[string]*seenExport{}, map[profile.ID][]string{}
	for _, a := range e.journal {
		for _, x := range a.exports {
			seen := exports[x.ID]
			if seen == nil {
				seen = &seenExport{body: string(x.Body), message: a.body}
				exports[x.ID] = seen
				order[x.Profile] = append(order[x.Profile], x.ID)
			}
			if seen.message != a.body || seen.body != string(x.Body) {
				t.Errorf("%s: %s came in the body %s and again in %s", e, x.ID, seen.message, a.body)
			}
			if last := order[x.Profile][len(order[x.Profile])-1]; last != x.ID {
				t.Errorf("%s: %s came again after %s", e, x.ID, last)
			}
			if seen.attempts++; seen.attempts > 3 {
				t.Errorf("%s: %s came %d times", e, x.ID, seen.attempts)
			}
			seen.delivered = seen.delivered || a.delivered
		}
	}
	return exports, order
}

// compare holds an episode with a kill against the same one without.
func (e *episode) compare(t *testing.T, calm *episode) {
	exports, order := e.read(t)
	want, wantOrder := calm.read(t)
	for id, all := range wantOrder {
		if !slices.Equal(all, order[id]) {
			t.Errorf("%s: the exports of %s are %v; without the kill %v", e, id, order[id], all)
		}
	}
	for id, x := range exports {
		calmly := want[id]
		if calmly == nil {
			t.Errorf("%s: %s came, and does not without the kill", e, id)
			continue
		}
		if x.body != calmly.body {
			t.Errorf("%s: the body of %s is %s; without the kill %s", e, id, x.body, calmly.body)
		}
		if !x.delivered && !e.dead[id] {
			t.Errorf("%s: %s is neither delivered nor dead", e, id)
		}
		// Which exports share a message depends on the moment, and with them whom
		// the receiver fails.
		if alone := e.batching.Max < 2; alone && !e.unknown[id] && (x.attempts != calmly.attempts || x.delivered != calmly.delivered) {
			t.Errorf("%s: %s came %d times, delivered %t; without the kill %d times, %t", e, id, x.attempts, x.delivered, calmly.attempts, calmly.delivered)
		}
	}
}

// Random histories with a kill at a write or after a wire operation lead to the
// same exports, bodies and order as without it, whatever the batching, the
// encoding and the authentication; only attempts whose outcome the kill made
// unknown may differ. Inputs that only the simulator has are not here: actions
// of the history (mappings, activation and deletion, backfill, uploads), alerts
// and monitoring, which the simulator alone has.
func TestRestartEquivalence(t *testing.T) {
	played := 0
	for seed := range uint64(*histories) {
		calm := newEpisode(seed)
		calm.play(t)
		if len(calm.journal) == 0 {
			continue
		}
		random := rand.New(rand.NewPCG(seed, 9))
		points := [][2]int{{1 + random.IntN(calm.writes), 0}, {0, 1 + random.IntN(calm.wires)}}
		if seed < uint64(*whole) {
			points = nil
			step := 1
			if raced {
				step = 9
			}
			for n := 0; n < calm.writes; n += step {
				points = append(points, [2]int{n + 1, 0})
			}
			for n := 0; n < calm.wires; n += step {
				points = append(points, [2]int{0, n + 1})
			}
		}
		for i, p := range points {
			e := newEpisode(seed)
			e.atWrite, e.atWire, e.unsynced = p[0], p[1], []int{0, 50, 100}[(i+int(seed))%3]
			e.play(t)
			e.compare(t, calm)
			played++
			if t.Failed() {
				return // the first is enough to look at
			}
		}
	}
	fmt.Printf("%d histories, %d kills\n", *histories, played)
	if played < *histories {
		t.Errorf("%d kills in %d histories: too few histories lead to exports", played, *histories)
	}
}
