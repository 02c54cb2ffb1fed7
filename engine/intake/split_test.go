package intake

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What is read the short way is what encoding/json reads; what is not valid is
// left to it.
func FuzzSplit(f *testing.F) {
	for _, text := range []string{`{}`, ` { "a" : 1 , "b":[1,{"c":"}"}] } `, `{"a":1,"a":2}`, `{"\u0061":1}`, `{"ä":"ö"}`, `{"a":"\"}"}`, `[1]`, `{"a":1}x`, `{"a":-0}`,
		`{"a":-12,"b":1e3,"c":0.5,"d":true,"e":false,"f":null,"g":123456789012345678901}`, `{"a" 1}`, `{"a":{"b":{"c":[[],{}]}},"d":"x"}`, "{\"a\":\"\x7f\xff\"}", `{"a":01}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		want, wrong := decodeObject(raw)
		got, ok := split(raw, false)
		if ok && wrong != nil {
			t.Fatalf("%q is read, and encoding/json says %v", raw, wrong)
		}
		if !ok {
			return
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(member{})); diff != "" {
			t.Fatalf("%q: -want +got\n%s", raw, diff)
		}
		for _, field := range got {
			key, value := field.key, field.value
			short, ok := scalar(value)
			if !ok {
				continue
			}
			long, err := decodeValue(value)
			if err != nil || long != short {
				t.Fatalf("%s of %q is %v; encoding/json has %v, %v", key, raw, short, long, err)
			}
			if s, isText := short.(string); isText {
				var want string
				if err := json.Unmarshal(value, &want); err != nil || want != s {
					t.Fatalf("%s of %q is %q; encoding/json has %q, %v", key, raw, s, want, err)
				}
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
