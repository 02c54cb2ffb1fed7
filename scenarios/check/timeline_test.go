package check

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// inShort is a timeline in short: one line for each event.
func inShort(t *reports.Timeline) []string {
	var out []string
	for _, e := range t.Events {
		line := fmt.Sprintf("%v %s %s", time.Duration(e.AtMs*1e6), e.Kind, e.Profile)
		if e.EndMs > e.AtMs {
			line += fmt.Sprintf(" for %v", time.Duration((e.EndMs-e.AtMs)*1e6))
		}
		if e.AfterMs > 0 {
			line += fmt.Sprintf(" after %v", time.Duration(e.AfterMs*1e6))
		}
		for _, word := range []string{e.Outcome, e.Fault, e.Text} {
			if word != "" {
				line += ", " + word
			}
		}
		if e.Failed {
			line += " !"
		}
		out = append(out, line)
	}
	return out
}

// The story of the recording, with its retry gaps, its backfill and what happens to
// the dataflow.
func TestTimeline(t *testing.T) {
	p := newTape(nil)
	p.request("marty#1", 1).Fault = "fault-1"
	got := Judge(p.sc, catalogue(t), p.lines).Timeline
	want := []string{
		"0s decision , mtls-only, the endpoint did not request a certificate; without one: 200",
		"0s action , upload vip",
		"30m0s update marty, qualify vip",
		"30m0s update vip-row-2, add-identity Loyalty:M2; qualify vip",
		"40m0s lookup , 200, public-certificate limit=1&page=0",
		"40m0s lookup , 200, public-certificate limit=1&page=1",
		"40m0s lookup , 403, public-certificate",
		"40m0s lookup , 200, egress-addresses address=192.0.2.1&region=VA7",
		"1h0m0s update marty, qualify delorean",
		"1h0m0s export marty, because audience",
		"1h0m0s attempt marty, 503, fault-1 !",
		"1h0m15s attempt marty for 2s after 15s, timeout !",
		"1h0m47s attempt marty after 30s, 200",
		"2h0m0s update doc, qualify delorean",
		"2h0m0s export doc, because audience",
		"2h0m0s attempt doc, 302 !",
		"2h0m15s attempt doc after 15s, 500 !",
		"2h0m45s attempt doc after 30s, 500 !",
		"2h0m45s drop doc, 500 !",
		"3h0m0s action , map fans",
		"3h30m0s backfill griff, because backfill",
		"3h30m0s attempt griff, 200",
		"4h0m0s update marty, add-identity Phone:+1555",
		"4h0m0s export marty, because identity",
		"4h0m0s attempt marty, 200",
		"5h0m0s action , disable",
		"6h0m0s action , enable",
		"6h30m0s action , rename delorean",
		"7h0m0s update marty, exit delorean",
		"7h0m0s export marty, because audience",
		"7h0m0s attempt marty, 200",
		"7h30m0s action , expire vip",
		"7h30m0s update marty, exit vip",
		"7h30m0s update vip-row-2, exit vip",
		"7h50m0s action , delete",
	}
	if diff := cmp.Diff(want, inShort(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !got.Start.Equal(began) || got.EndMs != 8*3600*1000 || got.LeftOutEvents != 0 || got.LeftOutProfiles != 0 {
		t.Errorf("from %v for %v ms, %d events of %d profiles left out", got.Start, got.EndMs, got.LeftOutEvents, got.LeftOutProfiles)
	}
	if diff := cmp.Diff([]reports.PlannedFault{{ID: "fault-1", Planned: 2, Fired: 2}}, got.Faults); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	if Judge(p.sc, catalogue(t), nil).Timeline != nil {
		t.Error("a recording without a line has a timeline")
	}
}

// Events beyond the bound are counted: the profiles that a failure names come
// first, then those whose attempts failed.
func TestTimelineIsBounded(t *testing.T) {
	lines := []recording.Line{{Run: &recording.Run{Schema: recording.Schema, Start: began}}}
	const profiles = 5000
	for i := range profiles {
		id, name, at := fmt.Sprintf("p-%d-#1", i), fmt.Sprintf("p-%d-", i), began.Add(time.Duration(i)*time.Second)
		outcome := "200"
		if i%1000 == 999 {
			outcome = "500"
		}
		lines = append(lines, recording.Line{Export: &recording.Export{At: at, ID: id, Profile: name, Because: []string{"audience"}}},
			recording.Line{Attempt: &recording.Attempt{At: at, EndedAt: at, Message: id, Exports: []string{id}, Number: 1, Outcome: outcome}},
			recording.Line{Action: &recording.Action{At: at, Action: "map", Audiences: []string{"a"}}})
	}
	sc := newTape(nil).sc
	p := []*flowPart{{scenario: sc, lines: lines, view: newView(sc, lines)}}
	got := timeline(p, []reports.Check{{Verdict: reports.Fail, Title: "export 1 of p-4321-"}, {Verdict: reports.Pass, Title: "export 1 of p-4322-"}})
	if len(got.Events) > mostEvents || got.LeftOutEvents != 3*profiles-len(got.Events) || got.LeftOutProfiles != profiles-mostProfiles {
		t.Errorf("%d events told, %d left out, of %d profiles", len(got.Events), got.LeftOutEvents, got.LeftOutProfiles)
	}
	who := map[string]int{}
	for _, e := range got.Events {
		who[e.Profile]++
	}
	for _, name := range []string{"p-4321-", "p-999-", "p-1999-", "p-2999-", "p-3999-", "p-4999-", "p-0-", "p-1-"} {
		if who[name] != 2 {
			t.Errorf("%d events of %s; want both", who[name], name)
		}
	}
	if who["p-4322-"] > 0 || who[""] != mostEvents/2 || len(who) != mostProfiles+1 {
		t.Errorf("told of %d profiles, %d events of the dataflow", len(who)-1, who[""])
	}
	first, _ := json.Marshal(got)
	if again, _ := json.Marshal(timeline(p, []reports.Check{{Verdict: reports.Fail, Title: "export 1 of p-4321-"}})); string(again) != string(first) {
		t.Error("the same recording gives another timeline")
	}
	if strings.Contains(string(first), "null") {
		t.Error("a list is null")
	}
}
