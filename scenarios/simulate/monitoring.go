package simulate

import (
	"time"

	"github.com/httpdest/httpdest/engine/monitor"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// monitored records what came of telling the monitor something, and looks
// again when the hour of a new run is over. That moment is of the class that
// never prolongs a run: a scenario may end within the hour.
func (d *driver) monitored(e monitor.Effects) {
	if !e.WakeAt.IsZero() {
		d.agenda.add(e.WakeAt, idle, func() error {
			d.monitored(d.monitor.Wake(d.now))
			return nil
		})
	}
	for _, r := range e.Completed {
		d.recorder.flowRun(r)
	}
	for _, n := range e.Alerts {
		d.recorder.alert(n)
	}
}

// endMonitoring completes what is over at the end, and records what is not and
// the totals.
func (d *driver) endMonitoring() {
	d.monitored(d.monitor.Wake(d.now))
	for _, r := range d.monitor.Processing(d.now) {
		d.recorder.flowRun(r)
	}
	d.recorder.totals(d.now, d.monitor.Totals(d.now))
}

func (r *recorder) flowRun(run monitor.Run) {
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

func (r *recorder) totals(now time.Time, t monitor.Totals) {
	r.add(recording.Line{Totals: &recording.Totals{At: now, Runs: t.Runs, Received: t.Received, Counters: recording.Counters(t.Counters)}})
}

// alert records a notice; rates in percent, as the messages of the platform
// have them.
func (r *recorder) alert(n monitor.Notice) {
	line := &recording.Alert{At: n.At, Alert: string(n.Alert), Status: string(n.State), FlowRun: n.Run}
	if n.Total > 0 {
		value, threshold := float64(n.Part)*100/float64(n.Total), float64(n.Threshold)/10_000
		line.Value, line.Threshold = &value, &threshold
	}
	r.add(recording.Line{Alert: line})
}
