package check

import (
	"slices"
	"strconv"
	"time"

	"github.com/httpdest/httpdest/scenarios/recording"
)

// retriedByBestEffort are the statuses of R83.
var retriedByBestEffort = []int{403, 408, 409, 429, 500, 502, 503, 504}

// listed are the statuses that the policy retries; none under a policy that
// does not tell them apart.
func (v *view) listed() []int {
	switch r := v.scenario.Destination.Retry; r.Policy {
	case "best-effort":
		return retriedByBestEffort
	case "custom":
		return r.Statuses
	}
	return nil
}

// eachFailure calls look for every failed attempt that is not the last one its
// policy has, and says whether another followed or is still to come.
func (v *view) eachFailure(look func(a *recording.Attempt, again bool)) {
	most := len(v.policy()) + 1
	v.eachMessage(func(m *message) {
		for n, a := range m.attempts {
			if success(a.Outcome) || n+1 >= most || v.deletedBefore(a, v.policy()[n]) {
				continue
			}
			look(a, n+1 < len(m.attempts) || a.Retry && m.drop == nil)
		}
	})
}

// deletedBefore says whether the dataflow was deleted after an attempt began and
// before its retry could be sent: what is under way then, or waits, is not sent
// again (R118). A pause in which the retry becomes due holds it until its end.
// How long Retry-After makes it wait is not recorded.
func (v *view) deletedBefore(a *recording.Attempt, wait time.Duration) bool {
	due := a.EndedAt.Add(wait + v.tolerance)
	return slices.ContainsFunc(v.actions, func(x *recording.Action) bool {
		held := slices.ContainsFunc(v.pauses(), func(p interval) bool { return !p.from.After(due) && !p.to.Before(x.At) })
		late := x.At.After(due) && !held && !v.scenario.Destination.Retry.ObserveRetryAfter
		return x.Action == "delete" && !x.At.Before(a.At) && !late
	})
}

func (v *view) retriedStatuses(f *findings) {
	v.eachFailure(func(a *recording.Attempt, again bool) {
		if code, err := strconv.Atoi(a.Outcome); err == nil && slices.Contains(v.listed(), code) {
			f.note(again, "%s: no attempt follows %s", a.Message, a.Outcome)
		}
	})
}

func (v *view) finalStatuses(f *findings) {
	v.eachFailure(func(a *recording.Attempt, again bool) {
		code, err := strconv.Atoi(a.Outcome)
		if err == nil && len(v.listed()) > 0 && !slices.Contains(v.listed(), code) {
			f.note(!again, "%s: another attempt follows %s", a.Message, a.Outcome)
		}
	})
}

// retriedFailures: what never became an answer is retried under every policy
// (R85), a token request without an answer included.
func (v *view) retriedFailures(f *findings) {
	v.eachFailure(func(a *recording.Attempt, again bool) {
		if !status(a.Outcome) {
			f.note(again, "%s: no attempt follows %s", a.Message, a.Outcome)
		}
	})
}
