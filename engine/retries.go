package engine

import (
	"container/heap"
	"time"
)

// retryHeap orders the messages that failed by when their retry is due, and among
// equals by which failed first.
type retryHeap struct {
	items []scheduled
	seq   uint64
}

type scheduled struct {
	due time.Time
	seq uint64
	p   *parcel
}

func (h *retryHeap) push(due time.Time, p *parcel) {
	h.seq++
	heap.Push((*byDue)(h), scheduled{due, h.seq, p})
}

func (h *retryHeap) pop() *parcel { return heap.Pop((*byDue)(h)).(scheduled).p }

func (h *retryHeap) due(now time.Time) bool {
	return len(h.items) > 0 && !h.items[0].due.After(now)
}

// next is when the first retry is due, zero without one.
func (h *retryHeap) next() time.Time {
	if len(h.items) == 0 {
		return time.Time{}
	}
	return h.items[0].due
}

// byDue is the heap.Interface of a retryHeap, kept off its own method set.
type byDue retryHeap

func (h *byDue) Len() int { return len(h.items) }

func (h *byDue) Less(i, j int) bool {
	a, b := h.items[i], h.items[j]
	if a.due.Equal(b.due) {
		return a.seq < b.seq
	}
	return a.due.Before(b.due)
}

func (h *byDue) Swap(i, j int) { h.items[i], h.items[j] = h.items[j], h.items[i] }
func (h *byDue) Push(x any)    { h.items = append(h.items, x.(scheduled)) }

func (h *byDue) Pop() any {
	last := h.items[len(h.items)-1]
	h.items = h.items[:len(h.items)-1]
	return last
}
