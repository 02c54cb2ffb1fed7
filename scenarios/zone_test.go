package scenarios_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/httpdest/httpdest/engine/store/memory"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/simulate"
)

// A machine in a zone east of Greenwich, a quarter of an hour off the hour, leaves
// the same recordings byte for byte as one in UTC.
func TestRecordingsDoNotDependOnTheZone(t *testing.T) {
	all, err := scenarios.Find("library")
	if err != nil {
		t.Fatal(err)
	}
	here := time.Local
	defer func() { time.Local = here }()
	played := func(sc *scenarios.Scenario, zone *time.Location) []byte {
		t.Helper()
		time.Local = zone
		lines, err := simulate.Play(t.Context(), sc, memory.New(), 1)
		if err != nil {
			t.Fatalf("%s in %s: %v", sc.ID, zone, err)
		}
		var b bytes.Buffer
		for _, l := range lines {
			if err := json.NewEncoder(&b).Encode(l); err != nil {
				t.Fatal(err)
			}
		}
		return b.Bytes()
	}
	for _, sc := range all {
		in, east := played(sc, time.UTC), played(sc, time.FixedZone("Kathmandu", 5*3600+45*60))
		if !bytes.Equal(in, east) {
			t.Errorf("%s leaves another recording east of Greenwich than in UTC", sc.ID)
		}
	}
}
