package scenarios

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

// validator is the schema as an independent implementation understands it.
func validator(t *testing.T) *jsonschema.Schema {
	t.Helper()
	_, compile := compiler(t)
	return compile("")
}

// compiler gives the schema as a document, and makes a validator of any place
// in it.
func compiler(t *testing.T) (document map[string]any, compile func(place string) *jsonschema.Schema) {
	t.Helper()
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSONSchema()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("scenario.schema.json", parsed); err != nil {
		t.Fatal(err)
	}
	return parsed.(map[string]any), func(place string) *jsonschema.Schema {
		t.Helper()
		schema, err := c.Compile("scenario.schema.json#" + place)
		if err != nil {
			t.Fatal(err)
		}
		return schema
	}
}

// plainYAML is content as an editor hands it to a validator: anchors and merges
// followed, times left as text.
func plainYAML(t *testing.T, content []byte) any {
	t.Helper()
	var root yaml.Node
	if err := yaml.Unmarshal(content, &root); err != nil {
		t.Fatal(err)
	}
	timesAsText(&root)
	var value any
	if err := root.Decode(&value); err != nil {
		t.Fatal(err)
	}
	return textKeys(value)
}

func timesAsText(n *yaml.Node) {
	if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!timestamp" {
		n.Tag = "!!str"
	}
	for _, c := range n.Content {
		timesAsText(c)
	}
}

func textKeys(value any) any {
	switch v := value.(type) {
	case map[any]any:
		out := map[string]any{}
		for k, e := range v {
			out[fmt.Sprint(k)] = textKeys(e)
		}
		return out
	case map[string]any:
		for k, e := range v {
			v[k] = textKeys(e)
		}
	case []any:
		for i, e := range v {
			v[i] = textKeys(e)
		}
	}
	return value
}

func files(t *testing.T, patterns ...string) []string {
	t.Helper()
	var all []string
	for _, p := range patterns {
		found, err := filepath.Glob(p)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %d files, %v", p, len(found), err)
		}
		all = append(all, found...)
	}
	return all
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// The schema accepts every file that the loader reads.
func TestSchemaAccepts(t *testing.T) {
	schema := validator(t)
	for _, file := range files(t, "library/*/*.yaml", "testdata/valid/*.yaml", "testdata/schema/good-*.yaml") {
		content := read(t, file)
		if _, err := Parse(file, content); err != nil {
			t.Errorf("the loader: %v", err)
		}
		if err := schema.Validate(plainYAML(t, content)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// One mistake per file, seen by both.
func TestSchemaRefuses(t *testing.T) {
	schema := validator(t)
	broken := files(t, "testdata/schema/broken-*.yaml")
	if len(broken) < 20 {
		t.Errorf("%d broken files", len(broken))
	}
	for _, file := range broken {
		content := read(t, file)
		if !bytes.HasPrefix(content, []byte("# ")) {
			t.Errorf("%s does not start by saying what is wrong", file)
		}
		var problems Problems
		if _, err := Parse(file, content); !errors.As(err, &problems) || len(problems) != 1 {
			t.Errorf("%s: the loader finds %d problems; want 1\n%v", file, len(problems), err)
		}
		if err := schema.Validate(plainYAML(t, content)); err == nil {
			t.Errorf("%s: passes the schema", file)
		}
	}
}

// schemaObject is an object of the schema with its properties.
type schemaObject struct {
	place      string // "" for the scenario, otherwise the name of the definition
	properties map[string]map[string]any
}

// schemaObjects are all objects with a fixed set of keys.
func schemaObjects(t *testing.T) (map[string]any, []schemaObject) {
	t.Helper()
	root, _ := compiler(t)
	definitions := root["definitions"].(map[string]any)
	places := map[string]any{"": root}
	maps.Copy(places, definitions)
	var out []schemaObject
	for _, place := range slices.Sorted(maps.Keys(places)) {
		object := places[place].(map[string]any)
		properties, ok := object["properties"].(map[string]any)
		if !ok {
			continue
		}
		if object["additionalProperties"] != false {
			t.Errorf("%q lets unknown keys pass", place)
		}
		o := schemaObject{place, map[string]map[string]any{}}
		for name, p := range properties {
			o.properties[name] = p.(map[string]any)
		}
		out = append(out, o)
	}
	return definitions, out
}

// with puts a key into a context, or none: YAML lets a comma end a list.
func with(context, key string) []byte { return []byte(strings.Replace(context, "§", key, 1)) }

// stranger is near no key and no word.
const stranger = "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"

func problemsOf(t *testing.T, content []byte) Problems {
	t.Helper()
	_, err := Parse("probe.yaml", content)
	var problems Problems
	if !errors.As(err, &problems) {
		t.Fatalf("no problem in\n%s", content)
	}
	return problems
}

// knownKeys asks the loader which keys it knows.
func knownKeys(t *testing.T, context string) []string {
	t.Helper()
	for _, p := range problemsOf(t, with(context, stranger+": 1")) {
		keys, ok := strings.CutPrefix(p.Hint, "known here: ")
		switch {
		case !strings.HasPrefix(p.Message, "unknown key "):
		case !ok || strings.Contains(keys, "…"):
			t.Errorf("not all keys are listed: %s", p)
		default:
			return strings.Split(keys, ", ")
		}
	}
	t.Errorf("no unknown key in\n%s", context)
	return nil
}

// The schema has the keys of the loader, which lists them when it meets another
// one: neither list is written a second time.
func TestSchemaKeys(t *testing.T) {
	_, objects := schemaObjects(t)
	if len(objects) != len(contexts) {
		t.Errorf("%d objects, %d contexts", len(objects), len(contexts))
	}
	for _, o := range objects {
		known := map[string]bool{}
		for _, context := range contexts[o.place] {
			for _, key := range knownKeys(t, context) {
				known[key] = true
			}
		}
		want, got := slices.Sorted(maps.Keys(known)), slices.Sorted(maps.Keys(o.properties))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: -loader +schema\n%s", o.place, diff)
		}
	}
}

// Every property is documented. Conditions, which repeat a property to restrict
// it, need no words.
func TestSchemaDescriptions(t *testing.T) {
	definitions, objects := schemaObjects(t)
	for _, o := range objects {
		for name, p := range o.properties {
			text, _ := p["description"].(string)
			if len(text) < 15 || !strings.HasSuffix(text, ".") {
				t.Errorf("%q: %s has the description %q", o.place, name, text)
			}
			if _, ref := p["$ref"]; ref {
				t.Errorf("%q: %s has a $ref, beside which draft-07 ignores everything: use allOf", o.place, name)
			}
		}
	}
	// Rules that descriptions name exist.
	rules, err := Rules()
	if err != nil {
		t.Fatal(err)
	}
	inBrackets := regexp.MustCompile(`\(([a-z0-9]+(?:-[a-z0-9]+)+(?:, [a-z0-9-]+)*|hash|incremental)\)`)
	for _, m := range inBrackets.FindAllSubmatch(JSONSchema(), -1) {
		for id := range strings.SplitSeq(string(m[1]), ", ") {
			if _, ok := rules.Find(id); !ok {
				t.Errorf("no rule %q", id)
			}
		}
	}
	if diff := cmp.Diff(rules.ids(), words(definitions, definitions["rule"].(map[string]any))); diff != "" {
		t.Errorf("bring the ids under \"rule\" in scenario.schema.json up to date: -catalogue +schema\n%s", diff)
	}
}

// words are the texts an enum allows, in a property, behind a reference, or
// in a list; other values of an enum are not words.
func words(definitions, schema map[string]any) []string {
	if ref, ok := schema["$ref"].(string); ok {
		name := strings.TrimPrefix(ref, "#/definitions/")
		return words(definitions, definitions[name].(map[string]any))
	}
	var out []string
	for _, v := range list(schema["enum"]) {
		if text, ok := v.(string); ok {
			out = append(out, text)
		}
	}
	for _, keyword := range []string{"anyOf", "allOf"} {
		for _, branch := range list(schema[keyword]) {
			if out == nil {
				out = words(definitions, branch.(map[string]any))
			}
		}
	}
	return out
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// The schema has the words of the loader, which lists them when it meets
// another one.
func TestSchemaWords(t *testing.T) {
	definitions, objects := schemaObjects(t)
	message := regexp.MustCompile(` must be ([^ ].*), but is the text "q+"$`)
	hint := regexp.MustCompile(`^write a status such as 503, or (.*)$`)
	checked := 0
	for _, o := range objects {
		for name, p := range o.properties {
			want := words(definitions, p)
			if want == nil || name == "rule" || name == "rules" || o.place == "destination" && name == "endpoint" {
				continue // the rules are compared elsewhere, and about endpoint the loader says more than its one word
			}
			checked++
			found := false
			for _, context := range contexts[o.place] {
				context = regexp.MustCompile(`\b`+name+`: \w[\w-]*, `).ReplaceAllString(context, "")
				for _, problem := range problemsOf(t, with(context, name+": "+stranger)) {
					m := message.FindStringSubmatch(problem.Message)
					if m != nil && m[1] == "a status or a word" {
						m = hint.FindStringSubmatch(problem.Hint)
					}
					if m == nil {
						continue
					}
					got := strings.Split(strings.ReplaceAll(m[1], " or ", ", "), ", ")
					found = found || slices.Equal(got, want)
				}
			}
			if !found {
				t.Errorf("%q: the loader has other words for %s than %v", o.place, name, want)
			}
		}
	}
	if checked < 15 {
		t.Errorf("only %d properties have words", checked)
	}
}

// The schema has the limits of the loader's whole numbers. Where the kinds of
// an object differ, those of one of them.
func TestSchemaLimits(t *testing.T) {
	_, objects := schemaObjects(t)
	message := regexp.MustCompile(` must be a whole number from (\d+) to (\d+), but is the text "q+"$`)
	checked := 0
	for _, o := range objects {
		for name, p := range o.properties {
			if p["type"] != "integer" {
				continue
			}
			checked++
			want, found := fmt.Sprint(p["minimum"], " to ", p["maximum"]), []string{}
			for _, context := range contexts[o.place] {
				for _, problem := range problemsOf(t, with(context, name+": "+stranger)) {
					if m := message.FindStringSubmatch(problem.Message); m != nil {
						found = append(found, m[1]+" to "+m[2])
					}
				}
			}
			if !slices.Contains(found, want) {
				t.Errorf("%q: the loader takes %s from %v, the schema from %s", o.place, name, found, want)
			}
		}
	}
	if checked < 6 {
		t.Errorf("only %d whole numbers", checked)
	}
}

// A default of the schema is what the loader takes for a key left out.
func TestSchemaDefaults(t *testing.T) {
	_, objects := schemaObjects(t)
	ignored := cmp.Options{cmpopts.IgnoreTypes(Position{}), cmpopts.IgnoreUnexported(Scenario{})}
	checked := 0
	for _, o := range objects {
		for name, p := range o.properties {
			value, ok := p["default"]
			if !ok {
				continue
			}
			checked++
			text, err := json.Marshal(value) // JSON is YAML
			if err != nil {
				t.Fatal(err)
			}
			context := contexts[o.place][0]
			without, err := Parse("probe.yaml", with(context, ""))
			if err != nil {
				t.Fatal(err)
			}
			given, err := Parse("probe.yaml", with(context, name+": "+string(text)))
			if err != nil {
				t.Errorf("%q: %s: %v", o.place, name, err)
				continue
			}
			if diff := cmp.Diff(without, given, ignored); diff != "" {
				t.Errorf("%q: the default of %s is not %s: -left out +given\n%s", o.place, name, text, diff)
			}
		}
	}
	if checked < 25 {
		t.Errorf("only %d defaults", checked)
	}
}

// Examples are what a reader copies, and defaults what an editor fills in.
func TestSchemaExamples(t *testing.T) {
	root, compile := compiler(t)
	checked := 0
	var check func(place string, schema map[string]any)
	check = func(place string, schema map[string]any) {
		values := slices.Clone(list(schema["examples"]))
		if value, ok := schema["default"]; ok {
			values = append(values, value)
		}
		for _, value := range values {
			checked++
			if err := compile(place).Validate(value); err != nil {
				t.Errorf("%s: %v", place, err)
			}
		}
		for _, below := range []string{"properties", "definitions"} {
			inner, _ := schema[below].(map[string]any)
			for name, s := range inner {
				check(place+"/"+below+"/"+name, s.(map[string]any))
			}
		}
	}
	check("", root)
	if checked < 60 {
		t.Errorf("only %d examples", checked)
	}
}
