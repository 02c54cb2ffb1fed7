package plainjson

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// The encoder writes what encoding/json writes, byte for byte.
func TestEncode(t *testing.T) {
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		kinds := []*rapid.Generator[any]{
			rapid.String().AsAny(), rapid.Int64().AsAny(), rapid.Int().AsAny(), rapid.Bool().AsAny(), rapid.Just[any](nil),
			rapid.Float64().AsAny(), rapid.SampledFrom([]any{"<a&b>", "\u2028", "\x7f", "a\"b\\c\n", "\xff", "", json.Number("1e3"), json.Number("-12"), json.Number("1e400"), json.Number("1.10"), json.Number("-0"), json.Number("123456789012345678901234567890"),
				json.Number("01"), json.Number("-"), json.Number(""), json.Number("0x1"), json.Number("1."), uint8(3), map[string]any(nil), []any(nil)}),
		}
		if depth > 0 {
			kinds = append(kinds, rapid.MapOfN(rapid.String(), value(depth-1), 0, 20).AsAny(), rapid.SliceOfN(value(depth-1), 0, 5).AsAny())
		}
		return rapid.OneOf(kinds...)
	}
	rapid.Check(t, func(t *rapid.T) {
		v := value(3).Draw(t, "value")
		var want bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		wrong := e.Encode(v)
		w := NewWriter([]byte("["))
		if err := w.Value(v); (err == nil) != (wrong == nil) {
			t.Fatalf("error %v; encoding/json has %v", err, wrong)
		}
		if got := append(w.Bytes()[1:], '\n'); wrong == nil && !bytes.Equal(want.Bytes(), got) {
			t.Fatalf("%s\nwant\n%s", got, want.Bytes())
		}
	})
	if err := new(Writer).Value(map[string]any{"a": []any{math.NaN()}}); err == nil {
		t.Fatal("a number that JSON has not")
	}
}

func TestWriter(t *testing.T) {
	w := NewWriter(nil)
	w.Begin('{')
	w.Key("a")
	w.Integer(-5)
	mark := w.Mark()
	w.Key("gone")
	w.Text("x")
	w.Back(mark)
	w.Key("b\"")
	w.Begin('[')
	for range 2 {
		w.Next()
		w.Text("é<")
	}
	w.End(']')
	w.Key("c")
	w.Begin('{')
	w.End('}')
	w.End('}')
	if got, want := string(w.Bytes()), `{"a":-5,"b\"":["é<","é<"],"c":{}}`; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}
