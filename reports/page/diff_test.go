package page

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// shown is a difference in short: = equal, < expected, > actual, ~ both differ.
func shown(d *difference) []string {
	var out []string
	for _, p := range d.Rows {
		switch {
		case p.Folded > 0:
			out = append(out, "…")
		case p.Same:
			out = append(out, "= "+p.Left.Before)
		case p.Right == nil:
			out = append(out, "< "+p.Left.Differs)
		case p.Left == nil:
			out = append(out, "> "+p.Right.Differs)
		default:
			out = append(out, "~ "+p.Left.Before+"["+p.Left.Differs+"|"+p.Right.Differs+"]"+p.Left.After)
		}
	}
	return out
}

func TestCompared(t *testing.T) {
	for _, c := range []struct {
		name, expected, actual string
		rows                   []string
		paths                  []pathChange
	}{
		{"a word", "in time", "in days", []string{"~ in [time|days]"}, nil},
		{"a part of a word", "firstName", "firstNames", []string{"~ [firstName|firstNames]"}, nil},
		{"numbers", "[503 200]", "[503 503 200]", []string{"~ [503 [|503 ]200]"}, nil},
		{"nothing", "", "two\nlines", []string{"> two", "> lines"}, nil},
		{"short lists", "[501]", "[200]", []string{"~ [[501|200]]"}, nil},
		{"JSON, in another order", `{"b":1,"a":{"c":[1,2]}}`, `{"a": {"c": [1, 3, 4]}, "d": null}`,
			[]string{"= {", `=   "a": {`, `=     "c": [`, "=       1,", "~       [2|3,]", ">       4", "=     ]", "=   },", `~   "[b": 1|d": null]`, "= }"},
			[]pathChange{{"a.c[1]", "2", "3"}, {"a.c[2]", "absent", "4"}, {"b", "1", "absent"}, {"d", "absent", "null"}}},
		{"numbers as they are written", `{"n": 12345678901234567890}`, `{"n": 12345678901234567891}`, []string{"= {", `~   "n": [12345678901234567890|12345678901234567891]`, "= }"},
			[]pathChange{{"n", "12345678901234567890", "12345678901234567891"}}},
		{"equal as JSON", `{"a":1}`, `{"a": 1}`, []string{`~ {"a":[| ]1}`}, nil},
		{"no JSON on one side", `{"a":1}`, `{"a":1`, []string{`~ {"a":1[}|]`}, nil},
		{"control characters", "a\x1b", "a\x00", []string{"~ a[␛|␀]"}, nil},
	} {
		d := compared(c.expected, c.actual)
		if diff := cmp.Diff(c.rows, shown(d)); diff != "" {
			t.Errorf("%s: rows (-want +got):\n%s", c.name, diff)
		}
		if diff := cmp.Diff(c.paths, d.Paths); diff != "" {
			t.Errorf("%s: paths (-want +got):\n%s", c.name, diff)
		}
	}
	if d := compared(`{"a":1}`, `{"a": 1}`); d.Note == "" || d.JSON {
		t.Errorf("equal as JSON, and it does not say so: %+v", d)
	}
	long := strings.Repeat("same\n", 100)
	if rows := shown(compared(long+"a", long+"b")); len(rows) != 5 || rows[0] != "…" {
		t.Errorf("what is equal is not folded: %q", rows)
	}
	if d := compared(strings.Repeat("a\n", 3000), strings.Repeat("b\n", 3000)); len(d.Rows) != 3000 {
		t.Errorf("%d rows of a large difference", len(d.Rows))
	}
	if rows := shown(compared(strings.Repeat("x", longestText+7), "y")); !strings.Contains(strings.Join(rows, "\n"), "… and 7 more characters") {
		t.Error("what is cut off is not counted")
	}
}

// Whatever the texts are: each side reads as it was given, and nothing is
// called equal that is not.
func TestComparedKeepsBothSides(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		of := func(name string) []string {
			return rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "ab", "b a", ""}), 1, 8).Draw(t, name)
		}
		a, b := of("a"), of("b")
		var left, right []string
		for _, p := range paired(a, b) {
			if p.Same && p.Left.Before != p.Right.Before {
				t.Fatalf("%q is not %q", p.Left.Before, p.Right.Before)
			}
			if p.Left != nil {
				left = append(left, p.Left.Before+p.Left.Differs+p.Left.After)
			}
			if p.Right != nil {
				right = append(right, p.Right.Before+p.Right.Differs+p.Right.After)
			}
		}
		if diff := cmp.Diff(a, left); diff != "" {
			t.Fatalf("expected (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(b, right); diff != "" {
			t.Fatalf("actual (-want +got):\n%s", diff)
		}
	})
}

// FuzzPretty: JSON stays what it is, and nothing else is touched but for what
// cannot be seen.
func FuzzPretty(f *testing.F) {
	for _, s := range []string{`{"a": 1e400}`, `[1,2`, "", "{}", "\x1b[2J", `{"a":"\u202e"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := pretty(s)
		if strings.ContainsAny(got, "\x00\x1b\x7f\u202e") {
			t.Fatalf("%q", got)
		}
		if json.Valid([]byte(s)) && visible(s) == s && !json.Valid([]byte(got)) && len(s) < longestText/4 {
			t.Fatalf("%q became %q", s, got)
		}
	})
}
