package faultspec

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

var write = flag.Bool("write", false, "write the generated parts instead of comparing them")

// A JSON value of a schema: an object keeps the order of its members.
type (
	member struct {
		name  string
		value any // object, list, json.RawMessage, or anything that json.Marshal takes
	}
	object []member
	list   []any
)

const width = 120

// layout writes a value: on one line where that is short enough, otherwise a member a line. at is where its own
// line begins, from where it starts on it.
func layout(value any, at, from int) string {
	open, end, lines := "{", "}", []string{}
	place := func(name string, inner any) {
		key := ""
		if name != "" {
			key = plain(name) + ": "
		}
		lines = append(lines, key+layout(inner, at+2, at+2+len(key)))
	}
	switch v := value.(type) {
	case object:
		for _, m := range v {
			place(m.name, m.value)
		}
	case list:
		open, end = "[", "]"
		for _, x := range v {
			place("", x)
		}
	default:
		return plain(v)
	}
	short := open + strings.Join(lines, ", ") + end
	if !strings.Contains(short, "\n") && from+len(short) <= width {
		return short
	}
	tab := "\n" + strings.Repeat(" ", at)
	if _, ok := value.(list); ok {
		lines = filled(lines, width-at-2)
	}
	return open + tab + "  " + strings.Join(lines, ","+tab+"  ") + tab + end
}

// filled puts several short entries of a list on a line.
func filled(entries []string, most int) (out []string) {
	for _, entry := range entries {
		if last := len(out) - 1; last >= 0 && len(out[last])+len(entry)+3 <= most && !strings.Contains(out[last]+entry,
			"\n") {
			out[last] += ", " + entry
		} else {
			out = append(out, entry)
		}
	}
	return out
}

// plain is a value without parts of its own.
func plain(value any) string {
	if raw, ok := value.(json.RawMessage); ok {
		return string(raw)
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(value); err != nil {
		panic(err) // a mistake in this file
	}
	return strings.TrimSpace(b.String())
}

// of is a list of texts.
func of[T ~string](texts ...T) list {
	var out list
	for _, x := range texts {
		out = append(out, x)
	}
	return out
}

// ref refers to a definition. Next to a $ref draft-07 ignores everything.
func ref(name string) object { return object{{"$ref", "#/definitions/" + name}} }

// replace compares or writes the part of a file from a line to the next line that ends it.
func replace(t *testing.T, file, first, last, text string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(content), "\n"+first+"\n")
	_, after, ends := strings.Cut(rest, "\n"+last+"\n")
	if !found || !ends {
		t.Fatalf("%s has no part from %q to %q", file, first, last)
	}
	want := before + "\n" + text + "\n" + after
	if *write {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(content) != want {
		t.Errorf("%s does not have the faults of internal/faultspec: run `make docs`", strings.TrimPrefix(file, "../../"))
	}
}

// The schema of scenario files has the keys of a fault, their values, and the rules that a schema can state.
func TestGeneratedScenarioSchema(t *testing.T) {
	for _, definition := range []member{{"fault", faultDefinition()}, {"distribution", distributionDefinition()}} {
		text := `    "` + definition.name + `": `
		replace(t, "../../scenarios/scenario.schema.json", text+"{", "    },", text+layout(definition.value, 4,
			len(text)+200)+",")
	}
}

// The document of the admin API has the keys of a fault and their values.
func TestGeneratedAdminSchema(t *testing.T) {
	var properties object
	for _, k := range Keys {
		properties = append(properties, member{k.Name, described(k, valueInAPI(k))})
	}
	schema := object{{"type", "object"}, {"additionalProperties", false}, {"required", list{}}, {"properties", properties}}
	var b bytes.Buffer
	if err := json.Indent(&b, []byte(layout(schema, 0, 0)), "   ", " "); err != nil {
		t.Fatal(err)
	}
	replace(t, "../../mockendpoint/admin/openapi.json", `   "FaultSpec": {`, `   },`, `   "FaultSpec": `+b.String()+",")
}

// described adds words, default and example to the form of a value.
func described(k Key, value object) object {
	out := append(object{{"description", k.About}}, value...)
	if k.Default != "" {
		out = append(out, member{"default", json.RawMessage(k.Default)})
	}
	if k.Example != "" {
		out = append(out, member{"examples", list{json.RawMessage(k.Example)}})
	}
	return out
}

// bounds are those of a share or a rate.
func bounds(k Key) object {
	return object{{"type", "number"}, {"exclusiveMinimum", 0}, {"maximum", k.Most}}
}

// valueInFile is the form of a value in a scenario file.
func valueInFile(k Key) object {
	switch new(Spec).Field(k.Name).(type) {
	case *string:
		switch {
		case k.Words != nil:
			return object{{"enum", of(k.Words...)}}
		case k.Pattern == "":
			return object{{"allOf", list{ref("profileNames")}}}
		}
		return object{{"type", "string"}, {"pattern", k.Pattern}}
	case *bool:
		return object{{"const", true}}
	case *int:
		return object{{"type", "integer"}, {"minimum", k.Least}, {"maximum", k.Most}}
	case **float64:
		return bounds(k)
	case **Duration:
		return object{{"allOf", list{ref("duration")}}}
	case **Range:
		return object{{"allOf", list{ref("count")}}}
	case **Lifetime:
		return object{{"anyOf", list{object{{"const", "none"}}, ref("duration")}}}
	case *Headers:
		value := object{{"description", "The value, one line."}, {"type", of("string", "number", "boolean")}, {"pattern",
			`^[^\x00-\x1f\x7f]*$`}}
		return object{{"type", "object"}, {"propertyNames", object{{"pattern", headerForm.String()}}},
			{"additionalProperties", value}}
	case **Latency:
		return object{{"anyOf", list{ref("duration"), ref("distribution")}}}
	}
	panic("the schema of scenario files has no form for " + k.Name)
}

// valueInAPI is the form of a value in JSON.
func valueInAPI(k Key) object {
	switch new(Spec).Field(k.Name).(type) {
	case *string:
		switch {
		case k.Words != nil:
			return object{{"type", "string"}, {"enum", of(k.Words...)}}
		case k.Pattern != "":
			return object{{"type", "string"}, {"pattern", k.Pattern}}
		}
		return object{{"type", "string"}}
	case *bool:
		return object{{"type", "boolean"}}
	case *int:
		return object{{"type", "integer"}, {"minimum", k.Least}, {"maximum", k.Most}}
	case **float64:
		return bounds(k)
	case **Duration, **Range:
		return object{{"type", of("string", "integer")}}
	case **Lifetime:
		return object{{"type", "string"}}
	case *Headers:
		return object{{"type", "object"}, {"additionalProperties", object{{"type", of("string", "number", "boolean")}}}}
	case **Latency:
		return object{{"type", of("string", "integer", "object")}}
	}
	panic("the document of the admin API has no form for " + k.Name)
}

// given is the condition that all of a few keys are there.
func given(names ...string) object { return object{{"required", of(names...)}} }

// some is the condition that at least one of them is.
func some(names ...string) object {
	var out list
	for _, name := range names {
		out = append(out, given(name))
	}
	return object{{"anyOf", out}}
}

// where is the condition that a key has one of a few words.
func where[T ~string](key string, words ...T) object {
	return object{{"properties", object{{key, object{{"enum", of(words...)}}}}}, {"required", of(key)}}
}

// rule is a condition with its reason.
func rule(comment string, condition, then object) object {
	return object{{"$comment", comment}, {"if", condition}, {"then", then}}
}

func not(condition object) object { return object{{"not", condition}} }

// without is the condition that keys are not there.
func without(names ...string) object {
	return object{{"propertyNames", not(object{{"enum", of(names...)}})}}
}

// endings are the keys that end an answer, those of one phase apart from Response, or all of them.
func endings(phase Phase) (out []string) {
	for _, k := range Keys {
		if k.Ends != Along && (phase == Response || slices.Contains(k.Phases, phase)) {
			out = append(out, k.Name)
		}
	}
	return out
}

func faultDefinition() object {
	var properties object
	for _, k := range Keys {
		properties = append(properties, member{k.Name, described(k, valueInFile(k))})
	}
	ends := endings(Response)
	rules := list{
		append(object{{"$comment", "It does something."}}, some(append(slices.Clone(ends), "latency", "slowBody",
			"headers", "forward")...)...),
		not(given("profile", "profiles")),
		not(given("latency", "headersAt")),
	}
	for i, name := range ends[:len(ends)-1] {
		others := slices.DeleteFunc(slices.Clone(ends[i+1:]),
			func(other string) bool { return name == "status" && other == "rate" })
		rules = append(rules, rule("There is one ending.", given(name), without(others...)))
	}
	byChance := object{{"properties", object{{"latency", object{{"type", "object"}}}}}, {"required", of("latency")}}
	rules = append(rules,
		rule("Only the token endpoint issues tokens.", some("answer", "expiresIn"), where("on", Token)),
		rule("The token of a data call is revoked.", given("revoke"), object{{"properties", object{{"on", object{{"const",
			"message"}}}}}}),
		rule("With another ending the last byte has no time of its own.", some(ends[1:]...), without("slowBody",
			"headersAt")),
		rule("A slow body needs a fixed latency.", byChance, without("slowBody", "headersAt")),
		rule("The request is forwarded before or after something.", where("forward", ForwardBefore, ForwardAfter),
			some(append(slices.Clone(ends), "latency", "slowBody")...)),
		rule("The token endpoint forwards nothing.", where("on", Token), without("forward")),
		rule("These requests carry no profile.", where("on", Decision, Token), without("profile", "profiles")),
	)
	for _, phase := range []Phase{Body, End} {
		rules = append(rules, rule("These endings have a place there.", where("at", phase), some(endings(phase)...)))
	}
	for _, phase := range []Phase{Accept, Handshake} {
		keys := append([]string{"id", "from", "until", "every", "connections", "on", "at", "probability", "latency"},
			endings(phase)...)
		rules = append(rules, rule("Before there is a request, there are only connections.", where("at", phase), object{
			{"required", of("connections")}, {"propertyNames", object{{"enum", of(keys...)}}},
			{"properties", object{{"on", object{{"enum", of("message", string(Token))}}}}},
		}))
	}
	return object{
		{"description",
			"One fault: at most one way to answer or to end the connection, with a delay, a slow body or other headers."},
		{"type", "object"}, {"additionalProperties", false}, {"properties", properties},
		{"dependencies", object{{"headersAt", of("slowBody")}, {"burst", of("rate")}}}, {"allOf", rules},
	}
}

func distributionDefinition() object {
	var properties object
	var rules list
	for _, k := range LatencyKeys {
		properties = append(properties, member{k.Name, described(k, valueOfDistribution(k))})
	}
	for _, shape := range LatencyKeys[0].Words {
		needs := Shapes[Shape(shape)]
		is := object{{"properties", object{{"distribution", object{{"const", shape}}}}}}
		rules = append(rules, object{{"if", is}, {"then", object{
			{"required", of(needs...)}, {"propertyNames", object{{"enum", append(of("distribution"), of(needs...)...)}}},
		}}})
	}
	return object{
		{"description", "The distribution of latencies, drawn by the seed."}, {"type", "object"}, {"additionalProperties",
			false},
		{"required", of("distribution")}, {"properties", properties}, {"allOf", rules},
	}
}

func valueOfDistribution(k Key) object {
	if k.Words != nil {
		return object{{"enum", of(k.Words...)}}
	}
	switch new(Distribution).Field(k.Name).(type) {
	case *time.Duration:
		return object{{"allOf", list{ref("duration")}}}
	case *float64:
		return bounds(k)
	}
	return object{{"type", "object"}, {"minProperties", 2}, {"propertyNames", object{{"pattern",
		`^(100(\.0+)?|[1-9]?[0-9](\.[0-9]+)?)$`}}},
		{"additionalProperties", ref("duration")}}
}
