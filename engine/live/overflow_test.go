package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/engine/store/local"
	"github.com/httpdest/httpdest/engine/store/memory"
)

// repeated is a receiver that is down for a while and holds every attempt of a
// message against the first.
type repeated struct {
	up time.Time

	mu       sync.Mutex
	bodies   map[string]string
	attempts map[string]int
	wrong    []string
}

// take notes an attempt and answers it.
func (r *repeated) take(_ context.Context, op engine.Operation) engine.Completion {
	r.mu.Lock()
	defer r.mu.Unlock()
	m := op.Message
	if body, again := r.bodies[m.ID]; again && body != string(m.Body) || !strings.Contains(string(m.Body), `"n":"xxx`) {
		r.wrong = append(r.wrong, fmt.Sprintf("attempt %d of %s has the body %.40s", op.Number, m.ID, m.Body))
	}
	r.bodies[m.ID] = string(m.Body)
	r.attempts[m.ID]++
	if time.Now().Before(r.up) {
		return engine.Completion{Outcome: status(503)}
	}
	return engine.Completion{Outcome: status(200)}
}

// large qualifies a profile with a body of about size bytes.
func large(id string, size int) profile.Update {
	u := qualify(id)
	u.Changes = append(u.Changes, profile.Change{Op: profile.Set, Path: "n", Value: strings.Repeat("x", size)})
	return u
}

// Exports beyond the memory wait on disk: intake takes all of them, each attempt
// has the body of the first, and a start with all of them undelivered keeps to
// the memory as well.
func TestOverflowWaitsOnDisk(t *testing.T) {
	for name, batching := range map[string]engine.Batching{"alone": {}, "together": {Max: 7, Encoding: engine.AsProfiles}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const exports, size, room = 300, 2000, 20_000
				disk := vfs.NewCrashableMem()
				r := &repeated{up: time.Now().Add(40 * time.Second), bodies: map[string]string{}, attempts: map[string]int{}}
				begin := func() (*Driver, func() error, *local.Store) {
					s, err := local.Open("data", local.Options{FS: disk, Buffer: 256 << 10})
					if err != nil {
						t.Fatal(err)
					}
					c := config(s, newReceiver())
					c.Dataflows[0].Settings.Batching, c.Perform, c.Ahead = batching, r.take, 4
					c.Overflow, c.Memory, c.Backlog = true, bodiesShare*room, exports
					d, stop := started(t, c)
					return d, stop, s
				}
				d, stop, s := begin()
				for n := range exports {
					submit(t, d, large(fmt.Sprintf("p%d", n), size))
				}
				<-time.After(time.Second) // of the bubble: all have failed once
				within(t, d, room)
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				d, stop, s = begin()
				within(t, d, room)
				for d.Stats().Pending > 0 {
					<-time.After(100 * time.Millisecond)
					within(t, d, room)
				}
				if got := d.Stats(); got.Dead != 0 || got.InMemory != 0 {
					t.Errorf("Stats at the end = %+v; want nothing dead and nothing in memory", got)
				}
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				if len(r.wrong) > 0 {
					t.Errorf("%d attempts have a wrong body: %s", len(r.wrong), r.wrong[0])
				}
				if most := exports; len(r.bodies) > most || len(r.bodies) < most/7 {
					t.Errorf("%d messages came of %d exports", len(r.bodies), exports)
				}
			})
		})
	}
}

// within fails where more bodies are in memory than the engine promises: those that
// wait, those under way, and messages put together of both.
func within(t *testing.T, d *Driver, room int64) {
	t.Helper()
	if got := d.Stats().InMemory; got > 3*room {
		t.Fatalf("%d bytes of bodies are in memory; want at most %d", got, 3*room)
	}
}

// torn is a store that cannot read one export back.
type torn struct {
	*memory.Store
	id string
}

// Read implements store.Store.
func (s torn) Read(m *engine.Message) (*engine.Message, error) {
	if m.ID == s.id {
		return nil, &store.Unreadable{Kind: "export", ID: m.ID, Err: errors.New("torn")}
	}
	return s.Store.Read(m)
}

// A body that cannot be read back when its turn comes is named and left in the
// store, and the next export of the profile goes on.
func TestUnreadableBodyStopsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r := memory.New(), newReceiver()
		c := config(torn{s, "doc#2"}, r)
		c.Overflow, c.Memory, c.Backlog = true, bodiesShare, 100
		var refused []string
		c.Refused = func(u *store.Unreadable) { refused = append(refused, u.ID) }
		d, stop := started(t, c)
		submit(t, d, qualify("doc"), write("doc", 1), write("doc", 2), qualify("other"))
		settled(d)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, a := range r.seen() {
			got = append(got, a.id)
		}
		slices.Sort(got)
		if want := []string{"doc#1", "doc#3", "other#1"}; !slices.Equal(got, want) {
			t.Errorf("attempts %v; want %v", got, want)
		}
		if !slices.Equal(refused, []string{"doc#2"}) {
			t.Errorf("told of %v; want doc#2", refused)
		}
		if left, _ := s.Read(&engine.Message{ID: "doc#2", Exports: []engine.Export{{ID: "doc#2"}}}); left == nil {
			t.Error("doc#2 is not in the store any more")
		}
	})
}
