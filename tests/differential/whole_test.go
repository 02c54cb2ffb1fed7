package differential

import (
	"slices"

	"github.com/httpdest/httpdest/scenarios"
)

// whole draws now and then that a profile becomes part of another one, or is
// forgotten; false for neither. Two profiles stay at least.
func (h *history) whole(label string, step *scenarios.Step) bool {
	standing := h.standing()
	switch draw(h.t, label+" whole", append(make([]string, 38), "merge", "forget")...) {
	case "merge":
		if len(standing) < 3 {
			return false
		}
		from := draw(h.t, label+" merged", standing...)
		into := draw(h.t, label+" into", slices.DeleteFunc(standing, func(n int) bool { return n == from })...)
		step.From, step.Profiles = scenarios.NameRange{Prefix: name(from)}, scenarios.NameRange{Prefix: name(into)}
		step.Changes = []scenarios.Change{{Op: "merge"}}
		h.gone = append(h.gone, from)
	case "forget":
		step.Profiles = scenarios.NameRange{Prefix: name(draw(h.t, label+" forgotten", standing...))}
		step.Changes = []scenarios.Change{{Op: "forget"}}
	default:
		return false
	}
	return true
}

// standing are the numbers of the profiles that are part of no other one.
func (h *history) standing() []int {
	return slices.DeleteFunc([]int{1, 2, 3, 4, 5}, func(n int) bool { return slices.Contains(h.gone, n) })
}
