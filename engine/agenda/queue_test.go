package agenda

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"weak"

	"pgregory.net/rapid"
)

// The earliest item is taken first, whatever is added and taken in between.
func TestQueueOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q Queue[int]
		var model []int
		for n := range rapid.IntRange(0, 200).Draw(t, "steps") {
			if len(model) > 0 && rapid.IntRange(0, 2).Draw(t, fmt.Sprint("take ", n)) > 0 {
				if first := q.First(); first != model[0] {
					t.Fatalf("First = %d; want %d", first, model[0])
				}
				if got := q.Take(); got != model[0] {
					t.Fatalf("Take = %d; want %d", got, model[0])
				}
				model = slices.Delete(model, 0, 1)
			} else {
				q.Add(n)
				model = append(model, n)
			}
			if q.Len() != len(model) {
				t.Fatalf("Len = %d; want %d", q.Len(), len(model))
			}
		}
	})
}

// A queue keeps nothing of what was taken: a thousand bodies that were sent would
// fill the memory.
func TestQueueKeepsNothing(t *testing.T) {
	var q Queue[*[1 << 16]byte]
	var taken []weak.Pointer[[1 << 16]byte]
	for n := range 100 {
		what := new([1 << 16]byte)
		q.Add(what)
		if n < 99 {
			taken = append(taken, weak.Make(what))
		}
	}
	for range taken {
		q.Take()
	}
	runtime.GC()
	for n, w := range taken {
		if w.Value() != nil {
			t.Fatalf("thing %d is kept, and was taken", n)
		}
	}
	if q.Len() != 1 || q.First() == nil {
		t.Errorf("the queue lost what waits")
	}
	runtime.KeepAlive(&q)
}

// A queue that never runs empty uses its room again.
func TestQueueAllocations(t *testing.T) {
	var q Queue[int]
	for n := range 8 {
		q.Add(n)
	}
	if got := testing.AllocsPerRun(1000, func() { q.Add(1); q.Take() }); got > 0 {
		t.Errorf("an entry costs %g allocations", got)
	}
	if c := cap(q.all); c > 64 {
		t.Errorf("eight things take the room of %d", c)
	}
}
