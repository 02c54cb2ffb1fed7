package simulate

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// The faults of a recording are those of the scenario, whatever the admin API added
// to the plan and removed from it.
func TestFiredIsAboutTheScenario(t *testing.T) {
	sc, err := scenarios.Parse("f.yaml", []byte("title: Two faults\nrules: [max-3]\nendpoint:\n  faults:\n"+
		"    - {id: a, requests: 1, status: 503}\n    - {id: b, requests: 1-2, status: 503}\nexpect: []\n"))
	if err != nil {
		t.Fatal(err)
	}
	r := NewReceiver(sc)
	plan := r.Options().Faults
	if !plan.Remove("a") {
		t.Fatal("a is not in the plan")
	}
	if err := plan.Add(fault.Fault{ID: "added", Status: 500}); err != nil {
		t.Fatal(err)
	}
	if f := plan.Request(nil, fault.Message, 1); f == nil || f.ID != "b" {
		t.Fatalf("%+v fired", f)
	}
	want := []recording.Fault{{ID: "a", Line: 5}, {ID: "b", Planned: 2, Fired: 1, Line: 6}}
	if d := cmp.Diff(want, r.Fired()); d != "" {
		t.Errorf("want -, got +:\n%s", d)
	}
}
