package model

import "sort"

// slowed is a receiver whose answers take longer by some steps, since more is
// brought than it can work on.
type slowed struct {
	Receiver
	known map[int]attempt
}

// attempt is what one comes to on average: how long it keeps its socket, the
// share that fails, and how long those keep it. Times are seconds.
type attempt struct{ busy, failing, failingTime float64 }

// slowerBy is such a step, in seconds.
const slowerBy = 0.01

// at is an attempt with answers that are so many steps slower.
func (s *slowed) at(slower int) attempt {
	if a, known := s.known[slower]; known {
		return a
	}
	r := s.Receiver
	if slower > 0 {
		r.Latency = r.Latency.Shift(float64(slower) * slowerBy)
	}
	a := attempt{r.Busy(), r.Failing(), r.BusyFailing()}
	if s.known == nil {
		s.known = map[int]attempt{}
	}
	s.known[slower] = a
	return a
}

// firstThat is the fewest steps that are enough; with as many as the budget has
// every attempt fails, and it stays at that.
func (s *slowed) firstThat(enough func(slower int) bool) int {
	most := int(s.Policy.Budget/slowerBy + 0.5)
	return min(most, sort.Search(most+1, enough))
}
