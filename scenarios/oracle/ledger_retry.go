package oracle

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"time"

	"github.com/httpdest/httpdest/internal/strictjson"
)

// The time that an attempt may take (R81), and how exact the times of two
// machines are.
const (
	attemptBudget = 2 * time.Second
	grain         = time.Second
)

// sentBody is a profile body, parsed once.
type sentBody struct {
	value  any
	err    error          // why it is not JSON
	text   string         // with its keys in order
	leaves map[string]any // nil until somebody asks
}

func newSentBody(raw string) *sentBody {
	value, err := strictjson.Decode([]byte(raw))
	b := &sentBody{value: value, err: err, text: raw}
	if _, ok := b.value.(map[string]any); ok {
		if out, err := json.Marshal(b.value); err == nil {
			b.text = string(out)
		}
	}
	return b
}

func (b *sentBody) all() map[string]any {
	if b.leaves == nil {
		b.leaves = map[string]any{}
		object, _ := b.value.(map[string]any)
		for key, value := range object {
			flat(b.leaves, key, value)
		}
	}
	return b.leaves
}

// differences counts the leaves in which two bodies differ; ok is false when
// that is more than half of them.
func differences(a, b *sentBody) (n int, ok bool) {
	common := 0
	for path, value := range a.all() {
		if other, there := b.all()[path]; there && reflect.DeepEqual(value, other) {
			common++
		}
	}
	paths := maps.Clone(a.all())
	maps.Copy(paths, b.all())
	return len(paths) - common, 2*common >= len(paths)
}

// gap is the time from the end of one request to the next; false where the
// capture does not tell.
func (a *alignment) gap(before, i int) (time.Duration, bool) {
	s, b := a.seen[i], a.seen[before]
	return s.Sent.Sub(b.Ended), !s.Sent.IsZero() && !b.Ended.IsZero()
}

// fits reports whether a gap is that of the policy after so many attempts; the
// second wait may count from the first attempt (A2).
func (a *alignment) fits(gap time.Duration, attempts int) bool {
	most := a.delays[attempts-1]
	least := min(a.delays[0], most)
	return gap >= least-grain && gap <= most+attemptBudget+grain
}

// window is how long after a request the last attempt at its message may come.
func (a *alignment) window() time.Duration {
	all := attemptBudget + grain
	for _, d := range a.delays {
		all = max(all, 2*d+attemptBudget+grain)
	}
	return all
}

// paused reports whether the dataflow was, or may have been, disabled between
// two bodies for so long that the gap between them is no longer than the policy
// has it: a retry that is due while the dataflow is enabled is not kept.
func (a *alignment) paused(before, i int) bool {
	from, to, f := a.seen[before].At, a.seen[i].At, a.oracle.flow
	if from.IsZero() || to.IsZero() {
		return len(f.enabled) > 1 || len(f.deleted) > 0
	}
	return f.enabledBetween(from, to) <= a.window()
}

// deletedBefore reports whether the dataflow was deleted between a body and a
// time, so soon that a retry was still to come: it is not sent any more (R118).
// At the instant of the deletion it may have been sent before, unless the
// dataflow was disabled until then.
func (a *alignment) deletedBefore(i int, to time.Time) bool {
	from, f := a.seen[i].At, a.oracle.flow
	if from.IsZero() {
		return false
	}
	for k, at := range f.ended {
		before := to.Sub(at) > grain+a.oracle.clock.Tolerance || !f.enabled.holds(f.deleted[k]-1)
		if at.After(from) && !at.After(to) && before && f.enabledBetween(from, at) <= a.window() {
			return true
		}
	}
	return false
}

// leaving is the cost of not trying again after the last failure of a chain.
func (a *alignment) leaving(c chain) int {
	if c.attempts == 0 || a.seen[c.last].Outcome != Failed || a.deletedBefore(c.last, forever) {
		return 0
	}
	return costOfAbandoned
}

// forever is after every time of a history.
var forever = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// again is the cost of taking body i for the next attempt of a chain.
func (a *alignment) again(i int, c chain) int {
	s, last := a.seen[i], a.seen[c.last]
	if a.together(i, c.last) {
		return impossible
	}
	skew, cost, final := 0, 0, false
	switch gap, told := a.gap(c.last, i); {
	case a.deletedBefore(c.last, a.seen[i].At):
		skew = costOfRevival
	case !told || a.fits(gap, c.attempts):
	case gap <= a.window() || a.paused(c.last, i):
		skew = costOfOddGap
	default:
		skew = costOfFarGap
	}
	switch last.Outcome {
	case Unclear:
		cost += costOfWord
	case FailedOne:
		cost += costOfFinal
		final = !a.everyFailure()
	}
	cost += skew
	if s.Body == last.Body || s.Body == a.seen[c.first].Body {
		return cost
	}
	different, alike := differences(a.bodies[c.last], a.bodies[i])
	if !alike || last.Outcome == Unclear || final {
		return impossible
	}
	if skew > 0 {
		cost += costOfSkewed
	}
	return cost + costOfChange + min(different, 6)
}

// known reports whether a body came before, however long ago.
func (a *alignment) known(i int) bool {
	return slices.ContainsFunc(a.bodies[:i], func(b *sentBody) bool { return b.text == a.bodies[i].text })
}

// together reports whether two bodies came in one request.
func (a *alignment) together(i, k int) bool {
	return a.seen[i].Request != 0 && a.seen[i].Request == a.seen[k].Request
}

// repeats finds a body like body i that was in the same request, was given up,
// or was delivered a short while before.
func (a *alignment) repeats(i int) (int, bool) {
	for k := i - 1; k >= 0; k-- {
		if a.bodies[k].text != a.bodies[i].text || a.seen[k].Outcome == Unclear && a.seen[k].Body != a.seen[i].Body {
			continue
		}
		gap, told := a.gap(k, i)
		failed := a.seen[k].Outcome == Failed || a.seen[k].Outcome == FailedOne
		if a.together(i, k) || failed || !told || gap <= a.window() {
			return k, true
		}
		return 0, false
	}
	return 0, false
}

// punctual is the cost of taking body i for anything but a retry, when it is
// one by its body, but for one leaf or the way it is written, and comes exactly
// when one had to. After a failure that may as well be final it is just more
// than the retry costs.
func (a *alignment) punctual(i int, h hypothesis) (cost int) {
	for _, c := range h.open {
		gap, told := a.gap(c.last, i)
		if c.attempts == 0 || !told || !a.fits(gap, c.attempts) {
			continue
		}
		n, _ := differences(a.bodies[c.last], a.bodies[i])
		final := a.seen[c.last].Outcome == FailedOne && a.everyFailure()
		switch {
		case n > 1:
		case a.seen[c.last].Outcome == Failed:
			return costOfPunctual
		case final && a.seen[c.last].Body == a.seen[i].Body:
			cost = max(cost, costOfFinal+1)
		case final:
			cost = max(cost, costOfFinal+costOfChange+1)
		}
	}
	return cost
}

// open is the cost of taking body i for a duplicate where an export with that
// body has attempts left.
func (a *alignment) open(i int, h hypothesis) int {
	for _, c := range h.open {
		if c.attempts > 0 && a.seen[c.last].Body == a.seen[i].Body && !a.deletedBefore(c.last, a.seen[i].At) {
			return costOfOpen
		}
	}
	return 0
}

// everyFailure reports whether the policy has every failure retried.
func (a *alignment) everyFailure() bool {
	return a.oracle.scenario.Destination.Retry.Policy == "documented"
}
