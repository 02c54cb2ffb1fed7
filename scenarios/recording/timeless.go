package recording

import (
	"cmp"
	"slices"
	"time"
)

// Timeless is the attempts of a recording without what may differ between a
// run in virtual time and one on the wall clock: times, sockets, and the order
// of what ends at one moment.
func Timeless(lines []Line) []Attempt {
	var out []Attempt
	for _, l := range lines {
		if l.Attempt != nil {
			a := *l.Attempt
			a.At, a.EndedAt, a.Socket, a.Reused = time.Time{}, time.Time{}, 0, false
			out = append(out, a)
		}
	}
	slices.SortFunc(out, func(a, b Attempt) int {
		return cmp.Or(cmp.Compare(a.Message, b.Message), cmp.Compare(a.Number, b.Number))
	})
	return out
}
