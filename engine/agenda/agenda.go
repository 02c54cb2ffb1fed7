// Package agenda orders what is to happen by time. PURE.
//
// The dispatcher keeps its retries in one, a runtime and its drivers the events
// to come.
package agenda

import "time"

// Agenda is a queue of things with a time: the earliest comes first. Of one
// instant a lower class comes first, and in a class what was added first. The
// zero value is empty. It is not safe for concurrent use.
type Agenda[T any] struct {
	heap []entry[T]
	last uint64
}

type entry[T any] struct {
	at    time.Time
	class int
	seq   uint64
	what  T
}

// Add puts something on the agenda.
func (a *Agenda[T]) Add(at time.Time, class int, what T) {
	a.last++
	a.heap = append(a.heap, entry[T]{at, class, a.last, what})
	for i := len(a.heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if !a.less(i, parent) {
			break
		}
		a.swap(i, parent)
		i = parent
	}
}

// Len is how many things are on the agenda.
func (a *Agenda[T]) Len() int { return len(a.heap) }

// First is what comes first, and when. It panics on an empty agenda.
func (a *Agenda[T]) First() (at time.Time, what T) {
	return a.heap[0].at, a.heap[0].what
}

// Next is when the first thing comes, the zero time if nothing is due.
func (a *Agenda[T]) Next() time.Time {
	if len(a.heap) == 0 {
		return time.Time{}
	}
	return a.heap[0].at
}

// Due reports whether something comes at or before now.
func (a *Agenda[T]) Due(now time.Time) bool {
	return len(a.heap) > 0 && !a.heap[0].at.After(now)
}

// Take takes off what comes first. It panics on an empty agenda.
func (a *Agenda[T]) Take() T {
	first := a.heap[0].what
	last := len(a.heap) - 1
	a.heap[0] = a.heap[last]
	a.heap[last] = entry[T]{} // so that it can be collected
	a.heap = a.heap[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if a.less(child, least) {
				least = child
			}
		}
		if least == i {
			return first
		}
		a.swap(i, least)
		i = least
	}
}

func (a *Agenda[T]) less(i, j int) bool {
	x, y := &a.heap[i], &a.heap[j]
	switch c := x.at.Compare(y.at); {
	case c != 0:
		return c < 0
	case x.class != y.class:
		return x.class < y.class
	}
	return x.seq < y.seq
}

func (a *Agenda[T]) swap(i, j int) { a.heap[i], a.heap[j] = a.heap[j], a.heap[i] }
