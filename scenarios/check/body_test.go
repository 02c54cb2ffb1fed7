package check

import (
	"encoding/json"
	"testing"
)

// A body is parsed exactly when it is JSON, whatever else is wrong with it.
func FuzzBody(f *testing.F) {
	for _, s := range []string{`{"identityMap":{}}`, `[1,]`, `{"a":{"a":null,"a":[]}}`, `{}}`, "", "\"\xff\"", `{"segmentMembership":{"ups":[{"id":1}]}}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b := parseBody(s)
		if b.parsed != json.Valid([]byte(s)) {
			t.Errorf("parseBody(%q): parsed is %t, %v", s, b.parsed, b.problems)
		}
		if !b.parsed && len(b.problems) == 0 {
			t.Errorf("parseBody(%q) is silent about what is no JSON", s)
		}
		b.memberships()
		b.identities()
	})
}

func TestLookup(t *testing.T) {
	object := map[string]any{"a": map[string]any{"b": 1, "c.d": 2}, "a.b": map[string]any{"e": 3}, "x.y": 4}
	for path, want := range map[string]any{"a.b": map[string]any{"e": 3}, "a.c.d": 2, "a.b.e": 3, "x.y": 4, "x": nil, "a.b.f": nil, "a.c": nil, "": nil} {
		got, there := lookup(object, path)
		if there != (want != nil) || there && text(got) != text(want) {
			t.Errorf("lookup(%q) = %v, %t; want %v", path, got, there, want)
		}
	}
}

// Numbers are compared by what they are worth, everything else by its kind.
func TestSameAndCovers(t *testing.T) {
	object := func(inner map[string]any) map[string]any { return map[string]any{"a": inner, "b": []any{1, "x"}} }
	for _, c := range []struct {
		name         string
		want, got    any
		same, covers bool
	}{
		{"an integer and a fraction", 17, 17.0, true, true},
		{"large integers", int64(9007199254740993), int64(9007199254740993), true, true},
		{"a number and a text", 17, "17", false, false},
		{"a boolean and a text", true, "true", false, false},
		{"equal objects", object(map[string]any{"c": 1}), object(map[string]any{"c": 1}), true, true},
		{"more below the top", object(map[string]any{"c": 1}), object(map[string]any{"c": 1, "d": 2}), false, true},
		{"less below the top", object(map[string]any{"c": 1, "d": 2}), object(map[string]any{"c": 1}), false, false},
		{"a longer list", []any{1}, []any{1, 2}, false, false},
		{"a swapped list", []any{1, 2}, []any{2, 1}, false, false},
		{"an object in a list", []any{map[string]any{"a": 1}}, []any{map[string]any{"a": 1, "b": 2}}, false, false},
		{"an object and a list", map[string]any{}, []any{}, false, false},
	} {
		want, got := normal(c.want), normal(c.got)
		if s, k := same(want, got), covers(want, got); s != c.same || k != c.covers {
			t.Errorf("%s: same = %t, covers = %t; want %t, %t", c.name, s, k, c.same, c.covers)
		}
	}
}
