package live

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
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

// The whole product is for `make crash`.
var everything = flag.Bool("crash", false, "crash at every write three times: all that was not synced is lost, torn, and there")

// machine is a computer that loses its power: at one write to its disk, all
// that was not synced is lost or torn, and nothing it does later reaches
// anybody.
type machine struct {
	disk     *vfs.MemFS
	crashAt  int // number of the write; 0: never
	unsynced int // percent of what was not synced that is there all the same
	seed     uint64

	mu      sync.Mutex
	writes  int
	after   *vfs.MemFS // the disk as the crash left it
	acked   []profile.Update
	journal []attempt // of the receiver, over both lives
	arrived map[string]bool
}

// attempt is one request as the receiver saw it.
type attempt struct {
	export  string
	profile string
	n       int64
}

// MaybeError is an errorfs.Injector: it comes before every operation.
func (m *machine) MaybeError(op errorfs.Op) error {
	if op.Kind.ReadOrWrite() == errorfs.OpIsRead {
		return nil
	}
	// Whatever else is under way comes first: what was sent before this write
	// has left the machine when the power goes.
	for range 50 {
		runtime.Gosched()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes++
	if m.writes == m.crashAt {
		m.after = m.disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: m.unsynced, RNG: rand.New(rand.NewPCG(m.seed, 1))})
	}
	return nil
}

// String is part of errorfs.Injector.
func (m *machine) String() string { return "machine" }

func (m *machine) crashed() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.after != nil
}

// life is a machine from its start to the crash, or to the end.
type life struct {
	*machine
	second bool
}

// lost reports whether what happens now happens to a machine without power.
func (l life) lost() bool { return !l.second && l.after != nil }

// perform is the Perform of a life.
func (l life) perform(ctx context.Context, op engine.Operation) engine.Completion {
	l.mu.Lock()
	if !l.lost() {
		for _, x := range op.Message.Exports {
			l.journal = append(l.journal, seenAs(x))
		}
	}
	l.mu.Unlock()
	timer := time.NewTimer(5 * time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return engine.Completion{Outcome: retry.Outcome{Kind: retry.Timeout}}
	}
	switch p := string(op.Message.Exports[0].Profile); {
	case p == "refused", p == "late" && op.Number < 3:
		return engine.Completion{Outcome: status(503)}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, x := range op.Message.Exports {
		if a := seenAs(x); !l.lost() {
			l.arrived[a.String()] = true
		}
	}
	return engine.Completion{Outcome: status(200)}
}

// String names the update that an attempt carries.
func (a attempt) String() string { return fmt.Sprintf("%s n=%d", a.profile, a.n) }

// seenAs reads an export as the receiver does.
func seenAs(x engine.Export) attempt {
	var body struct {
		N int64 `json:"n"`
	}
	if err := json.Unmarshal(x.Body, &body); err != nil {
		panic(err)
	}
	return attempt{x.ID, string(x.Profile), body.N}
}

// history is the updates of the test: each leads to one export, told apart by
// n, which grows.
func history() map[string][]profile.Update {
	out := map[string][]profile.Update{}
	for _, id := range []string{"good", "late", "refused"} {
		for n := range int64(3) {
			u := write(id, n+1)
			if n == 0 {
				u.Changes = append(u.Changes, profile.Change{Op: profile.Qualify, Audience: ref})
			}
			out[id] = append(out[id], u)
		}
	}
	return out
}

// live lets a machine run with the updates that are left, each profile's one
// after the other, until everything is settled or the power is gone.
func (l life) live(t *testing.T, fs vfs.FS, left map[string][]profile.Update) (dead []store.DeadLetter) {
	s, err := local.Open("data", local.Options{FS: fs, Buffer: 256 << 10})
	if err != nil {
		if l.lost() {
			return nil
		}
		t.Fatalf("%s: %v", l.machine.describe(), err)
	}
	c := config(s, newReceiver())
	c.Dataflows[0].Settings.MaxInFlight, c.Ahead, c.Linger = 2, 2, time.Millisecond // one profile waits, charged
	c.Overflow, c.Memory, c.Backlog = l.seed == 1, bodiesShare, 1000                // no body waits in memory
	c.Perform = l.perform
	d, stop := started(t, c)
	var clients sync.WaitGroup
	for _, id := range []string{"good", "late", "refused"} {
		clients.Go(func() {
			for _, u := range left[id] {
				err := d.Submit(t.Context(), u)
				l.mu.Lock()
				gone := l.lost()
				if err == nil && !gone {
					l.acked = append(l.acked, u)
				}
				l.mu.Unlock()
				if err != nil && !gone {
					t.Errorf("%s: Submit: %v", l.machine.describe(), err)
				}
				if err != nil || gone {
					return
				}
			}
		})
	}
	clients.Wait()
	for d.Stats().Pending > 0 && d.Failed() == nil && !(l.crashed() && !l.second) {
		<-time.After(time.Millisecond) // of the bubble
	}
	if l.crashed() && !l.second {
		d.Abort()
		_ = stop() // what it says, nobody hears any more
		_ = s.Close()
		return nil
	}
	if err := errors.Join(stop(), s.Dead(func(x store.DeadLetter) error { dead = append(dead, x); return nil }), s.Close()); err != nil {
		t.Errorf("%s: %v", l.machine.describe(), err)
	}
	return dead
}

func (m *machine) describe() string {
	return fmt.Sprintf("crash at write %d, %d %% of the unsynced there (seed %d)", m.crashAt, m.unsynced, m.seed)
}

// lives plays the history over a crash at one write, and returns how many
// writes there were.
func (m *machine) lives(t *testing.T) int {
	m.disk, m.arrived = vfs.NewCrashableMem(), map[string]bool{}
	updates := history()
	dead := life{m, false}.live(t, errorfs.Wrap(m.disk, m), updates)
	if m.after != nil {
		for _, u := range m.acked {
			id := string(u.Profile)
			updates[id] = updates[id][1:] // the rest was not acknowledged, and comes again
		}
		dead = life{m, true}.live(t, m.after, updates)
	}
	m.judge(t, dead)
	return m.writes
}

// judge holds the journal of the receiver against what was acknowledged.
func (m *machine) judge(t *testing.T, dead []store.DeadLetter) {
	times, last := map[string]int{}, map[string]int64{}
	for _, a := range m.journal {
		if times[a.export]++; times[a.export] > 3 {
			t.Errorf("%s: %s was sent %d times", m.describe(), a.export, times[a.export])
		}
		if a.n < last[a.profile] {
			t.Errorf("%s: %s was sent after n=%d", m.describe(), a, last[a.profile])
		}
		last[a.profile] = a.n
	}
	for _, l := range dead {
		if l.Attempts != 3 {
			t.Errorf("%s: %s is dead after %d attempts", m.describe(), l.Message.ID, l.Attempts)
		}
		for _, x := range l.Message.Exports {
			m.arrived[seenAs(x).String()] = true
		}
	}
	for _, u := range m.acked {
		a := attempt{profile: string(u.Profile), n: u.Changes[0].Value.(int64)}
		if !m.arrived[a.String()] {
			t.Errorf("%s: %s was acknowledged, and neither delivered nor dead", m.describe(), a)
		}
	}
}

// At every write of a small history the power goes: nothing acknowledged is
// lost, nothing is sent more than three times, and nothing is dead with fewer
// than three attempts. Bytes that were not synced are lost, kept, or torn.
func TestCrashAtEveryWrite(t *testing.T) {
	writes := 0
	synctest.Test(t, func(t *testing.T) { writes = (&machine{}).lives(t) })
	if writes < 50 {
		t.Fatalf("%d writes; the history is too small to prove anything", writes)
	}
	step := 1
	if raced {
		step = 9 // the volume is for a run without the race detector
	}
	for n := 0; n < writes; n += step {
		for seed, unsynced := range []int{0, 50, 100} {
			// One of them at each write, and not always the same one where a commit
			// takes three writes.
			if turn := n/step + n/step/3; !*everything && turn%3 != seed {
				continue
			}
			synctest.Test(t, func(t *testing.T) {
				(&machine{unsynced: unsynced, seed: uint64(seed), crashAt: n + 1}).lives(t)
			})
		}
	}
}
