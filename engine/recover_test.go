package engine

import (
	"testing"
	"time"

	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
)

// A dead letter tells how many attempts there were, those before a restart
// included, and a restart gives no message an attempt more.
func TestDeadLettersCountAttemptsAcrossRestarts(t *testing.T) {
	start := time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)
	for charged := range 4 {
		x := &Export{ID: "doc#1", Profile: profile.ID("doc"), At: start, Body: []byte("{}")}
		d := NewDispatcher(Settings{Policy: retry.Documented(), MaxInFlight: 10, Certificate: NeverPresent})
		e := d.Recover(start, []Unsettled{{x.alone(), charged}})
		now, sent := start, charged
		for {
			for _, r := range e.Persist {
				if r.Kind == Charged && r.Number != sent+1 {
					t.Errorf("%d attempts before the restart: attempt %d is charged as %d", charged, sent+1, r.Number)
				}
				if r.Kind == Dropped && (r.Number != 3 || !r.At.Equal(now)) {
					t.Errorf("%d attempts before the restart: the dead letter counts %d, at %s; want 3, at %s", charged, r.Number, r.At, now)
				}
			}
			if len(e.Settled) > 0 {
				break
			}
			if len(e.Send) == 0 {
				if e.WakeAt.IsZero() {
					t.Fatalf("%d attempts before the restart: the message is forgotten after %d", charged, sent)
				}
				now = e.WakeAt
				e = d.Wake(now)
				continue
			}
			sent++
			now = now.Add(time.Second)
			e = d.Completed(now, Completion{Operation: e.Send[0].ID, Outcome: retry.Outcome{Kind: retry.Answered, Status: 503}})
		}
		if want := 3; sent != want {
			t.Errorf("%d attempts before the restart: %d in all; want %d", charged, sent, want)
		}
	}
}
