package check

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/httpdest/httpdest/scenarios/recording"
)

// hourlyRuns: the runs are whole hours, in UTC, each once, and exactly those
// that have exports. A recording without any run is not of a monitored
// dataflow.
func (v *view) hourlyRuns(f *findings) {
	if len(v.runs) == 0 {
		return
	}
	seen := map[string]int{}
	for _, r := range v.runs {
		seen[r.ProviderRefID]++
		from := r.StartedAt.UTC().Truncate(window)
		ref := fmt.Sprintf("%d-%d", from.UnixMilli(), from.Add(window).UnixMilli())
		f.note(r.StartedAt.Equal(from) && r.ProviderRefID == ref, "run %s started at %s", r.ProviderRefID, r.StartedAt.Format(time.RFC3339Nano))
		f.note(seen[r.ProviderRefID] == 1, "run %s occurs twice", r.ProviderRefID)
	}
	for _, t := range v.hours() {
		f.note(seen[t.ref()] > 0, "%d exports of the hour from %s are in no run", t.received, t.start.Format(time.RFC3339))
		delete(seen, t.ref())
	}
	for _, ref := range slices.Sorted(maps.Keys(seen)) {
		f.note(false, "run %s has no export", ref)
	}
}

// eachRun calls look for every run that has exports; the others are a matter
// of hourlyRuns.
func (v *view) eachRun(look func(r *recording.FlowRun, t *hour)) {
	for _, r := range v.runs {
		if t := v.hourOfRun(r); t != nil {
			look(r, t)
		}
	}
}

func (v *view) counters(f *findings) {
	v.eachRun(func(r *recording.FlowRun, t *hour) {
		same := func(what string, got, want int64) {
			f.note(got == want, "run %s: %s %d instead of %d", r.ProviderRefID, what, got, want)
		}
		same("received", r.Received, t.received)
		same("audiences", int64(r.Audiences), int64(len(t.audiences)))
		same("excluded", r.Excluded, t.counters.Excluded)
		if !t.withoutRemovals(r) {
			same("activated", r.Activated, t.counters.Activated)
		}
		if !t.byEveryTry(r) {
			same("failed", r.Failed, t.counters.Failed)
		}
		reasons := map[string]int64{}
		for _, x := range r.Exclusions {
			reasons[x.Reason] += x.Count
		}
		f.note(maps.Equal(reasons, t.exclusions), "run %s: exclusions %v instead of %v", r.ProviderRefID, reasons, t.exclusions)
		f.note(!r.Estimated, "run %s: exact numbers are marked as estimated", r.ProviderRefID)
	})
}

// withoutRemovals reports whether exactly the removals are missing from what
// was activated, byEveryTry whether each failed attempt was counted: each is
// the matter of a rule of its own.
func (t *hour) withoutRemovals(r *recording.FlowRun) bool {
	return t.removed > 0 && r.Activated == t.counters.Activated-t.removed
}

func (t *hour) byEveryTry(r *recording.FlowRun) bool {
	return t.everyTry != t.counters.Failed && r.Failed == t.everyTry
}

func (v *view) failedOnce(f *findings) {
	v.eachRun(func(r *recording.FlowRun, t *hour) {
		if t.retried {
			f.note(!t.byEveryTry(r), "run %s: %d failed, by every attempt, instead of %d", r.ProviderRefID, r.Failed, t.counters.Failed)
		}
	})
}

func (v *view) removals(f *findings) {
	v.eachRun(func(r *recording.FlowRun, t *hour) {
		if t.removed > 0 {
			f.note(!t.withoutRemovals(r), "run %s: %d activated, and also %d identities of removals", r.ProviderRefID, r.Activated, t.removed)
		}
	})
}

// activationRate compares the rates with the counters of the same run.
func (v *view) activationRate(f *findings) {
	for _, r := range v.runs {
		all := r.Activated + r.Excluded + r.Failed
		for _, rate := range []struct {
			name string
			got  *float64
			part int64
		}{{"activationRate", r.Rate, r.Activated}, {"olderActivationRate", r.OlderRate, r.Activated + r.Excluded}} {
			switch {
			case all == 0:
				f.note(rate.got == nil, "run %s has %s, and nothing is settled", r.ProviderRefID, rate.name)
			case rate.got == nil:
				f.note(false, "run %s has no %s", r.ProviderRefID, rate.name)
			default:
				want := float64(rate.part) / float64(all)
				f.note(math.Abs(*rate.got-want) < 1e-9, "run %s: %s %v instead of %v", r.ProviderRefID, rate.name, *rate.got, want)
			}
		}
	}
}

// runStatus: completed when the hour was over and the last retry settled, and
// not before (A84).
func (v *view) runStatus(f *findings) {
	if v.end == nil {
		return
	}
	v.eachRun(func(r *recording.FlowRun, t *hour) {
		over := t.start.Add(window)
		if !t.settled || over.After(v.end.At) {
			took := time.Duration(r.DurationMs) * time.Millisecond
			f.note(r.Status == "processing", "run %s is %s, and its hour is not over or not all is settled", r.ProviderRefID, r.Status)
			f.note(r.Status != "processing" || v.near(took, v.end.At.Sub(t.start)), "run %s has been processing for %s", r.ProviderRefID, duration(took))
			return
		}
		due := over
		if t.last.After(due) {
			due = t.last
		}
		f.note(r.Status == "completed", "run %s is %s, and all is settled", r.ProviderRefID, r.Status)
		f.note(r.Status != "completed" || v.near(r.At.Sub(due), 0), "run %s was completed %s after its last export was settled and its hour over", r.ProviderRefID, duration(r.At.Sub(due)))
		f.note(r.Status != "completed" || r.DurationMs == window.Milliseconds(), "run %s: a duration of %d ms", r.ProviderRefID, r.DurationMs)
	})
}

func (v *view) errorDetail(f *findings) {
	v.eachRun(func(r *recording.FlowRun, t *hour) {
		if len(r.Errors) == 0 && len(t.errors) == 0 {
			return
		}
		got, codes := map[string]int64{}, []string{}
		for _, e := range r.Errors {
			got[e.Code] += e.Count
			codes = append(codes, e.Code)
			f.note(e.Description != "", "run %s: %s has no description", r.ProviderRefID, e.Code)
		}
		f.note(maps.Equal(got, t.errors), "run %s: errors %v instead of %v", r.ProviderRefID, got, t.errors)
		f.note(len(codes) == len(got) && slices.IsSorted(codes), "run %s: codes %v", r.ProviderRefID, codes)
	})
}

// timeToLive sums the hours again as they were at the moment of each line.
func (v *view) timeToLive(f *findings) {
	if len(v.totals) == 0 {
		return
	}
	v.hours() // gives every export its identities
	place := make(map[*recording.Attempt]int, len(v.attempts))
	for i, a := range v.attempts {
		place[a] = i
	}
	for _, line := range v.totals {
		want := recording.Totals{At: line.At}
		hours := map[time.Time]bool{}
		for _, x := range v.exports[:line.exports] {
			hour := x.At.UTC().Truncate(window)
			if !hour.Add(window).Add(timeToLive).After(line.At) {
				continue
			}
			hours[hour] = true
			want.Received++
			attempts := x.attempts()
			// An export that was dropped with its dataflow may have had no attempt.
			known := len(attempts) == 0 || place[attempts[len(attempts)-1]] < line.attempts
			at, settled := x.settled()
			settled = settled && !at.After(line.At)
			switch {
			case x.Excluded != "":
				want.Excluded += x.identities
			case !known || !settled:
			case x.delivered():
				want.Activated += x.identities
			default:
				want.Failed += x.identities
			}
		}
		want.Runs = len(hours)
		f.note(*line.Totals == want, "totals %s after start: %s instead of %s", duration(line.At.Sub(v.scenario.Start)), sums(*line.Totals), sums(want))
	}
}

// sums are totals on one line.
func sums(t recording.Totals) string {
	return fmt.Sprintf("{runs: %d, received: %d, activated: %d, excluded: %d, failed: %d}", t.Runs, t.Received, t.Activated, t.Excluded, t.Failed)
}

// The alerts that a streaming destination can have.
const (
	skippedRate = "activation-skipped-rate-exceeded"
	failedRate  = "activation-failed-rate-exceeded"
	completed   = "streaming-destination-completed"
)

func (v *view) skipAlert(f *findings) {
	v.rateAlert(f, skippedRate, func(c recording.Counters) int64 { return c.Excluded })
}

func (v *view) failAlert(f *findings) {
	v.rateAlert(f, failedRate, func(c recording.Counters) int64 { return c.Failed })
}

// subscribed is the subscription to an alert.
func (v *view) subscribed(kind string) (threshold int64, ok bool) {
	for _, a := range v.scenario.Destination.Alerts {
		if a.Kind == kind {
			return a.Threshold, true
		}
	}
	return 0, false
}

// rateAlert follows an alert through the completed runs: it changes where the
// rate comes to be above the threshold, and where it no longer is.
func (v *view) rateAlert(f *findings, kind string, part func(recording.Counters) int64) {
	threshold, ok := v.subscribed(kind)
	if !ok {
		return
	}
	var got, want []string
	firing := false
	for _, r := range v.runs {
		if r.Status != "completed" {
			continue
		}
		f.note(true, "")
		all := r.Activated + r.Excluded + r.Failed
		exceeded := part(r.Counters)*1_000_000 > threshold*all
		if exceeded != firing {
			firing = exceeded
			word := map[bool]string{true: "firing", false: "inactive"}[firing]
			value := float64(part(r.Counters)) * 100 / float64(max(all, 1))
			want = append(want, fmt.Sprintf("%s by run %s at %.3f %%", word, r.ProviderRefID, value))
		}
	}
	for _, a := range v.alerts {
		if a.Alert == kind {
			got = append(got, fmt.Sprintf("%s by run %s at %.3f %%", a.Status, a.FlowRun, orZero(a.Value)))
		}
	}
	f.note(slices.Equal(got, want), "[%s] instead of [%s]", strings.Join(got, ", "), strings.Join(want, ", "))
}

func orZero(f *float64) float64 {
	if f == nil {
		return 0
	}
	return *f
}

// alertSet: nothing but what is subscribed to ever fires, and the message of a
// completed run comes once for each.
func (v *view) alertSet(f *findings) {
	for _, a := range v.alerts {
		_, ok := v.subscribed(a.Alert)
		f.note(ok, "%s, without a subscription", a.Alert)
	}
	if _, ok := v.subscribed(completed); !ok {
		return
	}
	told := map[string]int{}
	for _, a := range v.alerts {
		if a.Alert == completed {
			told[a.FlowRun]++
		}
	}
	for _, r := range v.runs {
		want := map[bool]int{true: 1}[r.Status == "completed"]
		f.note(told[r.ProviderRefID] == want, "run %s is %s, and %d messages report it", r.ProviderRefID, r.Status, told[r.ProviderRefID])
	}
}
