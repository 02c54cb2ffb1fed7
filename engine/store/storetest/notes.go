package storetest

import (
	"errors"
	"slices"
	"testing"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/store"
)

func note(key, value string) engine.Record {
	n := engine.Note{Key: key, Volatile: value == "volatile"}
	if value != "" {
		n.Value = []byte(value)
	}
	return engine.Record{Kind: engine.Noted, Note: &n}
}

// noted lists the notes of a store, in the order in which it yields them.
func noted(t *testing.T, s store.Store) []string {
	t.Helper()
	var got []string
	must(t, s.Notes(func(n engine.Note) error { got = append(got, n.Key+"="+string(n.Value)); return nil }))
	return got
}

func notes(t *testing.T, s store.Store) {
	first := note("b", "first")
	must(t, s.Commit(nil, []engine.Record{first, note("b/2", "second"), note("a", "volatile"), note("c", "third")}))
	copy(first.Note.Value, "XXXXX") // it was handed in
	must(t, s.Commit([]engine.State{state("b", 1)}, []engine.Record{note("c", ""), note("b/2", "changed"), note("never", "")}))
	if got, want := noted(t, s), []string{"a=volatile", "b=first", "b/2=changed"}; !slices.Equal(got, want) {
		t.Errorf("Notes = %v; want %v", got, want)
	}
	must(t, s.Commit(nil, []engine.Record{note("a", ""), note("a", "again"), note("b", "x"), note("b", "")}))
	if got, want := noted(t, s), []string{"a=again", "b/2=changed"}; !slices.Equal(got, want) {
		t.Errorf("Notes = %v; want %v: the last record of a key counts", got, want)
	}
	enough := errors.New("enough")
	calls := 0
	if err := s.Notes(func(engine.Note) error { calls++; return enough }); !errors.Is(err, enough) || calls != 1 {
		t.Errorf("Notes = %v after %d calls; want the error of the first", err, calls)
	}
}

func notesAllOrNothing(t *testing.T, s store.Store) {
	must(t, s.Commit(nil, []engine.Record{note("a", "before")}))
	if s.Commit(nil, []engine.Record{note("a", "after"), record(engine.Charged, "stranger#1", 1)}) == nil {
		t.Fatal("Commit took a charge of a message that was never accepted")
	}
	if got, want := noted(t, s), []string{"a=before"}; !slices.Equal(got, want) {
		t.Errorf("Notes = %v; want %v", got, want)
	}
}
