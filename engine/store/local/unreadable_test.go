package local

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/store"
)

// deep is a value of so many levels, objects and lists in turn.
func deep(levels int) any {
	var v any = json.Number("1")
	for i := range levels {
		if i%2 == 0 {
			v = map[string]any{"a": v}
		} else {
			v = []any{v, json.Number("2.0")}
		}
	}
	return v
}

// Earlier versions accepted paths of any depth: what they stored is read back.
func TestDeepProfilesAreReadBack(t *testing.T) {
	s, err := Open("data", Options{FS: vfs.NewMem()})
	if err != nil {
		t.Fatal(err)
	}
	for _, levels := range []int{64, 9_999, 20_000, 200_000} {
		want := engine.State{Version: 1, Profile: profile.Profile{ID: profile.ID(strconv.Itoa(levels)), Attributes: map[string]any{"x": deep(levels), "n": "\u2028"}}}
		if err := s.Commit([]engine.State{want}, nil); err != nil {
			t.Fatal(err)
		}
		got, ok, err := s.Load(want.Profile.ID)
		if err != nil || !ok {
			t.Fatalf("%d levels: Load = %t, %v", levels, ok, err)
		}
		a, b := got.Profile.Attributes["x"], want.Profile.Attributes["x"]
		for range levels { // a comparison by recursion would take minutes
			a, b = child(t, a), child(t, b)
		}
		if a != b || got.Profile.Attributes["n"] != "\u2028" {
			t.Errorf("%d levels: read back %v; want %v", levels, a, b)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// child goes one level down.
func child(t *testing.T, v any) any {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		return v["a"]
	case []any:
		if len(v) != 2 || v[1] != json.Number("2.0") {
			t.Fatalf("a list of %d became another", len(v))
		}
		return v[0]
	}
	t.Fatalf("%T is not a container", v)
	return nil
}

// An unreadable value is left alone and named; everything else goes on, and so
// does the next start.
func TestOneUnreadableValueStopsNobody(t *testing.T) {
	disk := vfs.NewMem()
	s, err := Open("data", Options{FS: disk})
	if err != nil {
		t.Fatal(err)
	}
	x := engine.Export{ID: "good#1", Profile: "good", Body: []byte("{}")}
	good := &engine.Message{ID: x.ID, Exports: []engine.Export{x}, Body: x.Body}
	state := engine.State{Version: 1, Profile: profile.Profile{ID: "good"}}
	if err := s.Commit([]engine.State{state}, []engine.Record{{Kind: engine.Accepted, Message: good}}); err != nil {
		t.Fatal(err)
	}
	garbage := []byte{0xff, 0xff, 0xff}
	for _, key := range [][]byte{stateAt("bad"), appendNumbered(nil, exportKey, 7), appendNumbered(nil, deadKey, 8), appendNumbered(nil, chargeKey, 9)} {
		if err := s.db.Set(key, garbage, pebble.Sync); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open("data", Options{FS: disk}); err != nil {
		t.Fatalf("Open = %v; want the store without what cannot be read", err)
	}
	_, _, err = s.Load("bad")
	var u *store.Unreadable
	var trouble *store.Trouble
	if !errors.As(err, &u) || u.ID != "bad" || errors.Is(err, store.ErrDamaged) || !errors.As(err, &trouble) || strings.Contains(trouble.Hint, "empty") {
		t.Errorf("Load = %v; want the profile by name", err)
	}
	var states, unsettled []string
	if err := errors.Join(
		s.States(func(x engine.State) error { states = append(states, string(x.Profile.ID)); return nil }),
		s.Unsettled(func(m *engine.Message, _ int) error { unsettled = append(unsettled, m.ID); return nil }),
		s.Dead(func(store.DeadLetter) error { return errors.New("a dead letter") })); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"good", "good#1"}, append(states, unsettled...)); diff != "" {
		t.Errorf("what can be read (-want +got):\n%s", diff)
	}
	var named []string
	for _, u := range s.Unreadable() {
		named = append(named, u.Kind+" "+u.ID)
	}
	if diff := cmp.Diff([]string{"charge number 9", "dead letter number 8", "export number 7", "profile bad"}, named); diff != "" {
		t.Errorf("Unreadable (-want +got):\n%s", diff)
	}
	state.Version, x.ID = 2, "good#2"
	if err := s.Commit([]engine.State{state}, []engine.Record{{Kind: engine.Accepted, Message: &engine.Message{ID: x.ID, Exports: []engine.Export{x}, Body: x.Body}}}); err != nil {
		t.Errorf("Commit = %v; want the others to go on", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
