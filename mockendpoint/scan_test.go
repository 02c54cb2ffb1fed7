package mockendpoint

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

var bodies = []string{
	`{"identityMap":{"ecid":[{"id":"1","x":[1,-2.5e+3,true,false,null]},{"id":"2"}]},"person":{"name":"\u00fc\"\\"}}`,
	` { "person" : { } , "identityMap" : { "email" : [ ] } } `, `{}`, `{"identityMap":null}`, `{"identityMap":{"a":null}}`,
}

// The ordinary body is read without encoding/json looking at all of it.
func TestOrdinaryBodiesAreScanned(t *testing.T) {
	for _, body := range bodies {
		if _, err := scanIdentified([]byte(body)); err != nil {
			t.Errorf("%s: %v", body, err)
		}
	}
}

// Difficult bodies are left to encoding/json, and a body that is not JSON has
// no profile.
func TestOtherBodiesAreNot(t *testing.T) {
	for _, body := range []string{
		``, `[]`, `null`, `{`, `{"a":1,}`, `{"a"}`, `{"a":01}`, `{"a":1.}`, `{"a":1e}`, `{"a":-}`, `{"a":+1}`, `{"a":"\x"}`, `{"a":"\u12g4"}`, "{\"a\":\"\n\"}", `{"a":tru}`,
		`{"a":[1,]}`, `{"a":[1 2]}`, `{} {}`, `{"identityMap":{},"identityMap":{}}`, `{"IdentityMap":{}}`, `{"identity\u004dap":{}}`, `{"profiles":[]}`, `{"identityMap":3}`,
		`{"a":` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + `}`,
	} {
		if one, err := scanIdentified([]byte(body)); err == nil {
			t.Errorf("%.80s: read as %+v", body, one)
		}
	}
}

// Whatever is scanned, encoding/json reads the same.
func FuzzScanIdentified(f *testing.F) {
	for _, body := range bodies {
		f.Add([]byte(body))
	}
	f.Add([]byte(`{"a":"\ud800","identityMap":{"\u0065":[{"ID":"x"}]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := scanIdentified(body)
		if err != nil {
			return
		}
		var want identified
		if err := json.Unmarshal(body, &want); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q is read as %+v; encoding/json: %+v, %v", body, got, want, err)
		}
	})
}
