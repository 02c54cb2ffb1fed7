package recording

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The lines of one dataflow are those that name it and those that name none, as they
// would be without the others.
func TestOf(t *testing.T) {
	update := Line{Update: &Update{Profile: "doc"}}
	lines := []Line{
		{Run: &Run{Dataflows: []Dataflow{{"loyalty", "crm", "https://crm.test/in"}, {"archive", "warehouse", "https://warehouse.test/in"}}}},
		{Problem: &Problem{Path: "organisation.destinations"}},
		{Dataflow: "archive", Problem: &Problem{Path: "dataflow.attributes[0]"}},
		update,
		{Dataflow: "loyalty", Export: &Export{ID: "doc#1"}},
		{Dataflow: "archive", Export: &Export{ID: "doc#2"}},
		{Dataflow: "archive", Destination: "warehouse", Request: &Request{Socket: 1}},
		{Dataflow: "archive", Destination: "crm", Request: &Request{Socket: 2}},
		{Dataflow: "loyalty", Destination: "crm", Handshake: &Handshake{Socket: 3}},
		{Destination: "warehouse", Action: &Action{Action: "revoke"}},
		{Lookup: &Lookup{What: "egress-addresses"}},
		{End: &End{Unfinished: []string{"doc#1", "doc#2"}, Faults: []Fault{{ID: "a", Destination: "crm"}, {ID: "a", Destination: "warehouse", Fired: 1}}}},
	}
	first := []Line{
		{Run: &Run{Endpoint: "https://crm.test/in"}},
		{Problem: &Problem{Path: "organisation.destinations"}},
		update,
		{Export: &Export{ID: "doc#1"}},
		{Handshake: &Handshake{Socket: 3}},
		{Lookup: &Lookup{What: "egress-addresses"}},
		{End: &End{Unfinished: []string{"doc#1"}, Faults: []Fault{{ID: "a"}}}},
	}
	second := []Line{
		{Run: &Run{Endpoint: "https://warehouse.test/in"}},
		{Problem: &Problem{Path: "dataflow.attributes[0]"}},
		update,
		{Export: &Export{ID: "doc#2"}},
		{Request: &Request{Socket: 1}},
		{Action: &Action{Action: "revoke"}},
		{End: &End{Unfinished: []string{"doc#2"}, Faults: []Fault{{ID: "a", Fired: 1}}}},
	}
	for _, tt := range []struct {
		part Part
		want []Line
	}{{Part{"loyalty", "crm", true}, first}, {Part{"archive", "warehouse", false}, second}} {
		if diff := cmp.Diff(tt.want, Of(lines, tt.part)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.part, diff)
		}
	}
	if lines[4].Dataflow != "loyalty" || lines[len(lines)-1].End.Faults[0].Destination != "crm" {
		t.Error("Of changed its argument")
	}
}
