package export

import "testing"

// BenchmarkBody builds the body of a change of attribute: two attributes, two
// audiences, one identity.
func BenchmarkBody(b *testing.B) {
	f, p := flow(nil), member(mapped, second, sibling, foreign)
	r := Reasons{Triggers: []Trigger{Attribute}}
	b.ReportAllocs()
	for b.Loop() {
		Body(p, r, f, now)
	}
}
