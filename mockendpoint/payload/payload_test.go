package payload_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/internal/strictjson"
	"github.com/httpdest/httpdest/internal/strictjson/strictjsontest"
	"github.com/httpdest/httpdest/mockendpoint/payload"
)

const entry = `{"status":"realized","lastQualificationTime":"2022-01-11T21:24:39Z"}`

// profile is one export with parts put in.
func profile(parts ...string) string {
	return `{` + strings.Join(append([]string{`"segmentMembership":{"ups":{"59bd2fkd-3c48-4b18-bf56-4f5c5e6967ae":` + entry + `}}`}, parts...), ",") + `}`
}

func TestExport(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"the least", profile(), ""},
		{"identities", profile(`"identityMap":{"ecid":[{"id":"14575006536349286404619648085736425115"}]}`), ""},
		{"attributes", profile(`"person":{"birthDate":"YYYY-MM-DD","name":{"firstName":"Jennifer"}},"points":88,"member":true,"tags":["x",1]`), ""},
		{"a list", "[" + profile() + "," + profile() + "]", ""},
		{"a wrapper", `{"profiles":[` + profile() + `]}`, ""},
		{"names and timestamps", membership(`"name":"Doc","createdAt":1648553325000,"updatedAt":1648553330000,"mappingCreatedAt":1649856570000,"mappingUpdatedAt":1649856570000`), ""},
		{"no JSON", `{"segmentMembership":`, "the body: the JSON ends too early, line 1, column 22"},
		{"a trailing comma", `{"a":1,}`, "the body: not JSON, line 1, column 8"},
		{"two bodies", profile() + profile(), "the body: something follows the JSON value"},
		{"a key twice", profile(`"a":1`, `"\u0061":2`), `the body: duplicate key "a"`},
		{"not UTF-8", profile("\"a\":\"M\xfcller\""), "the body: not UTF-8"},
		{"half a surrogate pair", profile(`"a":"\ud800"`), "the body: an incomplete"},
		{"no membership", `{"person":{"name":"Doc"}}`, "the body: missing property 'segmentMembership'"},
		{"an empty namespace", `{"segmentMembership":{"ups":{}}}`, "/segmentMembership/ups: minProperties"},
		{"another status", strings.Replace(profile(), "realized", "existing", 1), "/segmentMembership/ups/59bd2fkd-3c48-4b18-bf56-4f5c5e6967ae/status: is not one of [realized exited]"},
		{"no time", `{"segmentMembership":{"ups":{"a":{"status":"exited"}}}}`, "/segmentMembership/ups/a: missing property 'lastQualificationTime'"},
		{"a date", strings.Replace(profile(), "T21:24:39Z", "", 1), "/lastQualificationTime: does not match pattern"},
		{"validUntil", membership(`"validUntil":"2022-01-11T21:24:39Z"`), "/segmentMembership/ups/a: additional properties 'validUntil' not allowed"},
		{"seconds", membership(`"createdAt":1648553325,"updatedAt":1648553330000,"mappingCreatedAt":1649856570000,"mappingUpdatedAt":1649856570000`), "/createdAt: is less than 100000000000"},
		{"one timestamp", membership(`"createdAt":1648553325000`), "/segmentMembership/ups/a: properties 'updatedAt', 'mappingCreatedAt', 'mappingUpdatedAt' required, if 'createdAt' exists"},
		{"an identity with more", profile(`"identityMap":{"ecid":[{"id":"1","primary":true}]}`), "/identityMap/ecid/0: additional properties 'primary' not allowed"},
		{"no identity", profile(`"identityMap":{"ecid":[]}`), "/identityMap/ecid: minItems"},
		{"null", profile(`"person":{"name":null}`), "/person/name"},
		{"an empty text", profile(`"person":{"name":""}`), "/person/name: minLength"},
		{"eleven", "[" + strings.Repeat(profile()+",", 10) + profile() + "]", "maxItems: got 11, want 10"},
		{"none", "[]", "minItems"},
		{"a wrapper with more", `{"profiles":[` + profile() + `],"next":1}`, "the body: additional properties 'next' not allowed"},
		{"a text", `"profile"`, "the body: got string, want object"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := payload.Export().Check([]byte(c.body))
			if got := fmt.Sprint(err); c.want == "" && err != nil || c.want != "" && !strings.Contains(got, c.want) {
				t.Errorf("%s: %v; want %q", c.body, err, c.want)
			}
		})
	}
}

// membership is an export with more in its one membership.
func membership(more string) string {
	return `{"segmentMembership":{"ups":{"a":` + strings.TrimSuffix(entry, "}") + "," + more + `}}}}`
}

// The five observed forms, and ids other than UUIDs.
func TestEveryTimeThatWasSeen(t *testing.T) {
	for _, form := range []string{"2022-01-11T21:24:39Z", "2019-04-15T02:41:50+0000", "2018-04-26T15:52:25+00:00", "2019-04-15T02:41:50.000+0000", "2024-11-21T07:33:52.123Z"} {
		body := strings.Replace(profile(), "2022-01-11T21:24:39Z", form, 1)
		if err := payload.Export().Check([]byte(body)); err != nil {
			t.Errorf("%s: %v", form, err)
		}
	}
}

// Problems are reported without values of the profile.
func TestNoValueIsTold(t *testing.T) {
	own, err := payload.Compile("own.json", []byte(`{"properties":{"a":{"type":"integer"},"b":{"maximum":7},"c":{"const":"x"},"d":{"pattern":"^x"},"e":{"format":"email"},"f":{"multipleOf":2}}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{`{"a":"secretly"}`, `{"b":4711}`, `{"c":"secretly"}`, `{"d":"secretly"}`, `{"e":"secretly"}`, `{"f":4711}`} {
		if err := own.Check([]byte(body)); err == nil || strings.Contains(err.Error(), "secretly") || strings.Contains(err.Error(), "4711") {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestCompile(t *testing.T) {
	for schema, want := range map[string]string{
		`{`:                                  "own.json is not JSON",
		`{"type":"profile"}`:                 "own.json is not a JSON Schema",
		`{"$ref":"https://other.test/s"}`:    "must not refer to another document",
		`{"$ref":"file:///etc/passwd"}`:      "must not refer to another document",
		`{"$schema":"https://other.test/s"}`: "own.json",
	} {
		if _, err := payload.Compile("own.json", []byte(schema)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %s", schema, err, want)
		}
	}
}

// refused names the samples of other pages that differ from an export of this
// destination, with the problem that the schema finds.
var refused = map[string]string{
	"activation-2021.json":              "status: is not one of [realized exited]",
	"deduplication-first.json":          "/segmentMembership/ups/2e3f74f8",
	"deduplication-second.json":         "/segmentMembership/ups/2e3f74f8",
	"event-hubs-beta.json":              "status: is not one of [realized exited]",
	"kinesis-beta.json":                 "status: is not one of [realized exited]",
	"xdm-repository.json":               "/segmentMembership/AAM/0c1f52d6",
	"xdm-field-group.json":              "not allowed",
	"sdk-message-format.json":           "got object, want string",
	"segment-timestamps-localised.json": "the body: not JSON",
}

// The samples of the documentation are data of the judge. The schema takes those
// that have the form of an export, and refuses each other one for its difference.
func TestTheSamplesOfTheDocumentation(t *testing.T) {
	files, err := filepath.Glob("../../scenarios/library/payloads/*.json")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d samples, %v", len(files), err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		err = payload.Export().Check(body)
		want, differs := refused[filepath.Base(file)]
		switch {
		case differs != (err != nil):
			t.Errorf("%s: %v", file, err)
		case differs && !strings.Contains(err.Error(), want):
			t.Errorf("%s: %v; want %s", file, err, want)
		}
	}
}

// Whatever arrives is taken or refused, and never breaks the endpoint.
func FuzzCheck(f *testing.F) {
	f.Add([]byte(profile()))
	f.Add([]byte(`[]`))
	f.Add([]byte(`{"segmentMembership":{"ups":{"a":null}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if err := payload.Export().Check(body); err == nil && !json.Valid(body) {
			t.Errorf("taken, and no JSON: %q", body)
		}
	})
}

// A body is refused as not being acceptable JSON exactly where strictjson refuses
// it, and so is a schema.
func TestStrictness(t *testing.T) {
	for _, i := range strictjsontest.All() {
		for _, body := range []string{i.Text, profile(`"v":` + i.Text)} {
			var strict *strictjson.Error
			if err := payload.Export().Check([]byte(body)); errors.As(err, &strict) == strictjson.Valid([]byte(body)) {
				t.Errorf("%s: Check(%.80q) = %v", i.Name, body, err)
			}
		}
		var strict *strictjson.Error
		if _, err := payload.Compile("own.json", []byte(i.Text)); errors.As(err, &strict) == strictjson.Valid([]byte(i.Text)) {
			t.Errorf("%s: Compile(%.80q) = %v", i.Name, i.Text, err)
		}
	}
}

// Numbers that no float64 and no fraction holds are compared all the same, and
// in no time.
func TestNumbersBeyondMeasure(t *testing.T) {
	own, err := payload.Compile("own.json", []byte(`{"properties":{"small":{"maximum":7},"large":{"minimum":-7},"whole":{"type":"integer"},"one":{"const":1}}}`))
	if err != nil {
		t.Fatal(err)
	}
	digits := strings.Repeat("7", 100_000)
	for number, c := range map[string]struct{ small, large, whole bool }{
		"1e400": {false, true, true}, "-1e400": {true, false, true}, "1e-400": {true, true, false}, "1e9999999999999999999": {false, true, true},
		"-1e9999999999999999999": {true, false, true}, "1e-9999999999999999999": {true, true, false}, "-1e-9999999999999999999": {true, true, false}, "1e9999999": {false, true, true}, "1e-9999999": {true, true, false},
		digits: {false, true, true}, "-" + digits: {true, false, true}, digits + ".5": {false, true, true}, "0." + digits: {true, true, false}, "7." + digits: {false, true, false}, digits + "e-99999": {false, true, false},
		"1." + strings.Repeat("0", 100_000): {true, true, true}, "70e-1": {true, true, true}, "71e-1": {false, true, false}, "-0": {true, true, true}, "0e9999999999999": {true, true, true}, strings.Repeat("7", 999) + "." + digits: {false, true, false},
	} {
		for key, want := range map[string]bool{"small": c.small, "large": c.large, "whole": c.whole, "one": strings.HasPrefix(number, "1.0")} {
			if err := own.Check([]byte(`{"` + key + `":` + number + `}`)); (err == nil) != want {
				t.Errorf("%s: %.30s is accepted: %t; want %t", key, number, err == nil, want)
			}
		}
	}
}
