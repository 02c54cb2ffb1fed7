package oracle

import (
	"slices"
	"time"
)

// endless is the tick after every other.
const endless = int(^uint(0) >> 1)

// span is a stretch of the history: from the tick that begins it up to the one
// that ends it, which is not part of it. A span that began before the history
// has tick 0; one that ended before it has the ticks -1 and 0.
type span struct {
	from, to     int
	since, until time.Time // when it began and ended; until is zero while to is endless
	// erased spans hold nothing, and hide everything before them.
	erased bool
}

// timeline is the spans in which something held, ascending and apart.
type timeline []span

// statement says that something holds from a tick on, or no longer.
type statement struct {
	tick   int
	at     time.Time
	holds  bool
	erases bool // and it never held
}

// since is the timeline that statements make, in their order. A repeated
// statement changes nothing.
func (t timeline) follow(all []statement) timeline {
	for _, s := range all {
		n := len(t)
		open := n > 0 && t[n-1].to == endless
		if s.erases && open {
			t[n-1].to, t[n-1].until = s.tick, s.at
		}
		switch {
		case s.erases:
			t = append(t, span{from: s.tick, to: s.tick, since: s.at, until: s.at, erased: true})
		case s.holds && !open:
			t = append(t, span{from: s.tick, to: endless, since: s.at})
		case !s.holds && open:
			t[n-1].to, t[n-1].until = s.tick, s.at
		}
	}
	return t
}

// latest is the last span that began by the tick.
func (t timeline) latest(tick int) (span, bool) {
	n, _ := slices.BinarySearchFunc(t, tick, func(s span, k int) int {
		if s.from <= k {
			return -1
		}
		return 1
	})
	if n == 0 || t[n-1].erased {
		return span{}, false
	}
	return t[n-1], true
}

// at is the span that holds after the tick.
func (t timeline) at(tick int) (span, bool) {
	s, ok := t.latest(tick)
	return s, ok && s.to > tick
}

// holds reports whether it holds after the tick.
func (t timeline) holds(tick int) bool {
	_, ok := t.at(tick)
	return ok
}
