package check

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/httpdest/httpdest/scenarios/recording"
)

// eachTry calls look for every attempt of every message.
func (v *view) eachTry(look func(t try)) {
	p := policyOf(v.scenario.Destination.Retry)
	v.eachMessage(func(m *message) {
		settled := try{}
		for n, a := range m.attempts {
			t := try{what: fmt.Sprintf("attempt %d of %s", n+1, m.id), number: n + 1, outcome: outcomeFailed, word: a.Outcome,
				followed: n+1 < len(m.attempts), pending: a.Retry && m.drop == nil, after: settled.outcome, since: settled.what}
			if t.status, _ = strconv.Atoi(a.Outcome); success(a.Outcome) {
				t.outcome, t.pending = outcomeDelivered, a.Retry || m.drop != nil
			} else {
				t.excused = n < len(p.waits) && v.deletedBefore(a, p.waits[n])
			}
			look(t)
			if t.outcome == outcomeDelivered || n+1 == p.most() && settled.outcome != outcomeDelivered {
				settled = t
			}
		}
	})
}

// deletedBefore reports whether the dataflow was deleted after an attempt began
// and before its retry could be sent: what is under way then, or waits, is not
// sent again (R118). A pause in which the retry becomes due holds it until its
// end. How long Retry-After makes it wait is not recorded.
func (v *view) deletedBefore(a *recording.Attempt, wait time.Duration) bool {
	due := a.EndedAt.Add(wait + v.tolerance)
	return slices.ContainsFunc(v.actions, func(x *recording.Action) bool {
		held := slices.ContainsFunc(v.pauses(), func(p interval) bool { return !p.from.After(due) && !p.to.Before(x.At) })
		late := x.At.After(due) && !held && !v.scenario.Destination.Retry.ObserveRetryAfter
		return x.Action == "delete" && !x.At.Before(a.At) && !late
	})
}

func (v *view) retriedStatuses(f *findings) {
	v.eachTry(func(t try) { retriedStatus(evidence{own: f}, t, policyOf(v.scenario.Destination.Retry)) })
}

func (v *view) finalStatuses(f *findings) {
	v.eachTry(func(t try) { finalStatus(evidence{own: f}, t, policyOf(v.scenario.Destination.Retry)) })
}

// retriedFailures looks at token requests without an answer as well.
func (v *view) retriedFailures(f *findings) {
	v.eachTry(func(t try) { retriedFailure(evidence{own: f}, t, policyOf(v.scenario.Destination.Retry)) })
}
