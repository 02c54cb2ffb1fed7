package recording

import "time"

// FlowRun is one hourly run of the dataflow as monitoring shows it: written
// when it is completed, or at the end of the recording while it is processing.
type FlowRun struct {
	At            time.Time `json:"at"`            // when it was completed, or the end
	ProviderRefID string    `json:"providerRefId"` // "<startMs>-<endMs>"
	Status        string    `json:"status"`        // processing, completed
	StartedAt     time.Time `json:"startedAt"`     // floored to the hour
	DurationMs    int64     `json:"durationMs"`    // an hour when completed, until now while processing
	Audiences     int       `json:"audiences"`     // mapped at any of its decisions
	Received      int64     `json:"received"`      // profiles
	Counters
	// Rate is activated ÷ (activated + excluded + failed); OlderRate counts
	// the excluded as activated. Both are absent while nothing is settled.
	Rate       *float64       `json:"activationRate,omitempty"`
	OlderRate  *float64       `json:"olderActivationRate,omitempty"`
	Estimated  bool           `json:"estimated"` // the destination estimates these numbers, httpdest counts
	Exclusions []Exclusion    `json:"exclusions,omitempty"`
	Errors     []FlowRunError `json:"errors,omitempty"`
}

// Counters are numbers of identities.
type Counters struct {
	Activated int64 `json:"activated"`
	Excluded  int64 `json:"excluded"`
	Failed    int64 `json:"failed"`
}

// Exclusion is why identities were left out.
type Exclusion struct {
	Reason string `json:"reason"`
	Count  int64  `json:"count"` // of identities
}

// FlowRunError is identities that failed alike.
type FlowRunError struct {
	Code        string `json:"code"`  // "ACTSVC-9001-503"
	Count       int64  `json:"count"` // of identities
	Description string `json:"description"`
}

// Totals are the counters over the time to live of the runs, at a moment the
// history looks at them and at the end.
type Totals struct {
	At       time.Time `json:"at"`
	Runs     int       `json:"runs"`
	Received int64     `json:"received"` // profiles
	Counters
}

// Alert is an alert that changed its state, or that announces a completed run.
type Alert struct {
	At     time.Time `json:"at"`
	Alert  string    `json:"alert"`  // activation-skipped-rate-exceeded
	Status string    `json:"status"` // firing, inactive
	// FlowRun is the providerRefId of the run that caused it.
	FlowRun string `json:"flowRun"`
	// Value is the rate of that run and Threshold what it was compared with, in
	// percent; absent where no rate is watched.
	Value     *float64 `json:"value,omitempty"`
	Threshold *float64 `json:"threshold,omitempty"`
}
