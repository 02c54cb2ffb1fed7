package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
	"github.com/httpdest/httpdest/scenarios/recording"
)

// monitoring judges a line about what monitoring shows. changes counts the
// changes of each alert that lines have met so far.
func (v *view) monitoring(e *scenarios.Expectation, changes map[string]int) []reports.Check {
	switch {
	case e.Run != nil:
		title, wrong := v.flowRun(e.Run)
		return verdicts(e, title, wrong)
	case e.Totals != nil:
		title, wrong := v.totalsAt(e.Totals)
		return verdicts(e, title, wrong)
	case e.Alert != nil:
		title, wrong := v.alert(e.Alert, changes)
		return verdicts(e, title, wrong)
	}
	return v.latency(e)
}

// comparison collects what is not as a line expects it.
type comparison struct {
	title string
	wrong []mismatch
}

func (c *comparison) add(what, want, got string) {
	if want != got {
		c.wrong = append(c.wrong, mismatch{c.title + ": " + what, want, got})
	}
}

// counters compares those that a line gives, in a fixed order.
func (c *comparison) counters(want, got map[string]int64) {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		c.add(name, fmt.Sprint(want[name]), fmt.Sprint(got[name]))
	}
}

// moment compares a time after the start.
func (v *view) moment(c *comparison, what string, want *time.Duration, got time.Time) {
	if want == nil {
		return
	}
	if after := got.Sub(v.scenario.Start); !v.near(after, *want) {
		c.add(what, duration(*want), duration(after))
	}
}

// flowRun compares one run: the nth by the hour, or that of an hour.
func (v *view) flowRun(e *scenarios.RunExpectation) (string, []mismatch) {
	c := comparison{title: fmt.Sprintf("run %d", e.Number)}
	hour := v.scenario.Start.Add(e.Hour).UTC().Truncate(window)
	if e.Number == 0 {
		c.title = "the run of " + hour.Format("2006-01-02 15:04")
	}
	runs := slices.Clone(v.runs) // in the recording by when they were completed
	slices.SortStableFunc(runs, func(a, b *recording.FlowRun) int { return a.StartedAt.Compare(b.StartedAt) })
	at := slices.IndexFunc(runs, func(r *recording.FlowRun) bool { return r.StartedAt.Equal(hour) })
	if e.Number > 0 {
		at = e.Number - 1
	}
	if at < 0 || at >= len(runs) {
		return c.title, []mismatch{{c.title, "a run", fmt.Sprintf("%d runs, not this one", len(runs))}}
	}
	r := runs[at]
	c.counters(e.Counters, map[string]int64{"mappedAudiences": int64(r.Audiences), "received": r.Received,
		"activated": r.Activated, "excluded": r.Excluded, "failed": r.Failed})
	if e.Status != "" {
		c.add("status", e.Status, r.Status)
	}
	v.moment(&c, "completed, after start", e.At, r.At)
	if e.Rate != nil {
		got := "none"
		if r.Rate != nil {
			got = fmt.Sprintf("%.2f %%", *r.Rate*100)
		}
		c.add("activation rate", fmt.Sprintf("%.2f %%", *e.Rate*100), got)
	}
	if e.Errors != nil {
		got := map[string]int64{}
		for _, x := range r.Errors {
			got[x.Code] += x.Count
		}
		c.add("errors", byCode(e.Errors), byCode(got))
	}
	return c.title, c.wrong
}

func byCode(errors map[string]int64) string {
	var out []string
	for _, code := range slices.Sorted(maps.Keys(errors)) {
		out = append(out, fmt.Sprintf("%s: %d", code, errors[code]))
	}
	return "{" + strings.Join(out, ", ") + "}"
}

// totalsAt compares the totals of a moment; those of the end without one.
func (v *view) totalsAt(e *scenarios.TotalsExpectation) (string, []mismatch) {
	c := comparison{title: "totals at the end"}
	if e.At != nil {
		c.title = fmt.Sprintf("totals %s after start", duration(*e.At))
	}
	var found *recording.Totals
	for _, t := range v.totals {
		if e.At == nil || found == nil && v.near(t.At.Sub(v.scenario.Start), *e.At) {
			found = t.Totals
		}
	}
	if found == nil {
		return c.title, []mismatch{{c.title, "totals", "no step read them then"}}
	}
	c.counters(e.Counters, map[string]int64{"runs": int64(found.Runs), "received": found.Received,
		"activated": found.Activated, "excluded": found.Excluded, "failed": found.Failed})
	return c.title, c.wrong
}

// changesOf are the changes of one alert, in their order.
func (v *view) changesOf(kind string) []*recording.Alert {
	var out []*recording.Alert
	for _, a := range v.alerts {
		if a.Alert == kind {
			out = append(out, a)
		}
	}
	return out
}

// alert compares a line with the next change of its alert.
func (v *view) alert(e *scenarios.AlertExpectation, changes map[string]int) (string, []mismatch) {
	all := v.changesOf(e.Kind)
	if e.Never {
		c := comparison{title: "alert " + e.Kind + " never fires"}
		changes[e.Kind] = len(all)
		c.add("changes", "0", fmt.Sprint(len(all)))
		return c.title, c.wrong
	}
	n := changes[e.Kind]
	changes[e.Kind]++
	c := comparison{title: fmt.Sprintf("change %d of alert %s", n+1, e.Kind)}
	if n >= len(all) {
		return c.title, []mismatch{{c.title, e.State, fmt.Sprintf("%d changes", len(all))}}
	}
	c.add("state", e.State, all[n].Status)
	v.moment(&c, "time, after start", e.At, all[n].At)
	return c.title, c.wrong
}

// surplusAlerts fails for changes of an alert that lines are about, beyond
// those that they expect.
func (v *view) surplusAlerts(changes map[string]int) []reports.Check {
	var out []reports.Check
	for _, kind := range slices.Sorted(maps.Keys(changes)) {
		if n := len(v.changesOf(kind)); n > changes[kind] {
			out = append(out, v.unexpected(fmt.Sprintf("%d changes of alert %s", changes[kind], kind), fmt.Sprint(n), "add an `alert:` line for each"))
		}
	}
	return out
}
