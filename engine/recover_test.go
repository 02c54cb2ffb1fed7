package engine

import (
	"testing"
	"time"

	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
)

// Whatever ends the last attempt, the message becomes a dead letter. It counts
// the attempts, including those before a restart; a restart gives no message
// another attempt.
func TestDeadLettersCountAttemptsAcrossRestarts(t *testing.T) {
	start := time.Date(2026, 1, 15, 9, 0, 0, 0, time.UTC)
	failures := []retry.Outcome{{Kind: retry.Answered, Status: 503}, {Kind: retry.Timeout}, {Kind: retry.Reset}, {Kind: retry.TooLarge}}
	for charged, failure := range failures {
		x := &Export{ID: "doc#1", Profile: profile.ID("doc"), At: start, Body: []byte("{}")}
		d := NewDispatcher(Settings{Policy: retry.Documented(), MaxInFlight: 10, Certificate: NeverPresent})
		d.Recall(Unsettled{x.alone(), charged})
		e := d.Recover(start)
		now, sent, dropped := start, charged, 0
		for {
			for _, r := range e.Persist {
				if r.Kind == Charged && r.Number != sent+1 {
					t.Errorf("%d attempts before the restart: attempt %d is charged as %d", charged, sent+1, r.Number)
				}
				if r.Kind == Dropped {
					dropped++
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
			e = d.Completed(now, Completion{Operation: e.Send[0].ID, Outcome: failure})
		}
		if sent != 3 || dropped != 1 {
			t.Errorf("%d attempts before the restart, then %s: %d in all and %d dead letters; want 3 and one", charged, failure, sent, dropped)
		}
	}
}
