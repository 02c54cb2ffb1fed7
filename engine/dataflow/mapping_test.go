package dataflow

import (
	"testing"
	"time"

	"github.com/httpdest/httpdest/engine/audience"
	"github.com/httpdest/httpdest/engine/profile"
)

// An audience that is mapped already is neither backfilled nor mapped anew: the
// times of its mapping stay.
func TestMappingTwiceChangesNothing(t *testing.T) {
	ref := profile.AudienceRef{Namespace: "ups", ID: "delorean"}
	at := time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)
	first, _ := NewSnapshot(Dataflow{Audiences: []profile.AudienceRef{ref}}, audience.NewDirectory(audience.Audience{Ref: ref, Name: "Drivers"})).Activate(at)
	second, backfill := first.Map(at.Add(time.Hour), ref)
	if len(backfill) != 0 || second.Mapped[ref] != first.Mapped[ref] {
		t.Errorf("mapped twice: %+v, backfill %v; want %+v, none", second.Mapped[ref], backfill, first.Mapped[ref])
	}
}
