package intake

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/internal/strictjson"
	"github.com/httpdest/httpdest/internal/strictjson/strictjsontest"
)

// An object that strictjson accepted is taken apart as encoding/json does it, and
// a number keeps its spelling.
func FuzzSplit(f *testing.F) {
	for _, i := range strictjsontest.All() {
		if len(i.Text) < 1000 {
			f.Add([]byte(i.Text))
			f.Add([]byte(`{"a": ` + i.Text + ` , "b":` + i.Text + `}`))
		}
	}
	for _, text := range []string{` { "a" : 1 , "b":[1,{"c":"}"}] } `, `{"\u0061":1}`, `{"ä":"ö"}`, `{"a":"\"}"}`, `{"a":{"b":{"c":[[],{}]}},"d":"x\\"}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !strictjson.Valid(raw) {
			return
		}
		got, ok := split(raw)
		var want map[string]json.RawMessage
		wrong := json.Unmarshal(raw, &want)
		if ok != (wrong == nil && want != nil) {
			t.Fatalf("%q is an object: %t; encoding/json says %v", raw, ok, wrong)
		}
		if !ok {
			return
		}
		if len(got) != len(want) || !slices.IsSortedFunc(got, func(a, b member) int { return strings.Compare(a.key, b.key) }) {
			t.Fatalf("%q has the members %v", raw, got)
		}
		for _, field := range got {
			if diff := cmp.Diff(string(want[field.key]), string(field.value)); diff != "" {
				t.Fatalf("%q: %q: -want +got\n%s", raw, field.key, diff)
			}
			short, ok := scalar(field.value)
			if !ok {
				continue
			}
			d := json.NewDecoder(bytes.NewReader(field.value))
			d.UseNumber()
			var long any
			if err := d.Decode(&long); err != nil || long != short {
				t.Fatalf("%s of %q is %v; encoding/json has %v, %v", field.key, raw, short, long, err)
			}
		}
	})
}

func BenchmarkParse(b *testing.B) {
	line := []byte(`{"profile": "p17", "set": {"person.name.firstName": "Marty 17", "loyalty.points": 17}}`)
	for b.Loop() {
		if _, err := Parse(line, nil); err != nil {
			b.Fatal(err)
		}
	}
}
