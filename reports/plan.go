package reports

import "encoding/json"

// Plan is a capacity plan: inputs, results with intervals,
// what a slower receiver costs, a day, and warnings.
type Plan struct {
	Inputs      []Figure      `json:"inputs"`
	Results     []Figure      `json:"results"`
	Sensitivity []Sensitivity `json:"sensitivity"` // the first row is the receiver as it is
	Hours       []PlanHour    `json:"hours,omitempty"`
	Warnings    []string      `json:"warnings,omitempty"`
	// Asked is what the plan was asked for, as flags of the command, defaults
	// included, and "report" where a load test was given: plan --from gives the same
	// plan again.
	Asked map[string]string `json:"asked,omitempty"`
}

// Figure is one number with its unit.
type Figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	// Low to High is what the uncertainty of the inputs allows; both are Value
	// where nothing is uncertain.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	Unit string  `json:"unit"` // /s, s, ms, share, exports, attempts, sockets, ""
	From string  `json:"from"` // stated, measured, assumed; of a result: its formula in words
}

// Sensitivity is the receiver with some latency added. An infinite value is 0,
// and Stable is false.
type Sensitivity struct {
	AddedMs           float64 `json:"addedMs"`
	TimeoutShare      float64 `json:"timeoutShare"` // of attempts
	AttemptsPerExport float64 `json:"attemptsPerExport"`
	LostShare         float64 `json:"lostShare"`   // of exports, after the last retry
	Sockets           float64 `json:"sockets"`     // busy on average at the peak rate
	MaxRate           float64 `json:"maxRate"`     // exports a second that the sockets can carry
	Utilisation       float64 `json:"utilisation"` // at the peak rate; 1 and above: the backlog grows
	P95Ms             float64 `json:"p95Ms"`       // of the delivery latency at the peak rate; 0 where not Stable
	Stable            bool    `json:"stable"`
}

// PlanHour is an hour of the day.
type PlanHour struct {
	Hour        int     `json:"hour"` // 0 to 23
	Rate        float64 `json:"rate"` // exports a second
	Utilisation float64 `json:"utilisation"`
	Backlog     float64 `json:"backlog"`          // exports due and not ended, on average
	Outage      bool    `json:"outage,omitempty"` // part of it is in the outage
}

// MarshalJSON writes a list without entries as a list: tools iterate over it.
func (p Plan) MarshalJSON() ([]byte, error) {
	type plain Plan // without this method
	p.Inputs, p.Results, p.Sensitivity = list(p.Inputs), list(p.Results), list(p.Sensitivity)
	return json.Marshal(plain(p))
}
