package live

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/store/memory"
)

// An action waits for decisions that are being made by the configuration before
// it: none of them is taken up after it.
func TestActionWaitsForDecisions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver()
		c := cinema(memory.New(), r)
		deciding, goOn := make(chan struct{}), make(chan struct{})
		c.Decided = func(profile.Update, *engine.Export) { close(deciding); <-goOn }
		d, stop := started(t, c)
		var clients sync.WaitGroup
		clients.Go(func() { submit(t, d, enter("doc", ref)) })
		<-deciding
		deleted := make(chan struct{})
		clients.Go(func() { acted(t, d, flow.Delete); close(deleted) })
		synctest.Wait()
		select {
		case <-deleted:
			t.Error("the dataflow was deleted while a decision was being made")
		default:
		}
		close(goOn)
		clients.Wait()
		time.Sleep(time.Hour)
		if got := d.Stats(); got.Pending != 0 {
			t.Errorf("%d exports are pending after the deletion", got.Pending)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

// A shard that waits for room in the backlog does not keep an action waiting.
func TestActionPassesABacklog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver()
		r.takes = time.Hour
		c := cinema(memory.New(), r)
		c.Backlog = 1
		d, stop := started(t, c)
		var clients sync.WaitGroup
		for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
			clients.Go(func() { submit(t, d, enter(id, ref)) })
		}
		synctest.Wait()
		began := time.Now()
		acted(t, d, flow.Disable)
		if took := time.Since(began); took > time.Minute {
			t.Errorf("the action took %s", took)
		}
		acted(t, d, flow.Enable)
		clients.Wait()
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

// slow is a store whose profiles are listed when the test says so.
type slow struct {
	*memory.Store
	list chan struct{}
}

func (s slow) States(yield func(engine.State) error) error {
	<-s.list
	return s.Store.States(yield)
}

// Who is exported while the members of a backfill are listed needs no turn; and
// nothing is kept of a backfill that is over, whether its turns led to exports
// or not.
func TestBackfillDuringUpdates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r := slow{memory.New(), make(chan struct{})}, newReceiver()
		c := cinema(s.Store, r)
		c.Store = s
		d, stop := started(t, c)
		for _, id := range []string{"a", "b", "c", "d"} {
			submit(t, d, enter(id, films))
		}
		acted(t, d, flow.Map, films)
		submit(t, d, profile.Update{Profile: "a", Changes: []profile.Change{{Op: profile.Set, Path: "n", Value: int64(1)}}})
		close(s.list)
		time.Sleep(30 * time.Minute)
		acted(t, d, flow.Unmap, films) // the last turn leads to nothing
		time.Sleep(2 * time.Hour)
		if got, want := r.told(), []string{"a#1 at 0", "b#1 at 0", "c#1 at 20"}; !slices.Equal(got, want) {
			t.Errorf("attempts %v; want %v", got, want)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		err := s.Notes(func(n engine.Note) error {
			if strings.HasPrefix(n.Key, "backfill/") {
				t.Errorf("the note %s is left", n.Key)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// A process that ends while the members of a backfill are listed leaves the
// backfill to the next.
func TestKillWhileMembersAreListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r := slow{memory.New(), make(chan struct{})}, newReceiver()
		c := cinema(s.Store, r)
		c.Store = s
		d, stop := started(t, c)
		submit(t, d, enter("a", films), enter("b", films))
		acted(t, d, flow.Map, films)
		d.Abort()
		close(s.list)
		if stop() == nil {
			t.Error("an end by force is no error")
		}
		_, stop = started(t, c)
		time.Sleep(time.Hour)
		if got, want := r.told(), []string{"a#1 at 0", "b#1 at 30"}; !slices.Equal(got, want) {
			t.Errorf("attempts %v; want %v", got, want)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}
