package strictjson_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/httpdest/httpdest/internal/strictjson"
	"github.com/httpdest/httpdest/internal/strictjson/strictjsontest"
)

// walked is the value of an acceptable document, read by walking through it: the
// same as Decode returns.
func walked(value []byte) any {
	switch value[0] {
	case '{':
		object := map[string]any{}
		for key, member := range strictjson.Members(value) {
			name, _ := strictjson.Text(key)
			object[name] = walked(member)
		}
		return object
	case '[':
		array := []any{}
		for element := range strictjson.Elements(value) {
			array = append(array, walked(element))
		}
		return array
	case '"':
		text, _ := strictjson.Text(value)
		return text
	case 't', 'f':
		return value[0] == 't'
	case 'n':
		return nil
	}
	return json.Number(value)
}

// walksAsDecoded compares the two readings of a document, within white space too.
func walksAsDecoded(t *testing.T, document []byte) {
	t.Helper()
	for _, around := range []string{"", " \n\t\r"} {
		within := []byte("[" + around + string(document) + around + "]")
		want, err := strictjson.Decode(within)
		if err != nil {
			continue // too deep by one level
		}
		if got := walked(within); !reflect.DeepEqual(got, want) {
			t.Errorf("%.80q is walked as %v; want %v", within, got, want)
		}
	}
}

func TestWalkReadsWhatDecodeReads(t *testing.T) {
	read := 0
	for _, i := range strictjsontest.All() {
		if i.Reason == "" {
			read++
			walksAsDecoded(t, []byte(i.Text))
		}
	}
	for _, document := range []string{
		`{}`, `[]`, `{ }`, `[ ]`, `{"":{"":[]}}`, `{"a" : 1 , "b\"\\" : [ {"c":"}]\\"} , -2.5e+3 , null ] , "\u00fc\ud83d\ude00":true}`, `"\\"`, `"\\\""`,
	} {
		walksAsDecoded(t, []byte(document))
	}
	if read < 80 {
		t.Errorf("%d acceptable inputs were read", read)
	}
}

func TestValuesOfAnotherKind(t *testing.T) {
	for _, value := range []string{`"{\"a\":1}"`, `3`, `null`, `true`, ``, ` `} {
		for range strictjson.Members([]byte(value)) {
			t.Errorf("%q has members", value)
		}
		for range strictjson.Elements([]byte(value)) {
			t.Errorf("%q has elements", value)
		}
	}
	for range strictjson.Members([]byte(`[1]`)) {
		t.Error("an array has members")
	}
	for range strictjson.Elements([]byte(`{"a":1}`)) {
		t.Error("an object has elements")
	}
	for _, value := range []string{`{"a":1}`, `3`, `null`, ``} {
		if text, ok := strictjson.Text([]byte(value)); ok {
			t.Errorf("%q is the text %q", value, text)
		}
	}
}

// Whoever wants the first member does not read the others.
func TestWalkEndsWhereItsReaderDoes(t *testing.T) {
	for range strictjson.Members([]byte(`{"a":1,"b":2}`)) {
		break
	}
	for range strictjson.Elements([]byte(`[1,2]`)) {
		break
	}
}

func FuzzWalk(f *testing.F) {
	for _, i := range strictjsontest.All() {
		f.Add([]byte(i.Text))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		if strictjson.Valid(document) {
			walksAsDecoded(t, document)
		}
	})
}
