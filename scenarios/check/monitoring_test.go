package check

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// monitored makes the scene one whose monitoring is recorded, with a profile
// that is excluded.
func monitored(s *scenarios.Scenario) {
	s.Destination.ExtendedAlerts = true
	s.Destination.Alerts = []scenarios.Alert{{Kind: skippedRate, Threshold: 10_000}, {Kind: failedRate, Threshold: 500_000}, {Kind: completed}}
	s.Profiles = append(s.Profiles, scenarios.ProfileGroup{Names: scenarios.NameRange{Prefix: "barred"}})
}

// hourOf is the run that begins so many hours after the story.
func hourOf(n int, received int64, c recording.Counters) *recording.FlowRun {
	from := began.Add(time.Duration(n) * time.Hour)
	r := &recording.FlowRun{At: from.Add(time.Hour), Status: "completed", StartedAt: from, DurationMs: 3600_000, Audiences: 1, Received: received, Counters: c}
	r.ProviderRefID = fmt.Sprintf("%d-%d", from.UnixMilli(), r.At.UnixMilli())
	rate := func(part int64) *float64 {
		v := float64(part) / float64(c.Activated+c.Excluded+c.Failed)
		return &v
	}
	r.Rate, r.OlderRate = rate(c.Activated), rate(c.Activated+c.Excluded)
	return r
}

// monitor adds what monitoring shows of the story, and an export before it
// that is excluded.
func (p *editedRecording) monitor() {
	p.lines = slices.Insert(p.lines, 2, recording.Line{Export: &recording.Export{At: began.Add(30 * time.Minute), ID: "barred#1", Profile: "barred",
		Because: []string{"audience"}, Excluded: "missing-attributes"}})
	end := p.lines[len(p.lines)-1]
	p.lines = p.lines[:len(p.lines)-1]
	tell := func(r *recording.FlowRun, alert, status string, value, threshold float64) {
		p.add(recording.Line{FlowRun: r})
		p.add(recording.Line{Alert: &recording.Alert{At: r.At, Alert: completed, Status: "firing", FlowRun: r.ProviderRefID}})
		if alert != "" {
			p.add(recording.Line{Alert: &recording.Alert{At: r.At, Alert: alert, Status: status, FlowRun: r.ProviderRefID, Value: &value, Threshold: &threshold}})
		}
	}
	barred := hourOf(0, 1, recording.Counters{Excluded: 1})
	barred.Exclusions = []recording.Exclusion{{Reason: "missing-attributes", Count: 1}}
	tell(barred, skippedRate, "firing", 100, 1)
	tell(hourOf(1, 1, recording.Counters{Activated: 3}), skippedRate, "inactive", 0, 1) // marty#1
	lost := hourOf(2, 1, recording.Counters{Failed: 1})                                 // doc#1
	lost.Errors = []recording.FlowRunError{{Code: "ACTSVC-9001-500", Count: 1, Description: "it answered 500"}}
	tell(lost, failedRate, "firing", 100, 50)
	both := []*recording.FlowRun{hourOf(3, 1, recording.Counters{Activated: 1}), hourOf(4, 1, recording.Counters{Activated: 4}), hourOf(7, 1, recording.Counters{Activated: 4})}
	for i, r := range both { // griff#1, marty#2, marty#3
		r.Audiences = 2
		tell(r, []string{failedRate, "", ""}[i], "inactive", 0, 50)
	}
	// The first hour ended 90 days before, to the moment.
	p.add(recording.Line{Totals: &recording.Totals{At: began.Add(time.Hour + 90*24*time.Hour), Runs: 5, Received: 5, Counters: recording.Counters{Activated: 12, Failed: 1}}})
	p.add(recording.Line{Totals: &recording.Totals{At: end.End.At, Runs: 6, Received: 6, Counters: recording.Counters{Activated: 12, Excluded: 1, Failed: 1}}})
	p.add(end)
}

// run is the run of an hour of the story.
func (p *editedRecording) run(hour int) *recording.FlowRun {
	for _, l := range p.lines {
		if l.FlowRun != nil && l.FlowRun.StartedAt.Equal(began.Add(time.Duration(hour)*time.Hour)) {
			return l.FlowRun
		}
	}
	panic(fmt.Sprintf("the recording has no run %d", hour))
}

// alert is the nth line of an alert.
func (p *editedRecording) alert(kind string, n int) *recording.Alert {
	for _, l := range p.lines {
		if l.Alert != nil && l.Alert.Alert == kind {
			if n--; n == 0 {
				return l.Alert
			}
		}
	}
	panic("the recording has no such alert")
}

func (p *editedRecording) beforeEnd(l recording.Line) {
	p.lines = slices.Insert(p.lines, len(p.lines)-1, l)
}

// inRun breaks one run.
func inRun(hour int, breaks func(*recording.FlowRun)) func(*editedRecording) {
	return func(p *editedRecording) { breaks(p.run(hour)) }
}

// untold takes one alert out.
func untold(kind string, n int) func(*editedRecording) {
	return func(p *editedRecording) {
		gone := p.alert(kind, n)
		p.remove(func(l recording.Line) bool { return l.Alert == gone })
	}
}

var monitoringBroken = []broken{
	{allSettle, "excluded and given up", monitored, func(p *editedRecording) {
		p.beforeEnd(recording.Line{Drop: &recording.Drop{At: began.Add(8 * time.Hour), Message: "barred#1", Exports: []string{"barred#1"}, Reason: "503"}})
	}},
	{"hourly-run", "named in seconds", monitored, func(p *editedRecording) {
		p.alert(completed, 5).FlowRun = "1768482000-1768485600"
		p.run(4).ProviderRefID = "1768482000-1768485600"
	}},
	{"hourly-run", "a run that is missing", monitored, func(p *editedRecording) {
		gone := p.run(4)
		p.remove(func(l recording.Line) bool {
			return l.FlowRun == gone || l.Alert != nil && l.Alert.FlowRun == gone.ProviderRefID
		})
	}},
	{"hourly-run", "a run without exports", monitored, func(p *editedRecording) {
		r := hourOf(6, 0, recording.Counters{})
		r.Rate, r.OlderRate, r.Status = nil, nil, "processing"
		p.beforeEnd(recording.Line{FlowRun: r})
	}},
	{"counters", "a profile too many", monitored, inRun(1, func(r *recording.FlowRun) { r.Received++ })},
	{"counters", "activated by profiles", monitored, inRun(1, func(r *recording.FlowRun) { r.Activated = 1 })},
	{"counters", "excluded and more", monitored, inRun(0, func(r *recording.FlowRun) { r.Excluded++ })},
	{"counters", "a failure more", monitored, inRun(2, func(r *recording.FlowRun) { r.Failed++ })},
	{"counters", "unmapped audiences too", monitored, inRun(4, func(r *recording.FlowRun) { r.Audiences++ })},
	{"counters", "another reason", monitored, inRun(0, func(r *recording.FlowRun) { r.Exclusions[0].Reason = "consent-violation" })},
	{"counters", "no reason", monitored, inRun(0, func(r *recording.FlowRun) { r.Exclusions = nil })},
	{"counters", "estimated", monitored, inRun(1, func(r *recording.FlowRun) { r.Estimated = true })},
	{"failed-last-only", "every attempt", monitored, inRun(2, func(r *recording.FlowRun) { r.Failed = 3 })},
	{"removed-count", "not counted", monitored, inRun(7, func(r *recording.FlowRun) { r.Activated, r.Rate, r.OlderRate = 0, nil, nil })},
	{"activation-rate", "of what was skipped", monitored, inRun(0, func(r *recording.FlowRun) { r.Rate = r.OlderRate })},
	{"activation-rate", "no older rate", monitored, inRun(0, func(r *recording.FlowRun) { r.OlderRate = nil })},
	{"activation-rate", "no rate", monitored, inRun(1, func(r *recording.FlowRun) { r.Rate = nil })},
	{"ttl-90", "an hour more", monitored, func(p *editedRecording) {
		for _, l := range p.lines {
			if l.Totals != nil && l.Totals.Runs == 5 {
				l.Totals.Runs, l.Totals.Received, l.Totals.Excluded = 6, 6, 1
			}
		}
	}},
	{"ttl-90", "less at the end", monitored, func(p *editedRecording) { p.lines[len(p.lines)-2].Totals.Activated-- }},
	{"run-status", "completed a second late", monitored, inRun(1, func(r *recording.FlowRun) { r.At = r.At.Add(time.Second) })},
	{"run-status", "still processing", monitored, func(p *editedRecording) {
		p.run(4).Status = "processing"
		untold(completed, 5)(p)
	}},
	{"run-status", "completed with its retries, not its hour", monitored, inRun(2, func(r *recording.FlowRun) { r.At = r.StartedAt.Add(45 * time.Second) })},
	{"run-status", "a duration with retries", monitored, inRun(2, func(r *recording.FlowRun) { r.DurationMs += 45_000 })},
	{"run-status", "completed in its hour", monitored, func(p *editedRecording) { p.end().At = p.end().At.Add(-time.Minute) }},
	{"error-detail", "another code", monitored, inRun(2, func(r *recording.FlowRun) { r.Errors[0].Code = "ACTSVC-9001-302" })},
	{"error-detail", "another number", monitored, inRun(2, func(r *recording.FlowRun) { r.Errors[0].Count = 3 })},
	{"error-detail", "no description", monitored, inRun(2, func(r *recording.FlowRun) { r.Errors[0].Description = "" })},
	{"error-detail", "no details", monitored, inRun(2, func(r *recording.FlowRun) { r.Errors = nil })},
	{"error-detail", "details of nothing", monitored, inRun(1, func(r *recording.FlowRun) { r.Errors = p500 })},
	{"error-detail", "one error in two lines", monitored, inRun(2, func(r *recording.FlowRun) {
		r.Errors = []recording.FlowRunError{p500[0], {Code: p500[0].Code, Description: "again"}}
	})},
	{"alert-skip", "not told", monitored, untold(skippedRate, 1)},
	{"alert-skip", "firing for ever", monitored, untold(skippedRate, 2)},
	{"alert-skip", "by another run", monitored, func(p *editedRecording) { p.alert(skippedRate, 1).FlowRun = p.run(1).ProviderRefID }},
	{"alert-skip", "another value", monitored, func(p *editedRecording) { *p.alert(skippedRate, 1).Value = 3 }},
	{"alert-fail", "not told", monitored, untold(failedRate, 1)},
	{"alert-fail", "told twice", monitored, func(p *editedRecording) {
		p.beforeEnd(recording.Line{Alert: p.alert(failedRate, 2)})
	}},
	{"alert-set", "one that nobody asked for", monitored, func(p *editedRecording) {
		p.beforeEnd(recording.Line{Alert: &recording.Alert{At: began, Alert: "destination-flow-run-delay", Status: "firing"}})
	}},
	{"alert-set", "a completed run untold", monitored, untold(completed, 3)},
}

var p500 = []recording.FlowRunError{{Code: "ACTSVC-9001-500", Count: 1, Description: "it answered 500"}}

// A run that is told twice is wrong, whatever else follows from it.
func TestRunToldTwice(t *testing.T) {
	p := newTape(monitored)
	p.beforeEnd(recording.Line{FlowRun: p.run(3)})
	if red := verdictsOf(judgeOnce(p.sc, catalogue(t), p.lines), reports.Fail); !slices.Contains(red, "hourly-run") {
		t.Errorf("red rules are %v", red)
	}
}

// A run in process at the end: it has the duration until then, without
// unsettled exports.
func TestRunInProcess(t *testing.T) {
	p := newTape(monitored)
	r := p.run(7)
	p.remove(func(l recording.Line) bool {
		return l.Attempt != nil && l.Attempt.Message == "marty#3" || l.Request != nil && l.Request.Profiles[0] == "marty#3" ||
			l.Alert != nil && l.Alert.FlowRun == r.ProviderRefID
	})
	r.Status, r.Activated, r.Rate, r.OlderRate = "processing", 0, nil, nil
	for _, l := range p.lines {
		if l.Totals != nil {
			l.Totals.Activated = 8
		}
	}
	p.end().Unfinished = []string{"marty#3"}
	p.lines = slices.Insert(p.lines, len(p.lines)-1, recording.Line{Action: &recording.Action{At: p.end().At, Action: "disable"}})
	if c := judgeOnce(p.sc, catalogue(t), p.lines); c.Verdict != reports.Pass {
		t.Fatalf("the verdict is %s: %v\n%+v", c.Verdict, verdictsOf(c, reports.Fail), c.Checks)
	}
	r.DurationMs -= 60_000
	if diff := cmp.Diff([]string{"run-status"}, verdictsOf(judgeOnce(p.sc, catalogue(t), p.lines), reports.Fail)); diff != "" {
		t.Errorf("a minute less: red rules (-want +got):\n%s", diff)
	}
}

// monitoringLines are lines that hold, each with the one field that does not.
var monitoringLines = []struct {
	right, wrong            scenarios.Expectation
	title, expected, actual string
}{
	{run(2, "received", 1), run(2, "received", 2), "run 2: received", "2", "1"},
	{run(2, "activated", 3), run(2, "activated", 1), "run 2: activated", "1", "3"},
	{run(1, "excluded", 1), run(1, "excluded", 0), "run 1: excluded", "0", "1"},
	{run(3, "failed", 1), run(3, "failed", 3), "run 3: failed", "3", "1"},
	{run(4, "mappedAudiences", 2), run(4, "mappedAudiences", 1), "run 4: mappedAudiences", "1", "2"},
	{run(6, "received", 1), run(7, "received", 1), "run 7", "a run", "6 runs, not this one"},
	{of(scenarios.RunExpectation{Hour: 2*time.Hour + 59*time.Minute, Status: "completed"}), of(scenarios.RunExpectation{Hour: 2 * time.Hour, Status: "processing"}),
		"the run of 2026-01-15 11:00: status", "processing", "completed"},
	{of(scenarios.RunExpectation{Hour: 0}), of(scenarios.RunExpectation{Hour: 6 * time.Hour}), "the run of 2026-01-15 15:00", "a run", "6 runs, not this one"},
	{of(scenarios.RunExpectation{Number: 2, At: span(2 * time.Hour)}), of(scenarios.RunExpectation{Number: 2, At: span(time.Hour)}),
		"run 2: completed, after start", "1h", "2h"},
	{of(scenarios.RunExpectation{Number: 2, Rate: rate(1)}), of(scenarios.RunExpectation{Number: 2, Rate: rate(0.5)}), "run 2: activation rate", "50.00 %", "100.00 %"},
	{of(scenarios.RunExpectation{Number: 3, Errors: map[string]int64{"ACTSVC-9001-500": 1}}), of(scenarios.RunExpectation{Number: 3, Errors: map[string]int64{}}),
		"run 3: errors", "{}", "{ACTSVC-9001-500: 1}"},
	{sum(nil, "activated", 12), sum(nil, "activated", 11), "totals at the end: activated", "11", "12"},
	{sum(span(90*24*time.Hour+time.Hour), "runs", 5), sum(span(90*24*time.Hour+time.Hour), "runs", 6), "totals 2161h after start: runs", "6", "5"},
	{sum(span(8*time.Hour), "excluded", 1), sum(span(time.Hour), "excluded", 0), "totals 1h after start", "totals", "no step read them then"},
	{alerted(skippedRate, "firing", time.Hour), alerted(skippedRate, "firing", 2*time.Hour), "change 1 of alert " + skippedRate + ": time, after start", "2h", "1h"},
	{alerted(failedRate, "firing", 3*time.Hour), alerted(failedRate, "inactive", 3*time.Hour), "change 1 of alert " + failedRate + ": state", "inactive", "firing"},
	{scenarios.Expectation{Alert: &scenarios.AlertExpectation{Kind: "destination-flow-run-delay", Never: true}},
		scenarios.Expectation{Alert: &scenarios.AlertExpectation{Kind: skippedRate, Never: true}}, "alert " + skippedRate + " never fires: changes", "0", "2"},
	{scenarios.Expectation{Alert: &scenarios.AlertExpectation{Kind: "destination-flow-run-delay", Never: true}},
		alerted("destination-flow-run-delay", "firing", 0), "change 1 of alert destination-flow-run-delay", "firing", "0 changes"},
	{within(95, 48*time.Second), within(95, 47*time.Second), "p95 of the delivery latency", "below 47s", "47s, of 4 deliveries"},
	{between(95, 47*time.Second, 48*time.Second), between(95, 48*time.Second, 49*time.Second), "p95 of the delivery latency", "at least 48s, below 49s", "47s, of 4 deliveries"},
	{within(75, time.Nanosecond), within(75, 0), "p75 of the delivery latency", "below 0s", "0s, of 4 deliveries"},
}

func of(r scenarios.RunExpectation) scenarios.Expectation { return scenarios.Expectation{Run: &r} }

func run(n int, counter string, value int64) scenarios.Expectation {
	return of(scenarios.RunExpectation{Number: n, Counters: map[string]int64{counter: value}})
}

func rate(v float64) *float64 { return &v }

func sum(at *time.Duration, counter string, value int64) scenarios.Expectation {
	return scenarios.Expectation{Totals: &scenarios.TotalsExpectation{Counters: map[string]int64{counter: value}, At: at}}
}

func alerted(kind, state string, at time.Duration) scenarios.Expectation {
	return scenarios.Expectation{Alert: &scenarios.AlertExpectation{Kind: kind, State: state, At: &at}}
}

func within(percentile int, below time.Duration) scenarios.Expectation {
	return scenarios.Expectation{Latency: &scenarios.LatencyExpectation{Percentile: percentile, Below: below}}
}

func between(percentile int, least, below time.Duration) scenarios.Expectation {
	return scenarios.Expectation{Latency: &scenarios.LatencyExpectation{Percentile: percentile, AtLeast: least, Below: below}}
}

func TestEveryLineAboutMonitoring(t *testing.T) {
	judge := func(e scenarios.Expectation) []reports.Check {
		p := newTape(monitored)
		e.Pos = scenarios.Position{File: "tape.yaml", Line: 40, Column: 5}
		e.Rule = "counters"
		p.sc.Expect = []scenarios.Expectation{e}
		return slices.DeleteFunc(judgeOnce(p.sc, catalogue(t), p.lines).Checks, func(k reports.Check) bool { return k.Line != 40 })
	}
	for _, l := range monitoringLines {
		t.Run(strings.ReplaceAll(l.title, " ", "-"), func(t *testing.T) {
			if right := judge(l.right); len(right) != 1 || right[0].Verdict != reports.Pass {
				t.Fatalf("the right line gives %+v; want one pass", right)
			}
			wrong := judge(l.wrong)
			if len(wrong) != 1 {
				t.Fatalf("the wrong line gives %+v", wrong)
			}
			got := []string{string(wrong[0].Verdict), wrong[0].Rule, wrong[0].Title, wrong[0].Expected, wrong[0].Actual}
			if diff := cmp.Diff([]string{"fail", "counters", l.title, l.expected, l.actual}, got); diff != "" {
				t.Errorf("check of the wrong line (-want +got):\n%s", diff)
			}
		})
	}
}

// The nth line about an alert meets its nth change; what is left over is a
// failure.
func TestChangesOfAnAlert(t *testing.T) {
	p := newTape(monitored)
	p.sc.Expect = []scenarios.Expectation{alerted(skippedRate, "firing", time.Hour), alerted(skippedRate, "inactive", 2*time.Hour)}
	if c := judgeOnce(p.sc, catalogue(t), p.lines); c.Verdict != reports.Pass {
		t.Fatalf("both lines: %+v", c.Checks)
	}
	p.sc.Expect = p.sc.Expect[:1]
	c := judgeOnce(p.sc, catalogue(t), p.lines)
	if red := verdictsOf(c, reports.Fail); !slices.Equal(red, []string{"something happened that no line expects"}) {
		t.Errorf("the first line alone: %v", red)
	}
}

// R119 is an objective below 10,000 requests per second, and nothing is said
// about it above.
func TestPremiseOfTheLatency(t *testing.T) {
	for _, tt := range []struct {
		requests int
		verdict  reports.Verdict
	}{{9_999, reports.Fail}, {10_000, reports.Skip}} {
		p := newTape(nil)
		p.lines = p.lines[:1]
		for n := range tt.requests {
			id := fmt.Sprintf("p%d#1", n)
			at := began.Add(20 * time.Minute).Add(time.Duration(n) * 99 * time.Microsecond)
			p.add(recording.Line{Export: &recording.Export{At: began, ID: id, Profile: id[:len(id)-2], Because: []string{"audience"}}})
			p.add(recording.Line{Attempt: &recording.Attempt{At: at, EndedAt: at, Message: id, Exports: []string{id}, Number: 1, Outcome: "200"}})
		}
		v := newView(p.sc, p.lines)
		e := within(95, 10*time.Minute)
		checks := v.latency(&e)
		if len(checks) != 1 || checks[0].Verdict != tt.verdict {
			t.Fatalf("%d requests in a second: %+v; want %s", tt.requests, checks, tt.verdict)
		}
		if tt.verdict == reports.Skip && checks[0].Title != "p95 of the delivery latency: premise not met: 10000 requests in one second, not fewer than 10000" {
			t.Errorf("the title is %q", checks[0].Title)
		}
	}
}

func TestPercentile(t *testing.T) {
	var all []time.Duration
	for n := range 100 {
		all = append(all, time.Duration(n+1))
	}
	for _, tt := range []struct {
		values []time.Duration
		p      int
		want   time.Duration
	}{{all, 95, 95}, {all, 100, 100}, {all, 1, 1}, {all[:1], 95, 1}, {all[:10], 95, 10}, {all[:20], 95, 19}, {all[:21], 95, 20}} {
		if got := percentile(tt.values, tt.p); got != tt.want {
			t.Errorf("percentile(1…%d, %d) = %d; want %d", len(tt.values), tt.p, got, tt.want)
		}
	}
}
