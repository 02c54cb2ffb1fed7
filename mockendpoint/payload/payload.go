// Package payload reports whether the body of a data call is what an export
// looks like, by a JSON Schema that shares nothing with the engine, or by one
// of the user's own.
package payload

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/httpdest/httpdest/internal/strictjson"
)

//go:embed export.schema.json
var export []byte

// JSONSchema is the shipped schema of the export body: R33–R36, R40 and
// R57–R78, as far as a schema can say them.
func JSONSchema() []byte { return bytes.Clone(export) }

// Schema is a compiled JSON Schema. It is safe for concurrent use.
type Schema struct{ compiled *jsonschema.Schema }

// Export is the shipped schema.
var Export = sync.OnceValue(func() *Schema {
	s, err := Compile("export.schema.json", export)
	if err != nil {
		panic("payload: the shipped schema: " + err.Error()) // shipped with us and tested
	}
	return s
})

// Compile compiles a schema of the user's own; name is the file it came from.
// References must stay within the document: nothing is loaded from files or
// from the network.
func Compile(name string, content []byte) (*Schema, error) {
	document, err := strictjson.Decode(content)
	if err != nil {
		return nil, fmt.Errorf("%s is not JSON: %w", name, err)
	}
	place := "schema:///" + strings.TrimLeft(name, "/")
	c := jsonschema.NewCompiler()
	c.UseLoader(nowhere{})
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource(place, document); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	compiled, err := c.Compile(place)
	if err != nil {
		return nil, fmt.Errorf("%s is not a JSON Schema: %w", name, err)
	}
	return &Schema{compiled}, nil
}

// nowhere loads nothing.
type nowhere struct{}

func (nowhere) Load(url string) (any, error) {
	return nil, errors.New("a schema must not refer to another document: " + url)
}

// Check returns what is wrong with a body, and where, as a JSON pointer; nil
// for a valid body. The text holds names of the body, never its values, which
// may be anybody's personal data. A body that is not acceptable JSON has an
// error that wraps a *strictjson.Error.
func (s *Schema) Check(body []byte) error {
	value, err := strictjson.Decode(body)
	if err != nil {
		return fmt.Errorf("the body: %w", err)
	}
	err = s.compiled.Validate(bounded(value))
	if err == nil {
		return nil
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return err
	}
	leaf := deepest(invalid, 0).error
	return fmt.Errorf("%s: %s", pointer(leaf.InstanceLocation), reason(leaf.ErrorKind))
}

type found struct {
	error *jsonschema.ValidationError
	depth int
}

// deepest is the error furthest within the body: of several alternatives the
// one that went furthest is the one that was meant.
func deepest(e *jsonschema.ValidationError, depth int) found {
	best := found{e, len(e.InstanceLocation)}
	if len(e.Causes) > 0 {
		best.depth = -1 // only sums up what is below it
	}
	for _, cause := range e.Causes {
		if f := deepest(cause, depth+1); f.depth > best.depth {
			best = f
		}
	}
	return best
}

func pointer(location []string) string {
	if len(location) == 0 {
		return "the body"
	}
	escape := strings.NewReplacer("~", "~0", "/", "~1")
	var b strings.Builder
	for _, token := range location {
		b.WriteString("/" + escape.Replace(token))
	}
	return b.String()
}

var english = message.NewPrinter(language.English)

// reason is the problem, without the value.
func reason(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Pattern:
		return "does not match pattern " + k.Want
	case *kind.Enum:
		return fmt.Sprintf("is not one of %v", k.Want)
	case *kind.Const:
		return fmt.Sprintf("is not %v", k.Want)
	case *kind.Format:
		return "is not a valid " + k.Want
	case *kind.FalseSchema:
		return "is not allowed"
	case *kind.Minimum:
		return "is less than " + k.Want.RatString()
	case *kind.ExclusiveMinimum:
		return "is not more than " + k.Want.RatString()
	case *kind.Maximum:
		return "is more than " + k.Want.RatString()
	case *kind.ExclusiveMaximum:
		return "is not less than " + k.Want.RatString()
	case *kind.MultipleOf:
		return "is not a multiple of " + k.Want.RatString()
	case *kind.Reference, *kind.Schema, *kind.Group, *kind.AllOf, *kind.AnyOf, *kind.Not, *kind.OneOf:
		return "does not match the schema"
	}
	return k.LocalizedString(english)
}
