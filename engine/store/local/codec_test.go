package local

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/export"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
	"github.com/httpdest/httpdest/engine/store"
)

func instants() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.Bool().Draw(t, "zero") {
			return time.Time{}
		}
		return time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "s"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns")).UTC()
	})
}

func values(depth int) *rapid.Generator[any] {
	leaf := []*rapid.Generator[any]{rapid.String().AsAny(), rapid.Bool().AsAny(),
		rapid.Map(rapid.StringMatching(`-?(0|[1-9][0-9]{0,40})(\.[0-9]{1,30})?([eE][-+]?[0-9]{1,4})?`), func(s string) any { return json.Number(s) })}
	if depth > 0 {
		leaf = append(leaf, rapid.SliceOfN(values(depth-1), 1, 3).AsAny(), rapid.MapOfN(rapid.String(), values(depth-1), 1, 3).AsAny())
	}
	return rapid.OneOf(leaf...)
}

// Values are read back as they were written, and every number keeps its
// spelling.
func TestStateRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		memberships := rapid.MapOfN(rapid.String(), rapid.Custom(func(t *rapid.T) profile.Membership {
			return profile.Membership{Status: profile.Status(rapid.String().Draw(t, "status")),
				LastQualified: instants().Draw(t, "qualified"), ExitedAt: instants().Draw(t, "exited")}
		}), 1, 3)
		want := engine.State{Version: rapid.Uint64().Draw(t, "version"), Exports: rapid.Uint64().Draw(t, "exports"), MergedInto: profile.ID(rapid.String().Draw(t, "into")), Profile: profile.Profile{
			ID:          profile.ID(rapid.String().Draw(t, "id")),
			Attributes:  rapid.MapOfN(rapid.String(), values(2), 1, 4).Draw(t, "attributes"),
			Identities:  rapid.MapOfN(rapid.String(), rapid.SliceOfN(rapid.String(), 1, 3), 1, 3).Draw(t, "identities"),
			Memberships: rapid.MapOfN(rapid.String(), memberships, 1, 2).Draw(t, "memberships"),
		}}
		var a appender
		if err := a.state(want); err != nil {
			t.Fatal(err)
		}
		value := a.value
		got, err := decodeState(value)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		if v, err := version(value); v != want.Version || err != nil {
			t.Fatalf("version = %d, %v; want %d", v, err, want.Version)
		}
	})
}

func TestDeadLetterRoundTrip(t *testing.T) {
	x := engine.Export{ID: "a#1", Profile: "a", At: time.Date(2026, 1, 1, 0, 0, 0, 5, time.UTC), Because: []export.Trigger{export.Audience, export.Identity}, Body: []byte("{\"a\":\"<\\u2028>\"}"), Identities: 3}
	want := store.DeadLetter{Message: &engine.Message{ID: "a#1", Exports: []engine.Export{x, {ID: "b#9", Profile: "b", At: x.At, Body: []byte{0, 255}}}, Body: []byte("[]")},
		Attempts: 3, At: x.At, Outcome: retry.Outcome{Kind: retry.Answered, Status: 503, RetryAfter: time.Minute, Reason: "r"}}
	var a appender
	a.dead(want)
	got, err := decodeDead(a.value)
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// Whatever stands in the folder, reading it neither panics nor allocates
// without bound.
func FuzzDecode(f *testing.F) {
	var state, charged, dead appender
	if err := state.state(engine.State{Version: 1, Profile: profile.Profile{ID: "doc", Attributes: map[string]any{"n": 5.0}}}); err != nil {
		f.Fatal(err)
	}
	f.Add(state.value)
	charged.charge(charge{id: "a#1", number: 2, exports: []uint64{1, 2}, body: []byte("[]")})
	f.Add(charged.value)
	dead.dead(store.DeadLetter{Message: &engine.Message{ID: "a#1"}})
	f.Add(dead.value)
	f.Fuzz(func(t *testing.T, value []byte) {
		if s, err := decodeState(value); err == nil {
			var again appender
			if err := again.state(s); err != nil {
				t.Fatalf("a state that was read cannot be written: %v", err)
			}
			if _, err := decodeState(again.value); err != nil {
				t.Fatalf("a state that was written cannot be read: %v", err)
			}
		}
		_, _ = decodeExport(value) // an error or not: it returns
		_, _ = decodeCharge(value)
		_, _ = decodeDead(value)
	})
}
