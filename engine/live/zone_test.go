package live

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/httpdest/httpdest/engine"
	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/monitor"
	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/store"
)

// Times of the API are in UTC, whatever the zone of the machine is.
func TestTimesAreInUTC(t *testing.T) {
	at := time.Date(2026, 1, 15, 14, 45, 0, 0, time.FixedZone("of the machine", 20700))
	for name, value := range map[string]any{
		"an upload":   uploadedAudience("vip", profile.AudienceRef{}, flow.Uploaded{At: at, Available: at, Expires: at}),
		"a letter":    NewLetter(store.DeadLetter{Message: &engine.Message{}, At: at}),
		"a run":       runLine(monitor.Hour{Start: at}),
		"no time yet": uploadedAudience("vip", profile.AudienceRef{}, flow.Uploaded{}),
	} {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(text), "T09:00:00Z"); got != (name != "no time yet") || strings.Contains(string(text), "+05:45") {
			t.Errorf("%s: %s", name, text)
		}
	}
}
