package loadtest

import (
	"fmt"
	"slices"
	"time"

	"github.com/httpdest/httpdest/reports"
)

// The bounds beyond which a generator's numbers are not believed.
const (
	leastAchieved = 0.99 // of what was due
	mostCPU       = 0.95 // of all CPUs
	mostLate      = 0.05 // seconds, of one timer in twenty
	mostStood     = 1.0  // seconds, of any timer
)

// generator is what is known of whoever offered the load.
type generator struct {
	workers, mostWorkers int64   // the most at once, and how many there may be
	cpu                  float64 // share of all CPUs, 0 to 1
	cpuTime              time.Duration
	late, stretched      float64 // seconds by which timers were late, at the 95th and the 99th percentile
	stood                float64 // seconds by which the latest timer was late
	interrupted          bool
}

// doubts are why numbers of a run cannot count.
func (g generator) doubts(l *reports.Load) []string {
	var out []string
	exhausted := g.mostWorkers > 0 && g.workers >= g.mostWorkers
	if l.Offered.Count > 0 && float64(l.Achieved.Count) < leastAchieved*float64(l.Offered.Count) {
		why := "this machine could not send more"
		if exhausted {
			why = fmt.Sprintf("all %d workers were busy: give more --workers, or a lower rate where what they wait for is slower", g.mostWorkers)
		}
		out = append(out, fmt.Sprintf("the generator fell behind: %d of %d were begun; %s", l.Achieved.Count, l.Offered.Count, why))
	} else if exhausted {
		out = append(out, fmt.Sprintf("all %d workers were busy at once, so that requests may have waited here: give more --workers", g.mostWorkers))
	}
	switch {
	case g.stood > mostStood:
		out = append(out, fmt.Sprintf("this machine, or this process, stood still for %s: requests under way waited for it", valueText(g.stood*1000, "ms")))
	case g.late > mostLate:
		out = append(out, fmt.Sprintf("one in twenty timers of this machine was more than %s late: the latencies include the load of other programs", valueText(g.late*1000, "ms")))
	case g.cpu > mostCPU && g.stretched > 0.02:
		out = append(out, fmt.Sprintf("the CPUs of this machine were busy (%.0f%%), and timers %s late: part of the latency is that of the machine", g.cpu*100, valueText(g.stretched*1000, "ms")))
	}
	if l.Unfinished > 0 && !g.interrupted {
		out = append(out, fmt.Sprintf("%d had not ended when the time to drain was spent: give a longer --drain", l.Unfinished))
	}
	if o := l.Outage; o != nil && o.Fired == 0 {
		out = append(out, "the planned outage was not met by any request")
	}
	return out
}

// judge fills in the objectives of a report.
func (r *Recorder) judge(l *reports.Load, objectives []Objective, g generator) {
	l.Aborted = r.aborting.reached
	l.Interrupted = g.interrupted && l.Aborted == ""
	if r.refused > 0 {
		// The first doubt is the reason of every verdict: a store that is full makes
		// everything else wait.
		l.Doubts = append(l.Doubts, fmt.Sprintf("the engine did not accept %d updates: %v", r.refused, r.refusal))
	}
	l.Doubts = append(l.Doubts, g.doubts(l)...)
	r.settle(true)
	e := Evidence{Pipeline: l.Mode == Pipeline, Peak: l.Offered.Target, Service: r.service.ok, AllService: r.service.all, Attempts: r.attempts, Failed: r.failed,
		Exports: r.delivered + r.lost, Lost: r.lost, Rate: l.Delivered.Rate, Doubts: l.Doubts}
	if b := r.backfill; b != nil {
		l.Backfill = b.report(seconds(l.Seconds))
		if len(l.Doubts) > 0 && l.Backfill.Verdict != reports.Fail {
			l.Backfill.Verdict, l.Backfill.Reason = reports.Inconclusive, l.Doubts[0]
		}
		b.evidence(&e, seconds(l.Seconds))
	}
	if steady(r.pace) && l.Outage == nil && l.Backfill == nil {
		e.Growing = r.course.growing()
		e.FailedOf, e.LostOf = r.failures.effectiveShare(), r.losses.effectiveShare()
		if t, ok := r.course.soak(); ok {
			e.Trend = &t
		}
	}
	l.Growing, l.EffectiveAttempts, l.EffectiveExports = e.Growing, e.FailedOf.size, e.LostOf.size
	if !g.interrupted {
		e.Unfinished = l.Unfinished
	}
	if e.Pipeline {
		e.Delivery, e.Response = r.whole.ok, r.accepted
		l.DeliveryLatency, l.ResponseTime = e.Delivery.Distribution(), e.Response.Distribution()
	} else {
		e.Response, e.AllResponse = r.whole.ok, r.whole.all
		l.ResponseTime, l.AllResponseTime = e.Response.Distribution(), r.whole.apart()
	}
	if r.storing != nil {
		r.storing.evidence(&e, l)
	}
	e.Fair = r.fair(e, l.Seconds)
	r.evidence, r.asked, l.Late = e, objectives, r.lateness.report()
	l.Objectives = Judge(objectives, e)
	for _, o := range objectives {
		if o.excused(e) {
			l.Doubts = append(l.Doubts, r.lateness.doubt())
			break
		}
	}
}

// fair is the evidence as it would be if this process had never been late; nil
// where it never was.
func (r *Recorder) fair(e Evidence, seconds float64) *Evidence {
	f := &r.lateness.fair
	if f.parts == 0 {
		return nil
	}
	e.Service, e.AllService = f.service.applied(e.Service), f.allService.applied(e.AllService)
	e.Response, e.AllResponse = f.whole.applied(e.Response), f.allWhole.applied(e.AllResponse)
	if e.Pipeline {
		e.Delivery, e.Response, e.AllResponse = f.whole.applied(e.Delivery), f.accepted.applied(r.accepted), nil
		e.DuringBackfill = f.during.applied(e.DuringBackfill)
	}
	e.Failed -= f.excused
	if seconds > 0 {
		e.Rate += float64(f.inTime) / seconds
	}
	return &e
}

// The modes of a load test.
const (
	Receiver = "receiver"
	Pipeline = "pipeline"
)

// Verdict is that of a load test: the worst of its parts.
func Verdict(l *reports.Load) reports.Verdict {
	var all []reports.Verdict
	for _, o := range l.Objectives {
		all = append(all, o.Verdict)
	}
	for _, f := range l.Flows {
		all = append(all, f.Verdict)
	}
	if l.Backfill != nil {
		all = append(all, l.Backfill.Verdict)
	}
	if l.Aborted != "" {
		all = append(all, reports.Fail)
	}
	if len(l.Doubts) > 0 && !slices.Contains(all, reports.Fail) {
		all = append(all, reports.Inconclusive)
	}
	return reports.Worst(all...)
}
