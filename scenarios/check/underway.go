package check

import (
	"slices"
	"time"
)

// underWay is when attempts started and ended, each in its own order.
type underWay struct{ starts, ends []time.Time }

func (u *underWay) add(start, end time.Time) {
	u.starts, u.ends = append(u.starts, start), append(u.ends, end)
}

func (u *underWay) sort() {
	slices.SortFunc(u.starts, time.Time.Compare)
	slices.SortFunc(u.ends, time.Time.Compare)
}

// until counts the times up to one, that one included.
func until(times []time.Time, at time.Time) int {
	n, _ := slices.BinarySearchFunc(times, at.Add(1), time.Time.Compare)
	return n
}

// at counts the attempts that had started by a time and had not ended.
func (u *underWay) at(at time.Time) int { return until(u.starts, at) - until(u.ends, at) }

// free is the first moment from one time on at which fewer attempts are under
// way than there may be, as far as it comes before another.
func (u *underWay) free(from, to time.Time, most int) time.Time {
	for from.Before(to) && u.at(from) >= most {
		n := until(u.ends, from)
		if n == len(u.ends) {
			break
		}
		from = u.ends[n]
	}
	return from
}
