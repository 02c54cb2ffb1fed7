package check

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/httpdest/httpdest/scenarios/recording"
)

// window is the length of a run of monitoring (R120), and timeToLive how long
// one counts in the totals after its end (R125).
const (
	window     = time.Hour
	timeToLive = 90 * 24 * time.Hour
)

// hour is what monitoring must show of one hour, counted a second time from
// what was decided and attempted.
type hour struct {
	start      time.Time
	audiences  map[string]bool // mapped at any of its decisions
	received   int64           // profiles; all the others are identities
	counters   recording.Counters
	removed    int64 // of the activated: exports with an exit
	everyTry   int64 // what failed would be, counted by each failed attempt
	retried    bool  // so that the two differ
	errors     map[string]int64
	exclusions map[string]int64
	settled    bool
	last       time.Time // when the last of its exports was settled
}

// totals is a line of totals, and how many exports and attempts the recording
// has before it.
type totals struct {
	*recording.Totals
	exports, attempts int
}

// hours counts every hour that has exports, ascending.
func (v *view) hours() []*hour {
	if v.counted != nil {
		return v.counted
	}
	byHour := map[int64]*hour{}
	v.replay(func(x *exported, g *graph) {
		n := x.At.Unix() / int64(window/time.Second)
		t := byHour[n]
		if t == nil {
			t = &hour{start: time.Unix(n*int64(window/time.Second), 0).UTC(), audiences: map[string]bool{},
				errors: map[string]int64{}, exclusions: map[string]int64{}, settled: true}
			byHour[n] = t
			v.counted = append(v.counted, t)
		}
		x.identities = int64(len(g.identities))
		t.count(x, v.tellsOfExit(x))
	})
	slices.SortFunc(v.counted, func(a, b *hour) int { return a.start.Compare(b.start) })
	return v.counted
}

// count adds one export with what became of it.
func (t *hour) count(x *exported, removal bool) {
	t.received++
	maps.Copy(t.audiences, x.mapped)
	if x.Excluded != "" {
		t.counters.Excluded += x.identities
		t.exclusions[x.Excluded] += x.identities
		return
	}
	failed := x.failures()
	t.everyTry += failed * x.identities
	t.retried = t.retried || failed > 1 || failed == 1 && x.delivered()
	at, ok := x.settled()
	switch {
	case !ok:
		t.settled = false
		return
	case x.delivered():
		t.counters.Activated += x.identities
		if removal {
			t.removed += x.identities
		}
	default:
		t.counters.Failed += x.identities
		t.errors[errorCode(x.attempts())] += x.identities
	}
	if at.After(t.last) {
		t.last = at
	}
}

// delivered reports whether the last attempt of an export was a success.
func (x *exported) delivered() bool {
	attempts := x.attempts()
	return len(attempts) > 0 && success(attempts[len(attempts)-1].Outcome)
}

// failures is how many of an export's attempts failed.
func (x *exported) failures() int64 {
	var n int64
	for _, a := range x.attempts() {
		if !success(a.Outcome) {
			n++
		}
	}
	return n
}

// tellsOfExit reports whether the profile left a mapped audience in the update
// that the export is about.
func (v *view) tellsOfExit(x *exported) bool {
	return slices.ContainsFunc(v.updatesOf[x.Profile], func(u *recording.Update) bool {
		return u.At.Equal(x.At) && slices.ContainsFunc(u.Changes, func(c recording.Change) bool {
			return c.Op == "exit" && x.mapped[c.Audience]
		})
	})
}

// statusOf gives an attempt without an answer the status that its error code
// ends with.
var statusOf = map[string]int{"timeout": 504, "refused": 503, "unresolved": 503, "reset": 502, "closed": 502, "tls": 502,
	"malformed": 502, "too-large": 502}

// errorCode is the code of an export that failed, by its last attempt: only
// 401 is known to have a number of its own (R127), and is what a call without a
// token would have been answered.
func errorCode(attempts []*recording.Attempt) string {
	if len(attempts) == 0 {
		return "ACTSVC-9001-500" // dropped with its dataflow
	}
	outcome := attempts[len(attempts)-1].Outcome
	code, err := strconv.Atoi(outcome)
	if err != nil {
		code = cmp.Or(statusOf[outcome], 500)
	}
	if outcome == "401" || outcome == "no-token" {
		return "ACTSVC-8104-401"
	}
	return fmt.Sprintf("ACTSVC-9001-%d", code)
}

// hourOfRun is the hour of a run; nil when nothing was decided in it.
func (v *view) hourOfRun(r *recording.FlowRun) *hour {
	for _, t := range v.hours() {
		if t.start.Equal(r.StartedAt) {
			return t
		}
	}
	return nil
}

// ref is how a run is called.
func (t *hour) ref() string {
	return fmt.Sprintf("%d-%d", t.start.UnixMilli(), t.start.Add(window).UnixMilli())
}
