package reports

import "encoding/json"

// Plan is a capacity plan: inputs, results with intervals,
// what a slower receiver costs, a day, and warnings.
type Plan struct {
	Inputs      []Figure      `json:"inputs"`
	Results     []Figure      `json:"results"`
	Sensitivity []Sensitivity `json:"sensitivity"` // the first row is the receiver as it is
	// Hours are those of the day of the plan, in the order in which they come: from
	// midnight, or from the hour of the outage on.
	Hours []PlanHour `json:"hours,omitempty"`
	// Days are the day of the plan, and as many after it as have what it left.
	Days  []PlanDay  `json:"days,omitempty"`
	Flows []PlanFlow `json:"flows,omitempty"` // where several share the receiver; the first is the one that the rest is about
	// Objectives are what the plan holds or misses; the first is the documented one.
	Objectives []Objective `json:"objectives,omitempty"`
	Outage     *PlanOutage `json:"outage,omitempty"`
	// Assumptions are what the plan takes for granted, in sentences.
	Assumptions []string `json:"assumptions,omitempty"`
	Warnings    []string `json:"warnings,omitempty"`
	// Asked is what the plan was asked for, as flags of the command, defaults
	// included, and "report" where a load test was given: plan --from gives the same
	// plan again. Defaults are those of them that nobody gave.
	Asked    map[string]string `json:"asked,omitempty"`
	Defaults []string          `json:"defaults,omitempty"`
	Measured *PlanMeasured     `json:"measured,omitempty"`
}

// PlanMeasured is what the plan took from a load test, so that it can be repeated
// without its report.
type PlanMeasured struct {
	Histogram  string   `json:"histogram"`  // of answer times, as in Distribution
	Spread     float64  `json:"spread"`     // of their mean, relative, in 95 of 100 runs
	Errors     float64  `json:"errors"`     // share of the answers in time that are not 2xx
	ErrorsLow  float64  `json:"errorsLow"`  // errorsLow to errorsHigh holds the true share in 95 of 100 runs
	ErrorsHigh float64  `json:"errorsHigh"` //
	Doubts     []string `json:"doubts,omitempty"`
}

// Figure is one number with its unit.
type Figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	// Low to High is what the uncertainty of the inputs allows, and near full
	// utilisation nine of ten days; both are Value where nothing is uncertain.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	Unit string  `json:"unit"` // /s, s, ms, share, exports, attempts, requests, sockets, ""
	// Text is what an input is that is not a number; "" for a number.
	Text string `json:"text,omitempty"`
	// From is how an input is known: stated, measured, picked, or assumed, because
	// nobody stated it. Of a result it is the formula in words.
	From string `json:"from"`
}

// Sensitivity is the receiver with some latency added. P95Ms is that of the day of the
// plan, the rest is of its busiest hour.
type Sensitivity struct {
	AddedMs           float64 `json:"addedMs"`
	TimeoutShare      float64 `json:"timeoutShare"` // of attempts
	AttemptsPerExport float64 `json:"attemptsPerExport"`
	LostShare         float64 `json:"lostShare"`   // of exports, after the last retry
	Sockets           float64 `json:"sockets"`     // busy on average at the peak rate
	MaxRate           float64 `json:"maxRate"`     // exports a second that the sockets can carry
	Utilisation       float64 `json:"utilisation"` // at the peak rate; 1 and above: the backlog grows as long as that lasts
	P95Ms             float64 `json:"p95Ms"`       // of the deliveries that are due in the day; 0 where not Stable
	Stable            bool    `json:"stable"`      // false: the backlog grows from day to day
}

// PlanOutage is when the receiver is dead, and how that shows.
type PlanOutage struct {
	AtSeconds float64 `json:"atSeconds"` // time of day
	Seconds   float64 `json:"seconds"`
	Kind      string  `json:"kind"`  // stall, refuse, 503
	Words     string  `json:"words"` // of the kind: "does not answer (stall)"
}

// PlanLatencies are the delivery latencies of what is due in a time.
type PlanLatencies struct {
	P50Ms     float64 `json:"p50Ms"`
	P95Ms     float64 `json:"p95Ms"`
	P99Ms     float64 `json:"p99Ms"`
	SpentMs   float64 `json:"spentMs"`   // from due to the end, on average, of lost exports too
	LostShare float64 `json:"lostShare"` // of what is due in the time
}

// PlanHour is an hour of the day. Its latencies are of what is due in it.
type PlanHour struct {
	Hour        int     `json:"hour"`        // 0 to 23
	Rate        float64 `json:"rate"`        // exports a second
	Requests    float64 `json:"requests"`    // a second, at the receiver
	Utilisation float64 `json:"utilisation"` // share of the sockets that are busy
	Backlog     float64 `json:"backlog"`     // exports due and not ended, on average
	PlanLatencies
	Outage bool `json:"outage,omitempty"`
}

// PlanDay is 24 hours of the plan. Its latencies are of what is due in it.
type PlanDay struct {
	Day      int     `json:"day"`      // from 1
	FromHour int     `json:"fromHour"` // in which it begins, 0 to 23
	Exports  float64 `json:"exports"`
	Requests float64 `json:"requests"`
	Begins   float64 `json:"begins"`  // backlog at its beginning
	Ends     float64 `json:"ends"`    // and at its end
	Backlog  float64 `json:"backlog"` // on average
	Highest  float64 `json:"highest"` // backlog, which 95 of 100 such days do not exceed
	PlanLatencies
	Outage bool `json:"outage,omitempty"`
}

// PlanFlow is one of several dataflows that share the receiver.
type PlanFlow struct {
	Name           string  `json:"name"`
	Sockets        int     `json:"sockets"`
	PeakHour       int     `json:"peakHour"` // its busiest
	PeakRate       float64 `json:"peakRate"` // exports a second in it
	Requests       float64 `json:"requests"` // a second in it, at the receiver
	Utilisation    float64 `json:"utilisation"`
	P95Ms          float64 `json:"p95Ms"`
	LowMs          float64 `json:"lowMs"`
	HighMs         float64 `json:"highMs"`
	WorstHour      int     `json:"worstHour"`
	WorstHourP95Ms float64 `json:"worstHourP95Ms"`
	Highest        float64 `json:"highest"` // backlog, which 95 of 100 days do not exceed
	Verdict        Verdict `json:"verdict"`
	Reason         string  `json:"reason,omitempty"`
}

// MarshalJSON writes a list without entries as a list: tools iterate over it.
func (p Plan) MarshalJSON() ([]byte, error) {
	type plain Plan // without this method
	p.Inputs, p.Results, p.Sensitivity = list(p.Inputs), list(p.Results), list(p.Sensitivity)
	return json.Marshal(plain(p))
}
