package check

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/internal/strictjson"
	"github.com/httpdest/httpdest/internal/strictjson/strictjsontest"
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

// A body has no problem exactly when strictjson accepts it and nothing in it is
// empty, whatever holds it together; the first problem says where.
func TestStrictness(t *testing.T) {
	for _, i := range strictjsontest.All() {
		for _, text := range []string{i.Text, `{"segmentMembership":{},"v":` + i.Text + `}`} {
			strict := strictjson.Check([]byte(text))
			problems := parseBody(text).problems
			if wrong, _ := readMessage(text).whole.slips(); (len(wrong) > 0) != (strict != nil) {
				t.Errorf("%s: readMessage(%.80q) has %v; strictjson says %v", i.Name, text, wrong, strict)
			}
			switch {
			case strict != nil && (len(problems) == 0 || problems[0] != strict.Error()):
				t.Errorf("%s: parseBody(%.80q) has %v; want %v first", i.Name, text, problems, strict)
			case strict == nil:
				for _, p := range problems {
					if !strings.HasPrefix(p, "null ") && !strings.HasPrefix(p, "an empty ") {
						t.Errorf("%s: parseBody(%.80q) has %v", i.Name, text, problems)
					}
				}
			}
		}
	}
}

// A key in other capitals is another key.
func TestWrapperIsExact(t *testing.T) {
	if m := readMessage(`{"Profiles":[{"identityMap":{}}]}`); m.wrapper != "" {
		t.Errorf("Profiles is taken for %s", m.wrapper)
	}
	if m := readMessage(`{"profiles":[{"identityMap":{}}]}`); m.wrapper == "" || len(m.profiles) != 1 {
		t.Errorf("profiles is not taken for the wrapper: %+v", m)
	}
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

// Numbers are compared by their spelling, everything else by its kind.
func TestSameAndCovers(t *testing.T) {
	object := func(inner map[string]any) map[string]any { return map[string]any{"a": inner, "b": []any{1, "x"}} }
	for _, c := range []struct {
		name         string
		want, got    any
		same, covers bool
	}{
		{"an integer and a float of the same spelling", 17, 17.0, true, true},
		{"another spelling", json.Number("1.10"), json.Number("1.1"), false, false},
		{"an exponent", json.Number("1e2"), json.Number("100"), false, false},
		{"a minus before zero", json.Number("-0"), json.Number("0"), false, false},
		{"a number beyond a float64", json.Number("1e400"), json.Number("1e400"), true, true},
		{"a number beyond a float64 and its text", json.Number("1e400"), "1e400", false, false},
		{"neighbours that are one float64", json.Number("9007199254740993"), json.Number("9007199254740992"), false, false},
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
