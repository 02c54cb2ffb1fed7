package reports

import "encoding/json"

// Load is what a load test measured. Times are in milliseconds, rates per
// second, both on the clock of the run.
type Load struct {
	Mode  string `json:"mode"`            // receiver: one request each; pipeline: update to final answer, through the engine
	Clock string `json:"clock"`           // wall, virtual
	To    string `json:"to"`              // the endpoint, without what is secret; "mock"
	Pace  string `json:"pace"`            // as it was asked for: "constant 500/s for 1m0s"
	Store string `json:"store,omitempty"` // of a pipeline: local, memory

	// Began is when the first was due, in RFC 3339 with nanoseconds; "" in virtual
	// time. It tells results apart, and whether two are of the same time.
	Began string `json:"began,omitempty"`
	// StartAt is when it was to begin, as Began; "": at once.
	StartAt string `json:"startAt,omitempty"`
	// Run is another for each run on the wall clock, so that a copy of a report is
	// known as one.
	Run   string     `json:"run,omitempty"`
	Shard *LoadShard `json:"shard,omitempty"` // nil: the load is that of one machine

	Seconds      float64 `json:"seconds"`                // in which requests or updates were offered
	DrainSeconds float64 `json:"drainSeconds,omitempty"` // after that, until everything had ended
	Unfinished   int64   `json:"unfinished,omitempty"`   // had not ended even then
	Interrupted  bool    `json:"interrupted,omitempty"`
	Aborted      string  `json:"aborted,omitempty"` // the threshold that ended it, with its measurement
	Machines     int     `json:"machines"`          // whose results these are; more than one after a merge

	// Offered is what the pace intended, Achieved what was begun of it.
	Offered  Amount `json:"offered"`
	Achieved Amount `json:"achieved"`
	// Delivered ended with a 2xx; Failed did not, and no retry was left.
	Delivered Amount `json:"delivered"`
	Failed    Amount `json:"failed"`

	Outcomes []OutcomeCount `json:"outcomes"` // of attempts, the most frequent first
	Tokens   *Tokens        `json:"tokens,omitempty"`

	// ServiceTime is from the attempt to the end of its answer: what the receiver
	// did. ResponseTime is from the moment the request was due, waiting for a free
	// worker or socket included: what a caller that does not slow down sees.
	// DeliveryLatency is from the moment the update was due to the 2xx of its
	// export, retries included. nil: the mode does not have it.
	// All three are of what was successful.
	ServiceTime     *Distribution `json:"serviceTime,omitempty"`
	ResponseTime    *Distribution `json:"responseTime,omitempty"`
	DeliveryLatency *Distribution `json:"deliveryLatency,omitempty"`
	// AllServiceTime and AllResponseTime include failed attempts; nil where none
	// failed.
	AllServiceTime  *Distribution `json:"allServiceTime,omitempty"`
	AllResponseTime *Distribution `json:"allResponseTime,omitempty"`

	// EffectiveAttempts and EffectiveExports are how many independent ones would
	// say as much about the share that failed, or was lost; 0: each counts.
	EffectiveAttempts int64 `json:"effectiveAttempts,omitempty"`
	EffectiveExports  int64 `json:"effectiveExports,omitempty"`
	// Growing is how many seconds of latency each second of load added, where
	// there was such a trend: more was offered than was served.
	Growing float64 `json:"growing,omitempty"`

	Objectives []Objective `json:"objectives"`
	// Doubts are why the numbers may say less than they seem to; with one of them
	// no objective passes.
	Doubts []string `json:"doubts,omitempty"`

	Late     *Lateness  `json:"late,omitempty"`   // nil: every request began in time
	Stored   *Stored    `json:"stored,omitempty"` // with a read-back
	Stages   []Stage    `json:"stages,omitempty"` // of a pace that has some
	Trend    *Trend     `json:"trend,omitempty"`  // of a constant pace
	Series   *Series    `json:"series,omitempty"`
	Search   *Search    `json:"search,omitempty"`
	Outage   *Outage    `json:"outage,omitempty"`
	Backfill *Backfill  `json:"backfill,omitempty"`
	Flows    []Flow     `json:"flows,omitempty"` // of a test with a noisy neighbour
	Cost     *Cost      `json:"cost,omitempty"`
	Parts    []LoadPart `json:"parts,omitempty"` // of a merge
	// LeftOut is what a merge could not put together, and why.
	LeftOut []string `json:"leftOut,omitempty"`
}

// Attempts are the service times of all attempts, those that failed included;
// nil where there was none.
func (l *Load) Attempts() *Distribution {
	if l.AllServiceTime != nil {
		return l.AllServiceTime
	}
	return l.ServiceTime
}

// Headline names the latency that objectives and a search are about.
func (l *Load) Headline() string {
	if l.Mode == "pipeline" {
		return "delivery latency"
	}
	return "response time"
}

// Amount is a number of things, and how many that is each second.
type Amount struct {
	Count  int64   `json:"count"`
	Rate   float64 `json:"rate"`             // on average
	Target float64 `json:"target,omitempty"` // the highest rate that the pace has
}

// OutcomeCount is how many attempts ended in one way: "200", "503", "timeout",
// "refused".
type OutcomeCount struct {
	Outcome string `json:"outcome"`
	Count   int64  `json:"count"`
	OK      bool   `json:"ok"` // a 2xx
}

// Tokens are the requests for an access token, which do not count as attempts:
// the first, and one for each token that expired or was refused.
type Tokens struct {
	Requests int64 `json:"requests"`
	Failed   int64 `json:"failed"` // brought none
}

// Distribution is a set of times. Histogram has all of them: an HdrHistogram in
// its V2 compressed form, base64, in microseconds from 1 to a day with three
// significant figures; those of several machines add up without a loss.
type Distribution struct {
	Count     int64   `json:"count"`
	MeanMs    float64 `json:"meanMs"`
	MinMs     float64 `json:"minMs"`
	P50Ms     float64 `json:"p50Ms"`
	P90Ms     float64 `json:"p90Ms"`
	P95Ms     float64 `json:"p95Ms"`
	P99Ms     float64 `json:"p99Ms"`
	P999Ms    float64 `json:"p999Ms"`
	MaxMs     float64 `json:"maxMs"`
	Histogram string  `json:"histogram"`
	// Effective has a size for some quantiles; empty where the times count as
	// independent.
	Effective []Effective `json:"effective,omitempty"`
}

// Effective is the number of independent times that hold as much information
// about a quantile: the times of a queue depend on each other.
type Effective struct {
	Quantile float64 `json:"quantile"` // 0 to 1
	Size     int64   `json:"size"`
	// NeedSeconds is how long a run must at least be for an interval; 0: this one
	// was long enough.
	NeedSeconds float64 `json:"needSeconds,omitempty"`
}

// EffectiveAt returns the effective size for a quantile: the one given for it,
// or for the nearest quantile below, which depends on more of the run. ok is
// false where the times count as independent.
func (d *Distribution) EffectiveAt(q float64) (e Effective, ok bool) {
	return effectiveAt(d.Effective, q)
}

// sized is the effective size for a quantile, at most that of all times.
func (d *Distribution) sized(q float64) Effective {
	e, ok := d.EffectiveAt(q)
	if !ok || e.Size > d.Count {
		e.Size = d.Count
	}
	return e
}

// needed is how long a run would have to be for intervals of its p95; 0: this
// one was long enough.
func (l *Load) needed() (seconds float64) {
	for _, n := range l.named() {
		seconds = max(seconds, n.sized(0.95).NeedSeconds)
	}
	return seconds
}

func effectiveAt(all []Effective, q float64) (e Effective, ok bool) {
	for _, x := range all {
		if !ok || x.Quantile <= q {
			e, ok = x, true
		}
	}
	return e, ok
}

// Objective is one thing that was asked of the numbers.
type Objective struct {
	Text    string  `json:"text"` // as it is written: "p95<10m"
	Rule    string  `json:"rule,omitempty"`
	Verdict Verdict `json:"verdict"`
	Reason  string  `json:"reason,omitempty"` // of an inconclusive, a skip or a failure
	// Measured, Low, High and Limit are in Unit: ms, share, /s or share/h. Low to High holds
	// the true value in 95 of 100 runs; where there is no such interval they are
	// Measured.
	Measured float64 `json:"measured"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
	Limit    float64 `json:"limit"`
	Unit     string  `json:"unit"`
	Samples  int64   `json:"samples"`
}

// Stored is what a read-back has seen of messages that were answered with a 2xx.
type Stored struct {
	Missing int64         `json:"missing"`          // could not be read back in time
	Behind  float64       `json:"behind,omitempty"` // share by which less is stored than answered
	Time    *Distribution `json:"time,omitempty"`   // from the 2xx; of a missing message, until it was given up
}

// Stage is a part of a load, with the results of the requests that were due in it.
type Stage struct {
	AtSeconds float64 `json:"atSeconds"`
	Seconds   float64 `json:"seconds"`
	From      float64 `json:"from"` // 1/s
	To        float64 `json:"to"`
	Offered   int64   `json:"offered"`
	Begun     int64   `json:"begun"`
	Delivered int64   `json:"delivered"`
	Failed    int64   `json:"failed"`
	P50Ms     float64 `json:"p50Ms"`
	P95Ms     float64 `json:"p95Ms"`
	P99Ms     float64 `json:"p99Ms"`
	Histogram string  `json:"histogram,omitempty"` // of the successful, as in Point; so that those of several machines add up
}

// Trend is how the mean latency changes with time, in shares of its value at the
// beginning for each hour. Low to High holds the true value in 95 of 100 runs.
type Trend struct {
	StartMs float64 `json:"startMs"`
	PerHour float64 `json:"perHour"`
	Low     float64 `json:"low"`
	High    float64 `json:"high"`
}

// Lateness attributes what began later than it was due, by what was free at that
// moment, and says for how long the process of the generator stood still.
type Lateness struct {
	Generator LateStarts `json:"generator"` // a socket was free, and the generator did not begin
	Sockets   LateStarts `json:"sockets"`   // no socket was free, with answers as fast as usual
	Receiver  LateStarts `json:"receiver"`  // no socket was free because answers had become slow

	StoodSeconds float64 `json:"stoodSeconds"`
}

// LateStarts are those of one cause.
type LateStarts struct {
	Count   int64   `json:"count"`
	TotalMs float64 `json:"totalMs"`
	MaxMs   float64 `json:"maxMs"`
}

// Add counts a late start.
func (l *LateStarts) Add(ms float64) {
	l.Count++
	l.TotalMs += ms
	l.MaxMs = max(l.MaxMs, ms)
}

// Series is the run in time, a point for each step.
type Series struct {
	StepSeconds float64 `json:"stepSeconds"`
	Points      []Point `json:"points"`
}

// Point is one step. Offered counts the requests or updates due in it.
// Percentiles are those of the same requests, whenever they ended: response
// times, or delivery latencies of a pipeline. They are 0 where nothing ended.
type Point struct {
	AtSeconds float64 `json:"atSeconds"` // of its beginning
	Offered   int64   `json:"offered"`
	Achieved  int64   `json:"achieved"` // begun in it
	Ended     int64   `json:"ended"`    // with a 2xx, in it
	Errors    int64   `json:"errors"`   // attempts that failed in it
	Backlog   int64   `json:"backlog"`  // due and not ended, at its end
	InFlight  int64   `json:"inFlight"` // requests on the wire, the most at once
	P50Ms     float64 `json:"p50Ms"`
	P95Ms     float64 `json:"p95Ms"`
	P99Ms     float64 `json:"p99Ms"`
	Histogram string  `json:"histogram,omitempty"` // as in Distribution, so that a merge is exact here too
	// Backfilled are the exports of a backfill that ended with a 2xx in it; no other
	// count has them.
	Backfilled int64 `json:"backfilled,omitempty"`
}

// Search is the way to the highest rate that holds the objectives.
type Search struct {
	Rate       float64       `json:"rate"`              // the highest that held, no more than was served of it; 0: none did
	Above      float64       `json:"above"`             // the lowest that did not; 0: none was found
	Confidence string        `json:"confidence"`        // how reliable the two are, in a sentence
	Saturated  string        `json:"saturated"`         // what limited the rate, in a sentence
	Limited    bool          `json:"limited,omitempty"` // this machine, or a cap, limited the rate, and not the receiver
	Points     []SearchPoint `json:"points"`            // by rate: latency against throughput
	// Knee holds the highest rate that the receiver can hold; nil where the search
	// found no rate that holds, or none that does not.
	Knee *Knee `json:"knee,omitempty"`
	// Trend is how the receiver changed with what it was sent, whatever the rate.
	Trend string `json:"trend,omitempty"`
	// Unrecovered is the rate after which the receiver did not answer as at rest
	// again; 0: it always did.
	Unrecovered float64 `json:"unrecovered,omitempty"`
}

// Knee is an interval of rates.
type Knee struct {
	Low  float64 `json:"low"`  // held
	High float64 `json:"high"` // did not hold, or is more than was served
}

// SearchPoint is one rate that was tried.
type SearchPoint struct {
	Order    int     `json:"order"` // in which it was tried, from 1
	Rate     float64 `json:"rate"`  // offered
	Achieved float64 `json:"achieved"`
	Goodput  float64 `json:"goodput"` // 2xx
	Errors   float64 `json:"errors"`  // share of the attempts
	P50Ms    float64 `json:"p50Ms"`
	P95Ms    float64 `json:"p95Ms"`
	P99Ms    float64 `json:"p99Ms"`
	InFlight int64   `json:"inFlight"`
	Verdict  Verdict `json:"verdict"`
	Reason   string  `json:"reason,omitempty"`
}

// Outage is a time in which the receiver was dead, and its consequences.
type Outage struct {
	AtSeconds    float64 `json:"atSeconds"`
	Seconds      float64 `json:"seconds"`
	Fired        int64   `json:"fired"` // attempts that met it
	PeakBacklog  int64   `json:"peakBacklog"`
	Lost         int64   `json:"lost"`         // exports given up after the last retry
	DrainSeconds float64 `json:"drainSeconds"` // from its end until the backlog was what it was before
	Drained      bool    `json:"drained"`      // it was
	// Breached is whether p95 was over the objective in some step; Recovered,
	// whether it was under it again, RecoverySeconds after the end of the outage.
	Breached        bool    `json:"breached"`
	Recovered       bool    `json:"recovered"`
	RecoverySeconds float64 `json:"recoverySeconds"`
}

// Backfill is an audience that was mapped during the load, and the backfill of its
// members. Its exports are in no other number of the load.
type Backfill struct {
	Audience      string  `json:"audience"`
	Members       int64   `json:"members"`               // in the store when the load began
	WindowSeconds float64 `json:"windowSeconds"`         // over which the engine spreads their turns
	SeedSeconds   float64 `json:"seedSeconds,omitempty"` // that storing them took
	Mapped        bool    `json:"mapped"`                // the load lasted until then
	AtSeconds     float64 `json:"atSeconds"`             // of the mapping
	FirstSeconds  float64 `json:"firstSeconds"`          // of its first attempt; 0: there was none
	// Seconds are those from the mapping to the end of the backfill, or to that of the
	// load where it had not Ended: some members were neither delivered nor given up.
	Seconds        float64        `json:"seconds"`
	Ended          bool           `json:"ended"`
	Delivered      Amount         `json:"delivered"`
	Lost           int64          `json:"lost"` // given up after the last retry
	Attempts       int64          `json:"attempts"`
	FailedAttempts int64          `json:"failedAttempts"`
	Outcomes       []OutcomeCount `json:"outcomes,omitempty"` // of attempts, as those of the load
	// Latency is from a member's turn to the 2xx.
	Latency *Distribution   `json:"latency,omitempty"`
	Phases  []BackfillPhase `json:"phases"`
	Verdict Verdict         `json:"verdict"`
	Reason  string          `json:"reason,omitempty"`
}

// BackfillPhase is ordinary exports whose updates were due before a backfill, during it
// or after it.
type BackfillPhase struct {
	Phase     string        `json:"phase"` // before, during, after
	AtSeconds float64       `json:"atSeconds"`
	Seconds   float64       `json:"seconds"`
	Offered   int64         `json:"offered"` // updates that were begun
	Delivered int64         `json:"delivered"`
	Lost      int64         `json:"lost"`
	Latency   *Distribution `json:"latency,omitempty"` // of deliveries
}

// Flow is one dataflow of several that share an engine.
type Flow struct {
	Name      string        `json:"name"`
	Noisy     bool          `json:"noisy"` // its receiver is the dead or slow one
	Offered   Amount        `json:"offered"`
	Delivered Amount        `json:"delivered"`
	Latency   *Distribution `json:"latency,omitempty"`
	Alone     *Distribution `json:"alone,omitempty"` // the same without the noisy one
	Verdict   Verdict       `json:"verdict"`
	Reason    string        `json:"reason,omitempty"`
}

// Cost is what it took.
type Cost struct {
	CPUSeconds        float64 `json:"cpuSeconds"` // user and system time of this process
	CPUPerExport      float64 `json:"cpuPerExportMicros"`
	CPUShare          float64 `json:"cpuShare"` // of all the CPUs there are, 0 to 1
	AttemptsPerExport float64 `json:"attemptsPerExport,omitempty"`
	MaxWorkers        int64   `json:"maxWorkers,omitempty"` // of the generator, at once
	LateMs            float64 `json:"lateMs"`               // p99 of how much later than due a request was begun
	Note              string  `json:"note,omitempty"`       // "the mock endpoint is in the same process"
}

// LoadShard is the part of a load that these results are of.
type LoadShard struct {
	Numbers []int `json:"numbers"` // from 0; several after a merge
	Of      int   `json:"of"`
}

// LoadPart is one of the results that were merged.
type LoadPart struct {
	From     string  `json:"from"`          // the file
	Run      string  `json:"run,omitempty"` // that of its report
	Offered  Amount  `json:"offered"`
	Achieved Amount  `json:"achieved"`
	Verdict  Verdict `json:"verdict"`
}

// MarshalJSON writes a list without entries as a list: tools iterate over it.
func (l Load) MarshalJSON() ([]byte, error) {
	type plain Load // without this method
	l.Outcomes, l.Objectives = list(l.Outcomes), list(l.Objectives)
	return json.Marshal(plain(l))
}
