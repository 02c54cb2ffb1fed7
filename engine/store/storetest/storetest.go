// Package storetest is the suite every store passes.
package storetest

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/export"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/store"
)

// Run runs the suite against the stores that open returns, each empty.
func Run(t *testing.T, open func(*testing.T) store.Store) {
	tests := map[string]func(*testing.T, store.Store){
		"a state that was never committed is not there":        absent,
		"the last commit of a state wins":                      lastWins,
		"states come in ascending order":                       ascending,
		"an error of yield ends the iteration":                 yieldEnds,
		"unsettled messages come in the order of acceptance":   unsettledOrder,
		"charges count, settled messages are gone":             charges,
		"a commit is all or nothing":                           allOrNothing,
		"commits and loads may run at the same time":           concurrent,
		"what was handed in may be changed by its owner after": copies,
		"close may be called twice":                            closeTwice,
		"a state that does not follow the last is refused":     stale,
		"a message keeps the exports it was charged with":      together,
		"a message of one export keeps the body it was sent":   wrapped,
		"a charged message comes where its first export was":   inOrder,
		"what is dropped stays as a dead letter":               deadLetters,
		"a dead letter may be sent again":                      resent,
		"a dead letter may be erased":                          erased,
		"a message is settled once":                            settledOnce,
		"an unsettled message is read with its bodies":         readBack,
		"a dead letter gets the bodies that were stored":       droppedWithoutBodies,
		"notes are kept, changed and removed":                  notes,
		"a note is kept with its commit or not at all":         notesAllOrNothing,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			t.Cleanup(func() {
				if err := s.Close(); err != nil {
					t.Errorf("Close: %v", err)
				}
			})
			test(t, s)
		})
	}
}

var at = time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)

func state(id string, exports uint64) engine.State {
	return engine.State{Version: exports, Exports: exports, Profile: profile.Profile{
		ID:          profile.ID(id),
		Attributes:  map[string]any{"person": map[string]any{"name": "Emmett"}},
		Identities:  map[string][]string{"ecid": {"42"}},
		Memberships: map[string]map[string]profile.Membership{"ups": {"a": {Status: profile.Realized, LastQualified: at}}},
	}}
}

func message(id string) *engine.Message {
	x := engine.Export{ID: id, Dataflow: "cars", Profile: "doc", At: at, Because: []export.Trigger{export.Audience}, Body: []byte(`{}`)}
	return &engine.Message{ID: id, Exports: []engine.Export{x}, Body: x.Body}
}

// several is a message of several exports.
func several(ids ...string) *engine.Message {
	m := &engine.Message{ID: ids[0], Body: []byte("[{}]")}
	for _, id := range ids {
		m.Exports = append(m.Exports, message(id).Exports...)
	}
	return m
}

func record(kind engine.RecordKind, id string, number int) engine.Record {
	return engine.Record{Kind: kind, Message: message(id), Number: number}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func absent(t *testing.T, s store.Store) {
	if got, ok, err := s.Load("nobody"); ok || err != nil {
		t.Errorf("Load = %+v, %v, %v; want nothing", got, ok, err)
	}
}

func lastWins(t *testing.T, s store.Store) {
	must(t, s.Commit([]engine.State{state("doc", 1)}, nil))
	must(t, s.Commit([]engine.State{state("doc", 2), state("doc", 3)}, nil))
	got, ok, err := s.Load("doc")
	must(t, err)
	if diff := cmp.Diff(state("doc", 3), got); !ok || diff != "" {
		t.Errorf("Load (-want +got):\n%s", diff)
	}
}

func ascending(t *testing.T, s store.Store) {
	must(t, s.Commit([]engine.State{state("b", 1), state("a", 1), state("b-1", 1), state("c", 1)}, nil))
	var got []string
	must(t, s.States(func(x engine.State) error { got = append(got, string(x.Profile.ID)); return nil }))
	if want := []string{"a", "b", "b-1", "c"}; !slices.Equal(got, want) {
		t.Errorf("States = %v; want %v", got, want)
	}
}

func yieldEnds(t *testing.T, s store.Store) {
	must(t, s.Commit([]engine.State{state("a", 1), state("b", 1)}, []engine.Record{record(engine.Accepted, "a#1", 0), record(engine.Accepted, "b#1", 0)}))
	enough := errors.New("enough")
	calls := 0
	if err := s.States(func(engine.State) error { calls++; return enough }); !errors.Is(err, enough) || calls != 1 {
		t.Errorf("States = %v after %d calls; want the error of the first", err, calls)
	}
	if err := s.Unsettled(func(*engine.Message, int) error { calls++; return enough }); !errors.Is(err, enough) || calls != 2 {
		t.Errorf("Unsettled = %v after %d calls; want the error of the first", err, calls-1)
	}
}

// unsettled lists what is neither delivered nor dropped, with its charges.
func unsettled(t *testing.T, s store.Store) []string {
	t.Helper()
	var got []string
	must(t, s.Unsettled(func(m *engine.Message, charged int) error {
		got = append(got, fmt.Sprintf("%s charged %d", m.ID, charged))
		return nil
	}))
	return got
}

func unsettledOrder(t *testing.T, s store.Store) {
	for n := 12; n > 0; n-- {
		must(t, s.Commit(nil, []engine.Record{record(engine.Accepted, fmt.Sprintf("m#%d", n), 0)}))
	}
	got := unsettled(t, s)
	if len(got) != 12 || got[0] != "m#12 charged 0" || got[11] != "m#1 charged 0" {
		t.Errorf("Unsettled = %v; want m#12 to m#1", got)
	}
}

func charges(t *testing.T, s store.Store) {
	must(t, s.Commit(nil, []engine.Record{record(engine.Accepted, "a#1", 0), record(engine.Charged, "a#1", 1), record(engine.Accepted, "b#1", 0), record(engine.Accepted, "c#1", 0)}))
	must(t, s.Commit(nil, []engine.Record{record(engine.Charged, "a#1", 2), record(engine.Delivered, "b#1", 0)}))
	if got, want := unsettled(t, s), []string{"a#1 charged 2", "c#1 charged 0"}; !slices.Equal(got, want) {
		t.Errorf("Unsettled = %v; want %v", got, want)
	}
	must(t, s.Commit(nil, []engine.Record{record(engine.Dropped, "a#1", 2), record(engine.Delivered, "c#1", 0)}))
	if got := unsettled(t, s); len(got) != 0 {
		t.Errorf("Unsettled = %v; want none", got)
	}
}

func allOrNothing(t *testing.T, s store.Store) {
	err := s.Commit([]engine.State{state("doc", 1)}, []engine.Record{record(engine.Accepted, "doc#1", 0), record(engine.Charged, "stranger#1", 1)})
	if err == nil {
		t.Fatal("Commit took a charge of a message that was never accepted")
	}
	if _, ok, _ := s.Load("doc"); ok {
		t.Error("a commit that failed left its state")
	}
	if got := unsettled(t, s); len(got) != 0 {
		t.Errorf("a commit that failed left %v", got)
	}
}

func concurrent(t *testing.T, s store.Store) {
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for n := range 50 {
				id := fmt.Sprintf("w%d-%d", worker, n)
				if err := s.Commit([]engine.State{state(id, 1)}, []engine.Record{record(engine.Accepted, id, 0), record(engine.Delivered, id, 0)}); err != nil {
					t.Error(err)
				}
				if _, ok, err := s.Load(profile.ID(id)); !ok || err != nil {
					t.Errorf("Load(%s) = %v, %v after its commit", id, ok, err)
				}
			}
		})
	}
	wg.Wait()
	if got := unsettled(t, s); len(got) != 0 {
		t.Errorf("Unsettled = %v; want none", got)
	}
}

func copies(t *testing.T, s store.Store) {
	states := []engine.State{state("doc", 1)}
	must(t, s.Commit(states, nil))
	states[0].Exports = 99
	if got, _, err := s.Load("doc"); err != nil || got.Exports != 1 {
		t.Errorf("Load = %d exports, %v; want 1", got.Exports, err)
	}
}

func closeTwice(t *testing.T, s store.Store) {
	must(t, s.Close())
	must(t, s.Close())
}
