package dataflow

import (
	"fmt"
	"slices"
)

// AlertKind is an alert one can subscribe to while connecting a destination
// (destinations/ui/alerts, observability/alerts/rules).
type AlertKind string

// The alerts of the documentation. The first is the only one for a streaming
// destination; the next two are on the rules page and in release notes only.
const (
	SkippedRate        AlertKind = "activation-skipped-rate-exceeded"
	FailedRate         AlertKind = "activation-failed-rate-exceeded"
	StreamingCompleted AlertKind = "streaming-destination-completed"
	RunDelay           AlertKind = "destination-flow-run-delay"
	RunFailure         AlertKind = "destination-flow-run-failure"
	RunSuccess         AlertKind = "destination-flow-run-success"
	RunStart           AlertKind = "destination-flow-run-start"
)

// OnePercent is the threshold of the two rate alerts unless another is
// configured, in millionths (A80).
const OnePercent = 10_000

// Alert is one subscription.
type Alert struct {
	Kind AlertKind
	// Threshold is the rate above which FailedRate fires, in millionths (R130).
	Threshold int64
}

// validateAlerts checks that every alert can be selected for a streaming
// destination (R129, A81).
func (d Destination) validateAlerts() []Problem {
	var problems []Problem
	offered := []AlertKind{SkippedRate}
	hint := "extendedAlerts: true offers the alerts of the rules page too"
	if d.ExtendedAlerts {
		offered = append(offered, FailedRate, StreamingCompleted)
		hint = "take " + string(SkippedRate) + ", " + string(FailedRate) + " or " + string(StreamingCompleted)
	}
	for n, a := range d.Alerts {
		at := fmt.Sprintf("destination.alerts[%d]", n)
		if !slices.Contains(offered, a.Kind) {
			problems = append(problems, Problem{at, fmt.Sprintf("the alert %s is not available for a streaming destination", a.Kind), hint, Error})
		}
		if slices.ContainsFunc(d.Alerts[:n], func(b Alert) bool { return a.Kind == b.Kind }) {
			problems = append(problems, Problem{at, fmt.Sprintf("the alert %s is selected twice", a.Kind), "leave one out", Error})
		}
	}
	return problems
}
