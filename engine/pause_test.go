package engine

import (
	"testing"
	"time"

	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
)

// A pause lasts from the first disable to the first enable, however often either
// is repeated: the turns of a backfill move by just that.
func TestAPauseLastsFromTheFirstDisable(t *testing.T) {
	start := time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	d := NewDispatcher(Settings{Policy: retry.Documented(), MaxInFlight: 10, Certificate: NeverPresent})
	d.Backfill(start, []profile.AudienceRef{{Namespace: "ups", ID: "trilogy"}}, "", []profile.ID{"first", "second"}) // turns at 0 and 30 minutes
	for _, step := range []struct {
		minute  int
		enabled bool
	}{{10, false}, {40, false}, {70, true}, {75, true}} {
		if e := d.SetEnabled(at(step.minute), step.enabled); len(e.Backfill) > 0 {
			t.Errorf("enabled %t after %d minutes: %v is backfilled", step.enabled, step.minute, e.Backfill)
		}
	}
	if e := d.Wake(at(89)); len(e.Backfill) > 0 || !e.WakeAt.Equal(at(90)) {
		t.Errorf("after 89 minutes: %v is backfilled, the next at %s; want none, at %s", e.Backfill, e.WakeAt, at(90))
	}
	if e := d.Wake(at(90)); len(e.Backfill) != 1 || e.Backfill[0].Profile != "second" {
		t.Errorf("after 90 minutes: %v is backfilled; want second", e.Backfill)
	}
}
