package share

import (
	"slices"
	"testing"
)

// The parts of a list are the list, each of its items once.
func TestOf(t *testing.T) {
	all := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	if got := Of(&Share{}, all); !slices.Equal(got, all) {
		t.Errorf("the whole is %v", got)
	}
	var got []int
	for _, text := range []string{"0/3", "1/3", "2/3"} {
		var s Share
		if err := s.Set(text); err != nil || s.String() != text {
			t.Fatalf("%s is read as %s, %v", text, s.String(), err)
		}
		part := Of(&s, all)
		if len(part) < 3 || len(part) > 4 {
			t.Errorf("%s is %v", text, part)
		}
		got = append(got, part...)
	}
	if slices.Sort(got); !slices.Equal(got, all) {
		t.Errorf("the parts are %v", got)
	}
	for _, text := range []string{"", "1", "4/4", "-1/2", "0/0", "a/b", "1/2/3"} {
		if new(Share).Set(text) == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}
