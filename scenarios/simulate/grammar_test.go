package simulate

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/httpdest/httpdest/mockendpoint/fault"
	"github.com/httpdest/httpdest/scenarios"
)

// values are what a key of a fault may have (a number 0 is left out in JSON); the first of each fits most often.
var values = map[string][]string{
	"profile": {`"p-{1..3}"`, `"q"`, `"p-{3..1}"`}, "profiles": {`"p-1"`},
	"requests": {`1`, `"1-2"`, `"2-"`, `"2-1"`, `0`}, "connections": {`1`, `"2-3"`, `"1-"`}, "every": {`1`, `2`, `-1`},
	"from": {`"1h"`, `0`}, "until": {`"2h"`, `"1h"`, `"2"`}, "on": {`"message"`, `"token"`, `"decision"`, `"data"`},
	"at": {`"response"`, `"body"`, `"end"`, `"accept"`, `"handshake"`, `"middle"`}, "probability": {`0.5`, `1`, `0`, `1.5`},
	"status": {`503`, `204`, `600`}, "answer": {`"html"`, `"soup"`}, "expiresIn": {`"5s"`, `"none"`, `"1ms"`}, "revoke": {`true`},
	"headers": {`{"A":"b"}`, `{"A":5}`, `{"A B":"c"}`, `{}`}, "headersAt": {`"1s"`, `"3s"`}, "slowBody": {`"2s"`, `"1s"`},
	"latency": {`"1s"`, `"2.5s"`, `{"distribution":"uniform","min":"1s","max":"2s"}`, `{"distribution":"uniform","min":"2s","max":"1s"}`,
		`{"distribution":"normal","mean":"1s","deviation":"0.2s"}`, `{"distribution":"normal","mean":"1s"}`, `{"distribution":"normal","mean":"1s","deviation":"1s","min":"1s"}`,
		`{"distribution":"log-normal","median":"1s","sigma":0.5}`, `{"distribution":"log-normal","median":"1s","sigma":0}`, `{"distribution":"gamma"}`, `{"min":"1s"}`,
		`{"distribution":"percentiles","percentiles":{"50":"1s","100":"2s"}}`, `{"distribution":"percentiles","percentiles":{"50":"2s","100":"1s"}}`,
		`{"distribution":"percentiles","percentiles":{"50":"2s","200":"3s"}}`, `{"distribution":"percentiles","percentiles":{"50":"2s"}}`},
	"stall": {`true`}, "reset": {`true`}, "close": {`true`}, "halfClose": {`true`}, "garbage": {`true`}, "malformedChunk": {`true`}, "endless": {`true`},
	"rate": {`2.5`, `10`, `0`}, "burst": {`5`, `-1`}, "id": {`"a.b"`, `"a b"`},
}

// parsedFault reads one fault from a scenario file: JSON is YAML.
func parsedFault(text string) (*scenarios.Scenario, error) {
	return scenarios.Parse("fault.yaml", []byte(`
title: one fault
rules: [retry-network]
audiences: {a: {}}
destination: {auth: {type: oauth2-client-credentials, credentials: body-form-encoded, clientID: i, clientSecret: s}}
profiles: {"p-{1..3}": {}, q: {}}
expect: []
endpoint: {faults: [`+text+`]}
`))
}

// The JSON form of a fault and that of scenario files are one grammar: what
// the one takes the other takes, and both mean the same.
func TestFaultsHaveOneGrammar(t *testing.T) {
	names := rapid.SampledFrom(specKeys(t))
	taken := 0
	rapid.Check(t, func(t *rapid.T) {
		var keys []string
		for _, name := range rapid.SliceOfNDistinct(names, 1, 5, rapid.ID).Draw(t, "keys") {
			all := values[name]
			value := all[0]
			if rapid.IntRange(0, 3).Draw(t, "odd") == 0 {
				value = rapid.SampledFrom(all).Draw(t, name)
			}
			keys = append(keys, fmt.Sprintf("%q: %s", name, value))
		}
		text := "{" + strings.Join(keys, ", ") + "}"
		sc, loaderSays := parsedFault(text)
		spec, specSays := fault.ParseSpec([]byte(text))
		if (loaderSays == nil) != (specSays == nil) {
			t.Fatalf("%s\nthe loader: %v\nthe spec: %v", text, loaderSays, specSays)
		}
		if loaderSays != nil {
			return
		}
		taken++
		if spec.ID == "" {
			spec.ID = "fault-1"
		}
		direct, err := spec.Fault()
		if err != nil {
			t.Fatal(err)
		}
		// Armed, defaults are filled in.
		want, got := fault.NewPlan(1, direct).List()[0], faultPlan(sc).List()[0]
		ignored := cmp.Options{cmpopts.IgnoreFields(fault.Fault{}, "Profiles", "Probability", "Every", "Burst", "Headers"), cmpopts.EquateEmpty()}
		if diff := cmp.Diff(want, got, ignored); diff != "" {
			t.Fatalf("%s (-spec +scenario):\n%s", text, diff)
		}
		for _, name := range []string{"p-1", "p-3", "p-4", "p-01", "q"} {
			if f, g := want.Fault.Profiles, got.Fault.Profiles; f != nil && f(name) != g(name) {
				t.Fatalf("%s: the two do not agree on %s", text, name)
			}
		}
		a, b := fault.SpecOf(want.Fault), fault.SpecOf(got.Fault)
		x, errX := json.Marshal(a)
		y, errY := json.Marshal(b)
		if errX != nil || errY != nil || normal(string(x)) != normal(string(y)) {
			t.Fatalf("%s is written %s and %s", text, x, y)
		}
	})
	t.Logf("%d taken", taken)
	want := 10
	if testing.Short() { // of a fifth of the faults
		want = 2
	}
	if taken < want {
		t.Errorf("only %d faults were taken; the test is about nothing", taken)
	}
}

// specKeys are the keys of a fault in JSON; each needs values to try.
func specKeys(t *testing.T) []string {
	t.Helper()
	var out []string
	for field := range reflect.TypeFor[fault.Spec]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if len(values[name]) == 0 {
			t.Fatalf("the key %q of a fault has no values to try: add some to values", name)
		}
		out = append(out, name)
	}
	return out
}

// A way to end an answer reaches the plan from a scenario file and from JSON, and is
// written again: neither translation forgets it.
func TestEveryEndingReachesThePlan(t *testing.T) {
	for _, name := range specKeys(t) {
		if !slices.Equal(values[name], []string{"true"}) {
			continue
		}
		text := fmt.Sprintf("{%q:true}", name)
		spec, err := fault.ParseSpec([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		direct, err := spec.Fault()
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		sc, err := parsedFault(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		for from, f := range map[string]fault.Fault{"JSON": direct, "a scenario file": faultPlan(sc).List()[0].Fault} {
			written, err := json.Marshal(fault.SpecOf(f))
			if err != nil || !strings.Contains(string(written), fmt.Sprintf("%q:true", name)) {
				t.Errorf("%s from %s is written %s, error %v: convert.go or translate.go lacks the field", text, from, written, err)
			}
		}
	}
}

// normal leaves out what is written by one of the two although it is a default.
func normal(text string) string {
	return strings.NewReplacer(`"every":1,`, "", `,"every":1`, "", `,"burst":1`, "").Replace(text)
}
