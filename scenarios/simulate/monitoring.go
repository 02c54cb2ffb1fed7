package simulate

import (
	"time"

	"github.com/httpdest/httpdest/engine/flow"
	"github.com/httpdest/httpdest/engine/monitor"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// endMonitoring completes what is over at the end, and records what is not and
// the totals.
func (d *driver) endMonitoring() {
	for _, id := range d.runtime.Dataflows() {
		overview, e := d.runtime.Overview(d.now, id)
		d.tell(e)
		for _, run := range overview.Processing {
			d.recorder.of(id).flowRun(run)
		}
		d.recorder.of(id).totals(d.now, overview.Totals)
	}
}

// monitored records what monitoring had to say after so many settlements.
func (r flowRecorder) monitored(all []flow.Monitored, after int) {
	for _, m := range all {
		if m.After != after {
			continue
		}
		for _, run := range m.Runs {
			r.flowRun(run)
		}
		for _, n := range m.Alerts {
			r.alert(n)
		}
	}
}

func (r flowRecorder) flowRun(run monitor.Run) {
	line := &recording.FlowRun{
		At: run.At, ProviderRefID: run.ProviderRefID, Status: string(run.Status), StartedAt: run.StartedAt,
		DurationMs: run.Duration.Milliseconds(), Audiences: run.Audiences, Received: run.Received, Counters: recording.Counters(run.Counters),
	}
	if rate, ok := run.ActivationRate(); ok {
		line.Rate = &rate
	}
	if rate, ok := run.OlderActivationRate(); ok {
		line.OlderRate = &rate
	}
	for _, x := range run.Exclusions {
		line.Exclusions = append(line.Exclusions, recording.Exclusion{Reason: x.Reason, Count: x.Identities})
	}
	for _, e := range run.Errors {
		line.Errors = append(line.Errors, recording.FlowRunError{Code: e.Code, Count: e.Identities, Description: e.Description})
	}
	r.add(recording.Line{FlowRun: line})
}

func (r flowRecorder) totals(now time.Time, t monitor.Totals) {
	r.add(recording.Line{Totals: &recording.Totals{At: now, Runs: t.Runs, Received: t.Received, Counters: recording.Counters(t.Counters)}})
}

// alert records a notice; rates in percent, as the messages of the platform
// have them.
func (r flowRecorder) alert(n monitor.Notice) {
	line := &recording.Alert{At: n.At, Alert: string(n.Alert), Status: string(n.State), FlowRun: n.Run}
	if n.Total > 0 {
		value, threshold := float64(n.Part)*100/float64(n.Total), float64(n.Threshold)/10_000
		line.Value, line.Threshold = &value, &threshold
	}
	r.add(recording.Line{Alert: line})
}
