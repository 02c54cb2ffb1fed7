package scenarios

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/httpdest/httpdest/internal/faultspec"
)

// odd are the values to try of keys whose kind alone does not give them. The first of each fits most often.
var odd = map[string][]string{
	"id": {`"a.b"`, `"a b"`}, "profile": {`"p-{1..3}"`, `"q"`, `"p-{3..1}"`}, "profiles": {`"p-1"`},
	"from": {`"1h"`, `0`}, "until": {`"2h"`, `"1h"`, `"2"`}, "slowBody": {`"2s"`, `"1s"`}, "headersAt": {`"1s"`,
		`"3s"`, `0`},
	"requests": {`1`, `"1-2"`, `"2-"`, `"2-1"`, `0`, `"1-"`}, "connections": {`1`, `"2-3"`, `"1-"`},
	"headers": {`{"A":"b"}`, `{"A":5}`, `{"A B":"c"}`, `{"A":"b","a":"c"}`, `{}`}, "expiresIn": {`"5s"`, `"none"`,
		`"1ms"`},
	"latency": {`"1s"`, `"2.5s"`, `{"distribution":"uniform","min":"1s","max":"2s"}`,
		`{"distribution":"uniform","min":"2s","max":"1s"}`,
		`{"distribution":"normal","mean":"1s","deviation":"0.2s"}`, `{"distribution":"normal","mean":"1s"}`,
		`{"distribution":"normal","mean":"1s","deviation":"1s","min":"1s"}`,
		`{"distribution":"normal","mean":"0","deviation":"1s"}`,
		`{"distribution":"log-normal","median":"1s","sigma":0.5}`, `{"distribution":"log-normal","median":"1s","sigma":0}`,
		`{"distribution":"gamma"}`, `{"min":"1s"}`, `{"distribution":"percentiles","percentiles":{"50":"1s","100":"2s"}}`,
		`{"distribution":"percentiles","percentiles":{"50":"2s","100":"1s"}}`,
		`{"distribution":"percentiles","percentiles":{"50":"2s","200":"3s"}}`,
		`{"distribution":"percentiles","percentiles":{"50":"2s"}}`},
}

// values are what a key may have, in JSON, and what it must not. A number 0 is left out in JSON, and is refused here.
func values(k faultspec.Key) []string {
	if own, there := odd[k.Name]; there {
		return own
	}
	switch new(faultspec.Spec).Field(k.Name).(type) {
	case *bool:
		return []string{"true"}
	case *int:
		return []string{fmt.Sprint(k.Least + 1), fmt.Sprint(k.Least), fmt.Sprint(k.Most), fmt.Sprint(k.Most + 1), "-1"}
	case **float64:
		return []string{"0.5", fmt.Sprint(k.Most), "0", fmt.Sprint(k.Most + 1)}
	case *string:
		var out []string
		for _, w := range append(k.Words[:len(k.Words):len(k.Words)], "soup") {
			out = append(out, fmt.Sprintf("%q", w))
		}
		return out
	}
	return nil
}

// parsedFault reads one fault from a scenario file: JSON is YAML.
func parsedFault(text string) (Fault, error) {
	sc, err := Parse("fault.yaml", []byte(`
title: one fault
rules: [retry-network]
audiences: {a: {}}
destination: {auth: {type: oauth2-client-credentials, credentials: body-form-encoded, clientID: i, clientSecret: s}}
profiles: {"p-{1..3}": {}, q: {}}
expect: []
endpoint: {faults: [`+text+`]}
`))
	if err != nil {
		return Fault{}, err
	}
	return sc.Endpoint.Faults[0], nil
}

// The two readers of the one grammar agree: a scenario file and the admin API accept the same faults, with the
// same meaning, which the schema accepts as well, and Encode writes what the reader takes back.
func TestReadersOfFaultsAgree(t *testing.T) {
	_, compile := compiler(t)
	schema := compile("/definitions/fault")
	taken := 0
	rapid.Check(t, func(t *rapid.T) {
		var members []string
		for _, k := range rapid.SliceOfNDistinct(rapid.SampledFrom(faultspec.Keys), 1, 5,
			func(k faultspec.Key) string { return k.Name }).Draw(t, "keys") {
			all := values(k)
			value := all[0]
			if rapid.IntRange(0, 3).Draw(t, "odd") == 0 {
				value = rapid.SampledFrom(all).Draw(t, k.Name)
			}
			members = append(members, fmt.Sprintf("%q: %s", k.Name, value))
		}
		text := "{" + strings.Join(members, ", ") + "}"
		if !sameMeaning(t, text) {
			return
		}
		taken++
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
		if err == nil {
			err = schema.Validate(value)
		}
		if err != nil {
			t.Fatalf("the schema refuses %s: %v", text, err)
		}
	})
	if t.Logf("%d taken", taken); taken < 2 { // of 20 with -short
		t.Errorf("only %d faults were taken; the test compares too few", taken)
	}
}

// sameMeaning compares one fault, and reports whether the readers accept it.
func sameMeaning(t interface {
	Helper()
	Fatalf(string, ...any)
}, text string) bool {
	t.Helper()
	got, loader := parsedFault(text)
	spec, api := faultspec.ParseSpec([]byte(text))
	if (loader == nil) != (api == nil) {
		t.Fatalf("%s\nthe scenario file: %v\nthe admin API: %v", text, loader, api)
	}
	if loader != nil {
		return false
	}
	want := spec.Data()
	if want.ID == "" {
		want.ID = "fault-1"
	}
	if diff := cmp.Diff(want, got.Fault); diff != "" {
		t.Fatalf("%s: -API +scenario file\n%s", text, diff)
	}
	written, err := new(encoder).document(encodeFault(got, 1).Node)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	again, err := parsedFault(strings.TrimSpace(string(written)))
	if err != nil {
		t.Fatalf("%s is written as %s: %v", text, written, err)
	}
	if diff := cmp.Diff(got.Fault, again.Fault); diff != "" {
		t.Fatalf("%s is written as %s: -read +read back\n%s", text, written, diff)
	}
	return true
}

// Each key reaches the fault from a scenario file and from JSON, and is written again: the table of keys has no
// row that a reader, a copy or a writer forgets.
func TestEveryKeyOfAFaultIsRead(t *testing.T) {
	needs := map[string]string{"answer": `"on":"token"`, "expiresIn": `"on":"token"`, "burst": `"rate":1`,
		"headersAt": `"slowBody":"2s"`}
	for _, k := range faultspec.Keys {
		all := values(k)
		if len(all) == 0 {
			t.Errorf("no value to try for the key %s: add some to odd", k.Name)
			continue
		}
		value := all[0]
		if k.Words != nil && k.Default != "" {
			value = all[2] // a default is not written
		}
		key := fmt.Sprintf("%q:%s", k.Name, value)
		text := "{" + key
		switch {
		case needs[k.Name] != "":
			text += "," + needs[k.Name]
		case k.Name == "at":
			text += `,"connections":1,"stall":true`
		case k.Ends == faultspec.Along:
			text += `,"status":503`
		}
		text += "}"
		if !sameMeaning(t, text) {
			_, err := parsedFault(text)
			t.Errorf("%s is refused: %v", text, err)
			continue
		}
		f, _ := parsedFault(text) // it was read just now
		written, err := json.Marshal(faultspec.SpecOf(f.Fault))
		if want := strings.Replace(key, `"profile":`, `"profiles":`, 1); err != nil || !strings.Contains(string(written),
			want) {
			t.Errorf("%s is written as %s, %v", text, written, err)
		}
	}
}
