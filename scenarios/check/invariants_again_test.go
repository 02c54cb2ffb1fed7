package check

import (
	"testing"
	"time"

	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// A retry is not missed where the dataflow was deleted before it could be sent:
// while it waited, or in a pause that it became due in.
func TestDeletedBeforeTheRetry(t *testing.T) {
	at := func(seconds int) time.Time { return began.Add(time.Duration(seconds) * time.Second) }
	act := func(seconds int, action string) *recording.Action {
		return &recording.Action{At: at(seconds), Action: action}
	}
	a := &recording.Attempt{At: at(0), EndedAt: at(1)}
	for _, tt := range []struct {
		name    string
		actions []*recording.Action
		want    bool
	}{
		{"never", nil, false},
		{"before the attempt", []*recording.Action{act(-1, "delete")}, false},
		{"while the attempt is under way", []*recording.Action{act(0, "delete")}, true},
		{"when the retry is due", []*recording.Action{act(16, "delete")}, true},
		{"after it was due", []*recording.Action{act(17, "delete")}, false},
		{"in the pause it became due in", []*recording.Action{act(10, "disable"), act(300, "delete")}, true},
		{"after that pause", []*recording.Action{act(10, "disable"), act(200, "enable"), act(300, "delete")}, false},
		{"in a pause that began after it was due", []*recording.Action{act(17, "disable"), act(300, "delete")}, false},
	} {
		v := &view{scenario: &scenarios.Scenario{}, actions: tt.actions}
		if got := v.deletedBefore(a, 15*time.Second); got != tt.want {
			t.Errorf("deleted %s: %t; want %t", tt.name, got, tt.want)
		}
	}
}
