package docs_test

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The page lists the keys of a report with the descriptions of its schema.
func TestGeneratedReportKeys(t *testing.T) {
	content, err := os.ReadFile("../reports/report.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	schema := decoded(t, content)
	var b strings.Builder
	b.WriteString("# Report keys: every key of report.json\n" + generatedBy)
	b.WriteString("\nThis list is made from the schema that `httpdest report --schema` prints.\n`httpdest help reports` explains the formats.\n")
	b.WriteString("\n## report\n\n")
	keys(&b, "", schema)
	definitions := part(schema, "definitions")
	for _, name := range slices.Sorted(maps.Keys(definitions)) {
		definition := part(definitions, name)
		fmt.Fprintf(&b, "\n## %s\n\n", name)
		if about, _ := definition["description"].(string); about != "" {
			fmt.Fprintf(&b, "%s\n\n", about)
		}
		if len(part(definition, "properties")) == 0 {
			fmt.Fprintf(&b, "%s\n", cmp.Or(kindOf(definition), "object"))
			continue
		}
		keys(&b, "", definition)
	}
	current(t, "reference/report-keys.md", b.String())
}

// The page lists the members of a recording with the comments of its types.
func TestGeneratedRecordingFormat(t *testing.T) {
	types := structsOf(t, "../scenarios/recording")
	line, ok := types["Line"]
	if !ok {
		t.Fatal("package recording has no type Line")
	}
	var b strings.Builder
	b.WriteString("# Recording format: what each line of a recording holds\n" + generatedBy)
	b.WriteString(`
` + "`httpdest run --out DIR`, `httpdest mock --record FILE` and `httpdest judge`" + ` write and read
them: one JSON object per line, with one member whose name is the kind of
the line. Times are in RFC 3339. A recording holds no secret.
`)
	b.WriteString("\nWhere the scenario has several destinations and dataflows, a line may have more members next to it:\n\n")
	for _, field := range fieldsOf(line) {
		if field.of == "" {
			fmt.Fprintf(&b, "- `%s` (%s)%s\n", field.name, field.kind, sentence(field.about, field.name))
		}
	}
	described := map[string]bool{"Line": true}
	var waiting []string
	for _, field := range fieldsOf(line) {
		if field.of == "" {
			continue
		}
		fmt.Fprintf(&b, "\n## `%s`\n", field.name)
		described[field.of] = true
		waiting = append(waiting, describe(&b, types, field.of)...)
	}
	for len(waiting) > 0 {
		name := waiting[0]
		waiting = waiting[1:]
		if described[name] {
			continue
		}
		described[name] = true
		fmt.Fprintf(&b, "\n## %s\n", name)
		waiting = append(waiting, describe(&b, types, name)...)
	}
	if len(described) < 20 {
		t.Errorf("described the types %v; there are more", slices.Sorted(maps.Keys(described)))
	}
	current(t, "reference/recording-format.md", b.String())
}

// structType is a struct of a package, with its doc comment.
type structType struct {
	doc    string
	fields *ast.FieldList
}

// structsOf reads the struct types of a package by their names.
func structsOf(t *testing.T, folder string) map[string]structType {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]structType{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			general, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range general.Specs {
				if named, ok := spec.(*ast.TypeSpec); ok {
					if s, ok := named.Type.(*ast.StructType); ok {
						out[named.Name.Name] = structType{cmp.Or(named.Doc.Text(), general.Doc.Text()), s.Fields}
					}
				}
			}
		}
	}
	return out
}

// member is one field of a struct as JSON has it.
type member struct {
	name, kind, about string
	of                string // the struct it holds; "" for a plain value
	embedded, maybe   bool
}

// fieldsOf lists the members of a struct in their order.
func fieldsOf(s structType) (out []member) {
	for _, f := range s.fields.List {
		var m member
		m.kind, m.of = typeText(f.Type)
		m.about = strings.Join(strings.Fields(f.Doc.Text()+" "+f.Comment.Text()), " ")
		if f.Tag != nil {
			tag, _ := strconv.Unquote(f.Tag.Value) // the parser has read it
			name, options, _ := strings.Cut(reflect.StructTag(tag).Get("json"), ",")
			m.name, m.maybe = name, options != ""
		}
		if m.embedded = len(f.Names) == 0; m.name != "-" && (m.embedded || m.name != "") {
			out = append(out, m)
		}
	}
	return out
}

// typeText is a Go type in the words of JSON, and the struct that it names.
func typeText(e ast.Expr) (text, of string) {
	switch e := e.(type) {
	case *ast.StarExpr:
		return typeText(e.X)
	case *ast.ArrayType:
		text, of = typeText(e.Elt)
		return "list of " + text, of
	case *ast.MapType:
		text, of = typeText(e.Value)
		return "object of " + text, of
	case *ast.SelectorExpr:
		return map[string]string{"Time": "time", "RawMessage": "any value"}[e.Sel.Name], ""
	case *ast.Ident:
		switch e.Name {
		case "int", "int64", "uint64":
			return "integer", ""
		case "float64":
			return "number", ""
		case "bool":
			return "boolean", ""
		case "string":
			return "string", ""
		}
		return e.Name, e.Name
	}
	return "", ""
}

// describe writes the members of a struct and returns the structs they hold.
func describe(b *strings.Builder, types map[string]structType, name string) (further []string) {
	s := types[name]
	fmt.Fprintf(b, "\n%s\n\n", strings.Join(strings.Fields(s.doc), " "))
	for _, m := range fieldsOf(s) {
		if m.embedded {
			for _, inner := range fieldsOf(types[m.of]) {
				fmt.Fprintf(b, "- `%s` (%s)%s\n", inner.name, inner.kind, sentence(inner.about, inner.name))
			}
			continue
		}
		kind := m.kind
		if m.maybe {
			kind += ", may be absent"
		}
		fmt.Fprintf(b, "- `%s` (%s)%s\n", m.name, kind, sentence(m.about, m.name))
		if m.of != "" {
			further = append(further, m.of)
		}
	}
	return further
}

// sentence is a comment behind a colon, without the name of the field that it
// begins with; "" stays empty.
func sentence(about, name string) string {
	if about == "" {
		return ""
	}
	return ": " + strings.TrimPrefix(about, strings.ToUpper(name[:1])+name[1:]+" is ")
}
