package page

import (
	"strings"
	"testing"

	"github.com/httpdest/httpdest/reports"
)

// Each dataflow has a row, and the table names the dataflow of every export.
func TestSeveralDataflows(t *testing.T) {
	c := &reports.Case{ID: "c", Verdict: reports.Fail, Timeline: &reports.Timeline{EndMs: 4000, Faults: []reports.PlannedFault{{ID: "f", Destination: "crm"}}, Events: []reports.Event{
		{Kind: reports.EventUpdate, Dataflow: "loyalty", Profile: "doc", Text: "qualify delorean"},
		{Kind: reports.EventAttempt, Dataflow: "loyalty", Profile: "doc", Export: "doc#1", Attempt: 1, Outcome: "503", Failed: true},
		{Kind: reports.EventAttempt, Dataflow: "archive", Profile: "doc", Export: "doc#2", Attempt: 1, Outcome: "200"},
		{AtMs: 1000, Kind: reports.EventRun, Dataflow: "archive"},
		{AtMs: 1000, Kind: reports.EventAction, Dataflow: "loyalty", Text: "disable"},
	}}}
	d := drawn(c, 1)
	var lanes []string
	for _, l := range d.Lanes {
		lanes = append(lanes, l.Name)
	}
	if got := strings.Join(lanes, ", "); got != "dataflow archive, dataflow loyalty, doc" {
		t.Errorf("rows %s", got)
	}
	if !strings.HasPrefix(d.Summary, "2 attempts") {
		t.Errorf("summary %q", d.Summary)
	}
	text := written(t, &reports.Report{Schema: reports.Schema, Kind: "run", Verdict: reports.Fail, Cases: []reports.Case{*c}})
	for _, want := range []string{"doc#1 by loyalty", "doc#2 by archive", "<td>dataflow archive</td>", "f of crm, 0"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(text, "doc by loyalty") {
		t.Error("an update belongs to a dataflow")
	}
}
