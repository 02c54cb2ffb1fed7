package agenda

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// Whatever is added and taken in between, what is taken is the least by time,
// class and order of addition.
func TestOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		type thing struct {
			at    int64
			class int
			n     int
		}
		var a Agenda[thing]
		var model []thing
		for n := range rapid.IntRange(0, 60).Draw(t, "steps") {
			if len(model) > 0 && rapid.IntRange(0, 2).Draw(t, fmt.Sprint("take ", n)) == 0 {
				first := slices.MinFunc(model, func(a, b thing) int {
					return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.class, b.class), cmp.Compare(a.n, b.n))
				})
				if at, what := a.First(); what != first || !at.Equal(time.Unix(first.at, 0)) || !a.Next().Equal(at) {
					t.Fatalf("First = %v, %v; want %v", at, what, first)
				}
				if a.Due(time.Unix(first.at, -1)) || !a.Due(time.Unix(first.at, 0)) {
					t.Fatalf("%v is due before its time, or not at it", first)
				}
				if got := a.Take(); got != first {
					t.Fatalf("Take = %v; want %v", got, first)
				}
				model = slices.DeleteFunc(model, func(x thing) bool { return x == first })
				continue
			}
			x := thing{rapid.Int64Range(0, 3).Draw(t, "at"), rapid.IntRange(0, 2).Draw(t, "class"), n}
			a.Add(time.Unix(x.at, 0), x.class, x)
			model = append(model, x)
		}
		if a.Len() != len(model) {
			t.Fatalf("Len = %d; want %d", a.Len(), len(model))
		}
	})
}

// An empty agenda has nothing due, and no time.
func TestEmpty(t *testing.T) {
	var a Agenda[int]
	if !a.Next().IsZero() || a.Due(time.Unix(1<<40, 0)) || a.Len() != 0 {
		t.Error("an empty agenda has something on it")
	}
}

// Adding and taking costs no allocation once there is room.
func TestAllocations(t *testing.T) {
	var a Agenda[*int]
	n := new(int)
	if got := testing.AllocsPerRun(100, func() { a.Add(time.Unix(1, 0), 0, n); a.Take() }); got > 0 {
		t.Errorf("an entry costs %g allocations", got)
	}
}
