package docs_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/httpdest/httpdest/scenarios"
)

// node is a part of a JSON document.
type node = map[string]any

// decoded is a JSON document.
func decoded(t *testing.T, content []byte) (out node) {
	t.Helper()
	if err := json.Unmarshal(content, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// part is a member of an object that is an object; nil without one.
func part(n node, name string) node {
	out, _ := n[name].(node)
	return out
}

// The keys of a scenario come from the descriptions in its schema.
func TestGeneratedScenarioKeys(t *testing.T) {
	schema := decoded(t, scenarios.JSONSchema())
	var b strings.Builder
	b.WriteString("# Scenario keys: every key of a scenario with its type and default\n" + generatedBy)
	b.WriteString("\nThis list is made from the schema that `httpdest scenario schema` prints.\n`httpdest help scenario-format` explains the format with examples.\n")
	b.WriteString("\n## scenario\n\n")
	keys(&b, "", schema)
	definitions := part(schema, "definitions")
	for _, name := range slices.Sorted(maps.Keys(definitions)) {
		definition := part(definitions, name)
		if len(part(definition, "properties")) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n", name)
		if about, _ := definition["description"].(string); about != "" {
			fmt.Fprintf(&b, "%s\n\n", about)
		}
		keys(&b, "", definition)
	}
	b.WriteString("\n## Types\n\n")
	for _, name := range slices.Sorted(maps.Keys(definitions)) {
		definition := part(definitions, name)
		if about, _ := definition["description"].(string); len(part(definition, "properties")) == 0 && name != "rule" {
			fmt.Fprintf(&b, "- `%s`: %s\n", name, cmp.Or(about, kindOf(definition)))
		}
	}
	current(t, "reference/scenario-keys.md", b.String())
}

// keys lists the properties of an object, and those of objects within.
func keys(b *strings.Builder, above string, object node) {
	properties := part(object, "properties")
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		property := part(properties, name)
		fmt.Fprintf(b, "- `%s%s`", above, name)
		if kind := kindOf(property); kind != "" {
			fmt.Fprintf(b, " (%s)", kind)
		}
		if about, _ := property["description"].(string); about != "" {
			fmt.Fprintf(b, ": %s", about)
		}
		if value, ok := property["default"]; ok {
			text, _ := json.Marshal(value) // it was JSON
			fmt.Fprintf(b, " Default: `%s`.", text)
		}
		b.WriteString("\n")
		keys(b, above+name+".", property)
		keys(b, above+name+"[].", part(property, "items"))
	}
}

// kindOf is the type of a value in a few words.
func kindOf(n node) string {
	if words, ok := n["enum"].([]any); ok {
		var out []string
		for _, w := range words {
			out = append(out, fmt.Sprintf("`%v`", w))
		}
		return strings.Join(out, ", ")
	}
	if ref, ok := n["$ref"].(string); ok {
		return ref[strings.LastIndex(ref, "/")+1:]
	}
	switch kind := n["type"].(type) {
	case string:
		if items := part(n, "items"); kind == "array" && items != nil {
			return strings.TrimSpace("list of " + kindOf(items))
		}
		return kind
	case []any:
		return strings.Trim(fmt.Sprint(kind), "[]")
	}
	for _, form := range []string{"allOf", "anyOf", "oneOf"} {
		var out []string
		all, _ := n[form].([]any)
		for _, x := range all {
			if one, ok := x.(node); ok {
				if kind := kindOf(one); kind != "" && !slices.Contains(out, kind) {
					out = append(out, kind)
				}
			}
		}
		if len(out) > 0 {
			return strings.Join(out, " or ")
		}
	}
	return ""
}

// The admin API of the mock and its metrics are what the OpenAPI document and the
// code say of them.
func TestGeneratedAdminAPI(t *testing.T) {
	content, err := os.ReadFile("../mockendpoint/admin/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	paths := part(decoded(t, content), "paths")
	var b strings.Builder
	b.WriteString("# Admin API: what the admin listener of the mock answers\n" + generatedBy)
	b.WriteString("\nEvery request needs the token that `httpdest mock` prints, or that of `--admin-token`,\nas `Authorization: Bearer`. `/api/v1/openapi.json` describes parameters and bodies.\n\n## Requests\n\n")
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		for _, method := range slices.Sorted(maps.Keys(part(paths, path))) {
			operation := part(part(paths, path), method)
			if operation == nil {
				continue // parameters that all methods share
			}
			statuses := slices.Sorted(maps.Keys(part(operation, "responses")))
			fmt.Fprintf(&b, "- `%s %s`: %v. Answers %s.\n", strings.ToUpper(method), path, operation["summary"], strings.Join(statuses, ", "))
		}
	}
	b.WriteString("\n## Metrics\n\n`/metrics` is in the text format of Prometheus.\n\n")
	found := metrics(t)
	if len(found) < 8 {
		t.Fatalf("found the metrics %v; there are more", found)
	}
	for _, m := range found {
		b.WriteString(m)
	}
	current(t, "reference/admin-api.md", b.String())
}

// metrics reads names, helps and labels from the code that registers them.
func metrics(t *testing.T) (out []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../mockendpoint/admin/metrics.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		var texts []string
		prefix := ""
		switch n := n.(type) {
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "describe" {
				prefix = "httpdest_mock_"
				for _, a := range n.Args {
					texts = append(texts, literal(a))
				}
			}
		case *ast.CompositeLit:
			for _, e := range n.Elts {
				if kv, ok := e.(*ast.KeyValueExpr); ok && (fmt.Sprint(kv.Key) == "Name" || fmt.Sprint(kv.Key) == "Help") {
					texts = append(texts, literal(kv.Value))
				}
			}
		}
		if len(texts) >= 2 {
			line := fmt.Sprintf("- `%s%s`: %s", prefix, texts[0], texts[1])
			if len(texts) > 2 {
				line += " Label: `" + strings.Join(texts[2:], "`, `") + "`."
			}
			out = append(out, line+"\n")
		}
		return true
	})
	return out
}

// literal is the text of a string in the code.
func literal(e ast.Expr) string {
	if l, ok := e.(*ast.BasicLit); ok {
		text, _ := strconv.Unquote(l.Value) // the parser has read it
		return text
	}
	return ""
}
