// Package recent keeps what was used lately, and forgets the rest: a bounded
// map for what can be had again. PURE.
package recent

// Map holds at least the last n keys that were put or found, and at most twice
// as many. Its two halves change places instead of a list being kept: a hit
// costs a lookup or two, and a miss nothing more. It is not safe for concurrent
// use. The zero value holds nothing.
type Map[K comparable, V any] struct {
	n          int
	young, old map[K]V
}

// New makes one for n keys or more.
func New[K comparable, V any](n int) Map[K, V] {
	return Map[K, V]{n: n, young: map[K]V{}}
}

// Put keeps a value, in the place of an older one.
func (m *Map[K, V]) Put(key K, value V) {
	if m.n == 0 {
		return
	}
	if _, there := m.young[key]; !there && len(m.young) >= m.n {
		m.old, m.young = m.young, make(map[K]V, m.n)
	}
	m.young[key] = value
}

// Get finds a value, and keeps it for longer.
func (m *Map[K, V]) Get(key K) (V, bool) {
	v, ok := m.young[key]
	if ok {
		return v, true
	}
	if v, ok = m.old[key]; ok {
		m.Put(key, v)
	}
	return v, ok
}

// Rotate forgets what was not used since the last rotation, as a full map does.
func (m *Map[K, V]) Rotate() { m.old, m.young = m.young, map[K]V{} }

// Len is how many values are held, one that is in both halves twice.
func (m *Map[K, V]) Len() int { return len(m.young) + len(m.old) }
