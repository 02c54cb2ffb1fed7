package reports

import (
	_ "embed"
	"encoding/json"
	"io"
)

//go:embed report.schema.json
var schema []byte

// JSONSchema is the JSON Schema of report.json.
func JSONSchema() []byte { return append([]byte(nil), schema...) }

// WriteJSON writes report.json.
func WriteJSON(w io.Writer, r *Report) error {
	out := *r
	// A list without entries is a list, not null: tools iterate over it.
	out.Rules, out.Cases = list(r.Rules), list(r.Cases)
	for i := range out.Rules {
		out.Rules[i].Cases = list(out.Rules[i].Cases)
	}
	for i := range out.Cases {
		out.Cases[i].Rules, out.Cases[i].Checks = list(out.Cases[i].Rules), list(out.Cases[i].Checks)
	}
	if out.Metrics == nil {
		out.Metrics = map[string]float64{}
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	return e.Encode(out)
}

// list is a copy that is never nil.
func list[T any](all []T) []T { return append([]T{}, all...) }
