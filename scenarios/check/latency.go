package check

import (
	"fmt"
	"slices"
	"time"

	"github.com/httpdest/httpdest/reports"
	"github.com/httpdest/httpdest/scenarios"
)

// premise is the rate of requests, for one dataflow, below which the objective
// of the delivery latency is given (R119, A17).
const premise = 10_000

// latencies are the times from the decision, which is made when the triggering
// change is accepted, to the end of the successful attempt, of every export
// that was delivered; sorted (A16).
func (v *view) latencies() []time.Duration {
	var out []time.Duration
	for _, x := range v.exports {
		if at, ok := x.settled(); ok && x.delivered() {
			out = append(out, at.Sub(x.At))
		}
	}
	slices.Sort(out)
	return out
}

// percentile is the nearest rank of sorted values: the smallest of them that p
// percent are not above.
func percentile(sorted []time.Duration, p int) time.Duration {
	return sorted[(len(sorted)*p+99)/100-1]
}

// busiest is the most attempts that started within one second.
func (v *view) busiest() int {
	most, first := 0, 0
	for i, at := range v.underWay.starts {
		for at.Sub(v.underWay.starts[first]) >= time.Second {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// latency judges the objective: missing it at a rate beyond its premise is not
// a failure.
func (v *view) latency(e *scenarios.Expectation) []reports.Check {
	title := fmt.Sprintf("p%d of the delivery latency", e.Latency.Percentile)
	all := v.latencies()
	if n := v.busiest(); n >= premise {
		return []reports.Check{{Rule: scenarios.RuleOf(e.Rule), Verdict: reports.Skip, File: e.Pos.File, Line: e.Pos.Line, Column: e.Pos.Column,
			Title: fmt.Sprintf("%s: premise not met: %d requests in one second, not fewer than %d", title, n, premise)}}
	}
	want := "below " + duration(e.Latency.Below)
	if e.Latency.AtLeast > 0 {
		want = "at least " + duration(e.Latency.AtLeast) + ", " + want
	}
	if len(all) == 0 {
		return verdicts(e, title, []mismatch{{title, want, "nothing was delivered"}})
	}
	if got := percentile(all, e.Latency.Percentile); got >= e.Latency.Below || got < e.Latency.AtLeast {
		return verdicts(e, title, []mismatch{{title, want, fmt.Sprintf("%s, of %d deliveries", duration(got), len(all))}})
	}
	return verdicts(e, title, nil)
}
