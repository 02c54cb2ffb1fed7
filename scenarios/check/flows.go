package check

import (
	"slices"
	"time"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// flowPart is one dataflow of a recording: its own scenario and its own lines.
type flowPart struct {
	scenario *scenarios.Scenario
	lines    []recording.Line
	view     *view
	checks   []reports.Check
}

// partsOf takes a recording apart; with one dataflow it is the only part.
func partsOf(sc *scenarios.Scenario, lines []recording.Line) []*flowPart {
	if sc.Flows == nil {
		return []*flowPart{{scenario: sc, lines: lines, view: newView(sc, lines)}}
	}
	var out []*flowPart
	for i, one := range sc.Split() {
		p := &flowPart{scenario: one, lines: recording.Of(lines, recording.Part{Dataflow: one.Dataflow.Key, Destination: one.Destination.Key, Rest: i == 0})}
		p.view = newView(one, p.lines)
		p.view.further = i > 0
		out = append(out, p)
	}
	return out
}

// together are the checks of all parts. Where there are several, the title of one that
// did not pass, or that is about a line of the file, names the dataflow; what passed in
// several is there once.
func together(sc *scenarios.Scenario, parts []*flowPart) []reports.Check {
	if sc.Flows == nil {
		return parts[0].checks
	}
	var out []reports.Check
	type place struct {
		rule, title  string
		line, column int
	}
	passed := map[place]bool{}
	for _, p := range parts {
		for _, c := range p.checks {
			if c.Verdict != reports.Pass || c.Line != sc.Pos.Line {
				c.Title = p.scenario.Dataflow.Key + ": " + c.Title
			}
			at := place{c.Rule, c.Title, c.Line, c.Column}
			if c.Verdict == reports.Pass && passed[at] {
				continue
			}
			passed[at] = passed[at] || c.Verdict == reports.Pass
			out = append(out, c)
		}
	}
	return out
}

// shared is a rule that every recording of several dataflows can be held against: what
// no part shows by itself.
type shared struct {
	want string
	look func(*scenarios.Scenario, []recording.Line, *findings)
}

var allShared = []shared{
	{"every line of a dataflow of the scenario", knownFlows},
	{"every request at the endpoint of the dataflow's own destination", ownEndpoints},
	{"every export once, and carried by its own dataflow", ownExports},
}

// acrossFlows holds a recording against what the dataflows have in common.
func acrossFlows(sc *scenarios.Scenario, lines []recording.Line) []reports.Check {
	if sc.Flows == nil {
		return nil
	}
	pos := sc.Pos
	var out []reports.Check
	for _, s := range allShared {
		var f findings
		s.look(sc, lines, &f)
		if len(f.wrong) > 0 {
			out = append(out, reports.Check{Verdict: reports.Fail, Title: s.want, Expected: s.want, Actual: some(f.wrong),
				Fix: "report it: a dataflow must not touch another", File: pos.File, Line: pos.Line, Column: pos.Column})
		}
	}
	return out
}

// destinations are those of the dataflows, by their keys.
func destinations(sc *scenarios.Scenario) map[string]string {
	out := map[string]string{}
	for _, f := range sc.Flows.Dataflows {
		out[f.Key] = f.To
	}
	return out
}

// knownFlows: whatever a dataflow tells names it.
func knownFlows(sc *scenarios.Scenario, lines []recording.Line, f *findings) {
	to := destinations(sc)
	for i, l := range lines {
		_, known := to[l.Dataflow]
		own := l.Export != nil || l.Attempt != nil || l.Decision != nil || l.Token != nil || l.Drop != nil || l.FlowRun != nil || l.Totals != nil || l.Alert != nil
		f.note(known || l.Dataflow == "" && !own, "line %d: %q", i+1, l.Dataflow)
	}
}

// ownEndpoints: what an endpoint saw came from a dataflow to its destination.
func ownEndpoints(sc *scenarios.Scenario, lines []recording.Line, f *findings) {
	to := destinations(sc)
	for i, l := range lines {
		if l.Request != nil || l.Handshake != nil {
			f.note(l.Dataflow != "" && l.Destination == to[l.Dataflow], "line %d: the endpoint of %s saw %q", i+1, l.Destination, l.Dataflow)
		}
	}
}

// ownExports: ids are not given twice, and no dataflow sends what another decided.
func ownExports(_ *scenarios.Scenario, lines []recording.Line, f *findings) {
	of := map[string]string{}
	carried := func(line int, dataflow string, ids []string) {
		for _, id := range ids {
			f.note(of[id] == dataflow, "line %d: %s carries %s of %q", line, dataflow, id, of[id])
		}
	}
	for i, l := range lines {
		switch {
		case l.Export != nil:
			other, twice := of[l.Export.ID]
			f.note(!twice, "line %d: %s is of %s already", i+1, l.Export.ID, other)
			of[l.Export.ID] = l.Dataflow
		case l.Attempt != nil:
			carried(i+1, l.Dataflow, l.Attempt.Exports)
		case l.Drop != nil:
			carried(i+1, l.Dataflow, l.Drop.Exports)
		}
	}
}

// metrics are what was measured on the clock of the recording, over all dataflows.
func metrics(parts []*flowPart) map[string]float64 {
	var all []time.Duration
	for _, p := range parts {
		all = append(all, p.view.latencies()...)
	}
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	return map[string]float64{reports.Deliveries: float64(len(all)), reports.LatencyP95Seconds: percentile(all, 95).Seconds()}
}
