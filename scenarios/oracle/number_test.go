package oracle

import (
	"encoding/json"
	"testing"

	"github.com/httpdest/httpdest/internal/strictjson"
	"github.com/httpdest/httpdest/internal/strictjson/strictjsontest"
)

// Numbers of our engine are compared by their spelling, those of another sender
// by their exact value.
func TestEqual(t *testing.T) {
	number := func(s string) any { return json.Number(s) }
	for _, c := range []struct {
		name            string
		want, got       any
		spelling, value bool
	}{
		{"the same", number("1.10"), number("1.10"), true, true},
		{"another spelling", number("1.10"), number("1.1"), false, true},
		{"an exponent", number("1e2"), number("100"), false, true},
		{"a minus before zero", number("-0"), number("0"), false, true},
		{"neighbours that are one float64", number("9007199254740993"), number("9007199254740992"), false, false},
		{"beyond a float64", number("1e400"), number("1e400"), true, true},
		{"two beyond a float64", number("1e400"), number("1e401"), false, false},
		{"too small for a float64", number("1e-400"), number("0"), false, false},
		{"a number and its text", number("1e400"), "1e400", false, false},
		{"a text and its number", "1e400", number("1e400"), false, false},
		{"a number and true", number("1"), true, false, false},
		{"an integer of Go", int64(9007199254740993), number("9007199254740993"), true, true},
		{"a float of Go", 1e21, number("1e+21"), true, true},
		{"in a list", []any{number("1.10")}, []any{number("1.1")}, false, true},
		{"a longer list", []any{number("1")}, []any{number("1"), number("1")}, false, false},
		{"in an object", map[string]any{"a": number("1.10")}, map[string]any{"a": number("1.1")}, false, true},
		{"another key", map[string]any{"a": number("1")}, map[string]any{"b": number("1")}, false, false},
	} {
		if s, v := equal(c.want, c.got, true), equal(c.want, c.got, false); s != c.spelling || v != c.value {
			t.Errorf("%s: by spelling %t, by value %t; want %t, %t", c.name, s, v, c.spelling, c.value)
		}
	}
}

// Text that is not acceptable JSON has no value, and a body of it fails as
// such.
func TestStrictness(t *testing.T) {
	for _, i := range strictjsontest.All() {
		strict := strictjson.Check([]byte(i.Text))
		if parsed := parse([]byte(i.Text)); strict != nil && parsed != nil {
			t.Errorf("%s: %.60q is read as %v", i.Name, i.Text, parsed)
		}
		c := comparison{o: &Oracle{}, want: &content{}, report: newReport()}
		if strict == nil {
			continue // what is in it is compared elsewhere
		}
		c.body(i.Text)
		if found := c.report.findings; len(found) != 1 || found[0].Rule() != "valid-json" {
			t.Errorf("%s: %.60q: %v", i.Name, i.Text, found)
		}
	}
}
