package scenarios

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"
)

// Alert is one alert the destination is subscribed to.
type Alert struct {
	Kind string // one of alertKinds; the engine decides which can be selected
	// Threshold is the failure rate above which activation-failed-rate-exceeded
	// fires, in millionths; 1 % unless given (R130).
	Threshold int64
	Pos       Position
}

// Exclusion leaves profiles out of what is sent, as if they lacked something
// (A82).
type Exclusion struct {
	Profiles NameRange
	Reason   string // missing-attributes, consent-violation
	Pos      Position
}

// RunExpectation is about one hourly run: the nth, or that of an hour.
type RunExpectation struct {
	Number   int              // from 1, by the hour; 0 with Hour
	Hour     time.Duration    // any moment of it, after Start
	Counters map[string]int64 // received, activated, …: those that were given
	Status   string           // processing, completed; "" not checked
	At       *time.Duration   // when it was completed
	Rate     *float64         // activation rate, from 0 to 1
	Errors   map[string]int64 // identities by error code, exactly these; nil: not checked
}

// TotalsExpectation is about the totals at a moment at which a step looks at
// them, or at the end.
type TotalsExpectation struct {
	Counters map[string]int64 // runs, received, activated, …
	At       *time.Duration   // nil: at the end
}

// AlertExpectation is about an alert: the nth line about one meets its nth
// change.
type AlertExpectation struct {
	Kind  string
	Never bool   // it neither fires nor becomes inactive
	State string // firing, inactive
	At    *time.Duration
}

// LatencyExpectation is about the delivery latency: below a duration at a
// percentile (R119).
type LatencyExpectation struct {
	Percentile int           // 1 to 100
	AtLeast    time.Duration // 0: any
	Below      time.Duration
}

// OnePercent is the threshold of an alert unless another is configured, in
// millionths.
const OnePercent = 10_000

var (
	alertKinds = []string{"activation-skipped-rate-exceeded", "activation-failed-rate-exceeded", "streaming-destination-completed",
		"destination-flow-run-delay", "destination-flow-run-failure", "destination-flow-run-success", "destination-flow-run-start"}
	exclusionReasons = []string{"missing-attributes", "consent-violation"}
	runStatuses      = []string{"processing", "completed"}
	// runCounters and totalCounters are what a run and the totals count.
	runCounters   = []string{"mappedAudiences", "received", "activated", "excluded", "failed"}
	totalCounters = []string{"runs", "received", "activated", "excluded", "failed"}
	// errorCode is the form of the codes of failed identities (R127).
	errorCode      = regexp.MustCompile(`^ACTSVC-[0-9]{4}-[1-5][0-9]{2}$`)
	percentileForm = regexp.MustCompile(`^p([1-9][0-9]?|100)$`)
)

// alerts reads the subscriptions of the destination: words, or mappings for
// those with a threshold.
func (r *reader) alerts(n *yaml.Node) []Alert {
	var out []Alert
	for _, c := range r.oneOrList(n) {
		a := Alert{Pos: r.pos(c), Threshold: OnePercent}
		if c.Kind != yaml.MappingNode {
			a.Kind = r.word(c, "a subscription", alertKinds...)
		} else {
			o := r.object(c, "a subscription")
			a.Kind = r.word(o.require("alert", "write alert: "+alertKinds[1]), "alert", alertKinds...)
			if f, ok := o.field("threshold"); ok && o.take("threshold") != nil {
				if share, ok := r.share(f); ok {
					a.Threshold = int64(math.Round(share * 1_000_000))
				}
			}
			if a.Kind != "" && a.Kind != "activation-failed-rate-exceeded" {
				o.exclude("the alert "+a.Kind, "only the failure rate has a threshold that you can set", "threshold")
			}
			o.end()
		}
		if a.Kind != "" {
			out = append(out, a)
		}
	}
	return out
}

// readExclusions reads `exclude:` of every dataflow. Profiles must be known.
func (r *reader) readExclusions() {
	for _, f := range r.dataflows() {
		r.exclusionsOf(f, r.excluded[f.Key])
	}
}

// exclusionsOf reads those of one dataflow: one or a list of them.
func (r *reader) exclusionsOf(f *Dataflow, n *yaml.Node) {
	for _, c := range r.oneOrList(n) {
		o := r.object(c, "exclude")
		if o == nil {
			continue
		}
		e := Exclusion{Pos: r.pos(c), Profiles: r.profilesOf(o), Reason: o.word("reason", exclusionReasons...)}
		if !o.has("profile") && !o.has("profiles") {
			r.problem(o.node, "add profiles: x-{1..3}", "exclude names no profiles")
		}
		o.end()
		f.Exclude = append(f.Exclude, e)
	}
}

// monitoring reads a line about a run, totals, an alert or the latency.
func (r *reader) monitoring(o *object, e *Expectation) {
	switch {
	case o.has("flowRun") || o.has("hour"):
		r.runLine(o, e)
	case o.has("totals"):
		o.what = "a totals expectation"
		t := r.object(o.take("totals"), "totals")
		e.Totals = &TotalsExpectation{Counters: r.counters(t, totalCounters), At: o.moment("at")}
		if t.end(); t != nil && len(t.fields) == 0 {
			r.problem(t.node, "give at least one counter, such as received: 3", "totals is empty")
		}
		if at := e.Totals.At; at != nil && !r.looksAt(*at) {
			r.problem(o.at("at"), "add {at: …, totals: true} to the history", "at this time no step of the history reads the totals")
		}
	case o.has("alert"):
		o.what = "an alert expectation"
		a := &AlertExpectation{Kind: r.word(o.take("alert"), "alert", alertKinds...), At: o.moment("at")}
		a.Never = r.word(o.take("fires"), "fires", "never") == "never"
		a.State = o.word("state", "firing", "inactive")
		if a.Never {
			o.exclude("fires: never", "an alert that never fires has no other keys", "at", "state")
		}
		e.Alert = a
	default:
		o.what = "a latency expectation"
		e.Latency = &LatencyExpectation{Percentile: r.percentile(o.take("latency"))}
		e.Latency.Below, _ = r.duration(o.require("below", "write below: 10m"), "below")
		if e.Latency.AtLeast, _ = o.duration("atLeast"); e.Latency.Below > 0 && e.Latency.AtLeast >= e.Latency.Below {
			r.problem(o.at("atLeast"), "write less than below", "atLeast must be less than below")
		}
	}
}

// runLine reads a line about one run.
func (r *reader) runLine(o *object, e *Expectation) {
	o.what = "a flowRun expectation"
	run := &RunExpectation{Counters: r.counters(o, runCounters), At: o.moment("at")}
	if run.Number = int(o.integer("flowRun", 1, maxSteps, 0)); o.has("flowRun") && o.has("hour") {
		r.problem(o.at("hour"), "name the run by one of them", "hour does not go with flowRun")
	}
	run.Hour, _ = o.duration("hour")
	run.Status = r.word(o.take("status"), "status", runStatuses...)
	if f, ok := o.field("activationRate"); ok && o.take("activationRate") != nil {
		if share, ok := r.share(f); ok {
			run.Rate = &share
		}
	}
	if n := o.take("errors"); n != nil {
		run.Errors = map[string]int64{}
		if errors := r.object(n, "errors"); errors != nil {
			for _, f := range errors.fields {
				if !errorCode.MatchString(f.name) {
					r.problem(f.key, "write ACTSVC-9001-503", "%q is not an error code", short(f.name))
				}
				run.Errors[f.name], _ = r.integer(f.value, "the identities of "+short(f.name), 1, math.MaxInt32)
			}
		}
	}
	e.Run = run
}

// counters reads the counters that are given.
func (r *reader) counters(o *object, names []string) map[string]int64 {
	out := map[string]int64{}
	for _, name := range names {
		if v, ok := r.integer(o.take(name), name, 0, math.MaxInt32); ok {
			out[name] = v
		}
	}
	return out
}

// looksAt reports whether a step of the history looks at the totals at a time.
func (r *reader) looksAt(at time.Duration) bool {
	return slices.ContainsFunc(r.scenario.History, func(s Step) bool { return s.Action == "totals" && s.At == at })
}

// percentile reads p95.
func (r *reader) percentile(n *yaml.Node) int {
	if n == nil {
		return 95
	}
	if n.Kind != yaml.ScalarNode || !percentileForm.MatchString(n.Value) {
		r.wrongType(n, "latency", "a percentile", "write p95")
		return 95
	}
	p, _ := strconv.Atoi(strings.TrimPrefix(n.Value, "p")) // the form has digits
	return p
}

// moment is a duration that may be left out.
func (o *object) moment(name string) *time.Duration {
	if v, ok := o.duration(name); ok {
		return &v
	}
	return nil
}
