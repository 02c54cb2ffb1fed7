package agenda

// Queue is a line of things: what came first is taken first. Nothing that was
// taken is kept, however long the queue lives. The zero value is empty. It is not
// safe for concurrent use.
type Queue[T any] struct {
	all  []T
	head int // of all, everything before was taken
}

// Len is how many things wait.
func (q *Queue[T]) Len() int { return len(q.all) - q.head }

// First is what is taken next. It panics on an empty queue.
func (q *Queue[T]) First() T { return q.all[q.head] }

// Add puts something at the end. Room in front is used again where at least half
// of the queue is taken, so that a thing moves once at most for each that came.
func (q *Queue[T]) Add(what T) {
	if len(q.all) == cap(q.all) && q.head > len(q.all)/2 {
		kept := copy(q.all, q.all[q.head:])
		clear(q.all[kept:])
		q.all, q.head = q.all[:kept], 0
	}
	q.all = append(q.all, what)
}

// Take takes what came first. It panics on an empty queue.
func (q *Queue[T]) Take() T {
	var none T
	first := q.all[q.head]
	q.all[q.head] = none
	if q.head++; q.head == len(q.all) {
		q.all, q.head = q.all[:0], 0
	}
	return first
}
