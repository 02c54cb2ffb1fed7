package scenarios

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v4"
)

// alertsNode writes the subscriptions; only one kind has a threshold.
func alertsNode(all []Alert) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
	for _, a := range all {
		if a.Threshold == OnePercent {
			n.Content = append(n.Content, textNode(a.Kind))
			continue
		}
		m := newMapping().flow()
		m.put("alert", a.Kind)
		m.put("threshold", plain(share(float64(a.Threshold)/1_000_000)))
		n.Content = append(n.Content, m.Node)
	}
	return n
}

func exclusionsNode(all []Exclusion) *yaml.Node {
	var entries []mapping
	for _, x := range all {
		m := newMapping().flow()
		m.put("profiles", x.Profiles)
		given(m, "reason", x.Reason, exclusionReasons[0])
		entries = append(entries, m)
	}
	return lines(entries)
}

// share is a number from 0 to 1 without an exponent.
func share(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// encodeMonitoring writes a line about a run, totals, an alert or the latency;
// false when it is about something else.
func encodeMonitoring(m mapping, x *Expectation) bool {
	switch {
	case x.Run != nil:
		encodeRun(m, x.Run)
	case x.Totals != nil:
		counters := newMapping().flow()
		encodeCounters(counters, x.Totals.Counters, totalCounters)
		m.put("totals", counters)
		if x.Totals.At != nil {
			m.put("at", *x.Totals.At)
		}
	case x.Alert != nil:
		m.put("alert", x.Alert.Kind)
		if x.Alert.Never {
			m.put("fires", "never")
		}
		given(m, "state", x.Alert.State, "firing")
		if x.Alert.At != nil {
			m.put("at", *x.Alert.At)
		}
	case x.Latency != nil:
		m.put("latency", fmt.Sprintf("p%d", x.Latency.Percentile))
		given(m, "atLeast", x.Latency.AtLeast, 0)
		m.put("below", x.Latency.Below)
	default:
		return false
	}
	return true
}

func encodeRun(m mapping, r *RunExpectation) {
	if r.Number > 0 {
		m.put("flowRun", r.Number)
	} else {
		m.put("hour", r.Hour)
	}
	encodeCounters(m, r.Counters, runCounters)
	given(m, "status", r.Status, "")
	if r.At != nil {
		m.put("at", *r.At)
	}
	if r.Rate != nil {
		m.put("activationRate", plain(share(*r.Rate)))
	}
	if r.Errors != nil {
		errors := newMapping().flow()
		for _, code := range slices.Sorted(maps.Keys(r.Errors)) {
			errors.put(code, r.Errors[code])
		}
		m.put("errors", errors)
	}
}

func encodeCounters(m mapping, counters map[string]int64, order []string) {
	for _, name := range order {
		if n, there := counters[name]; there {
			m.put(name, n)
		}
	}
}
