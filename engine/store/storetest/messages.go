package storetest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/engine/store"
)

func stale(t *testing.T, s store.Store) {
	must(t, s.Commit([]engine.State{state("doc", 1)}, nil))
	for _, version := range []uint64{1, 3} {
		err := s.Commit([]engine.State{state("marty", 1), state("doc", version)}, []engine.Record{record(engine.Accepted, "doc#2", 0)})
		if !errors.Is(err, store.ErrStale) {
			t.Errorf("Commit of version %d after 1 = %v; want ErrStale", version, err)
		}
	}
	if _, ok, _ := s.Load("marty"); ok {
		t.Error("a refused commit left a state")
	}
	if got := unsettled(t, s); len(got) != 0 {
		t.Errorf("a refused commit left %v", got)
	}
	must(t, s.Commit([]engine.State{state("doc", 2)}, nil))
}

func accept(t *testing.T, s store.Store, ids ...string) {
	t.Helper()
	for _, id := range ids {
		must(t, s.Commit(nil, []engine.Record{record(engine.Accepted, id, 0)}))
	}
}

func together(t *testing.T, s store.Store) {
	accept(t, s, "a#1", "b#1", "c#1")
	batch := several("a#1", "c#1")
	must(t, s.Commit(nil, []engine.Record{{Kind: engine.Charged, Message: batch, Number: 1}}))
	must(t, s.Commit(nil, []engine.Record{{Kind: engine.Charged, Message: batch, Number: 2}}))
	var got []*engine.Message
	var counts []int
	must(t, s.Unsettled(func(m *engine.Message, charged int) error {
		got, counts = append(got, m), append(counts, charged)
		return nil
	}))
	want := []*engine.Message{batch, message("b#1")}
	if diff := cmp.Diff(want, got); diff != "" || !slices.Equal(counts, []int{2, 0}) {
		t.Errorf("Unsettled = %v charges; (-want +got):\n%s", counts, diff)
	}
	must(t, s.Commit(nil, []engine.Record{{Kind: engine.Delivered, Message: batch}}))
	if got, want := unsettled(t, s), []string{"b#1 charged 0"}; !slices.Equal(got, want) {
		t.Errorf("Unsettled = %v; want %v", got, want)
	}
}

// wrapped charges messages of one export as a receiver of batches gets them:
// the body of the message is not the body of its export.
func wrapped(t *testing.T, s store.Store) {
	bodies := map[string]string{"a#1": `[{}]`, "b#1": `{"profiles":[{}]}`, "c#1": `{}`}
	for _, id := range []string{"a#1", "b#1", "c#1"} {
		accept(t, s, id)
		m := message(id)
		m.Body = []byte(bodies[id])
		must(t, s.Commit(nil, []engine.Record{{Kind: engine.Charged, Message: m, Number: 1}}))
	}
	got := map[string]string{}
	must(t, s.Unsettled(func(m *engine.Message, _ int) error { got[m.ID] = string(m.Body); return nil }))
	if diff := cmp.Diff(bodies, got); diff != "" {
		t.Errorf("bodies of unsettled messages (-want +got):\n%s", diff)
	}
}

func inOrder(t *testing.T, s store.Store) {
	accept(t, s, "a#1", "a#2", "b#1")
	must(t, s.Commit(nil, []engine.Record{{Kind: engine.Charged, Message: several("a#1", "b#1"), Number: 1}}))
	if got, want := unsettled(t, s), []string{"a#1 charged 1", "a#2 charged 0"}; !slices.Equal(got, want) {
		t.Errorf("Unsettled = %v; want %v: the exports of a profile keep their order", got, want)
	}
}

// drop gives a message up after three attempts.
func drop(t *testing.T, s store.Store, m *engine.Message) store.DeadLetter {
	t.Helper()
	for number := range 3 {
		must(t, s.Commit(nil, []engine.Record{{Kind: engine.Charged, Message: m, Number: number + 1}}))
	}
	l := store.DeadLetter{Message: m, Attempts: 3, At: at.Add(time.Hour),
		Outcome: retry.Outcome{Kind: retry.Answered, Status: 503, RetryAfter: 2 * time.Second, Reason: "asked"}}
	must(t, s.Commit(nil, []engine.Record{{Kind: engine.Dropped, Message: m, Number: 3, Outcome: l.Outcome, At: l.At}}))
	return l
}

func dead(t *testing.T, s store.Store) []store.DeadLetter {
	t.Helper()
	var got []store.DeadLetter
	must(t, s.Dead(func(l store.DeadLetter) error { got = append(got, l); return nil }))
	return got
}

func deadLetters(t *testing.T, s store.Store) {
	accept(t, s, "a#1", "b#1", "c#1", "d#1")
	later := drop(t, s, message("c#1"))
	first := drop(t, s, several("a#1", "b#1"))
	if diff := cmp.Diff([]store.DeadLetter{first, later}, dead(t, s)); diff != "" {
		t.Errorf("Dead (-want +got):\n%s", diff)
	}
	if got, want := unsettled(t, s), []string{"d#1 charged 0"}; !slices.Equal(got, want) {
		t.Errorf("Unsettled = %v; want %v", got, want)
	}
	enough := errors.New("enough")
	if err := s.Dead(func(store.DeadLetter) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("Dead = %v; want the error of yield", err)
	}
}

func resent(t *testing.T, s store.Store) {
	accept(t, s, "a#1", "b#1")
	l := drop(t, s, message("a#1"))
	must(t, s.Commit(nil, []engine.Record{{Kind: engine.Resent, Message: l.Message}}))
	if got, want := unsettled(t, s), []string{"b#1 charged 0", "a#1 charged 0"}; !slices.Equal(got, want) {
		t.Errorf("Unsettled = %v; want %v", got, want)
	}
	if got := dead(t, s); len(got) != 0 {
		t.Errorf("Dead = %v; want none", got)
	}
	if err := s.Commit(nil, []engine.Record{{Kind: engine.Resent, Message: l.Message}}); !errors.Is(err, store.ErrNotDead) {
		t.Errorf("Commit of a second resend = %v; want ErrNotDead", err)
	}
}

func erased(t *testing.T, s store.Store) {
	accept(t, s, "a#1", "b#1")
	gone, kept := drop(t, s, message("a#1")), drop(t, s, message("b#1"))
	must(t, s.Commit(nil, []engine.Record{{Kind: engine.Erased, Message: gone.Message}}))
	if diff := cmp.Diff([]store.DeadLetter{kept}, dead(t, s)); diff != "" {
		t.Errorf("Dead (-want +got):\n%s", diff)
	}
	if got := unsettled(t, s); len(got) != 0 {
		t.Errorf("Unsettled = %v; want none", got)
	}
	for _, kind := range []engine.RecordKind{engine.Erased, engine.Resent} {
		if err := s.Commit(nil, []engine.Record{{Kind: kind, Message: gone.Message}}); !errors.Is(err, store.ErrNotDead) {
			t.Errorf("Commit of what was erased, as %s, = %v; want ErrNotDead", kind, err)
		}
	}
}

func settledOnce(t *testing.T, s store.Store) {
	accept(t, s, "a#1")
	must(t, s.Commit(nil, []engine.Record{record(engine.Accepted, "a#1", 0)})) // a commit repeated
	if got, want := unsettled(t, s), []string{"a#1 charged 0"}; !slices.Equal(got, want) {
		t.Errorf("Unsettled = %v; want %v", got, want)
	}
	for _, late := range []engine.RecordKind{engine.Charged, engine.Delivered, engine.Dropped} {
		if s.Commit(nil, []engine.Record{record(engine.Delivered, "a#1", 0), record(late, "a#1", 2)}) == nil {
			t.Errorf("Commit took a %s record after the settlement", late)
		}
	}
	must(t, s.Commit(nil, []engine.Record{record(engine.Delivered, "a#1", 0)}))
	if s.Commit(nil, []engine.Record{record(engine.Charged, "a#1", 2)}) == nil {
		t.Error("Commit took a charge after the settlement")
	}
}
