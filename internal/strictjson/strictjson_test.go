package strictjson_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/httpdest/httpdest/internal/strictjson"
	"github.com/httpdest/httpdest/internal/strictjson/strictjsontest"
)

func TestInputs(t *testing.T) {
	inputs := strictjsontest.All()
	if len(inputs) < 318 {
		t.Fatalf("%d inputs", len(inputs))
	}
	names, reasons := map[string]bool{}, map[strictjson.Reason]int{}
	for _, i := range inputs {
		if names[i.Name] {
			t.Errorf("the name %q is there twice", i.Name)
		}
		names[i.Name] = true
		err := strictjson.Check([]byte(i.Text))
		if strictjson.Valid([]byte(i.Text)) != (err == nil) {
			t.Errorf("%s: Valid and Check (%v) disagree", i.Name, err)
		}
		if i.Reason == "" {
			if err != nil {
				t.Errorf("%s: %.80q: %v", i.Name, i.Text, err)
			}
			continue
		}
		var e *strictjson.Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %.80q: %v; want it refused", i.Name, i.Text, err)
			continue
		}
		reasons[e.Reason]++
		if e.Reason != i.Reason && i.Reason != strictjsontest.Unsure {
			t.Errorf("%s: %.80q is refused because of %s; want %s", i.Name, i.Text, e.Reason, i.Reason)
		}
		// The same input as the value of a member is refused too.
		if strictjson.Valid([]byte(`{"v":` + i.Text + `}`)) {
			t.Errorf("%s: accepted as the value of a member", i.Name)
		}
	}
	for _, r := range []strictjson.Reason{strictjson.Syntax, strictjson.Empty, strictjson.Incomplete, strictjson.Trailing, strictjson.WhiteSpace, strictjson.ByteOrderMark, strictjson.InvalidUTF8, strictjson.LoneSurrogate, strictjson.DuplicateKey, strictjson.TooDeep} {
		if reasons[r] == 0 {
			t.Errorf("no input is refused because of %s", r)
		}
	}
}

func TestPlaces(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"{\"a\": 1,\n \"b\": 01}", "not JSON, line 2, column 8 (byte 16): check quotes, commas, colons and brackets here"},
		{"{\"\u00e9\": 1, \"\\u00e9\": 2}", `duplicate key "` + "\u00e9" + `", line 1, column 10 (byte 10): keep one of the two`},
		{"[\"\u00e9\xfc\"]", "not UTF-8, line 1, column 4 (byte 4): encode the text as UTF-8"},
		{`["ab\ud800"]`, `an incomplete \u surrogate pair, line 1, column 5 (byte 4): write the character itself, or both halves of the pair`},
		{"\n\n", "no JSON value, line 3, column 1 (byte 2): send one JSON value"},
		{"[1,", "the JSON ends too early, line 1, column 4 (byte 3): complete the value; check that nothing was cut off"},
		{"1\n 2", "something follows the JSON value, line 2, column 2 (byte 3): send one value, and nothing after it"},
		{"[1,\f2]", "white space that JSON does not have, line 1, column 4 (byte 3): use space, tab or a line break"},
		{"\ufeff1", "a byte order mark before the JSON, line 1, column 1 (byte 0): save it as UTF-8 without a byte order mark"},
		{`{"a":` + strings.Repeat("[", 200), "nested more than 160 levels deep, line 1, column 165 (byte 164): flatten it"},
		{`{"a":` + strings.Repeat("[", 159) + "x", "not JSON, line 1, column 165 (byte 164): check quotes, commas, colons and brackets here"},
	} {
		if err := strictjson.Check([]byte(c.text)); err == nil || err.Error() != c.want {
			t.Errorf("%.60q: %v\nwant %s", c.text, err, c.want)
		}
	}
}

// No message repeats a value: it may be personal, or a secret.
func TestErrorsKeepValuesToThemselves(t *testing.T) {
	for _, text := range []string{`{"a":"s3cret",}`, `{"a":s3cret}`, `["s3cret" "s3cret"]`, `"s3cret\x"`, "\"s3cret\xff\"", `"s3cret"s3cret`, `{"a":"s3cret","b":1,"b":2}`} {
		if err := strictjson.Check([]byte(text)); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestDecode(t *testing.T) {
	got, err := strictjson.Decode([]byte(` {"a": [1.10, -0, 1e400, "\ud834\udd1e", true, null, {}]} `))
	want := map[string]any{"a": []any{json.Number("1.10"), json.Number("-0"), json.Number("1e400"), "\U0001d11e", true, nil, map[string]any{}}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for _, text := range []string{`{"a":1,"a":2}`, "\"\xff\"", "1 2"} {
		into := any("untouched")
		if value, err := strictjson.Decode([]byte(text)); err == nil || value != nil {
			t.Errorf("Decode(%q) = %v, %v", text, value, err)
		}
		if err := strictjson.Unmarshal([]byte(text), &into); err == nil || into != "untouched" {
			t.Errorf("Unmarshal(%q) = %v, %v", text, into, err)
		}
	}
}

// encoding/json is an independent witness: it accepts everything that is
// accepted here, and reads the same numbers. Every refusal has a reason.
func FuzzCheck(f *testing.F) {
	for _, i := range strictjsontest.All() {
		if len(i.Text) < 1000 {
			f.Add([]byte(i.Text))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		err := strictjson.Check(text)
		if strictjson.Valid(text) != (err == nil) {
			t.Fatalf("%q: Valid and Check (%v) disagree", text, err)
		}
		if err != nil {
			var e *strictjson.Error
			if !errors.As(err, &e) || e.Reason == "" || e.Mistake() == "" || e.Fix() == "" || e.Offset < 0 || e.Offset > len(text) || e.Line < 1 || e.Column < 1 {
				t.Fatalf("%q is refused with %#v", text, err)
			}
			// It is refused for what it is refused for: up to there it is not.
			if e.Reason == strictjson.Syntax && json.Valid(text) {
				t.Fatalf("%q is JSON for encoding/json, and refused: %v", text, err)
			}
			return
		}
		if !json.Valid(text) {
			t.Fatalf("%q is accepted, and no JSON for encoding/json", text)
		}
		value, err := strictjson.Decode(text)
		if err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(numbers(t, text), numbers(t, again)); !sorted(text) && len(numbers(t, text)) != len(numbers(t, again)) || sorted(text) && diff != "" {
			t.Fatalf("%q became %q:\n%s", text, again, diff)
		}
		twice, err := strictjson.Decode(again)
		if err != nil || !reflect.DeepEqual(value, twice) {
			t.Fatalf("%q became %q, which is read as %v, %v", text, again, twice, err)
		}
	})
}

// sorted reports whether encoding a document again keeps the order of its
// members.
func sorted(text []byte) bool { return !bytes.ContainsRune(text, ':') }

// numbers are the spellings of the numbers of a document, in order.
func numbers(t *testing.T, text []byte) (out []string) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	for {
		token, err := d.Token()
		if err != nil {
			return out
		}
		if n, ok := token.(json.Number); ok {
			out = append(out, n.String())
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	line := []byte(`{"profile": "p17", "set": {"person.name.firstName": "Marty 17", "loyalty.points": 17}}`)
	for b.Loop() {
		if err := strictjson.Check(line); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkWitness is what encoding/json takes for the same.
func BenchmarkWitness(b *testing.B) {
	line := []byte(`{"profile": "p17", "set": {"person.name.firstName": "Marty 17", "loyalty.points": 17}}`)
	for b.Loop() {
		if !json.Valid(line) {
			b.Fatal("invalid")
		}
	}
}
