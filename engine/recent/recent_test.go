package recent_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/httpdest/httpdest/engine/recent"
)

// Against a plain map with the order of use: what was used last is there, what
// is there is what was put last, and there is never more than is allowed.
func TestMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5).Draw(t, "n")
		m := recent.New[int, int](n)
		put, used := map[int]int{}, []int{}
		use := func(k int) {
			kept := []int{k}
			for _, other := range used {
				if other != k {
					kept = append(kept, other)
				}
			}
			used = kept
		}
		t.Repeat(map[string]func(*rapid.T){
			"put": func(t *rapid.T) {
				k, v := rapid.IntRange(0, 12).Draw(t, "key"), rapid.Int().Draw(t, "value")
				m.Put(k, v)
				put[k] = v
				use(k)
			},
			"get": func(t *rapid.T) {
				k := rapid.IntRange(0, 12).Draw(t, "key")
				v, ok := m.Get(k)
				if ok && v != put[k] {
					t.Fatalf("%d is %d; want %d", k, v, put[k])
				}
				for i, late := range used {
					if late == k && i < n && !ok {
						t.Fatalf("%d was one of the last %d and is gone", k, n)
					}
				}
				if ok {
					use(k)
				}
			},
			"": func(t *rapid.T) {
				if m.Len() > 2*n {
					t.Fatalf("%d values; at most %d", m.Len(), 2*n)
				}
			},
		})
	})
	var none recent.Map[int, int]
	none.Put(1, 1)
	if _, ok := none.Get(1); ok {
		t.Fatal("the zero value holds something")
	}
}
