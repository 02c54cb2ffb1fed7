package check

import (
	"slices"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// twoTapes are a scenario of two dataflows with the same story in both, and its
// recording. change makes the first of them another.
func twoTapes(change func(*scenarios.Scenario)) *editedRecording {
	first, second := newTape(change), newTape(nil)
	p := &editedRecording{sc: scene()}
	p.sc.Flows = &scenarios.Flows{}
	add := func(t *editedRecording, dataflow, destination string) {
		to, flow, f := t.sc.Destination, t.sc.Dataflow, p.sc.Flows
		to.Key, flow.Key, flow.To = destination, dataflow, destination
		f.Destinations, f.Endpoints, f.Dataflows = append(f.Destinations, to), append(f.Endpoints, t.sc.Endpoint), append(f.Dataflows, flow)
	}
	add(first, "loyalty", "crm")
	add(second, "archive", "warehouse")
	for i := range first.lines { // both at once: what comes first counts
		if common(first.lines[i]) {
			p.add(first.lines[i])
			continue
		}
		p.add(lineOf(first.lines[i], "loyalty", "crm", ""))
		p.add(lineOf(second.lines[i], "archive", "warehouse", "w"))
	}
	p.lines[0].Run.Dataflows = []recording.Dataflow{{ID: "loyalty", Destination: "crm", Endpoint: p.lines[0].Run.Endpoint},
		{ID: "archive", Destination: "warehouse", Endpoint: p.lines[0].Run.Endpoint}}
	end := p.lines[len(p.lines)-1].End
	end.Faults = append(end.Faults, end.Faults[0])
	end.Faults[0].Destination, end.Faults[1].Destination = "crm", "warehouse"
	return p
}

// common reports whether a line is about no dataflow in particular.
func common(l recording.Line) bool {
	return l.Run != nil || l.End != nil || l.Update != nil || l.Lookup != nil ||
		l.Action != nil && slices.Contains([]string{"upload", "rename", "expire"}, l.Action.Action)
}

// lineOf is a line as that of one dataflow, whose exports have a suffix.
func lineOf(l recording.Line, dataflow, destination, suffix string) recording.Line {
	named := func(ids []string) []string {
		ids = slices.Clone(ids)
		for i := range ids {
			ids[i] += suffix
		}
		return ids
	}
	l.Dataflow = dataflow
	switch {
	case l.Export != nil:
		l.Export.ID += suffix
	case l.Attempt != nil:
		l.Attempt.Exports, l.Attempt.Message = named(l.Attempt.Exports), l.Attempt.Message+suffix
	case l.Drop != nil:
		l.Drop.Exports, l.Drop.Message = named(l.Drop.Exports), l.Drop.Message+suffix
	case l.Request != nil:
		l.Destination = destination
	}
	return l
}

// A dataflow touches no other: a line under the wrong dataflow, a request at the wrong
// endpoint and an id that two have are found.
func TestAcrossDataflows(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*recording.Line)
		says   string
	}{
		{"nothing", func(*recording.Line) {}, ""},
		{"an unknown dataflow", func(l *recording.Line) {
			if l.Drop != nil && l.Dataflow == "archive" {
				l.Dataflow = "archives"
			}
		}, `: "archives"`},
		{"no dataflow", func(l *recording.Line) {
			if l.Decision != nil {
				l.Dataflow = ""
			}
		}, `: ""`},
		{"another endpoint", func(l *recording.Line) {
			if l.Request != nil && l.Dataflow == "loyalty" {
				l.Destination = "warehouse"
			}
		}, `the endpoint of warehouse saw "loyalty"`},
		{"an id twice", func(l *recording.Line) {
			if l.Export != nil && l.Export.ID == "doc#1w" {
				l.Export.ID = "doc#1"
			}
		}, "doc#1 is of loyalty already"},
		{"an export of another", func(l *recording.Line) {
			if l.Attempt != nil && l.Attempt.Exports[0] == "griff#1w" {
				l.Attempt.Exports[0] = "griff#1"
			}
		}, `archive carries griff#1 of "loyalty"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := twoTapes(nil)
			p.sc.Rules = []string{"bearer-header"}
			for i := range p.lines {
				tt.change(&p.lines[i])
			}
			c := conclude(p.sc, catalogue(t), proved(p.sc, catalogue(t), p.lines))
			var found []string
			for _, k := range c.Checks {
				if k.Verdict != reports.Pass {
					found = append(found, k.Title+": "+k.Actual)
				}
			}
			if all := strings.Join(found, "\n"); (c.Verdict == reports.Pass) != (tt.says == "") || !strings.Contains(all, tt.says) {
				t.Errorf("%s: want %q in\n%s", c.Verdict, tt.says, all)
			}
		})
	}
}

// A rule is proved by the dataflow that exercises it, whichever that is.
func TestProofBySecondDataflow(t *testing.T) {
	p := twoTapes(func(sc *scenarios.Scenario) {
		sc.Destination.Auth, sc.Endpoint.Bearer = scenarios.Auth{Type: "none"}, ""
	})
	p.sc.Rules = []string{"bearer-header"}
	if c := conclude(p.sc, catalogue(t), proved(p.sc, catalogue(t), p.lines)); c.Verdict != reports.Pass {
		t.Errorf("%s: %s", c.Verdict, c.Reason)
	}
}

// Each dataflow has its events in the timeline, and changes of profiles are there once.
func TestTimelineOfTwoDataflows(t *testing.T) {
	p := twoTapes(nil)
	got := map[string]int{}
	for _, e := range Judge(p.sc, catalogue(t), p.lines).Timeline.Events {
		got[e.Dataflow+" "+string(e.Kind)]++
	}
	for what, want := range map[string]int{"loyalty update": 8, "archive update": 0, "loyalty export": 4, "archive export": 4, "archive drop": 1, "archive lookup": 0} {
		if got[what] != want {
			t.Errorf("%d of %q; want %d", got[what], what, want)
		}
	}
}
