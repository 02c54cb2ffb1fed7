package profile

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTree(t *testing.T) {
	got := Tree("person.name", "loyalty", "person.name.firstName", "email", "person.age", "loyalty.tier", "a.b.c", "a.b")
	want := &Branch{Below: []*Branch{
		{Name: "a", Below: []*Branch{{Name: "b", Whole: true}}},
		{Name: "email", Whole: true},
		{Name: "loyalty", Whole: true},
		{Name: "person", Below: []*Branch{{Name: "age", Whole: true}, {Name: "name", Whole: true}}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
