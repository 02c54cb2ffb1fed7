package reports

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// filled sets every field of a value to something, lists to one element.
func filled(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			filled(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		filled(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		filled(v.Index(0))
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Float64:
		v.SetFloat(1.5)
	default:
		panic("a field of a kind that no report has: " + v.Type().String())
	}
}

// loaded is a report with every field of Load and Plan.
func loaded() *Report {
	r := &Report{Schema: Schema, Kind: "load", Verdict: Pass, Load: &Load{}, Plan: &Plan{}, Environment: Environment{CPUs: 2}}
	filled(reflect.ValueOf(r.Load).Elem())
	filled(reflect.ValueOf(r.Plan).Elem())
	r.Load.Mode, r.Load.Clock = "receiver", "wall"
	r.Load.Objectives[0].Verdict, r.Load.Objectives[0].Unit = Pass, "ms"
	r.Load.Search.Points[0].Verdict, r.Load.Flows[0].Verdict, r.Load.Parts[0].Verdict = Pass, Skip, Inconclusive
	return r
}

func violation(t *testing.T, report []byte) error {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("report.json", document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("report.json")
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(report))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(value)
}

// The schema knows every field of a load and a plan, insists on those that are
// always there, and knows no other.
func TestSchemaOfLoadAndPlan(t *testing.T) {
	full := written(t, WriteJSON, loaded())
	if err := violation(t, []byte(full)); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{
		`"machines": 7`:      `"machine": 7`,
		`"histogram": `:      `"histo": `,
		`"lost": 7`:          `"lost": -7`,
		`"unit": "ms"`:       `"unit": "hours"`,
		`"sensitivity": `:    `"sensitive": `,
		`"confidence": `:     `"confident": `,
		`"stepSeconds": 1.5`: `"stepSeconds": 0`,
	} {
		if !strings.Contains(full, from) {
			t.Errorf("no %s in the report", from)
		}
		if violation(t, []byte(strings.Replace(full, from, to, 1))) == nil {
			t.Errorf("a report with %s is valid", to)
		}
	}
}

// What is always there is there where nothing was measured, and lists are lists.
func TestSchemaOfAnEmptyLoad(t *testing.T) {
	r := &Report{Schema: Schema, Kind: "load", Verdict: Inconclusive, Load: &Load{Mode: "pipeline", Clock: "virtual", Machines: 1}, Environment: Environment{CPUs: 1}}
	if err := violation(t, []byte(written(t, WriteJSON, r))); err != nil {
		t.Error(err)
	}
	r.Kind, r.Load, r.Plan = "plan", nil, &Plan{}
	if err := violation(t, []byte(written(t, WriteJSON, r))); err != nil {
		t.Error(err)
	}
}

func TestLoadIsReadAsItWasWritten(t *testing.T) {
	back, err := ReadJSON(strings.NewReader(written(t, WriteJSON, loaded())))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(loaded().Load, back.Load); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(loaded().Plan, back.Plan); diff != "" {
		t.Error(diff)
	}
	if _, err := json.Marshal(back); err != nil {
		t.Error(err)
	}
}
