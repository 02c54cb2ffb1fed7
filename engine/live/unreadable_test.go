package live

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/store"
	"github.com/httpdest/httpdest/engine/store/memory"
)

// halfReadable is a store that cannot read one profile.
type halfReadable struct{ *memory.Store }

var broken = store.Unreadable{Kind: "profile", ID: "bad", Err: errors.New("another form")}

func (h halfReadable) Load(id profile.ID) (engine.State, bool, error) {
	if id == "bad" {
		return engine.State{}, false, &broken
	}
	return h.Store.Load(id)
}

func (h halfReadable) Unreadable() []store.Unreadable { return []store.Unreadable{broken} }

// An update of a profile that cannot be read is refused by its name; updates of
// all others are accepted and delivered.
func TestUnreadableProfileStopsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := config(halfReadable{memory.New()}, newReceiver())
		var told []string
		c.Refused = func(u *store.Unreadable) { told = append(told, u.ID) }
		d, stop := started(t, c)
		for range 2 {
			var u *store.Unreadable
			if err := d.Submit(context.Background(), qualify("bad")); !errors.As(err, &u) || u.ID != "bad" {
				t.Errorf("Submit = %v; want the profile that cannot be read", err)
			}
			if err := d.Submit(context.Background(), qualify("good")); err != nil {
				t.Errorf("Submit of another profile = %v", err)
			}
		}
		if got := d.Stats().Unreadable; !slices.Equal(got, []string{"profile bad"}) {
			t.Errorf("Stats lists %v as unreadable; want the profile", got)
		}
		if err := stop(); err != nil {
			t.Errorf("the end: %v", err)
		}
		if !slices.Equal(told, []string{"bad"}) {
			t.Errorf("Refused was told of %v; want the profile, once", told)
		}
	})
}

// stuck is a store on a full disk: a commit waits until it is given up.
type stuck struct {
	*memory.Store
	given chan struct{}
}

func (s stuck) Commit([]engine.State, []engine.Record) error {
	<-s.given
	return store.ErrFull
}

func (s stuck) GiveUp() { close(s.given) }

// An end by force does not wait for room on a full disk.
func TestAbortOnAFullDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, stop := started(t, config(stuck{memory.New(), make(chan struct{})}, newReceiver()))
		submitted := make(chan error, 1)
		go func() { submitted <- d.Submit(context.Background(), qualify("good")) }()
		synctest.Wait()
		d.Abort()
		if err := stop(); err == nil {
			t.Error("the end by force is not told")
		}
		if err := <-submitted; err == nil {
			t.Error("an update was acknowledged that no commit took")
		}
	})
}
