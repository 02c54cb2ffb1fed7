package reports

import (
	"bytes"
	"encoding/json"
	"io"
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
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("text"), reflect.ValueOf("text"))
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
	for _, d := range []*Distribution{r.Load.ServiceTime, r.Load.ResponseTime, r.Load.DeliveryLatency, r.Load.AllServiceTime, r.Load.AllResponseTime, r.Load.Flows[0].Latency, r.Load.Flows[0].Alone, r.Load.Stored.Time,
		r.Load.Backfill.Latency, r.Load.Backfill.Phases[0].Latency} {
		d.Effective[0].Quantile = 0.95
	}
	for _, o := range []*Objective{&r.Load.Objectives[0], &r.Plan.Objectives[0]} {
		o.Verdict, o.Unit = Pass, "ms"
	}
	r.Load.Backfill.Verdict, r.Load.Backfill.Phases[0].Phase = Fail, "during"
	r.Plan.Flows[0].Verdict = Fail
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

// The constant members are present where nothing was measured, and lists are
// lists.
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

// Every part of a load test and of a plan is in its text; quiet, only what was
// asked is.
func TestTextOfLoadAndPlan(t *testing.T) {
	r := loaded()
	r.Load.Mode, r.Load.Doubts, r.Load.Outage.Recovered = "pipeline", []string{"the generator fell behind"}, true
	r.Cases = []Case{{ID: "load/p95<10m", Title: "p95<10m", Verdict: Inconclusive, Reason: "too few", Checks: []Check{{Actual: "12ms (10ms to 14ms)"}}}}
	var b bytes.Buffer
	if err := WriteLoadText(&b, r, TextOptions{Verbose: true}); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"text → the engine (store text) → text", "offered 7, 1.5/s", "unfinished 7", "drained in 1.5s", "attempts: text×7", "access tokens: 7 requested, 7 of them failed", "7 attempts met it, backlog 7 at most, 7 lost",
		"back under the objective after 1.5s", "service time ", "delivery latency, from the update ", "highest rate that holds: 1.5/s", "text (noisy)",
		"backfill: audience text was mapped at 1.5s; 7 of its 7 members were exported in 1.5s, 1.5/s; 7 lost after the last retry\nspread by the engine over 1.5s; first attempt at 1.5s; last end at 3s; attempts text×7; from a turn to its 2xx p50 1.5ms, p95 1.5ms\n",
		"during, for 1.5s                             7         7     1.5ms     1.5ms     1.5ms\n", "in doubt: the generator fell behind",
		"????  p95<10m  12ms (10ms to 14ms) (too few)", "in flight"} {
		if !strings.Contains(b.String(), part) {
			t.Errorf("no %q in\n%s", part, b.String())
		}
	}
	b.Reset()
	if err := WriteLoadText(&b, r, TextOptions{Quiet: true}); err != nil || strings.Contains(b.String(), "offered") || !strings.Contains(b.String(), "p95<10m") {
		t.Errorf("quiet: %v\n%s", err, b.String())
	}
	b.Reset()
	r.Plan.Results[0].Text = ""
	r.Plan.Days = append(r.Plan.Days, r.Plan.Days[0])
	r.Plan.Asked = map[string]string{"latency": "p50=1ms p95=2ms", "sockets": "7", "report": "r.json", "outage": "", "outage-kind": "stall", "dataflow": "name=a profiles=1; name=b profiles=2"}
	if err := WritePlanText(&b, r, TextOptions{Verbose: true}); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"inputs\n  text  text ", "results\n  text  1.5 ", "what a slower receiver costs", "  07:00       1.5/s       1.5/s   150%           1.5      1.5ms      1.5ms      1.5ms  outage\n", "note: text",
		"the days, each from 07:00 on\n", "    7           1.5           1.5           1.5      1.5ms      1.5ms      1.5ms      150%  outage\n", "assumptions\n  - text\n", "FAIL (text)\n",
		"  again: httpdest plan r.json --dataflow 'name=a profiles=1' --dataflow 'name=b profiles=2'\n    --latency 'p50=1ms p95=2ms' --sockets 7\n"} {
		if !strings.Contains(b.String(), part) {
			t.Errorf("no %q in\n%s", part, b.String())
		}
	}
	for _, write := range []func(io.Writer, *Report, TextOptions) error{WriteLoadText, WritePlanText} {
		if err := write(brokenWriter{}, r, TextOptions{}); err == nil {
			t.Error("a broken writer is no error")
		}
	}
	if err := WriteLoadText(io.Discard, &Report{Load: &Load{}}, TextOptions{Verbose: true}); err != nil {
		t.Error(err)
	}
}

func TestQuantities(t *testing.T) {
	for _, tt := range []struct {
		v    float64
		unit string
		want string
	}{{0.001234, "share", "0.123%"}, {1234.56, "ms", "1.23s"}, {90, "s", "1m30s"}, {0.0421, "ms", "42µs"}, {1234567, "exports", "1,234,567"}, {12.345, "/s", "12.3/s"}, {-1234, "", "-1,234"}, {0, "ms", "0s"}} {
		if got := quantity(tt.v, tt.unit); got != tt.want {
			t.Errorf("quantity(%v, %q) = %q; want %q", tt.v, tt.unit, got, tt.want)
		}
	}
}
