package live

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/audience"
	"github.com/httpdest/httpdest/engine/dataflow"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/monitor"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/engine/store/memory"
)

var films = profile.AudienceRef{Namespace: "ups", ID: "films"}

// cinema is the configuration of a test with a second audience, which nothing
// maps yet, and an alert.
func cinema(s *memory.Store, r *receiver) Config {
	c := config(s, r)
	f := c.Dataflows[0].Snapshot.Flow
	f.Destination = dataflow.Destination{Name: "crm", Endpoint: "https://receiver.test", Auth: dataflow.Auth{Kind: dataflow.AuthNone},
		Alerts: []dataflow.Alert{{Kind: dataflow.FailedRate, Threshold: dataflow.OnePercent}}, ExtendedAlerts: true}
	directory := audience.NewDirectory(audience.Audience{Ref: ref, Name: "delorean"}, audience.Audience{Ref: films, Name: "films"})
	c.Dataflows[0].Snapshot, _ = dataflow.NewSnapshot(f, directory).Activate(time.Now())
	c.Dataflows[0].Configuration = dataflow.Configuration{Flow: f, Audiences: directory, Activated: true,
		Organisation: dataflow.Organisation{Edition: dataflow.Ultimate, Destinations: 1}}
	return c
}

func enter(id string, audience profile.AudienceRef) profile.Update {
	return profile.Update{Profile: profile.ID(id), Changes: []profile.Change{
		{Op: profile.AddIdentity, Identity: profile.Identity{Namespace: "crm", ID: id}}, {Op: profile.Qualify, Audience: audience}}}
}

func acted(t *testing.T, d *Driver, kind flow.ActionKind, audiences ...profile.AudienceRef) {
	t.Helper()
	if _, err := d.Act(t.Context(), flow.Action{Kind: kind, Dataflow: "dataflow", Audiences: audiences}); err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
}

// told are the attempts as text, each with when it came, to the minute.
func (r *receiver) told() []string {
	var all []string
	for _, s := range r.seen() {
		all = append(all, fmt.Sprintf("%s at %d", s.id, int(s.at.Minutes())))
	}
	return all
}

// Mapping an audience exports its members over the hour that follows. A live
// export takes the place of a turn, and a process that ends in between leaves
// the rest to the next.
func TestMapBackfillsAcrossRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r := memory.New(), newReceiver()
		d, stop := started(t, cinema(s, r))
		for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
			submit(t, d, enter(id, films))
		}
		acted(t, d, flow.Map, films)
		time.Sleep(15 * time.Minute)
		submit(t, d, profile.Update{Profile: "e", Changes: []profile.Change{{Op: profile.Set, Path: "n", Value: int64(1)}}})
		time.Sleep(10 * time.Minute)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if got, want := r.told(), []string{"a#1 at 0", "b#1 at 10", "e#1 at 15", "c#1 at 20"}; !slices.Equal(got, want) {
			t.Errorf("before the restart: %v; want %v", got, want)
		}
		time.Sleep(7 * time.Minute)
		d, stop = started(t, cinema(s, r))
		time.Sleep(2 * time.Hour)
		acted(t, d, flow.Map, films) // it is mapped
		acted(t, d, flow.Unmap, films)
		acted(t, d, flow.Map, films) // once is enough (R115)
		time.Sleep(2 * time.Hour)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if got, want := r.told()[4:], []string{"d#1 at 32", "f#1 at 50"}; !slices.Equal(got, want) {
			t.Errorf("after the restart: %v; want %v", got, want)
		}
	})
}

// A dataflow that is disabled stays so across a restart, and the turns of a
// backfill are later by the pause.
func TestPauseAcrossRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r := memory.New(), newReceiver()
		d, stop := started(t, cinema(s, r))
		submit(t, d, enter("a", films), enter("b", films))
		acted(t, d, flow.Map, films)
		time.Sleep(10 * time.Minute)
		acted(t, d, flow.Disable)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		d, stop = started(t, cinema(s, r))
		submit(t, d, enter("c", films))
		time.Sleep(time.Hour)
		if got, want := r.told(), []string{"a#1 at 0"}; !slices.Equal(got, want) {
			t.Errorf("while it is disabled: %v; want %v", got, want)
		}
		acted(t, d, flow.Enable)
		time.Sleep(time.Hour)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if got, want := r.told(), []string{"a#1 at 0", "b#1 at 150"}; !slices.Equal(got, want) {
			t.Errorf("after it: %v; want %v", got, want)
		}
	})
}

// From when the deletion of a dataflow returns no attempt begins, however many
// updates are on their way.
func TestDeleteStopsEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReceiver()
		d, stop := started(t, cinema(memory.New(), r))
		var clients sync.WaitGroup
		for n := range 8 {
			clients.Go(func() {
				for m := range 40 {
					if err := d.Submit(t.Context(), enter(fmt.Sprintf("p%d-%d", n, m), ref)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		time.Sleep(20 * time.Millisecond)
		acted(t, d, flow.Delete)
		deleted := time.Since(r.began)
		clients.Wait()
		time.Sleep(time.Hour)
		if got := d.Stats(); got.Pending != 0 || got.Dead == 0 {
			t.Errorf("%d exports are pending and %d dead letters; want none and some", got.Pending, got.Dead)
		}
		for _, s := range r.seen() {
			if s.at > deleted {
				t.Errorf("%s was sent %s after the start, and the dataflow deleted at %s", s.id, s.at, deleted)
			}
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
	})
}

// An action that is not allowed changes nothing, and is not remembered.
func TestRefusedAction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := cinema(memory.New(), newReceiver())
		c.Dataflows[0].Configuration.Users.Maps = []string{"View Destinations"}
		d, stop := started(t, c)
		_, err := d.Act(t.Context(), flow.Action{Kind: flow.Map, Dataflow: "dataflow", Audiences: []profile.AudienceRef{films}})
		var refused *Refused
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), "missing to map audiences") {
			t.Errorf("Act = %v; want the permission that is missing", err)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Act(t.Context(), flow.Action{Kind: flow.Enable, Dataflow: "dataflow"}); !errors.Is(err, ErrDraining) {
			t.Errorf("Act after the end = %v; want %v", err, ErrDraining)
		}
	})
}

// The counters of an hour go on after a restart, its run is completed when it is
// over, and an alert fires.
func TestMonitoringAcrossRestarts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(time.Now().Truncate(time.Hour).Add(time.Hour)))
		s, r := memory.New(), newReceiver()
		var mu sync.Mutex
		var runs []monitor.Run
		var alerts []monitor.Notice
		watched := func() Config {
			c := cinema(s, r)
			c.Monitored = func(_ string, m flow.Monitored) {
				mu.Lock()
				defer mu.Unlock()
				runs, alerts = append(runs, m.Runs...), append(alerts, m.Alerts...)
			}
			return c
		}
		d, stop := started(t, watched())
		submit(t, d, enter("a", ref))
		settled(d)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		r.mu.Lock()
		r.answer = func(engine.Operation) retry.Outcome { return status(503) }
		r.mu.Unlock()
		d, stop = started(t, watched())
		submit(t, d, enter("b", ref))
		time.Sleep(time.Hour)
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		want := monitor.Counters{Activated: 1, Failed: 1}
		if len(runs) != 1 || runs[0].Counters != want || runs[0].Received != 2 || runs[0].Status != monitor.Completed {
			t.Errorf("runs %+v; want one that is completed with %+v", runs, want)
		}
		if len(alerts) != 1 || alerts[0].State != monitor.Firing {
			t.Errorf("alerts %+v; want one that fires", alerts)
		}
	})
}
