package monitor

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/httpdest/httpdest/engine/profile"
	"github.com/httpdest/httpdest/engine/retry"
)

// Window is the length of a run (R120).
const Window = time.Hour

// Status of a run (R126).
type Status string

// The two statuses of a run.
const (
	Processing Status = "processing" // the hour is not over, or an export of it is not settled
	Completed  Status = "completed"
)

// Counters are numbers of identities (R121). An identity that no counter
// includes waits for its last attempt.
type Counters struct {
	Activated int64 `json:"activated"`
	Excluded  int64 `json:"excluded"`
	Failed    int64 `json:"failed"`
}

// Settled is how many identities are accounted for.
func (c Counters) Settled() int64 { return c.Activated + c.Excluded + c.Failed }

// ActivationRate is the share of the received identities that was activated
// (R124, A78); ok is false while nothing is settled.
func (c Counters) ActivationRate() (rate float64, ok bool) { return c.share(c.Activated) }

// OlderActivationRate is the formula of older texts, by which what was skipped
// counts as activated (A78).
func (c Counters) OlderActivationRate() (rate float64, ok bool) {
	return c.share(c.Activated + c.Excluded)
}

func (c Counters) share(part int64) (float64, bool) {
	if c.Settled() == 0 {
		return 0, false
	}
	return float64(part) / float64(c.Settled()), true
}

// Run is one hour of the dataflow as it is reported.
type Run struct {
	At            time.Time // of the report; of a completed run, when it was completed
	ProviderRefID string    // "<startMs>-<endMs>" of the hour (R120)
	StartedAt     time.Time // floored to the hour, whenever its first export was
	Status        Status
	// Duration is one hour of a completed run, however long its retries took
	// (A84); of a run in process, the time since its start (R126).
	Duration  time.Duration
	Audiences int   // mapped at any of its decisions
	Received  int64 // profiles: one for each export, so a profile that changes twice is received twice
	Counters
	Exclusions []Exclusion // sorted by reason
	Errors     []Error     // sorted by code
}

// Exclusion is why identities were left out.
type Exclusion struct {
	Reason     string `json:"reason"`
	Identities int64  `json:"identities"`
}

// Totals are the counters of many runs.
type Totals struct {
	Runs     int
	Received int64
	Counters
}

// run is one hour being counted. Its maps are made when something comes to be
// in them and go when it is completed: what stays for the totals is a few
// numbers.
type run struct {
	start     time.Time
	received  int64
	pending   int64 // exports that are not settled
	completed bool
	Counters
	audiences  map[profile.AudienceRef]bool
	mapping    int // version of the mapping that audiences includes; 0: none
	exclusions map[string]int64
	errors     map[string]Error

	dirty bool  // it changed since it was kept
	final *Hour // of a completed run, until it is kept
}

// newRun begins the run of the hour, in UTC, of a moment.
func newRun(moment time.Time) *run {
	return &run{start: moment.UTC().Truncate(Window)}
}

func (r *run) end() time.Time { return r.start.Add(Window) }

func (r *run) expired(now time.Time) bool { return !r.end().Add(TTL).After(now) }

// reach adds the audiences mapped now to those of the run.
func (r *run) reach(mapped []profile.AudienceRef, version int) {
	if r.mapping == version {
		return
	}
	r.mapping = version
	if r.audiences == nil {
		r.audiences = map[profile.AudienceRef]bool{}
	}
	for _, ref := range mapped {
		r.audiences[ref] = true
	}
}

func (r *run) exclude(reason string, identities int64) {
	r.Excluded += identities
	if r.exclusions == nil {
		r.exclusions = map[string]int64{}
	}
	r.exclusions[reason] += identities
}

func (r *run) fail(o retry.Outcome, identities int64) {
	r.Failed += identities
	code, description := errorOf(o)
	if r.errors == nil {
		r.errors = map[string]Error{}
	}
	e := r.errors[code]
	r.errors[code] = Error{code, e.Identities + identities, description}
}

// unfail takes back a failure.
func (r *run) unfail(o retry.Outcome, identities int64) {
	r.Failed -= identities
	code, _ := errorOf(o)
	e := r.errors[code]
	if e.Identities -= identities; e.Identities <= 0 {
		delete(r.errors, code)
		return
	}
	r.errors[code] = e
}

func (r *run) complete(now time.Time) Run {
	r.completed = true
	done := r.report(now)
	final := r.hour()
	r.final = &final
	r.audiences, r.exclusions, r.errors = nil, nil, nil
	return done
}

func (r *run) report(now time.Time) Run {
	out := Run{
		At: now, ProviderRefID: fmt.Sprintf("%d-%d", r.start.UnixMilli(), r.end().UnixMilli()), StartedAt: r.start,
		Status: Processing, Duration: now.Sub(r.start), Audiences: len(r.audiences), Received: r.received, Counters: r.Counters,
	}
	if r.completed {
		out.Status, out.Duration = Completed, Window
	}
	out.Exclusions, out.Errors = r.details()
	return out
}

// details are why identities were left out and how others failed, sorted.
func (r *run) details() (exclusions []Exclusion, errors []Error) {
	for reason, n := range r.exclusions {
		exclusions = append(exclusions, Exclusion{reason, n})
	}
	slices.SortFunc(exclusions, func(a, b Exclusion) int { return cmp.Compare(a.Reason, b.Reason) })
	for _, e := range r.errors {
		errors = append(errors, e)
	}
	slices.SortFunc(errors, func(a, b Error) int { return cmp.Compare(a.Code, b.Code) })
	return exclusions, errors
}
