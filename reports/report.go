// Package reports turns verdicts into what people read and tools parse.
//
// Report is the one model (report.json, design §5); every other format is made
// from it. The package imports no other package of this module.
package reports

// Schema is the version of report.json. Version 2 changes what a rule's pass
// means: the rule was exercised, and a check that names it passed. In version
// 1 a case that passed stood for every rule it cited.
const Schema = "httpdest/report/v2"

// schemaBefore is the version that is still read. Its other fields are the same.
const schemaBefore = "httpdest/report/v1"

// Verdict is the result of a check, a case, a rule or a run.
type Verdict string

// The five verdicts. A skip never counts as a pass.
const (
	Pass         Verdict = "pass"
	Fail         Verdict = "fail"
	Inconclusive Verdict = "inconclusive" // could not be judged, and why
	Skip         Verdict = "skip"         // not judged on purpose, and why
	Unspecified  Verdict = "unspecified"  // a default of httpdest, judged on someone else's system
)

// Worst combines the verdicts of parts: fail > inconclusive > pass; parts of
// only skip or unspecified, or no parts at all, are a skip.
func Worst(parts ...Verdict) Verdict {
	worst := Skip
	for _, v := range parts {
		switch v {
		case Fail:
			return Fail
		case Inconclusive:
			worst = Inconclusive
		case Pass:
			if worst == Skip {
				worst = Pass
			}
		case Skip, Unspecified:
			// Neither raises nor lowers.
		}
	}
	return worst
}

// Report is report.json.
type Report struct {
	Schema      string             `json:"schema"`
	Kind        string             `json:"kind"` // run, judge, probe, load, plan
	Verdict     Verdict            `json:"verdict"`
	Summary     Summary            `json:"summary"`
	Rules       []Rule             `json:"rules"`
	Cases       []Case             `json:"cases"`
	Metrics     map[string]float64 `json:"metrics"`
	Environment Environment        `json:"environment"`
	Untested    []Untested         `json:"untested,omitempty"` // of kind probe: what it did not test
	Load        *Load              `json:"load,omitempty"`     // of kind load
	Plan        *Plan              `json:"plan,omitempty"`     // of kind plan
}

// Summary counts cases by verdict.
type Summary struct {
	Cases        int `json:"cases"`
	Pass         int `json:"pass"`
	Fail         int `json:"fail"`
	Skip         int `json:"skip"`
	Inconclusive int `json:"inconclusive"`
	Unspecified  int `json:"unspecified"`
}

// Rule is one rule of rules.yaml with its verdict over all cases that cite it.
type Rule struct {
	ID      string   `json:"id"`    // "trig-enter"
	Ref     string   `json:"ref"`   // "R41"
	Level   string   `json:"level"` // must: documented; should: our default
	Title   string   `json:"title,omitempty"`
	Text    string   `json:"text,omitempty"`   // the rule itself, in a sentence or two
	Source  string   `json:"source,omitempty"` // where the documentation says so
	Verdict Verdict  `json:"verdict"`
	Reason  string   `json:"reason,omitempty"` // of a skip or an inconclusive
	Cases   []string `json:"cases"`
}

// NotAboutReceivers is the reason of a rule that a probe does not judge, because
// it binds a sender or a configuration.
const NotAboutReceivers = "not about a receiver: use run"

// Case is one scenario that was judged.
type Case struct {
	ID         string   `json:"id"`
	Title      string   `json:"title"`
	File       string   `json:"file"`
	Line       int      `json:"line"`
	Rules      []string `json:"rules"`
	Verdict    Verdict  `json:"verdict"`
	Reason     string   `json:"reason,omitempty"` // of a skip or an inconclusive
	DurationMs float64  `json:"durationMs"`
	Checks     []Check  `json:"checks"`
	// Evidence lists the parts of a capture that were left out or could not be
	// judged. It contains ByItself where nothing between the requests was judged.
	Evidence []string `json:"evidence,omitempty"`
	// Metrics are measured on the clock of the case, by the names below.
	Metrics  map[string]float64 `json:"metrics,omitempty"`
	Timeline *Timeline          `json:"timeline,omitempty"` // nil: nothing was recorded
}

// ByItself is the evidence of a capture that was judged without a history.
const ByItself = "each request was judged by itself: --scenario judges retries, order and completeness"

// The metrics of a case. Those of a report are the sum of the first, the
// highest of the second, and "wallSeconds" for what the whole took.
const (
	Deliveries        = "deliveries"        // exports that were delivered
	LatencyP95Seconds = "latencyP95Seconds" // of the time from the decision of each to its successful answer
)

// Measured puts the metrics of the cases together.
func Measured(cases []Case) map[string]float64 {
	out := map[string]float64{}
	for _, c := range cases {
		if n := c.Metrics[Deliveries]; n > 0 {
			out[Deliveries] += n
			out[LatencyP95Seconds] = max(out[LatencyP95Seconds], c.Metrics[LatencyP95Seconds])
		}
	}
	return out
}

// Check is one thing that was looked at.
type Check struct {
	Rule     string  `json:"rule,omitempty"`   // "": of the case as a whole, which proves no rule
	Clause   string  `json:"clause,omitempty"` // number of the rule's clause that it is about, as in R60a
	Verdict  Verdict `json:"verdict"`
	Title    string  `json:"title"`
	Expected string  `json:"expected,omitempty"`
	Actual   string  `json:"actual,omitempty"`
	Fix      string  `json:"fix,omitempty"`
	// Class is the kind of cause behind a failure of a receiver: form,
	// throttled, down, flaky, credentials, gateway, mtls, late, lost, tls, status or
	// unreadable; Said quotes the receiver: the text of its response, without markup
	// and without secrets.
	Class  string `json:"class,omitempty"`
	Said   string `json:"said,omitempty"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
	// NotExercised marks an inconclusive check of a rule that the case cites and
	// that nothing in it exercised; the title names what did not happen.
	NotExercised bool `json:"notExercised,omitempty"`
	// Exchange is the request and the answer that show it; Reproduce is a command
	// that sends it again, in which credentials are variables of the shell; Causes
	// are what is likely behind a failure, the likeliest first.
	Exchange  *Exchange `json:"exchange,omitempty"`
	Reproduce string    `json:"reproduce,omitempty"`
	Causes    []Cause   `json:"causes,omitempty"`
}

// Exchange is a request with its answer and the time that each part took. No
// credential is in it.
type Exchange struct {
	Method          string   `json:"method"`
	URL             string   `json:"url"`
	RequestHeaders  []string `json:"requestHeaders,omitempty"` // "Name: value", in the order they were sent
	RequestBody     string   `json:"requestBody,omitempty"`    // long ones are cut off
	Status          int      `json:"status,omitempty"`         // 0: there was no answer
	Outcome         string   `json:"outcome"`                  // the status, or why there was none
	ResponseHeaders []string `json:"responseHeaders,omitempty"`
	ResponseBody    string   `json:"responseBody,omitempty"`
	Reused          bool     `json:"reused,omitempty"` // the connection carried an exchange before
	DurationMs      float64  `json:"durationMs"`
	Phases          []Phase  `json:"phases,omitempty"` // in order
}

// Phase is a part of an exchange: resolve, connect, handshake, send, wait,
// receive. Times are from its beginning.
type Phase struct {
	Name   string  `json:"name"`
	FromMs float64 `json:"fromMs"`
	ToMs   float64 `json:"toMs"`
}

// Cause is what may be behind a failure, on a kind of server.
type Cause struct {
	Server string `json:"server"` // nginx, Envoy, API gateway, Express, Spring, any
	Cause  string `json:"cause"`
	Fix    string `json:"fix"`
	// Recognised marks a cause that the response itself names, by its headers or
	// its words.
	Recognised bool `json:"recognised,omitempty"`
}

// Untested is something that a probe left out, because its configuration did not
// ask for it.
type Untested struct {
	What    string   `json:"what"`
	Rules   []string `json:"rules"`   // with their levels: "R99 (should)"
	Command string   `json:"command"` // that would test it; credentials are variables of the shell
}

// Environment is what a reader needs to run it again.
type Environment struct {
	Version string `json:"version"`
	Go      string `json:"go"`
	OS      string `json:"os"`
	CPUs    int    `json:"cpus"`
	Seed    uint64 `json:"seed"`
	// Arguments are the files and folders of scenarios, none: the library; and --endpoint
	// with the URL, without its query, of a receiver that they were played to.
	Arguments []string `json:"arguments,omitempty"`
}
